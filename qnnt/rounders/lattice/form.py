"""A quadratic model on the variables that have a choice, and orders to decide them in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.domain import IntArray
from qnnt.models import QuadraticModel
from qnnt.rounders.base import DAMPING, noise

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

    @property
    def damping(self) -> float:
        """What is added to the diagonal for orders and starts."""
        return DAMPING * float(np.trace(self.G)) + np.finfo(np.float64).tiny

    def value(self, z: IntArray) -> float:
        """The objective before scale and constant."""
        return float(z @ self.G @ z + 2 * (self.g @ z)) + self.f0

    def lift(self, z: IntArray) -> IntArray:
        """The model's assignment."""
        assignment = self.model.lower.copy()
        assignment[self.free] += z
        return assignment

    def bound(self, value: float) -> float:
        """The model's cost for a bound on the form."""
        return self.model.constant + self.model.scale * max(value - self.slack, 0.0)


# Two bits, to compile on.
EXAMPLE = Form.of(
    QuadraticModel(np.eye(2), np.full(2, 0.3), np.zeros(2, dtype=np.int64), np.ones(2, dtype=np.int64))
)


def sorted_order(H: Reals) -> Ints:
    """V-BLAST order of a positive definite H: each level, last first, has the largest diagonal entry left."""
    inverse, left = np.linalg.inv(H), np.ones(len(H), dtype=bool)
    order = np.empty(len(H), dtype=np.int64)
    for k in range(len(H) - 1, -1, -1):
        j = int(np.argmin(np.where(left, np.diagonal(inverse), np.inf)))
        order[k], left[j] = j, False
        if inverse[j, j] > 0:  # rounding errors can make it negative, and any order will do
            column = inverse[:, j] / np.sqrt(inverse[j, j])
            inverse -= np.outer(column, column)
    return order


def shared_order(gram: Reals) -> Ints:
    """V-BLAST order of the live columns of a layer's damped Gram matrix (m, m)."""
    live = np.flatnonzero(np.diagonal(gram) > 0)
    G = gram[np.ix_(live, live)]
    return np.asarray(live[sorted_order(G + DAMPING * np.trace(G) * np.eye(len(live)))])


def restricted(order: Ints, free: Ints) -> Ints:
    """An order of all columns as an order of the free ones, by their positions in ``free``."""
    position = np.full(int(max(order.max(initial=-1), free.max(initial=-1))) + 1, -1)
    position[free] = np.arange(len(free))
    chosen = position[order]
    return np.asarray(chosen[chosen >= 0])
