"""Presolve steps for tests: small, real, and importable by a worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.rowcodes import distinct_rows


@dataclass(frozen=True)
class MergeRows:
    """Rows that occur several times become one row with their counts; networks stay what they are."""

    def apply(self, source: Instance) -> tuple[Instance, Callable[[Network], Network]]:
        data = source.dataset
        rows, of = distinct_rows(np.column_stack([data.inputs, data.labels]).astype(np.int64))
        counts = np.bincount(of, weights=data.counts, minlength=len(rows)).astype(np.int64)
        merged = Dataset(rows[:, : data.alpha], rows[:, data.alpha :], counts)
        return replace(source, dataset=merged), _same


def _same(network: Network) -> Network:
    return network


@dataclass(frozen=True)
class DropZeroInputs:
    """Inputs that are 0 on all points go, with their arcs, unless a neuron or the layer would have none left.

    The lift gives their arcs weight 0; ``plant`` leaves their arcs out.
    """

    def apply(self, source: Instance) -> tuple[Instance, Restored]:
        layers, arcs = source.architecture.layers, source.architecture.arcs
        zero = ~source.dataset.inputs.any(axis=0)
        kept = {name for name, unused in zip(layers[0], zero, strict=True) if not unused}
        for target in layers[1]:
            sources = [a for a, b in arcs if b == target]
            if not kept.intersection(sources):
                kept.add(sources[0])
        stays = np.array([name in kept for name in layers[0]])
        inner = [arc for arc in arcs if arc[0] in kept or arc[0] not in layers[0]]
        smaller = Architecture([[name for name in layers[0] if name in kept], *layers[1:]], inner)
        data = source.dataset
        target = replace(
            source,
            architecture=smaller,
            dataset=Dataset(data.inputs[:, stays], data.labels, data.counts),
        )
        return target, Restored(source, target)


@dataclass(frozen=True)
class Restored:
    """The lift of :class:`DropZeroInputs`."""

    source: Instance
    target: Instance

    def _places(self) -> Any:
        place = {arc: i for i, arc in enumerate(self.source.architecture.arcs)}
        return np.array([place[arc] for arc in self.target.architecture.arcs], dtype=np.int64)

    def __call__(self, network: Network) -> Network:
        weights = np.zeros(self.source.architecture.n_arcs, dtype=np.int64)
        weights[self._places()] = network.weights
        return self.source.network(np.concatenate([weights, network.biases]))

    def plant(self, network: Network) -> Network:
        return self.target.network(np.concatenate([network.weights[self._places()], network.biases]))
