"""What a backend is: a few plain facts checked before any work, and one ``run``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from qnnt.availability import Availability
from qnnt.domain import IntArray
from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status


class Capability(StrEnum):
    """What a backend can do besides deciding; callers ask ``Capability.X in backend.capabilities``."""

    PROVE = "prove"
    """Given time and memory it comes to a verdict on everything that it does not refuse.

    Without it a backend searches: what it finds counts, and it may give up with UNKNOWN and a reason.
    """
    MINIMIZE = "minimize"
    """It takes the goal ``Minimize``."""
    INCUMBENTS = "incumbents"
    """It reports networks before it ends."""
    BOUNDS = "bounds"
    """It reports lower bounds on the error before it ends."""
    THREADS = "threads"
    """It can use more than one thread."""
    SEED = "seed"
    """Its search depends on the seed."""
    STARTS = "starts"
    """It can begin from a network that is known: see :class:`Start`."""


@dataclass(frozen=True)
class Answer:
    """What a backend says of a model.

    ``assignment`` is what the encoder's lift takes; ``cost`` the error that the backend claims for it;
    ``bound`` a proved lower bound on the error. An early end is UNKNOWN with ``limit`` and ``reason``.
    ``certified`` says that more than the solver's word shows that there is nothing, or nothing better: it was
    derived from the model in integers.
    """

    status: Status
    assignment: IntArray | None = None
    cost: int | None = None
    bound: int | None = None
    limit: Limit | None = None
    reason: str | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    certified: bool = False


@dataclass(frozen=True)
class Start:
    """A network that others know, as a model shows it to a backend: before the run, or while it runs.

    ``variables`` (k,) of the model stand for parameters and have the ``values`` (k,) there; other variables
    are left open, and both are empty if the encoder's lift does not tell them. ``cost`` is the network's
    error: one that is to be improved upon, or that misses the goal.

    Under a minimum a backend may look for less than ``cost`` only. If there is nothing, it answers OPTIMAL
    with ``cost`` and ``bound`` equal to the start's cost and no assignment: the caller has the network.
    """

    variables: IntArray
    values: IntArray
    cost: int


class Report(Protocol):
    """Where a backend tells what it has so far, and hears of others: calls are cheap, none has to be made."""

    def incumbent(self, assignment: IntArray, cost: int) -> None:
        """A better assignment was found, with this error."""

    def bound(self, bound: int) -> None:
        """No assignment has an error below ``bound``."""

    def progress(self, done: int, total: int) -> None:
        """So many steps of the pass under way are done; there may be further passes."""

    def known(self) -> Start | None:
        """The best network that others know by now: the run's start at first, then what other members found.

        It gets better from call to call, and may be worse than the backend's own. A backend that asks now and
        then (a call without news costs microseconds) may use it as it may use a start, whether it has
        :attr:`Capability.STARTS` or not.
        """


class Unheard:
    """A report that nobody reads."""

    def incumbent(self, assignment: IntArray, cost: int) -> None:
        """See :class:`Report`."""

    def bound(self, bound: int) -> None:
        """See :class:`Report`."""

    def progress(self, done: int, total: int) -> None:
        """See :class:`Report`."""

    def known(self) -> Start | None:
        """Nothing."""


class Backend(Protocol):
    """A way to answer models. Implementations are small picklable values without state.

    ``accepts`` lists model types, the preferred one first: the first registered encoder that makes it is the
    default. ``run`` may raise anything. A :class:`QnntError` is raised to the caller of ``solve``, such as
    :class:`Unsupported`, with which a backend declines a model (see :func:`expect_within`); anything else is
    UNKNOWN with its reason. A backend that waits for another program has a true attribute ``runs_programs``,
    so that the program ends with it. One that computes in floating point has a true attribute ``floating``: a
    result tells it.

    Optional: a backend with :attr:`Capability.STARTS` has a ``run`` that also takes ``start``, a
    :class:`Start` or None.

    A backend with a method ``prepare(model, report)`` has it called before ``run``, as a phase of its own: to
    compile what ``run`` needs. It may report networks that it finds in the meantime.

    Optional, too: a backend that ``auto`` may choose has a method ``estimate(instance) -> float | None``: the
    seconds until a verdict that its author expects of it with one thread, loading and encoding included. The
    order of magnitude is what counts; :func:`qnnt.backends.estimates.clause_solver` gives that of the usual
    choices. None means that it has no opinion or should not be chosen. It is asked about every instance that
    ``auto`` solves, so it takes milliseconds and loads no solver. With :attr:`Capability.INCUMBENTS` and
    without :attr:`Capability.PROVE` a backend that has an opinion runs beside those that prove.
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
        """Why this instance is declined, with an alternative ("…; try maxsat"), or None if it is taken."""

    def run(self, model: Any, limits: Limits, report: Report) -> Answer:
        """Answer the model. ``limits.time`` is what is left of the time limit."""


def optimum(assignment: IntArray, cost: int, bound: int, sizes: Mapping[str, int]) -> Answer:
    """What a solver's claim of an optimum comes to: OPTIMAL only if the bound that it proved is the cost."""
    if bound >= cost:
        return Answer(Status.OPTIMAL, assignment, cost, cost, sizes=dict(sizes))
    reason = f"the solver calls an error of {cost} optimal and proves no more than {bound}"
    return Answer(Status.UNKNOWN, assignment, cost, bound, reason=reason, sizes=dict(sizes))


def expect_within(backend: Backend, largest: float, most: int, instead: str) -> None:
    """Raise :class:`Unsupported` if a sum of the model's numbers can pass what the backend computes exactly.

    ``largest`` is how large a sum can get, ``most`` the limit, ``instead`` what to try for such a model.
    """
    if largest > most:
        raise Unsupported(
            f"backend {backend.name!r} computes exactly with sums of up to {most:,}, "
            f"a sum of this model can reach {largest:,.0f}; try {instead}"
        )
