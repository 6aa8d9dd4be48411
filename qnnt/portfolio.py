"""Several jobs race on one instance, each in a process of its own; the first verdict ends the race."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, takewhile
from typing import Protocol

from qnnt.backends.base import Capability
from qnnt.exceptions import Unavailable, Unsupported
from qnnt.job import Event, Incumbent, Job, Outcome
from qnnt.limits import Limit, Status
from qnnt.workers.pool import LATE, START_UP, Running, heard
from qnnt.workers.task import Ended

_LOG = logging.getLogger(__name__)

_FIRST = 0.5  # seconds of the first turns, where jobs take turns
_SHARE = 0.25  # later turns take this share of the time so far, so that there are not too many
_SEARCHES = 0.4  # length of a turn of a job that proves nothing, beside 1 for a job that proves
_LONG = 10.0  # a race is long after so many seconds
_LONG_SEARCHES = 1.0  # instead, in a long race for a network that meets a goal: there may be one after all
_FAR_SEARCHES, _FAR_PROOFS = 1.0, 0.25  # the two lengths in a long race in which a proof is far

End = Ended[Outcome]


class Board(Protocol):
    """Where the jobs of a race tell what they have; all calls come from the thread that races."""

    def hear(self, event: Event, who: int = 0) -> None:
        """Take in news of job number ``who``. What it raises ends the race."""

    @property
    def start(self) -> Incumbent | None:
        """What a job that begins now may start from."""

    @property
    def settled(self) -> bool:
        """Whether what is known decides the matter, so that no job need go on."""

    @property
    def far(self) -> bool:
        """Whether what is proved is far from what was found, so that a better network is worth more."""


@dataclass(frozen=True)
class Finish:
    """How a race ended: each job's end, and the number of the ``winner``, the job that has a verdict.

    Without a winner every job ended without a verdict, or what they told together decides the matter. A job
    that was no longer needed has no end.
    """

    ends: tuple[End | None, ...]
    winner: int | None = None

    @property
    def limit(self) -> Limit | None:
        """The limit that ended the race, or all of its jobs."""
        limits = {_limit(end) for end in self.ends if end is not None}
        return Limit.TIME if Limit.TIME in limits else limits.pop() if len(limits) == 1 else None

    def reason(self, names: Sequence[str], usual: Mapping[Limit | None, str]) -> str:
        """Why there is no verdict: the reason of each job by its name, or the one reason of all.

        ``usual`` are those of a job that gives none, by its limit.
        """
        reasons = {
            name: end.reason or (end.answer and end.answer.reason) or usual[_limit(end)]
            for name, end in zip(names, self.ends, strict=True)
            if end is not None
        }
        if len(set(reasons.values())) == 1:
            return next(iter(reasons.values()))
        return "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or usual[None]


def _limit(end: End) -> Limit | None:
    return end.limit if end.answer is None else end.answer.limit


def race(jobs: Sequence[Job], at_once: int, board: Board) -> Finish:
    """Run the jobs, ``at_once`` at a time, until one has a verdict, the board is settled, or all have ended.

    What one finds is told to the others while they run, and is the start of those that begin later. If there
    are more jobs they take turns: one whose turn is over is paused where it is. A job that proves nothing
    may have several threads; it has one while it compiles, and then pauses others for its first turn. All
    jobs have the same time limit, which counts for the race. A job that declines, crashes, runs out of memory
    or gets no worker leaves the others to go on. Nothing of a job is left when this returns or raises. Raises
    what ``board`` raises, the error of a job that does not decline but is a fault of the input or the
    backend, and :class:`Unavailable` if no job gets a worker.
    """
    running = _Race(jobs, at_once, board)
    try:
        return running.run()
    finally:  # after Ctrl-C, too
        running.clear()


class _Race:
    """One thread that waits for the news of all processes, so that nothing has to be locked."""

    def __init__(self, jobs: Sequence[Job], at_once: int, board: Board) -> None:
        self._jobs, self._at_once, self._board = jobs, at_once, board
        self._waiting = deque(range(len(jobs)))
        self._begun: dict[int, Running[Event, Outcome]] = {}
        self._turns: dict[int, float] = {}  # the jobs that run, and when their turns are over
        self._ready: set[int] = set()  # the jobs that have begun to solve
        self._ends: list[End | None] = [None] * len(jobs)
        self._winner: int | None = None
        self._best = board.start  # what all that have begun know
        self._began, self._deadline = time.monotonic(), math.inf

    def run(self) -> Finish:
        while not self._decided:
            now = time.monotonic()
            if now >= self._deadline:
                self._give_up()
                break
            while self._waiting and self._threads(self._waiting[0]) <= self._free:
                self._give_turn(self._waiting.popleft(), now)
            if not self._turns:
                break
            next_turn = min(self._turns.values()) if self._waiting else math.inf
            self._listen(min(self._deadline, next_turn) - now)
            self._end_turns()
        return Finish(tuple(self._ends), self._winner)

    @property
    def _decided(self) -> bool:
        return self._winner is not None or self._board.settled

    def clear(self) -> None:
        """Kill whatever still runs or is paused."""
        for running in self._begun.values():
            running.kill()

    def _give_turn(self, number: int, now: float) -> None:
        """Let a job begin or go on."""
        if number in self._begun:
            self._begun[number].resume()
            self._turns[number] = now + self._turn(number, now)
            return
        job = replace(self._jobs[number], start=self._board.start)
        if job.limits.time is not None:  # until a worker has started, the deadline allows for that
            left = min(job.limits.time, self._deadline - now)
            job = replace(job, limits=replace(job.limits, time=left))
        _LOG.info("%s begins", job.backend.name)
        try:
            self._begun[number] = running = Running(job, partial(self._hear, number))
        except Unavailable as error:
            if not self._begun and not self._waiting:  # nor does any other get one
                raise
            self._end(number, Ended(reason=str(error)))
            return
        self._turns[number] = now + self._turn(number, now) + START_UP
        self._deadline = min(self._deadline, running.deadline)

    def _proves(self, number: int) -> bool:
        return Capability.PROVE in self._jobs[number].backend.capabilities

    def _turn(self, number: int, now: float) -> float:
        """How long a turn is that begins now; a job that compiles beside others does so to the end."""
        proves, ran = self._proves(number), now - self._began
        if not proves and number not in self._ready and self._at_once > 1:
            return math.inf
        searches, proofs = _SEARCHES, 1.0
        if ran >= _LONG and self._board.far:
            searches, proofs = _FAR_SEARCHES, _FAR_PROOFS
        elif ran >= _LONG and not self._jobs[number].instance.goal.minimizes:
            searches = _LONG_SEARCHES
        return (proofs if proves else searches) * max(_FIRST, _SHARE * ran)

    def _threads(self, number: int) -> int:
        """How many threads a job takes."""
        return self._jobs[number].limits.threads if self._proves(number) or number in self._ready else 1

    @property
    def _free(self) -> int:
        """The threads that no job takes."""
        return self._at_once - sum(map(self._threads, self._turns))

    def _hear(self, number: int, event: Event) -> None:
        if event.phase == "solve" and number not in self._ready:
            self._ready.add(number)
            if number in self._turns and not self._proves(number):
                self._make_room(number)
        self._board.hear(event, number)

    def _make_room(self, number: int) -> None:
        """Let a job that has compiled have its first turn: others come next."""
        now = time.monotonic()
        self._turns[number] = now + self._turn(number, now)
        for other in reversed(list(self._turns)):
            if self._free < 0 and other != number:
                self._pause(other)
                self._waiting.appendleft(other)

    def _listen(self, seconds: float) -> None:
        """Take in what comes within so many seconds."""
        numbers = {self._begun[number]: number for number in self._turns}
        for running in heard(list(numbers), seconds):
            before, number = running.started, numbers[running]
            if number not in self._turns:  # it was paused for another one just now
                continue
            ended = running.take_in()
            if ended is not None:
                self._end(number, ended)
            elif running.started and not before:
                now = time.monotonic()
                self._turns[number] = now + self._turn(number, now)
                self._deadline = min(self._deadline, running.deadline)
            if self._decided:
                return
            self._pass_on(number)

    def _pass_on(self, finder: int) -> None:
        """If there is a better network, tell the jobs that have begun, but for the one that found it."""
        if self._board.start is not self._best:
            self._best = self._board.start
            for number, running in self._begun.items():
                if number != finder:
                    running.inform(self._best)

    def _end(self, number: int, ended: End) -> None:
        """Note how a job ended; what it has without a verdict is news."""
        self._turns.pop(number, None)
        self._ends[number] = ended
        answer = ended.answer
        if ended.error is not None and not isinstance(ended.error, Unsupported | Unavailable):
            raise ended.error
        name = self._jobs[number].backend.name
        if answer is not None and answer.status is not Status.UNKNOWN:
            _LOG.info("%s has a verdict: %s", name, answer.status)
            self._winner = number
            return
        _LOG.info("%s ends without a verdict: %s", name, ended.reason or (answer and answer.reason))
        if answer is not None:
            self._board.hear(Event(vector=answer.vector, cost=answer.cost, bound=answer.bound), number)

    def _end_turns(self) -> None:
        """Pause jobs whose turn is over, as many as make room for those that come next."""
        now = time.monotonic()
        over = [number for turn, number in sorted((t, n) for n, t in self._turns.items()) if turn <= now]
        sums = accumulate(map(self._threads, self._waiting))
        wanted = max(takewhile(lambda threads: threads <= self._at_once, sums), default=0)
        if self._waiting and self._free + sum(map(self._threads, over)) < self._threads(self._waiting[0]):
            return
        paused = []
        for number in over:
            if self._free < wanted:
                self._pause(number)
                paused.append(number)
        self._waiting.extend(paused)

    def _pause(self, number: int) -> None:
        self._begun[number].pause()
        del self._turns[number]

    def _give_up(self) -> None:
        """At the deadline: what a job had sent still counts."""
        for number, ended in enumerate(self._ends):
            if ended is None and not self._decided:
                running = self._begun.get(number)
                late: End = Ended(limit=Limit.TIME, reason=LATE)
                self._end(number, late if running is None else running.cut_short(Limit.TIME, LATE))
