"""Every network of a tiny instance, evaluated neuron by neuron as the definition says (paper, Section 2).

It shares no code with encoders, backends or the package's own evaluation of networks, so that it can catch
their mistakes: only names, arcs, thresholds and values are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qnnt.domain import IntArray
from qnnt.goals import Goal
from qnnt.instance import Instance

Ints = npt.NDArray[np.int64]
MOST_NETWORKS = 5_000


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of an instance with at most :data:`MOST_NETWORKS` networks."""

    instance: Instance

    @cached_property
    def vectors(self) -> Ints:
        """(n, A + H) the parameters of every network: weights in the order of the arcs, then biases."""
        domain, parameters = self.instance.domain, self.instance.architecture.n_parameters
        if self.instance.n_networks > MOST_NETWORKS:
            raise ValueError(f"brute force takes at most {MOST_NETWORKS} networks")
        return np.indices((domain.d,) * parameters).reshape(parameters, -1).T + domain.lo

    @cached_property
    def wrong(self) -> npt.NDArray[np.bool_]:
        """(n, N) which rows of the data each network gets wrong."""
        architecture, dataset = self.instance.architecture, self.instance.dataset
        parameters = iter(self.vectors.T)
        weight = {(str(u), str(v)): next(parameters) for u, v in architecture.arcs}
        bias = {v: next(parameters) for layer in architecture.layers[1:] for v in layer}
        wrong = np.zeros((len(self.vectors), len(dataset)), dtype=bool)
        for row, (x, y) in enumerate(zip(dataset.inputs.tolist(), dataset.labels.tolist(), strict=True)):
            shown = {u: np.full(len(self.vectors), a) for u, a in zip(architecture.layers[0], x, strict=True)}
            for depth, layer in enumerate(architecture.layers[1:]):
                activation = self.instance.activations[depth]
                for v in layer:
                    z = -bias[v]
                    for (u, target), w in weight.items():
                        if target == v:
                            z = z + w * shown[u]
                    value = np.full(len(z), activation.values[0])
                    for threshold, next_value in zip(
                        activation.thresholds, activation.values[1:], strict=True
                    ):
                        value = np.where(z >= threshold, next_value, value)
                    shown[v] = value
            for v, label in zip(architecture.layers[-1], y, strict=True):
                wrong[:, row] |= shown[v] != label
        return wrong

    @cached_property
    def errors(self) -> Ints:
        """(n,) how many data points each network gets wrong, repetitions counted."""
        return np.asarray(self.wrong @ self.instance.dataset.counts, dtype=np.int64)

    @cached_property
    def possible(self) -> tuple[int, ...]:
        """The numbers of errors that networks have, rising."""
        return tuple(np.unique(self.errors).tolist())

    @property
    def least(self) -> int:
        """The fewest errors of any network."""
        return self.possible[0]

    def exists(self, goal: Goal) -> bool:
        """Whether a network meets the goal."""
        return any(goal.accepts(errors) for errors in self.possible)

    def number(self, vector: IntArray) -> int:
        """The number of the network with these parameters (A + H,); AssertionError if there is none."""
        domain, shape = self.instance.domain, self.vectors.shape[1:]
        digits = np.asarray(vector)
        if digits.shape != shape or not np.issubdtype(digits.dtype, np.integer):
            raise AssertionError(
                f"expected integers of shape {shape}; it said: {digits.dtype} of {digits.shape}"
            )
        if not domain.contains(digits).all():
            raise AssertionError(f"expected parameters in {domain}; it said: {digits.tolist()}")
        return int(np.ravel_multi_index(tuple(digits - domain.lo), (domain.d,) * len(digits)))

    def errors_of(self, vector: IntArray) -> int:
        """How many data points the network with these parameters (A + H,) gets wrong."""
        return int(self.errors[self.number(vector)])
