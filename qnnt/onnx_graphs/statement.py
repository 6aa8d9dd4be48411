"""A layer of a graph as problems of rows, one for each group, with scales that are given or searched for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qnnt.onnx_graphs.layers import GraphLayer
from qnnt.rounders.gptq import gptq_planes
from qnnt.rounders.planes import Planes
from qnnt.rounding.problem import GramProblem
from qnnt.rounding.scheme import Affine, Scheme, single
from qnnt.rounding.search import Method

Reals = npt.NDArray[np.float64]

FACTORS = tuple(np.linspace(1.0, 0.4, 13).tolist())  # of the scale that covers the range, largest first


@dataclass(frozen=True, eq=False)
class Statement:
    """A layer with the Gram matrices ``grams`` (groups, m, m) of ``points`` inputs and scales ``scale`` (n,).

    ``inputs`` is how inputs are stored, None for floats.
    """

    layer: GraphLayer
    grams: Reals
    points: int
    inputs: Affine | None
    scheme: Scheme
    method: Method
    scale: Reals

    @classmethod
    def of(
        cls,
        layer: GraphLayer,
        grams: Reals,
        points: int,
        inputs: Affine | None,
        scheme: Scheme,
        method: Method,
    ) -> Statement:
        """With the scales of the scheme."""
        scale = np.broadcast_to(scheme.weight_scale(layer.rows()), layer.n).astype(np.float64)
        return cls(layer, grams, points, inputs, scheme, method, scale)

    def problems(self) -> Iterator[GramProblem]:
        """The rows of each group."""
        layer, W = self.layer, self.layer.rows()
        bias = None
        if self.inputs is not None and layer.bias:
            assert layer.offset is not None
            bias = layer.offset / layer.factor
        each = len(W) // len(self.grams)
        for j, gram in enumerate(self.grams):
            own = slice(j * each, (j + 1) * each)
            yield GramProblem.of_rows(
                W[own],
                None if bias is None else bias[own],
                gram,
                self.points,
                self.scale[own],
                self.scheme,
                input_scale=1.0 if self.inputs is None else self.inputs.scale,
                factor=layer.factor,
                candidates=self.method.candidates,
                clip=self.method.clip,
            )

    def with_best_scales(self) -> Statement:
        """With the multiple of each row's scale, among :data:`FACTORS`, with which GPTQ costs least.

        A scheme with one scale for the tensor gets one factor, by the sum of all rows. A smaller scale cuts
        off the largest weights, and has smaller steps for all others.
        """
        planes = [gptq_planes(gram) for gram in self.grams]
        tried = [replace(self, scale=single(self.scale * factor)) for factor in FACTORS]
        costs = np.array([gptq_costs(statement, planes) for statement in tried])  # (factors, n)
        if self.scheme.per == "tensor":
            costs = np.broadcast_to(costs.sum(axis=1, keepdims=True), costs.shape)
        best = costs.argmin(axis=0)
        return replace(self, scale=np.array([tried[k].scale[i] for i, k in enumerate(best)]))


def gptq_costs(statement: Statement, planes: list[Planes] | None = None) -> Reals:
    """(n,) what GPTQ in activation order costs, over all codes of the scheme's range.

    ``planes`` are those of the Gram matrices, if they are known.
    """
    costs = []
    for j, problem in enumerate(statement.problems()):
        own = gptq_planes(problem.gram) if planes is None else planes[j]
        target = problem.base + problem.part
        costs.append(problem.costs(own.rounded(target, problem.least, problem.greatest)))
    return np.concatenate(costs)
