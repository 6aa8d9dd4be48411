"""A quadratic model on the variables that have a choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.domain import IntArray
from qnnt.models import QuadraticModel
from qnnt.rounders.base import noise

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Form:
    """A model on its free variables z = v − lower ≤ width: zᵀGz + 2g·z + f0, before scale and constant.

    ``slack`` bounds what rounding errors in G, g and f0 do to a value.
    """

    model: QuadraticModel
    free: Ints
    G: Reals
    g: Reals
    f0: float
    width: Ints
    slack: float

    @classmethod
    def of(cls, model: QuadraticModel) -> Form:
        """Restrict a model to the variables that have a choice; the others stay at their only value."""
        free, difference = model.free, model.lower - model.target
        pull = model.gram @ difference
        G = np.ascontiguousarray(model.gram[np.ix_(free, free)])
        width = (model.upper - model.lower)[free]
        return cls(model, free, G, pull[free], float(difference @ pull), width, noise(model))

    def value(self, z: IntArray) -> float:
        """The objective before scale and constant."""
        return float(z @ self.G @ z + 2 * (self.g @ z)) + self.f0

    def position(self, assignment: IntArray) -> IntArray:
        """The z of the model's assignment."""
        return (assignment - self.model.lower)[self.free]

    def lift(self, z: IntArray) -> IntArray:
        """The model's assignment."""
        assignment = self.model.lower.copy()
        assignment[self.free] += z
        return assignment

    def bound(self, value: float) -> float:
        """The model's cost for a bound on the form."""
        return self.model.constant + self.model.scale * max(value - self.slack, 0.0)


# Two bits, to compile on.
TWO_BITS = QuadraticModel(np.eye(2), np.full(2, 0.3), np.zeros(2, dtype=np.int64), np.ones(2, dtype=np.int64))
EXAMPLE = Form.of(TWO_BITS)
