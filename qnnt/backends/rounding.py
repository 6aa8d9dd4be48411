"""What a rounding backend is: it answers the quadratic model of one neuron, a row of the layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.backends.execution import Event, Outcome
from qnnt.domain import IntArray
from qnnt.limits import Limit, Limits, Status
from qnnt.models import QuadraticModel

Stopped = Callable[[], bool]
LATE = "the time limit was reached"
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


@dataclass(frozen=True)
class RowJob:
    """A row for a worker process."""

    model: QuadraticModel
    backend: Rounder
    limits: Limits
    prepared: Any
    fresh = False  # the rows of a layer are many, and alike

    @property
    def family(self) -> str:
        """Rows under the same memory limit."""
        return f"round {self.backend.name} {self.limits.memory}"

    def execute(self, tell: Callable[[Event], None]) -> Outcome:
        """Run the row; whatever goes wrong is an UNKNOWN with its reason."""
        tell(Event(phase="encode"))
        limits = self.limits
        if limits.time is not None:  # to end in time by its own clock
            limits = replace(limits, time=limits.time - min(0.5, 0.2 * limits.time))
        try:
            answer = self.backend.run(self.model, limits, self.prepared, lambda: False)
        except MemoryError:
            return Outcome(Status.UNKNOWN, limit=Limit.MEMORY, reason="out of memory")
        except Exception as error:
            return Outcome(Status.UNKNOWN, reason=f"{type(error).__name__}: {error}")
        return Outcome(Status.SATISFIABLE, answer=answer)
