"""The hardness proofs of the paper's Section 3 as generators of instances, with both directions as code.

Every step of a proof is a :class:`~qnnt.reductions.base.Reduction`; steps chain by ``then``. The catalogue
names the chains and reads and writes what a generated instance says of its own origin.
"""
