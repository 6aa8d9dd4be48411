"""Makes the runs of a comparison, several at a time if asked, and puts each into a file as it ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from qnnt.comparing.attempts import Attempt, Kept, library_run
from qnnt.comparing.contestants import Contestant
from qnnt.comparing.runs import Run, RunFile, Settings, known_of
from qnnt.cubes.journal import digest
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, run_here

_LOOK = 0.1  # seconds between two looks at whether the comparison was interrupted


@dataclass(frozen=True)
class Case:
    """An instance by name; ``make`` gives the same instance each time. ``path`` is its file, if it has one.

    ``known`` is what is known of it: None for what the instance says, see :func:`known_of`.
    """

    name: str
    family: str
    make: Callable[[], Instance]
    known: dict[str, int] | None = None


Command = Callable[[Case, Contestant, Limits], str]
"""The command line that makes a run again."""


@dataclass(frozen=True)
class _Planned:
    case: Case
    instance: Instance
    mark: str
    contestant: Contestant
    seed: int


class Comparison:
    """Makes runs and puts them into a file that may hold some already.

    ``jobs`` run at a time: one in this process, several each from a worker of its own. ``make`` makes a run.
    Raises :class:`InputError` if the file holds runs under other settings.
    """

    def __init__(
        self,
        file: RunFile,
        settings: Settings,
        command: Command,
        *,
        jobs: int = 1,
        make: Callable[[Instance, Contestant, Limits], Kept] = library_run,
    ) -> None:
        self.file, self._settings, self._command, self._jobs, self._make = file, settings, command, jobs, make
        self.running: list[str] = []  # what runs at the moment
        file.expect(settings)

    def runs(
        self, cases: Sequence[Case], asked: Sequence[Contestant], seeds: Sequence[int] = (0,)
    ) -> Iterator[Run | None]:
        """Every contestant on every case, case by case: a run when it ends, or None if the file has it.

        Raises ``KeyboardInterrupt`` after Ctrl-C; runs that were going on are not kept.
        """
        planned = self._planned(cases, asked, seeds)
        yield from self._one_by_one(planned) if self._jobs == 1 else self._side_by_side(planned)

    def _planned(
        self, cases: Sequence[Case], asked: Sequence[Contestant], seeds: Sequence[int]
    ) -> Iterator[_Planned | None]:
        for case in cases:
            instance = case.make()
            mark = digest(instance)[:16]
            for seed in seeds:
                for contestant in asked:
                    there = self.file.has(case.name, contestant.name, mark, seed)
                    yield None if there else _Planned(case, instance, mark, contestant, seed)

    def _one_by_one(self, planned: Iterator[_Planned | None]) -> Iterator[Run | None]:
        for each in planned:
            if each is None:
                yield None
                continue
            with _noted(self.running, each):
                ended: Ended[Kept] = run_here(self._attempt(each), _ignored)
            yield self._kept(each, ended)

    def _side_by_side(self, planned: Iterator[_Planned | None]) -> Iterator[Run | None]:
        stop, places = threading.Event(), queue.SimpleQueue[int]()
        for place in range(self._jobs):
            places.put(place)

        def run(each: _Planned) -> Ended[Kept]:
            place = places.get()
            try:
                with _noted(self.running, each):
                    return run_isolated(self._attempt(each, place), _ignored, stop.is_set)
            finally:
                places.put(place)

        pending: dict[Future[Ended[Kept]], _Planned] = {}
        with ThreadPoolExecutor(self._jobs) as threads:
            try:
                for each in planned:
                    if each is None:
                        yield None
                        continue
                    pending[threads.submit(run, each)] = each
                    while len(pending) >= self._jobs:
                        yield from self._ended(pending)
                while pending:
                    yield from self._ended(pending)
            finally:
                stop.set()

    def _ended(self, pending: dict[Future[Ended[Kept]], _Planned]) -> Iterator[Run]:
        """Those that have ended after a short while."""
        for future in wait(pending, _LOOK, FIRST_COMPLETED).done:
            yield self._kept(pending.pop(future), future.result())

    def _attempt(self, each: _Planned, place: int = 0) -> Attempt:
        return Attempt(each.instance, each.contestant, self._limits(each), self._make, place)

    def _limits(self, each: _Planned) -> Limits:
        said = self._settings
        return each.contestant.within(Limits(said.time_limit, said.memory_limit, said.threads, each.seed))

    def _kept(self, each: _Planned, ended: Ended[Kept]) -> Run:
        """The run, once it is in the file."""
        said, case = self._settings, each.case
        kept = ended.answer or {"outcome": "unknown", "status": Status.UNKNOWN, "reason": ended.reason}
        if kept.get("limit") == Limit.INTERRUPT:
            raise KeyboardInterrupt
        run = Run(
            case=case.name,
            family=case.family,
            contestant=each.contestant.name,
            instance=each.mark,
            goal=str(each.instance.goal),
            time_limit=said.time_limit,
            threads=said.threads,
            whole_process=said.whole_process,
            known=known_of(each.instance) if case.known is None else case.known,
            seed=each.seed,
            memory_limit=said.memory_limit,
            command=self._command(case, each.contestant, self._limits(each)),
            **{"backend": each.contestant.backend, "encoder": each.contestant.encoder, **kept},
        )
        self.file.add(run)
        return run


class _noted:  # noqa: N801 - used as a function
    """Keeps the name of a run in a list while it goes on."""

    def __init__(self, running: list[str], each: _Planned) -> None:
        self._running, self._name = running, f"{each.contestant.name} on {each.case.name}"

    def __enter__(self) -> None:
        self._running.append(self._name)

    def __exit__(self, *_: object) -> None:
        self._running.remove(self._name)


def _ignored(_: Any) -> None:
    """The news of a run are not heard."""
