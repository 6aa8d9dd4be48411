"""Theorem 2: 2-QNNT is NP-hard even if ℓ = 0, |D| ≤ 4 and all degrees are constant. From (3,B2)-SAT.

**Construction.** For each literal l, of the form ``x<i>`` or ``~x<i>``: an original input ``l^1``, a fake
input ``l^2`` and a hidden neuron ``l^3`` fed by both. For each variable an output ``x<i>*`` fed by its two
hidden neurons; for each clause an output ``c<j>`` fed by those of its literals. One hidden layer, out-degrees
≤ 3 as every literal occurs twice, in-degrees ≤ 3 (the statement says 2; a clause has three literals).
Data, as (original positive, original negative, fake positive, fake negative) ↦ (variables, clauses):

* all fake (0, 0, 1, 1) ↦ (1, 1); assignment (1, 1, 0, 0) ↦ (0, 1);
* true fake (0, 0, 1, 0) ↦ (0, 1 for the clauses with a positive literal);
* false fake (0, 0, 0, 1) ↦ (0, 1 for the clauses with a negative literal).

**⇒** All weights are 1 but those of the original inputs of false literals, which are 0; the biases of the
variables' outputs are 1, all others 0. Then a hidden neuron passes on its fake input, and on the assignment
point it is 1 iff its literal is true.

**⇐** The first three points force, for each variable, the weights from its fake inputs and to its output to
be 1, hidden biases to be 0 and the output's bias to be 1. On the assignment point x<i>* is 0, so not both
hidden neurons are 1, and every clause has a hidden neuron that is 1. Variable i
is *true* iff x<i>^1 has weight 1.

Both directions hold for clauses of any length ≥ 1 and any number of occurrences; only the degrees need the
source to be (3,B2). Chain :mod:`~qnnt.reductions.balance` before it for that.
"""

from __future__ import annotations

import numpy as np

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.reductions.balance import BALANCE
from qnnt.reductions.base import Lift, Reduction
from qnnt.reductions.exactly_three import EXACTLY_THREE
from qnnt.reductions.literals import literal_names, output_arcs, output_names
from qnnt.reductions.sources.cnf import Assignment, Cnf


def apply(source: Cnf) -> tuple[Instance, Lift[Network, Assignment]]:
    """The instance and its lift; raises :class:`InputError` for an empty clause or no variable at all."""
    architecture = _architecture(source)
    n, m = source.n_variables, len(source.clauses)
    # Inputs by literal: the original ones, then the fake ones, positive and negative in turn.
    original, positive = np.arange(4 * n) < 2 * n, np.arange(4 * n) % 2 == 0
    inputs = np.array([~original, ~original & positive, ~original & ~positive, original], dtype=np.int8)
    labels = np.zeros((4, n + m), dtype=np.int8)
    labels[0] = labels[3, n:] = 1
    literals = source.clauses.values
    labels[1, n:] = source.clauses.count(literals > 0) > 0
    labels[2, n:] = source.clauses.count(literals < 0) > 0

    def lift(network: Network) -> Assignment:
        # The arcs into l^3 come in pairs, l^1 before l^2; those of x<i>^3 and ~x<i>^3 follow each other.
        return np.asarray(network.weights[: 4 * n : 4] == 1)

    return Instance(Domain(2), architecture, Dataset(inputs, labels)), lift


def plant(source: Cnf, solution: Assignment) -> Network:
    """The network of a satisfying assignment; raises :class:`InputError` if it is none."""
    if not source.accepts(solution):
        raise InputError("solution", "does not satisfy the formula")
    architecture = _architecture(source)
    weights = np.ones(architecture.n_arcs, dtype=np.int64)
    weights[: 4 * len(solution) : 2] = np.column_stack([solution, ~solution]).ravel()
    hidden = np.zeros(2 * source.n_variables, dtype=np.int64)
    outputs = np.repeat([1, 0], [source.n_variables, len(source.clauses)])
    return Network(architecture, Domain(2), weights, np.concatenate([hidden, outputs]))


def _architecture(source: Cnf) -> Architecture:
    literals = literal_names(source)
    original, fake, hidden = ([name + mark for name in literals] for mark in ("^1", "^2", "^3"))
    n = len(literals)
    inputs = np.column_stack([np.arange(2 * n).reshape(2, n).T.ravel(), 2 * n + np.repeat(np.arange(n), 2)])
    layers = [original + fake, hidden, output_names("x", source, "*")]
    return Architecture(layers, np.vstack([inputs, output_arcs(source, 2 * n)]))


BALANCED_SAT = Reduction(apply, plant)
ANY_CNF = EXACTLY_THREE.then(BALANCE).then(BALANCED_SAT)
