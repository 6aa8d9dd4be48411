"""What a rounding backend is: it answers the quadratic model of one neuron, a row of the layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.domain import IntArray
from qnnt.limits import Limit, Limits, Status
from qnnt.models import Multipliers, QuadraticModel

Stopped = Callable[[], bool]
"""Turns true when nobody waits for the answer any longer."""

Reals = npt.NDArray[np.float64]

UNIT = float(np.finfo(np.float64).eps)
DAMPING = 1e-6  # of the trace, where a factor is needed: real Gram matrices are rank-deficient
ALL_CODES = 2**16  # candidates: as many as the widest scheme has codes
PROVED = 1e-6  # a cost whose relative distance to a lower bound is at most this counts as the least


@dataclass(frozen=True)
class RowAnswer:
    """What a rounder says of a row.

    ``status`` is OPTIMAL for an assignment that costs least, SATISFIABLE for the outcome of a search that ran
    to its end and proves nothing, UNKNOWN for one that did not. ``assignment`` (m,) is the best there is, and
    ``bound`` holds for the cost of every assignment, whatever the status. ``limit`` is what cut the search
    short; ``reason`` says in words why the answer is no proof. ``multipliers`` are what a bound rests on that
    others can confirm, if there is one; ``bound`` may be larger, by a search.

    A row without an assignment falls back. If a limit of time or memory or Ctrl-C cut it short, it is rounded
    by nearest plane, or to nearest where that costs less; to nearest only, if its rounder
    :func:`keeps_nearest`. If the rounder failed, or ended by itself and gave none, the row is rounded to
    nearest. The assignment of a row that was cut short is taken where it costs less than its fallback.
    """

    status: Status
    assignment: IntArray | None = None
    bound: float = 0.0
    limit: Limit | None = None
    reason: str | None = None
    multipliers: Multipliers | None = None


_WORDS = {Limit.TIME: "the time limit was reached", Limit.INTERRUPT: "interrupted"}


def cut_short(assignment: IntArray | None, stopped: Stopped | None = None, bound: float = 0.0) -> RowAnswer:
    """The answer of a search that was stopped, if ``stopped`` says so, or else ran out of time."""
    limit = Limit.INTERRUPT if stopped is not None and stopped() else Limit.TIME
    return RowAnswer(Status.UNKNOWN, assignment, bound, limit, _WORDS[limit])


class Rounder(Protocol):
    """A way to answer quadratic models. Implementations are small picklable values without state.

    One that has variants names them in a static method ``variants()``, takes one as its only argument, and
    raises :class:`UnknownWord` for any other. One may have ``keeps_nearest`` and ``candidates``; see the
    functions :func:`keeps_nearest` and :func:`usual_candidates`.
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


def keeps_nearest(rounder: Rounder) -> bool:
    """Whether rows that a limit cuts short stay rounded to nearest, though the nearest plane may cost less.

    So says an attribute ``keeps_nearest`` of the rounder; it is False where there is none.
    """
    return bool(getattr(rounder, "keeps_nearest", False))


def usual_candidates(rounder: Rounder) -> int:
    """How many integers are open to each weight where the caller does not say.

    An attribute ``candidates`` of the rounder, such as :data:`ALL_CODES`; 2 where there is none.
    """
    return int(getattr(rounder, "candidates", 2))


@dataclass(frozen=True)
class PlainRounder:
    """To build a rounder on: takes any row, in this process, shares nothing between rows, proves nothing."""

    exact = False
    isolated = False

    def availability(self) -> Availability:
        """Needs nothing but numpy."""
        return Availability.of_package("numpy", "numpy", "qnnt")

    def refuses(self, model: QuadraticModel) -> str | None:  # noqa: ARG002 - takes any
        """None: any box will do."""
        return None

    def prepare(self, gram: Any, over: Stopped) -> Any:  # noqa: ARG002 - the protocol's
        """Nothing is shared between rows."""
        return None


@dataclass(frozen=True)
class BitsRounder(PlainRounder):
    """A plain rounder that takes bits only: two candidates for each weight."""

    def refuses(self, model: QuadraticModel) -> str | None:
        """More than two candidates."""
        return None if model.binary else "takes two candidates per weight; try closest-vector or beam"


def noise(model: QuadraticModel) -> float:
    """A bound on the rounding errors of (v − target)ᵀ·gram·(v − target) at any v in the box.

    m products and sums twice over, each wrong by half a :data:`UNIT` of its terms (Higham 2002, section 3.1).
    An entry (i, j) of the matrix is at most the root of the entries (i, i) and (j, j) multiplied.
    """
    reach = np.maximum(np.abs(model.lower - model.target), np.abs(model.upper - model.target))
    return 1.01 * (len(reach) + 4) * UNIT * float(reach @ np.sqrt(np.diagonal(model.gram))) ** 2


def nearest(model: QuadraticModel) -> npt.NDArray[np.int64]:
    """(m,) the integers in the box that are nearest to the target."""
    integers: npt.NDArray[np.int64] = np.rint(model.target).astype(np.int64)
    return np.clip(integers, model.lower, model.upper)
