"""Neurons that show 0 on all points, whatever the parameters are: inputs that are 0, and neurons behind them.

**Why it is exact.** An arc from such a neuron adds 0 to every pre-activation, so its weight changes nothing.
Nor do the parameters of neurons that lead to nothing else. A network of the target has as many errors as any
network of the source that agrees with it in the parameters of both.

**How they are found.** On each point every neuron has an interval that holds its values under all parameters:
from those of its sources, weights and the bias anywhere in Z_d. The intervals of inputs are single values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qnnt.architecture import Connection
from qnnt.instance import Instance
from qnnt.presolve.removal import Flags, Ints, Restored, unchanged, without

_BLOCK = 4096  # points looked at together


@dataclass(frozen=True)
class SilentNeurons:
    """Removes the arcs of neurons that always show 0, and neurons that only these arcs connect to outputs.

    A neuron all of whose sources are silent keeps the arc from the first of them.
    """

    def apply(self, source: Instance) -> tuple[Instance, Restored]:
        """The smaller instance, and the lift, which gives removed parameters the value 0."""
        architecture = source.architecture
        kept = np.ones(architecture.n_arcs, dtype=bool)
        for connection, silent in zip(architecture.connections, silent_neurons(source), strict=True):
            loud = ~silent[connection.source]
            first = connection.starts[:-1]
            loud[first[~np.logical_or.reduceat(loud, first)]] = True
            kept[connection.all_arcs] = loud
        if kept.all():
            return unchanged(source)
        return without(source, kept, np.ones(architecture.omega, dtype=bool))


def silent_neurons(instance: Instance) -> list[Flags]:
    """For each layer but the last, which of its neurons always show 0 on the points that count.

    A point whose label no output shows does not count.
    """
    choices = instance.choices
    inputs = choices.inputs[np.unique(choices.of)]
    silent: list[Flags] = [np.logical_not(inputs.any(axis=0))]
    silent += [np.ones(c.n_target, dtype=bool) for c in instance.architecture.connections[:-1]]
    for start in range(0, len(inputs), _BLOCK):
        if not any(layer.any() for layer in silent[1:]):
            break
        intervals = _hidden_intervals(instance, inputs[start : start + _BLOCK].astype(np.int64))
        for layer, (least, most) in zip(silent[1:], intervals, strict=True):
            layer &= ~(least.any(axis=0) | most.any(axis=0))
    return silent


def _hidden_intervals(instance: Instance, inputs: Ints) -> Iterator[tuple[Ints, Ints]]:
    """The least and the most (n, neurons) that hidden neurons can show on inputs (n, α), layer by layer."""
    domain, (*connections, _) = instance.domain, instance.architecture.connections
    least = most = inputs
    alike = False  # whether the layer has the arcs and intervals of the one before, as in deep nets
    for position, (connection, activation) in enumerate(zip(connections, instance.activations, strict=False)):
        if alike and _same_arcs(connections[position - 1], connection):
            yield least, most
            continue
        # A weight times a value is extreme where both are.
        low = np.minimum(domain.lo * most, domain.hi * least)
        high = np.maximum(domain.hi * most, domain.lo * least)
        known: dict[bytes, tuple[Ints, Ints]] = {}  # most neurons of a layer see the same sources
        columns = []
        for j in range(connection.n_target):
            sources = connection.sources(j)
            key = sources.tobytes()
            if key not in known:
                known[key] = (
                    activation(low[:, sources].sum(axis=1) - domain.hi),
                    activation(high[:, sources].sum(axis=1) - domain.lo),
                )
            columns.append(known[key])
        before = least, most
        least, most = (np.stack([column[side] for column in columns], axis=1) for side in (0, 1))
        alike = np.array_equal(before, (least, most))
        yield least, most


def _same_arcs(one: Connection, other: Connection) -> bool:
    return np.array_equal(one.source, other.source) and np.array_equal(one.target, other.target)
