"""A run over cubes: the parameter space is split, an executor gets the parts, and their answers are joined.

One network that meets the goal ends the run. That none exists is proved when each cube has been refuted. A
cube without an answer (a limit, a crash) leaves the whole without one. If the error is minimised, every part
is asked for a network better than the best one so far, again and again until its cube has none.

The cubes partition the parameters of the instance *after* presolve, as that is what encoders search. An
encoder keeps one network of those that exchanges of neurons make of one another. It is the same one in all
parts and in the split, as the order of :mod:`qnnt.symmetry` depends on the instance alone, and it lies in
some cube. A journal tells whether there was an order.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from qnnt.arrows import Composed, Lift, counted
from qnnt.box import Box
from qnnt.cubes.journal import Journal, Plan, Refuted
from qnnt.cubes.part import Ending, Flag, Part, Raised, Whole, forget_model, run_part
from qnnt.cubes.split import Split, SplitTask
from qnnt.encoders.base import Encoder
from qnnt.exceptions import InputError, WrongAnswer
from qnnt.goals import AtMost, Goal
from qnnt.job import Event, Job, Outcome, Vector
from qnnt.limits import Limit, Status
from qnnt.network import Network
from qnnt.presolve.steps import Step
from qnnt.workers.executors import HereExecutor, LocalExecutor, NamedExecutor, failure, places, share
from qnnt.workers.pool import LATE, run_isolated
from qnnt.workers.task import Ended, describe, run_here

_LOG = logging.getLogger(__name__)

_LOOK = 0.1  # seconds between two looks at the clock
_GRACE = 5.0  # seconds that parts have to tell their best networks when the run ends early
_INTERRUPTED = Outcome(Status.UNKNOWN, limit=Limit.INTERRUPT, reason="interrupted")


@dataclass(frozen=True)
class Cubes:
    """How a run is split: into at least ``count`` cubes if there are as many, ``limits.threads`` at a time.

    ``journal`` is a file from which a run that was killed goes on; see :mod:`qnnt.cubes.journal`.

    ``executor`` gets the parts. Any :class:`concurrent.futures.Executor` does whose workers can import qnnt
    and the classes of backend and encoder. There, too, a part is run in a child process under all limits.
    The executor stays open. By default threads of this process have such children run the parts. One of
    :func:`qnnt.open_executor` gets as many at a time as it has places, and is sent the instance once.

    Raises ``ValueError`` for a count below 1.
    """

    count: int = 64
    journal: str | Path | None = None
    executor: Executor | None = None

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise ValueError(f"at least one cube is needed, not {self.count!r}")


class Known(Protocol):
    """A network that was replayed."""

    @property
    def errors(self) -> int:
        """Its wrong points."""


class Board(Protocol):
    """Where a run tells what it has; all calls come from the thread that runs it."""

    def hear(self, event: Event) -> None:
        """Take in news. What it raises ends the run."""

    @property
    def best(self) -> Known:
        """The network that comes nearest to the goal."""

    @property
    def settled(self) -> bool:
        """Whether what is known decides the matter."""


def solve_cubes(
    job: Job, encoder: Encoder, steps: Sequence[Step], cubes: Cubes | int, board: Board, *, isolate: bool
) -> Outcome:
    """What the cubes of an instance come to together.

    ``job`` is that of the whole, its threads how many parts run at a time. Its instance goes through the
    presolve ``steps``, then the ``encoder`` gets it. A journal that can no longer be written, or an executor
    that takes no more parts, ends the run with what it has. Raises the error of a part that declines,
    :class:`InputError` for a journal that does not fit or cannot be begun, and what the board raises.

    Nothing of the run is left when this returns or raises. But a part in another's executor on another host
    goes on, unless it can see that the run has ended: see :class:`qnnt.cubes.part.Flag`.
    """
    cubes = Cubes(cubes) if isinstance(cubes, int) else cubes
    try:
        return _solved(job, encoder, steps, cubes, board, isolate=isolate)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        forget_model()


def _solved(
    job: Job, encoder: Encoder, steps: Sequence[Step], cubes: Cubes, board: Board, *, isolate: bool
) -> Outcome:
    target, limits, began = job.instance, job.limits, time.monotonic()
    lift: Lift[Network, Network] = _same
    for step in steps:
        target, inner = step.apply(target)
        lift = Composed(inner, lift)
    if limits.time is not None:
        left = limits.time - (time.monotonic() - began)
        if left <= 0:
            return Outcome(Status.UNKNOWN, limit=Limit.TIME, reason=LATE)
        limits = replace(limits, time=left)
    job = replace(job, instance=target, limits=limits)
    with ExitStack() as stack:
        journal = None
        if cubes.journal is not None:
            path, symmetry, by = Path(cubes.journal), encoder.symmetry, _named(job, encoder)
            journal = stack.enter_context(Journal(path, target, symmetry=symmetry, asked=cubes.count, by=by))
        raised = stack.enter_context(Raised())
        executor = cubes.executor
        if executor is None:
            executor = stack.enter_context(LocalExecutor(limits.threads) if isolate else HereExecutor())
        return _Run(job, encoder, lift, cubes, board, isolate).run(executor, raised, journal)


def _named(job: Job, encoder: Encoder) -> str:
    return f"backend {job.backend.name!r} with encoder {encoder.name!r}"


def _same(network: Network) -> Network:
    return network


class _Stopped(Exception):  # noqa: N818
    """The run ends early."""

    def __init__(self, reason: str, limit: Limit | None = None) -> None:
        super().__init__(reason)
        self.outcome = Outcome(Status.UNKNOWN, limit=limit, reason=reason)


@contextmanager
def _handing_over() -> Iterator[None]:
    """An executor may raise anything: it was shut down, it is broken, its host has gone."""
    try:
        yield
    except Exception as error:
        raise _Stopped(f"the executor takes no more parts: {describe(error)}") from None


@dataclass
class _Run:
    """One run. ``job`` is that of the whole after presolve; ``lift`` carries its networks back."""

    job: Job
    encoder: Encoder
    lift: Lift[Network, Network]
    cubes: Cubes
    board: Board
    isolate: bool
    _boxes: tuple[Box, ...] = ()
    _waiting: deque[int] = field(default_factory=deque)
    _running: dict[Future[Ending], tuple[int, Goal]] = field(default_factory=dict)
    _refuted: dict[int, int | None] = field(default_factory=dict)
    _failed: dict[int, tuple[Limit | None, str]] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _journal: Journal | None = None
    _deadline: float = math.inf

    def run(self, executor: Executor, raised: Raised, journal: Journal | None) -> Outcome:
        self._journal = journal
        try:
            self._begin()
            self._work(executor, raised.flag)
        except _Stopped as stopped:
            outcome = stopped.outcome
            if outcome.limit is Limit.TIME and isinstance(executor, NamedExecutor) and executor.remote:
                self._hear_last_words()  # they end by the same limit; cancelled, they are mute
        except KeyboardInterrupt:
            outcome = _INTERRUPTED
        else:
            return replace(self._joined(), sizes=self._sizes)
        finally:
            raised.lower()
            for future in self._running:
                future.cancel()
        self._hear_last_words()
        return replace(outcome, sizes=self._sizes)

    # The beginning: what the journal knows, or a split.

    def _begin(self) -> None:
        self._start_clock()
        journal, plan = self._journal, None
        if journal is not None:
            self._replay(journal.vectors)
            plan = journal.plan
        if not self.board.settled:
            if plan is None:
                plan = self._split()
                if journal is not None:
                    journal.begin(plan)
            self._take(plan, [] if journal is None else journal.refuted)

    def _start_clock(self) -> None:
        if self.job.limits.time is not None:
            self._deadline = time.monotonic() + self.job.limits.time

    def _replay(self, vectors: list[list[int]]) -> None:
        for vector in vectors:
            try:
                self.board.hear(Event(vector=np.array(vector, dtype=np.int64)))
            except (InputError, ValueError, OverflowError) as error:
                raise InputError(
                    str(self.cubes.journal), f"has a network that does not fit: {error}"
                ) from None

    def _split(self) -> Plan:
        """Have a worker split the instance."""
        goal, job = self._asked, self.job
        task = SplitTask(job.instance.with_goal(goal), self.cubes.count, self.encoder.symmetry, job.limits)

        def tell(event: Event) -> None:
            if event.phase is not None:
                self._start_clock()  # the worker has begun
            self.board.hear(event)

        ended: Ended[Split] = run_isolated(task, tell) if self.isolate else run_here(task, tell)
        if ended.error is not None:
            raise ended.error
        if ended.answer is None:
            raise _Stopped(f"the split came to no end: {ended.reason}", ended.limit)
        found = ended.answer
        budget = goal.budget if job.instance.goal.minimizes else None
        return Plan((*found.cubes, *found.refuted), len(found.refuted), budget, self.cubes.count)

    def _take(self, plan: Plan, refuted: Sequence[Refuted]) -> None:
        """Note what is known of the cubes, and let the others wait for their turn."""
        self._boxes, n = plan.boxes, len(plan.boxes)
        by_split = [Refuted(cube, plan.budget) for cube in range(n - plan.refuted, n)]
        for each in (*by_split, *refuted):
            self._note(each)
        self._waiting.extend(cube for cube in range(n) if not self._done(cube))
        self._sizes = {**counted(self.lift), "cubes": n, "refuted by propagation": plan.refuted}
        if refuted:
            self._sizes["from the journal"] = len({each.cube for each in refuted})
            _LOG.info("the journal knows %d of %d cubes", n - len(self._waiting), n)

    @property
    def _asked(self) -> Goal:
        """The goal of the parts: a minimum is asked for by what is better than the best network so far."""
        goal = self.job.instance.goal
        return AtMost(self.board.best.errors - 1) if goal.minimizes else goal

    def _note(self, refuted: Refuted) -> None:
        known = self._refuted.get(refuted.cube)
        self._refuted[refuted.cube] = refuted.budget if known is None else max(known, refuted.budget or 0)

    def _done(self, cube: int) -> bool:
        """Whether no network in the cube is what is asked for."""
        if not self.job.instance.goal.minimizes:
            return cube in self._refuted
        budget = self._refuted.get(cube)
        return budget is not None and budget >= self.board.best.errors - 1

    # The work: so many parts at a time.

    def _work(self, executor: Executor, flag: Flag) -> None:
        job = self.job
        with _handing_over():
            whole = share(executor, Whole(job.instance, self.encoder, job.backend, flag, self.isolate))
        self.board.hear(Event(phase="solve"))
        self._tell()
        while (self._waiting or self._running) and not self.board.settled:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise _Stopped(LATE, Limit.TIME)
            at_once = places(executor, self.job.limits.threads)
            while self._waiting and len(self._running) < at_once and not self.board.settled:
                self._submit(executor, whole, self._waiting.popleft(), left)
            # Never longer: a signal that comes just before the wait is seen only after it.
            ended, _ = wait(self._running, timeout=min(left, _LOOK), return_when=FIRST_COMPLETED)
            for future in sorted(ended, key=lambda future: self._running[future][0]):
                cube, goal = self._running.pop(future)
                self._take_in(future, cube, goal)
            if ended:
                self._tell()

    def _tell(self) -> None:
        done = sum(map(self._done, range(len(self._boxes))))
        self.board.hear(Event(steps=(done, len(self._boxes)), sizes=self._sizes))

    def _submit(self, executor: Executor, whole: Whole, cube: int, left: float) -> None:
        goal, limits = self._asked, replace(self.job.limits, threads=1)
        if not math.isinf(left):
            limits = replace(limits, time=left)
        with _handing_over():
            future = executor.submit(run_part, whole, Part(self._boxes[cube], goal, limits))
        self._running[future] = cube, goal

    def _take_in(self, future: Future[Ending], cube: int, goal: Goal) -> None:
        """Join what a part has come to."""
        lost = failure(future)
        if lost is not None:
            self._failed[cube] = None, lost
            return
        ending = future.result()
        ended, outcome = ending.ended, ending.ended.answer or Outcome(Status.UNKNOWN)
        if ended.error is not None:
            raise ended.error
        self._hear_ending(ending)
        if outcome.sizes and "variables" not in self._sizes:
            self._sizes.update(outcome.sizes)
        more = {"seconds": round(ending.seconds, 3)}
        if outcome.status is Status.SATISFIABLE:
            self._found(cube, goal, outcome, more)
        elif outcome.status is Status.UNSATISFIABLE:
            if ending.told is not None and goal.accepts(ending.told.cost):
                raise WrongAnswer(f"{self._said} that no network exists, after reporting one")
            refuted = Refuted(cube, goal.budget if self.job.instance.goal.minimizes else None)
            self._note(refuted)
            self._write(lambda journal: journal.note_refuted(refuted, **more))
        elif outcome.status is Status.UNKNOWN:
            reason = ended.reason or outcome.reason or "the backend gave no reason"
            self._failed[cube] = ended.limit or outcome.limit, reason
        else:
            raise WrongAnswer(f"{self._said} {outcome.status} of a decision")
        if outcome.status is not Status.UNKNOWN and not self.board.settled and not self._done(cube):
            self._waiting.appendleft(cube)

    def _found(self, cube: int, goal: Goal, outcome: Outcome, more: dict[str, Any]) -> None:
        """A network in the cube meets the goal of its part."""
        if not goal.accepts(self.board.best.errors):
            best = f"the best network that is known has {self.board.best.errors} errors"
            raise WrongAnswer(f"{self._said} {outcome.status} for {goal}, but {best}")
        if outcome.vector is not None:
            vector = self._lifted(outcome.vector).tolist()
            self._write(lambda journal: journal.note_network(cube, vector, **more))

    def _write(self, note: Callable[[Journal], None]) -> None:
        """Write to the journal, if there is one; a full disk ends the run with what it has."""
        if self._journal is None:
            return
        try:
            note(self._journal)
        except InputError as error:
            raise _Stopped(str(error)) from None

    def _hear_ending(self, ending: Ending) -> None:
        """Networks that a part has, replayed."""
        if ending.told is not None:
            self.board.hear(Event(vector=self._lifted(ending.told.vector), cost=ending.told.cost))
        outcome = ending.ended.answer
        if outcome is not None and outcome.vector is not None:
            self.board.hear(Event(vector=self._lifted(outcome.vector), cost=outcome.cost))

    @property
    def _said(self) -> str:
        return f"{_named(self.job, self.encoder)} says"

    def _lifted(self, vector: Vector) -> Vector:
        return self.lift(self.job.instance.network(np.asarray(vector))).vector

    # The end.

    def _hear_last_words(self) -> None:
        """What parts came to that were cut short, or that ended in time after all."""
        ended, _ = wait(self._running, timeout=_GRACE)
        for future in ended:
            with suppress(_Stopped):  # by a full disk; the run has ended all the same
                self._take_in(future, *self._running.pop(future))

    def _joined(self) -> Outcome:
        """What all parts come to together."""
        if self.board.settled:
            return Outcome(Status.UNKNOWN, reason="the best network decides")  # as whoever asked will see
        open_ = [cube for cube in range(len(self._boxes)) if not self._done(cube)]
        if not open_:
            minimum = self.job.instance.goal.minimizes
            return Outcome(Status.OPTIMAL if minimum else Status.UNSATISFIABLE)
        failures = [self._failed[cube] for cube in open_]
        counts = Counter(reason for _, reason in failures)
        reasons = "; ".join(f"{reason} ({n})" if len(counts) > 1 else reason for reason, n in counts.items())
        limits = {limit for limit, _ in failures}
        limit = Limit.TIME if Limit.TIME in limits else limits.pop() if len(limits) == 1 else None
        of_all = f"{len(open_)} of {len(self._boxes)} cubes have no answer"
        return Outcome(Status.UNKNOWN, limit=limit, reason=f"{of_all}: {reasons}")
