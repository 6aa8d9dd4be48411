"""Every assignment of a row: the yardstick for the other rounders."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.domain import IntArray
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import UNIT, PlainRounder, RowAnswer, Stopped, cut_short

MOST_ASSIGNMENTS = 2**26
_BLOCK = 1 << 16

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EnumerationRounder(PlainRounder):
    """All assignments, in blocks: the yardstick. Declines more than :data:`MOST_ASSIGNMENTS`."""

    name = "enumeration"
    summary = "every assignment of a row, at most 2^26"
    exact = True

    def refuses(self, model: QuadraticModel) -> str | None:
        """Too many assignments."""
        bits = float(np.log2(model.upper - model.lower + 1.0).sum())
        if bits <= math.log2(MOST_ASSIGNMENTS):
            return None
        return f"takes at most 2^26 assignments, this row has 2^{bits:.0f}; try closest-vector"

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Evaluate every assignment."""
        deadline = math.inf if limits.time is None else time.monotonic() + limits.time
        free = model.free
        sizes = (model.upper - model.lower + 1)[free]
        place = np.concatenate([[1], np.cumprod(sizes)])
        objective = _Objective(model)
        best, least, bound = model.lower, math.inf, math.inf
        for first in range(0, int(place[-1]), _BLOCK):
            if stopped() or time.monotonic() > deadline:
                return cut_short(best if first else None, stopped)
            number = np.arange(first, min(first + _BLOCK, int(place[-1])))
            z = (number[:, None] // place[:-1]) % sizes
            values, noise = objective(z)
            i = int(np.argmin(values))
            bound = min(bound, float((values - noise).min()))
            if values[i] < least:
                least = float(values[i])
                best = model.lower.copy()
                best[free] += z[i]
        return RowAnswer(Status.OPTIMAL, best, model.constant + model.scale * max(bound, 0.0))


class _Objective:
    """(v − target)ᵀ·gram·(v − target) of many assignments, and a bound on the rounding errors of each."""

    def __init__(self, model: QuadraticModel) -> None:
        free, fixed = model.free, np.flatnonzero(model.lower == model.upper)
        difference = model.lower - model.target
        self._first = difference[free]
        self._parts = _parts(model.gram, difference, free, fixed)
        self._sizes = _parts(np.abs(model.gram), np.abs(difference), free, fixed)
        self._rounding = (len(difference) + 4) * UNIT

    def __call__(self, z: IntArray) -> tuple[Reals, Reals]:
        """(B,) values and bounds on their errors; z (B, k) are the free variables' steps from lower."""
        difference = z + self._first
        return _value(self._parts, difference), self._rounding * _value(self._sizes, np.abs(difference))


def _parts(gram: Reals, difference: Reals, free: IntArray, fixed: IntArray) -> tuple[Reals, Reals, float]:
    """What free variables give among themselves, with the fixed ones, and those among themselves."""
    rest = difference[fixed]
    pull = gram[np.ix_(free, fixed)] @ rest
    return gram[np.ix_(free, free)], 2 * pull, float(rest @ gram[np.ix_(fixed, fixed)] @ rest)


def _value(parts: tuple[Reals, Reals, float], difference: Reals) -> Reals:
    square, linear, constant = parts
    return np.asarray(np.einsum("ij,ij->i", difference @ square + linear, difference) + constant)
