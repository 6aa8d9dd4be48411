"""Outputs that need not be trained, unless the number of errors is to be met exactly.

Both steps remove outputs. That makes no network worse, as a point is right if all of its outputs are. Under
``Exactly`` fewer errors are no gain, so both leave such an instance as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qnnt.domain import IntArray
from qnnt.instance import Instance
from qnnt.presolve.removal import Restored, unchanged, without


@dataclass(frozen=True)
class IdenticalOutputs:
    """Keeps one of the outputs that have the same sources and the same labels on all points.

    The lift gives the others its parameters, so that they are right wherever it is.
    """

    def apply(self, source: Instance) -> tuple[Instance, Restored]:
        """The instance with fewer outputs, and the lift."""
        architecture, last = source.architecture, source.architecture.connections[-1]
        if source.goal.exact or architecture.omega == 1:
            return unchanged(source)
        columns = np.ascontiguousarray(source.dataset.labels.T)
        kept = np.ones(architecture.omega, dtype=bool)
        copied = np.full(architecture.n_parameters, -1, dtype=np.int64)
        first: dict[tuple[bytes, bytes], int] = {}
        bias = architecture.n_arcs + last.first_bias
        for j in range(architecture.omega):
            one = first.setdefault((columns[j].tobytes(), last.sources(j).tobytes()), j)
            if one != j:
                kept[j] = False
                copied[last.arcs(j)] = np.arange(architecture.n_arcs)[last.arcs(one)]
                copied[bias + j] = bias + one
        if kept.all():
            return unchanged(source)
        return without(source, np.ones(architecture.n_arcs, dtype=bool), kept, copied=copied)


@dataclass(frozen=True)
class ConstantOutputs:
    """Removes outputs that have one label on all points, which they show with weights 0 and some bias.

    The lift gives them these parameters. One output stays, even if all are such.
    """

    def apply(self, source: Instance) -> tuple[Instance, Restored]:
        """The instance with fewer outputs, and the lift."""
        architecture, last = source.architecture, source.architecture.connections[-1]
        labels = source.dataset.labels
        if source.goal.exact or architecture.omega == 1 or not len(labels):
            return unchanged(source)
        biases = [None if several else _bias(source, label) for several, label in _first_labels(labels)]
        kept = np.array([bias is None for bias in biases])
        kept[0] |= not kept.any()
        if kept.all():
            return unchanged(source)
        constants = np.zeros(architecture.n_parameters, dtype=np.int64)
        constants[architecture.n_arcs + last.first_bias :] = [bias or 0 for bias in biases]
        return without(source, np.ones(architecture.n_arcs, dtype=bool), kept, constants)


def _first_labels(labels: IntArray) -> Iterator[tuple[bool, int]]:
    """For each output, whether it has several labels, and the first."""
    yield from zip((labels != labels[0]).any(axis=0).tolist(), labels[0].tolist(), strict=True)


def _bias(instance: Instance, label: int) -> int | None:
    """The greatest bias with which an output whose weights are 0 shows the label, or None."""
    domain, output = instance.domain, instance.activation.output
    level = int(output.levels_of(np.array(label)))
    if level < 0:
        return None
    # The pre-activation is minus the bias: at least the threshold of the level, below the next one.
    least = max(-domain.hi, int(output.thresholds[level - 1])) if level else -domain.hi
    below = int(output.thresholds[level]) if level < output.top else 1 - domain.lo
    return -least if least <= -domain.lo and least < below else None
