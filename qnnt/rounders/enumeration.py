"""Every assignment of a row: the yardstick for the other rounders."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from qnnt.availability import Availability
from qnnt.limits import Limits
from qnnt.models import QuadraticModel
from qnnt.rounders.base import LATE, RowAnswer, Stopped, nearest

MOST_ASSIGNMENTS = 2**26
_BLOCK = 1 << 16


@dataclass(frozen=True)
class EnumerationRounder:
    """All assignments, in blocks: the yardstick. Declines more than :data:`MOST_ASSIGNMENTS`."""

    name = "enumeration"
    summary = "every assignment of a row, at most 2^26"
    exact = True
    isolated = False

    def availability(self) -> Availability:
        """Needs nothing but numpy."""
        return Availability.of_package("numpy", "numpy", "qnnt")

    def refuses(self, model: QuadraticModel) -> str | None:
        """Too many assignments."""
        bits = float(np.log2(model.upper - model.lower + 1.0).sum())
        if bits <= math.log2(MOST_ASSIGNMENTS):
            return None
        return f"takes at most 2^26 assignments, this row has 2^{bits:.0f}; try closest-vector"

    def prepare(self, gram: Any, over: Stopped) -> Any:  # noqa: ARG002 - the protocol's
        """Nothing is shared between rows."""
        return None

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Evaluate every assignment."""
        deadline = math.inf if limits.time is None else time.monotonic() + limits.time
        free = model.free
        sizes = (model.upper - model.lower + 1)[free]
        place = np.concatenate([[1], np.cumprod(sizes)])
        difference = model.lower - model.target
        gram, pull = model.gram[np.ix_(free, free)], (model.gram @ difference)[free]
        base = float(difference @ model.gram @ difference)
        best, least = nearest(model), math.inf
        for first in range(0, int(place[-1]), _BLOCK):
            if stopped() or time.monotonic() > deadline:
                return RowAnswer(best if first else None, reason=LATE)
            number = np.arange(first, min(first + _BLOCK, int(place[-1])))
            z = (number[:, None] // place[:-1]) % sizes
            values = np.einsum("ij,ij->i", z @ gram + 2 * pull, z) + base
            i = int(np.argmin(values))
            if values[i] < least:
                least = float(values[i])
                best = model.lower.copy()
                best[free] += z[i]
        return RowAnswer(best, bound=model.cost(best))
