"""What a backend is: a few plain facts checked before any work, and one ``run``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from qnnt.availability import Availability
from qnnt.domain import IntArray
from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status


class Capability(StrEnum):
    """What a backend can do; callers ask ``Capability.X in backend.capabilities``.

    PROVE: given time and memory it comes to a verdict on everything that it does not refuse. Without it a
    backend searches: what it finds counts, and it may give up with UNKNOWN and a reason.
    """

    PROVE = "prove"
    MINIMIZE = "minimize"
    INCUMBENTS = "incumbents"
    BOUNDS = "bounds"
    THREADS = "threads"


@dataclass(frozen=True)
class Answer:
    """What a backend says of a model.

    ``assignment`` is what the encoder's lift takes; ``cost`` the error that the backend claims for it;
    ``bound`` a proved lower bound on the error. An early end is UNKNOWN with ``limit`` and ``reason``.
    """

    status: Status
    assignment: IntArray | None = None
    cost: int | None = None
    bound: int | None = None
    limit: Limit | None = None
    reason: str | None = None
    sizes: dict[str, int] = field(default_factory=dict)


class Report(Protocol):
    """Where a backend tells what it has so far; all calls are cheap and may be ignored."""

    def incumbent(self, assignment: IntArray, cost: int) -> None:
        """A better assignment was found, with this error."""

    def bound(self, bound: int) -> None:
        """No assignment has an error below ``bound``."""

    def progress(self, done: int, total: int) -> None:
        """So many steps of the pass under way are done; there may be further passes."""


class Backend(Protocol):
    """A way to answer models. Implementations are small picklable values without state.

    ``accepts`` lists model types, the preferred one first: the first registered encoder that makes it is the
    default. ``run`` may raise anything; the caller turns that into UNKNOWN with the reason, but passes on
    :class:`Unsupported`, with which a backend declines a model (see :func:`expect_within`). A backend that
    waits for another program has a true attribute ``runs_programs``, so that the program ends with it.
    """

    @property
    def name(self) -> str:
        """The name that selects this backend, variant included (``sat:cadical153``)."""

    @property
    def accepts(self) -> tuple[type[Any], ...]:
        """Model types that ``run`` takes."""

    @property
    def capabilities(self) -> Collection[Capability]:
        """What it can do."""

    @property
    def summary(self) -> str:
        """One line for ``qnnt backends``."""

    def availability(self) -> Availability:
        """Whether it can run here."""

    def refuses(self, instance: Instance) -> str | None:
        """Why this instance is declined (naming an alternative), or None."""

    def run(self, model: Any, limits: Limits, report: Report) -> Answer:
        """Answer the model. ``limits.time`` is what is left of the time limit."""


def expect_within(backend: Backend, largest: float, most: int, instead: str) -> None:
    """Raise :class:`Unsupported` if a sum of the model's numbers can pass what the backend computes exactly.

    ``largest`` is how large a sum can get, ``most`` the limit, ``instead`` what to try for such a model.
    """
    if largest > most:
        raise Unsupported(
            f"backend {backend.name!r} computes exactly with sums of up to {most:,}, "
            f"a sum of this model can reach {largest:,.0f}; try {instead}"
        )
