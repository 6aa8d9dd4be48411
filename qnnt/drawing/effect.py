"""Which parts of a network can have an effect on its outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activations
from qnnt.architecture import Architecture
from qnnt.domain import Domain, IntArray

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Effect:
    """``arcs`` (A,) and, of each layer, ``neurons``: False where nothing depends on them.

    ``constants``, of each layer, holds the value that a neuron shows on every input, None for others. Values
    are bounded by intervals, so that a dead part may be taken for a live one, but no live one for a dead one.
    """

    arcs: Bools
    neurons: tuple[Bools, ...]
    constants: tuple[tuple[int | None, ...], ...]


def effect(
    architecture: Architecture, domain: Domain, activation: Activations, weights: IntArray, biases: IntArray
) -> Effect:
    """The effect of each part, for inputs anywhere in the domain; ``weights`` (A,), ``biases`` (H,)."""
    low, high = (np.full(architecture.alpha, end, dtype=np.int64) for end in (domain.lo, domain.hi))
    bounds = [(low, high)]
    activations = activation.each(architecture.depth)
    for connection, own in zip(architecture.connections, activations, strict=True):
        w, bias = weights[connection.all_arcs], biases[connection.biases]
        ends = np.sort([w * low[connection.source], w * high[connection.source]], axis=0)
        low, high = (own(np.add.reduceat(each, connection.starts[:-1]) - bias) for each in ends)
        bounds.append((low, high))
    fixed = [low == high for low, high in bounds]
    arcs = np.zeros(architecture.n_arcs, dtype=bool)
    neurons = [~fixed[-1]]
    for i, connection in reversed(list(enumerate(architecture.connections))):
        silent = fixed[i] & (bounds[i][0] == 0)
        live = weights[connection.all_arcs] != 0
        live &= neurons[0][connection.target] & ~fixed[i + 1][connection.target] & ~silent[connection.source]
        arcs[connection.all_arcs] = live
        neurons.insert(0, np.bincount(connection.source[live], minlength=connection.n_source) > 0)
    constants = tuple(
        tuple(int(v) if f else None for v, f in zip(low, each, strict=True))
        for (low, _), each in zip(bounds, fixed, strict=True)
    )
    return Effect(arcs, tuple(neurons), constants)
