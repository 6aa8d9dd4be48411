"""Independent checks.

The replay, the proof checker and the dynamic program import no encoder and no backend, so that they catch
their mistakes. Two files run backends: ``agreement`` holds their answers against each other and against the
source of an instance, ``plain`` has a claim refuted over a second encoding.
"""
