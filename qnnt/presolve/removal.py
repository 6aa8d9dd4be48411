"""Instances with fewer arcs and neurons, and the lift that puts back what was removed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.instance import Instance
from qnnt.network import Network

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Restored:
    """Carries networks of ``target`` back to ``source``, whose parameters are P in number.

    Parameter p of the source is parameter ``index[p]`` (P,) of the target, or the constant ``otherwise[p]``
    where that is -1. The target's parameter t is that of number ``chosen[t]`` in the source.
    """

    source: Instance
    target: Instance
    chosen: Ints
    index: Ints
    otherwise: Ints

    def __call__(self, network: Network) -> Network:
        """The network of the source."""
        vector = self.otherwise.copy()
        there = self.index >= 0
        vector[there] = network.vector[self.index[there]]
        return self.source.network(vector)

    def plant(self, network: Network) -> Network:
        """The network of the target that has the parameters which are still there."""
        return self.target.network(network.vector[self.chosen])

    @property
    def sizes(self) -> dict[str, int]:
        """Counts for the statistics; none if nothing was removed."""
        removed = len(self.index) - len(self.chosen)
        return {"parameters removed": removed} if removed else {}


def without(
    source: Instance,
    arcs: Flags,
    outputs: Flags,
    constants: Ints | None = None,
    copied: Ints | None = None,
) -> tuple[Instance, Restored]:
    """The instance with the ``arcs`` (A,) and ``outputs`` (ω,) that are True, and the lift.

    Neurons that no arc leaves any more go, too. ``constants`` (P,) are the lift's values for parameters that
    are removed, 0 by default; ``copied`` (P,) has the number of the parameter to copy instead, -1 for none.
    Each neuron that stays has to keep an arc that enters it.
    """
    architecture = source.architecture
    arcs, connections = arcs.copy(), architecture.connections
    stays = [outputs]
    for out in reversed(connections):
        mine = arcs[out.all_arcs] & stays[0][out.target]
        arcs[out.all_arcs] = mine
        stays.insert(0, np.bincount(out.source[mine], minlength=out.n_source) > 0)
    kept = np.concatenate(stays)
    numbers = np.cumsum(kept) - 1
    layers = [
        [name for name, here in zip(layer, flags.tolist(), strict=True) if here]
        for layer, flags in zip(architecture.layers, stays, strict=True)
    ]
    data = source.dataset
    target = replace(
        source,
        architecture=Architecture(layers, numbers[architecture.arc_index[arcs]]),
        dataset=Dataset(data.inputs[:, stays[0]], data.labels[:, outputs], data.counts),
        activation=source.activation,
    )
    chosen = np.flatnonzero(np.concatenate([arcs, *stays[1:]]))
    index = np.full(architecture.n_parameters, -1, dtype=np.int64)
    index[chosen] = np.arange(len(chosen))
    if copied is not None:
        index = np.where(copied >= 0, index[copied], index)
    otherwise = np.zeros_like(index) if constants is None else constants
    return target, Restored(source, target, chosen, index, otherwise)


def unchanged(source: Instance) -> tuple[Instance, Restored]:
    """The instance itself, and a lift that changes nothing."""
    everything = np.arange(source.architecture.n_parameters)
    return source, Restored(source, source, everything, everything, np.zeros_like(everything))
