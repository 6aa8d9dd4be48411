"""Independent checks.

The replay, the proof checker and the dynamic program import no encoder and no backend, so that they catch
their mistakes. Only ``agreement`` runs backends: it holds their answers against each other and against the
source of an instance.
"""
