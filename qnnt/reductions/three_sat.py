"""Theorem 4: 2-QNNT is NP-hard even if α = 2, ℓ = 0, |D| = 3 and depth = 1. From 3-SAT.

**Construction.** Two inputs ``z1``, ``z2``; for each variable i two hidden neurons ``x<i>`` and ``~x<i>``,
fed by both inputs, and an output ``v<i>`` fed by these two; for each clause j an output ``c<j>`` fed by the
hidden neurons of its literals. Data, as (z1, z2) ↦ (all v, all c): verifiers (1, 0) ↦ (0, 1) and
(0, 1) ↦ (0, 1), choice (1, 1) ↦ (1, 1).

**⇒** All weights are 1, and so is the bias of every v and of the hidden neurons of false literals; all other
biases are 0. On a verifier exactly the hidden neurons of true literals are 1, so every v is 1 - 1 = 0 and
every c is 1; on (1, 1) all hidden neurons are 1.

**⇐** On (1, 0) at most one of x<i>, ~x<i> is 1: with both, v<i> would have the same sum as on (1, 1), where
it must be 1. Every c<j> is 1, so one of its hidden neurons is. Variable i is *true* iff x<i> is 1.

Both directions hold for clauses of any length ≥ 1: repeated literals are one arc, and a tautology has a true
literal always. Chain :mod:`~qnnt.reductions.exactly_three` before it for the theorem's three literals.
"""

from __future__ import annotations

import numpy as np

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.reductions.base import Lift, Reduction
from qnnt.reductions.exactly_three import EXACTLY_THREE
from qnnt.reductions.literals import literal_names, output_arcs, output_names
from qnnt.reductions.sources.cnf import Assignment, Cnf


def apply(source: Cnf) -> tuple[Instance, Lift[Network, Assignment]]:
    """The instance and its lift; raises :class:`InputError` for an empty clause or no variable at all."""
    architecture = _architecture(source)  # first, as it declines what is too large
    n, m = source.n_variables, len(source.clauses)
    labels = np.repeat([[0, 1], [0, 1], [1, 1]], [n, m], axis=1).astype(np.int8)
    dataset = Dataset(np.array([[1, 0], [0, 1], [1, 1]], dtype=np.int8), labels)

    def lift(network: Network) -> Assignment:
        return np.asarray(network.activations([[1, 0]])[1][0, ::2] == 1)

    return Instance(Domain(2), architecture, dataset), lift


def plant(source: Cnf, solution: Assignment) -> Network:
    """The network of a satisfying assignment; raises :class:`InputError` if it is none."""
    if not source.accepts(solution):
        raise InputError("solution", "does not satisfy the formula")
    architecture = _architecture(source)
    hidden = np.column_stack([~solution, solution]).ravel()
    outputs = np.repeat([1, 0], [source.n_variables, len(source.clauses)])
    weights = np.ones(architecture.n_arcs, dtype=np.int64)
    return Network(architecture, Domain(2), weights, np.concatenate([hidden, outputs]))


def _architecture(source: Cnf) -> Architecture:
    hidden = literal_names(source)
    n = len(hidden)
    inputs = np.column_stack([np.tile([0, 1], n), 2 + np.repeat(np.arange(n), 2)])
    layers = [["z1", "z2"], hidden, output_names("v", source)]
    return Architecture(layers, np.vstack([inputs, output_arcs(source, 2)]))


THREE_SAT = Reduction(apply, plant)
ANY_CNF = EXACTLY_THREE.then(THREE_SAT)
