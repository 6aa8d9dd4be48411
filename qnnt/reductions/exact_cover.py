"""Theorem 1: 2-QNNT is NP-hard even if ℓ = 0 and a single output is the only neuron. From Exact Set Cover.

**Construction.** An input ``S<j>`` for each set, three more inputs ``S*``, ``x1``, ``x2``, and one output
``z`` fed by all. For each element u two points, with 1 in the sets of u and x1 = x2 = 0: S* = 0 ↦ 0
and S* = 1 ↦ 1. Three points with 0 in all sets and in S*: (x1, x2) = (0, 1) ↦ 0, (1, 0) ↦ 0, (1, 1) ↦ 1.

**⇒** Weight 1 for the sets of the cover and for S*, x1, x2, weight 0 for the others, bias 1. A point of u is
summed up to (number of chosen sets with u) + S* - 1 = S*.

**⇐** The last three points force the bias to be 1. S* = 0 ↦ 0 says that at most one set of weight 1 contains
u, S* = 1 ↦ 1 that at least one does. The cover is the sets of weight 1.

An element in no set has S* = 1 ↦ 1 unreachable; a set without elements may have either weight; equal sets are
different inputs.
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
from qnnt.reductions.sources.sets import Chosen, ExactCover
from qnnt.sizes import require_room


def apply(source: ExactCover) -> tuple[Instance, Lift[Network, Chosen]]:
    """The instance and its lift; :class:`InputError` if it is beyond the cap of :mod:`qnnt.sizes`."""
    elements, sets = source.n_elements, len(source.sets)
    require_room(8 * (2 * elements + 3) * (sets + 4), "elements", "the data points for all sets need")
    inputs = np.zeros((2 * elements + 3, sets + 3), dtype=np.int8)
    labels = np.zeros((2 * elements + 3, 1), dtype=np.int8)
    inputs[:-3:2, :-3] = inputs[1:-3:2, :-3] = source.incidence.T
    inputs[1:-3:2, -3] = labels[1:-3:2, 0] = 1
    inputs[-3:, -2:] = [[0, 1], [1, 0], [1, 1]]
    labels[-1] = 1

    def lift(network: Network) -> Chosen:
        return np.flatnonzero(network.weights[:-3])

    return Instance(Domain(2), _architecture(source), Dataset(inputs, labels)), lift


def plant(source: ExactCover, solution: Chosen) -> Network:
    """The network of an exact cover; raises :class:`InputError` if it is none."""
    if not source.accepts(solution):
        raise InputError("solution", "is no exact cover")
    weights = np.ones(len(source.sets) + 3, dtype=np.int64)
    weights[:-3] = np.isin(np.arange(len(source.sets)), solution)
    return Network(_architecture(source), Domain(2), weights, np.ones(1, dtype=np.int64))


def _architecture(source: ExactCover) -> Architecture:
    layers = [[*(f"S{j}" for j in range(1, len(source.sets) + 1)), "S*", "x1", "x2"], ["z"]]
    return Architecture.full(layers)


EXACT_COVER = Reduction(apply, plant)
