"""A layer of a graph as problems of rows, with scales that are given or searched for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qnnt.onnx_graphs.grid import Grid, Storage
from qnnt.onnx_graphs.layers import GraphLayer
from qnnt.rounders.gptq import gptq_planes
from qnnt.rounders.planes import Planes
from qnnt.rounding.problem import GramProblem
from qnnt.rounding.scheme import Affine
from qnnt.rounding.search import Method

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FACTORS = tuple(np.linspace(1.0, 0.4, 13).tolist())  # of the scale that covers the range, largest first


@dataclass(frozen=True, eq=False)
class Statement:
    """A layer, the Gram matrices ``grams`` (groups, m, m) of ``points`` inputs, and its ``grid``.

    ``inputs`` is how inputs are stored, None for floats. It makes ``count`` problems: one for each group,
    whose rows share a Gram matrix. A row that has a scale for each block is a problem of its own: in units of
    its codes, the matrix is another one.
    """

    layer: GraphLayer
    grams: Reals
    points: int
    inputs: Affine | None
    storage: Storage
    method: Method
    grid: Grid

    @classmethod
    def of(
        cls,
        layer: GraphLayer,
        grams: Reals,
        points: int,
        inputs: Affine | None,
        storage: Storage,
        method: Method,
    ) -> Statement:
        """With the scales of the storage."""
        return cls(layer, grams, points, inputs, storage, method, storage.grid(layer.rows()))

    @property
    def count(self) -> int:
        """Number of problems."""
        return self.layer.n if self.grid.blocked else len(self.grams)

    def problem(self, number: int) -> GramProblem:
        """The rows of one of the problems."""
        layer, W, own = self.layer, self.layer.rows(), self._own(number)
        bias, f = None, W.shape[1]
        if self.inputs is not None and layer.bias:
            assert layer.offset is not None
            bias = layer.offset[own] / layer.factor
        rows, scale, gram = W[own], self.grid.scale[own, 0], self._gram(number)
        if self.grid.blocked:
            steps = self.grid.scales(f)[own]
            rows, scale, gram = rows / steps, np.ones(1), gram * np.outer(steps[0], steps[0])
        return GramProblem.of_rows(
            rows,
            bias,
            gram,
            self.points,
            scale,
            self.storage.scheme,
            input_scale=1.0 if self.inputs is None else self.inputs.scale,
            factor=layer.factor,
            candidates=self.method.candidates,
            clip=self.method.clip,
            zero=None if self.grid.zero is None else self.grid.zeros(f)[own],
        )

    def with_best_scales(self, planes: list[Planes] | None = None) -> Statement:
        """With the multiple of each row's scales, among :data:`FACTORS`, with which GPTQ costs least.

        A scheme with one scale for the tensor gets one factor, by the sum of all rows. A smaller scale cuts
        off the largest weights, and has smaller steps for all others.
        """
        planes, n = planes or [gptq_planes(gram) for gram in self.grams], self.layer.n
        tried = [replace(self, grid=self.grid.times(np.full(n, factor))) for factor in FACTORS]
        costs = np.array([statement.gptq_costs(planes) for statement in tried])  # (factors, n)
        if self.storage.scheme.per == "tensor":
            costs = np.broadcast_to(costs.sum(axis=1, keepdims=True), costs.shape)
        return replace(self, grid=self.grid.times(np.array(FACTORS)[costs.argmin(axis=0)]))

    def gptq_costs(self, planes: list[Planes] | None = None) -> Reals:
        """(n,) what GPTQ in activation order costs in each row, over all codes of the range.

        ``planes`` are those of the Gram matrices, if they are known.
        """
        return np.concatenate([costs for _, costs in self._gptq(planes)])

    def gptq_codes(self, planes: list[Planes] | None = None) -> Ints:
        """(n, m) the codes that GPTQ chooses."""
        return np.concatenate([codes for codes, _ in self._gptq(planes)])

    def _gptq(self, planes: list[Planes] | None) -> list[tuple[Ints, Reals]]:
        """Codes and costs, group by group."""
        found = []
        for j, gram in enumerate(self.grams):
            own_planes = gptq_planes(gram) if planes is None else planes[j]
            if not self.grid.blocked:
                problem = self.problem(j)
                target, ends = problem.base + problem.part, (problem.least, problem.greatest)
                codes = own_planes.rounded(target, *ends)
                found.append((codes, problem.costs(codes)))
                continue
            W, own = self.layer.rows(), self._rows(j)
            steps, zero = self.grid.scales(W.shape[1])[own], self.grid.zeros(W.shape[1])[own]
            least, greatest = self.storage.scheme.weight_range
            codes = own_planes.rounded(W[own] / steps, least - zero, greatest - zero, steps=steps)
            left = codes * steps - W[own]
            distance = np.maximum(((left @ gram) * left).sum(axis=1), 0.0)
            found.append((codes, self.layer.factor**2 / self.points * distance))
        return found

    def _rows(self, group: int) -> slice:
        each = self.layer.n // len(self.grams)
        return slice(group * each, (group + 1) * each)

    def _own(self, number: int) -> slice:
        """The rows of a problem."""
        return slice(number, number + 1) if self.grid.blocked else self._rows(number)

    def _gram(self, number: int) -> Reals:
        """(m, m) the matrix of the group that a problem's rows are in."""
        gram: Reals = self.grams[self._own(number).start * len(self.grams) // self.layer.n]
        return gram
