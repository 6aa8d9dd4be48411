"""Replays a network on the data, neuron by neuron from the definition (paper, Section 2)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.dataset import Dataset
from qnnt.exceptions import InputError
from qnnt.instance import Instance
from qnnt.network import Network

_FEW = 8  # thresholds that are looked at one after another


@dataclass(frozen=True)
class Check:
    """``errors`` counts wrong data points with repetitions; ``wrong`` (r,) are the wrong rows of ``dataset``.

    ``outputs`` (N, ω) is what the network says on each row; ``meets_goal`` whether the count meets the goal.
    """

    errors: int
    total: int
    wrong: npt.NDArray[np.int64]
    outputs: npt.NDArray[np.int64]
    meets_goal: bool
    dataset: Dataset

    def points(self, most: int | None = None) -> list[dict[str, Any]]:
        """The wrong rows, or the first few: where, how often, input, label and the network's output."""
        return [
            {
                "row": int(row),
                "count": int(self.dataset.counts[row]),
                "x": self.dataset.inputs[row].tolist(),
                "y": self.dataset.labels[row].tolist(),
                "output": self.outputs[row].tolist(),
            }
            for row in self.wrong[:most]
        ]

    def as_dict(self) -> dict[str, Any]:
        """The object that ``qnnt check --json`` prints."""
        return {
            "errors": self.errors,
            "total": self.total,
            "meets_goal": self.meets_goal,
            "wrong": self.points(),
        }


def check(instance: Instance, network: Network) -> Check:
    """Count the data points of the instance that the network gets wrong.

    Uses only the names in the architecture and the thresholds and values of the activations, one neuron at a
    time. Raises :class:`InputError` if the network is over another domain or architecture, or has another
    activation, or if both come from tables that were encoded differently.
    """
    if network.domain != instance.domain:
        raise InputError("network", f"is over {network.domain}, the instance over {instance.domain}")
    if network.architecture != instance.architecture:
        raise InputError("network", "has another architecture than the instance")
    if network.activation != instance.activation:
        said = f"has the activation {network.activation}, the instance {instance.activation}"
        raise InputError("network", said)
    if network.encoding and instance.encoding and network.encoding != instance.encoding:
        said = f"was trained on a table of another encoding: {_differing(network, instance)}"
        raise InputError("network", said)
    layers, hidden, output = (
        network.architecture.layers,
        instance.activation.hidden,
        instance.activation.output,
    )
    rows = instance.dataset.inputs
    value = {name: rows[:, i].astype(np.int64) for i, name in enumerate(layers[0])}
    neurons = [name for layer in layers[1:] for name in layer]
    before = {name: np.full(len(rows), -int(b)) for name, b in zip(neurons, network.biases, strict=True)}
    # Arcs are sorted by target, layer by layer: a target's arcs are complete before it is used as a source.
    for (source, target), weight in zip(network.architecture.arcs, network.weights, strict=True):
        if source not in value:
            value[source] = _activate(before.pop(source), hidden)
        before[target] += int(weight) * value[source]
    outputs = np.column_stack([_activate(before[name], output) for name in layers[-1]])
    right = np.ones(len(rows), dtype=bool)
    for i in range(len(layers[-1])):
        right &= outputs[:, i] == instance.dataset.labels[:, i]
    wrong = np.flatnonzero(~right)
    errors = sum(int(c) for c in instance.dataset.counts[wrong])
    goal_met = instance.goal.accepts(errors)
    return Check(errors, instance.dataset.total, wrong, outputs, goal_met, instance.dataset)


def _differing(network: Network, instance: Instance) -> str:
    """The first column whose encodings differ."""
    ours, theirs = (
        {column["column"]: column for side in ("columns", "targets") for column in (each or {}).get(side, [])}
        for each in (instance.encoding, network.encoding)
    )
    names = [name for name in {**theirs, **ours} if ours.get(name) != theirs.get(name)]
    return f"column {names[0]!r} differs" if names else "the columns come in another order"


def _activate(before: npt.NDArray[np.int64], activation: Activation) -> npt.NDArray[np.int64]:
    """The value after the last threshold that is reached."""
    if len(activation.thresholds) <= _FEW:
        shown = np.full(len(before), activation.values[0])
        for threshold, value in zip(activation.thresholds, activation.values[1:], strict=True):
            shown[before >= threshold] = value
        return shown
    distinct, place = np.unique(before, return_inverse=True)
    values = [activation.values[bisect_right(activation.thresholds, z)] for z in distinct.tolist()]
    return np.array(values, dtype=np.int64)[place]
