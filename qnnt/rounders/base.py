"""What a rounding backend is: it answers the quadratic model of one neuron, a row of the layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.domain import IntArray
from qnnt.limits import Limits
from qnnt.models import QuadraticModel

Stopped = Callable[[], bool]
LATE = "the time limit was reached"
DAMPING = 1e-6  # of the trace, where a factor is needed: real Gram matrices are rank-deficient
PROVED = 1e-6  # a cost whose relative distance to a lower bound is at most this counts as the least


@dataclass(frozen=True)
class RowAnswer:
    """``assignment`` (m,), ``bound`` on the cost of every assignment, and why it is no proof, if so.

    None as the assignment leaves the row rounded to nearest, or by nearest plane if the reason is
    :data:`LATE`.
    """

    assignment: IntArray | None
    bound: float = 0.0
    reason: str | None = None


class Rounder(Protocol):
    """A way to answer quadratic models. Implementations are small picklable values without state.

    ``isolated`` asks for a process of its own: a solver that may crash, or that bears no other beside it.
    """

    @property
    def name(self) -> str:
        """The name that selects this rounder, variant included (``annealing:scaled``)."""

    @property
    def summary(self) -> str:
        """One line for ``qnnt backends``."""

    @property
    def exact(self) -> bool:
        """Whether it proves optima, given time."""

    @property
    def isolated(self) -> bool:
        """Whether rows are run in processes of their own."""

    def availability(self) -> Availability:
        """Whether it can run here."""

    def refuses(self, model: QuadraticModel) -> str | None:
        """Why this model is declined (naming an alternative), or None."""

    def prepare(self, gram: Any, over: Stopped) -> Any:
        """What the rows of a layer can share, from their Gram matrix (m, m); handed to each ``run``.

        Whatever is compiled on first use is compiled here, so that no row pays for it. Once ``over`` is true
        the time for all rows has passed: no row is run any more, and what is returned is not used.
        """

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:
        """Answer the model; ``stopped`` turns true when nobody waits any longer."""


def nearest(model: QuadraticModel) -> npt.NDArray[np.int64]:
    """(m,) the integers in the box that are nearest to the target."""
    integers: npt.NDArray[np.int64] = np.rint(model.target).astype(np.int64)
    return np.clip(integers, model.lower, model.upper)
