"""The task of training: encode, run the backend, lift what it found. Runs in a worker or in this process."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt import registry
from qnnt.architecture import Architecture
from qnnt.arrows import Arrow, Chain, Lift, counted, planted
from qnnt.backends.base import Answer, Backend, Capability, Start
from qnnt.dataset import Dataset
from qnnt.domain import Domain, IntArray
from qnnt.goals import AtMost
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.network import Network
from qnnt.presolve.steps import DEFAULT
from qnnt.workers.task import Hear, Tell, no_message

Vector = npt.NDArray[np.int64]

_PAUSE = 0.2  # seconds between two reports of progress


@dataclass(frozen=True)
class Incumbent:
    """The parameters (A + H,) of a network and the number of errors that it is said to have."""

    vector: Vector
    cost: int


@dataclass(frozen=True)
class Job:
    """What to solve and how: a task for a worker.

    ``encoder`` leads from the instance to what the backend takes; its lift makes a network of an assignment.
    It may be a chain that simplifies the instance first. ``start`` is a network to begin from; a message to
    the running job is an :class:`Incumbent` that is better than the start and than any sent before.
    """

    instance: Instance
    encoder: Arrow[Instance, Network, Any, Any]
    backend: Backend
    limits: Limits
    start: Incumbent | None = None

    @property
    def family(self) -> str:
        """All variants of a backend."""
        return self.backend.name.partition(":")[0]

    @property
    def fresh(self) -> bool:
        """Whether a new worker is needed: under a memory limit, what an earlier job left would count too."""
        return self.limits.memory is not None

    @property
    def runs_programs(self) -> bool:
        """Whether the backend waits for another program."""
        return bool(getattr(self.backend, "runs_programs", False))

    def execute(self, tell: Tell[Event], hear: Hear = no_message) -> Outcome:
        """Encode, run, lift. Raises whatever the encoder or the backend raises."""
        tell(Event(phase="encode"))
        start = time.perf_counter()
        model, lift = self.encoder.apply(self.instance)
        seconds = {"encode": time.perf_counter() - start}
        report = _Reporter(self.instance, lift, tell, hear, self.start)
        prepare = getattr(self.backend, "prepare", None)
        if prepare is not None:
            tell(Event(phase="compile"))
            start = time.perf_counter()
            prepare(model, report)
            seconds["compile"] = time.perf_counter() - start
        sizes = {**(model.sizes() if hasattr(model, "sizes") else {}), **counted(lift)}
        tell(Event(phase="solve", sizes=sizes))
        limits = self.limits
        if limits.time is not None:
            left = limits.time - sum(seconds.values())
            if left <= 0:
                reason = "the time limit ended before the search began"
                return Outcome(Status.UNKNOWN, limit=Limit.TIME, reason=reason, seconds=seconds)
            limits = replace(limits, time=left - min(0.1, 0.05 * left))  # to end in time by its own clock
        start = time.perf_counter()
        answer = self._run(model, limits, report)
        seconds["solve"] = time.perf_counter() - start
        return _outcome(answer, lift, seconds, sizes)

    def _run(self, model: Any, limits: Limits, report: _Reporter) -> Answer:
        if self.start is None or Capability.STARTS not in self.backend.capabilities:
            return self.backend.run(model, limits, report)
        run: Any = self.backend.run  # with this capability it takes a start, too
        answer: Answer = run(model, limits, report, start=report.known())
        return answer


@dataclass(frozen=True)
class Event:
    """News of a running job: a phase, an incumbent (its parameters and claimed error), a lower bound.

    ``steps`` are those done and all of the pass under way.
    """

    phase: str | None = None
    vector: Vector | None = None
    cost: int | None = None
    bound: int | None = None
    steps: tuple[int, int] | None = None
    sizes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a job came to: the backend's answer with its assignment lifted to a parameter vector.

    ``certified``: see :class:`qnnt.backends.base.Answer`.
    """

    status: Status
    vector: Vector | None = None
    cost: int | None = None
    bound: int | None = None
    limit: Limit | None = None
    reason: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    certified: bool = False


class _Reporter:
    """Lifts what a backend reports and passes it on; shows it what others found as its model has it."""

    def __init__(
        self,
        instance: Instance,
        lift: Lift[Any, Network],
        tell: Tell[Event],
        hear: Hear,
        start: Incumbent | None,
    ) -> None:
        self._instance, self._lift, self._tell, self._hear, self._last = instance, lift, tell, hear, 0.0
        self._known = None if start is None else self._planted(start)

    def known(self) -> Start | None:
        """See :class:`qnnt.backends.base.Report`."""
        news = self._hear()
        if isinstance(news, Incumbent):
            self._known = self._planted(news)
        return self._known

    def _planted(self, incumbent: Incumbent) -> Start:
        nothing = np.empty(0, dtype=np.int64)
        network = self._instance.network(incumbent.vector)
        variables, values = planted(self._lift, network) or (nothing, nothing)
        return Start(variables, values, incumbent.cost)

    def incumbent(self, assignment: IntArray, cost: int) -> None:
        self._tell(Event(vector=self._lift(assignment).vector, cost=int(cost)))

    def bound(self, bound: int) -> None:
        self._tell(Event(bound=int(bound)))

    def progress(self, done: int, total: int) -> None:
        if time.monotonic() - self._last > _PAUSE:
            self._last = time.monotonic()
            self._tell(Event(steps=(done, total)))


def _outcome(
    answer: Answer, lift: Lift[Any, Network], seconds: dict[str, float], sizes: dict[str, Any]
) -> Outcome:
    return Outcome(
        status=answer.status,
        vector=None if answer.assignment is None else lift(answer.assignment).vector,
        cost=None if answer.cost is None else int(answer.cost),
        bound=None if answer.bound is None else int(answer.bound),
        limit=answer.limit,
        reason=answer.reason,
        seconds=seconds,
        sizes={**sizes, **answer.sizes},
        certified=answer.certified,
    )


def warm_up() -> None:
    """Solve a tiny instance before a job comes: what most jobs need is loaded then.

    What fails to load is left to the job that wants it.
    """
    with suppress(Exception):
        sat = registry.backend("sat")
        arrow: Arrow[Instance, Network, Any, Any] = registry.encoder_for(sat, None, symmetry=True)
        for step in reversed(DEFAULT):
            arrow = Chain(step, arrow)
        tiny = Instance(Domain(3), Architecture.dense([1, 1]), Dataset([[1]], [[1]]), AtMost(0))
        Job(tiny, arrow, sat, Limits()).execute(lambda _: None)
