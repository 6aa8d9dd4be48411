"""Makes the runs of a comparison, several at a time if asked, and puts each into a file as it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import partial

from qnnt import __version__
from qnnt.comparing.attempts import Kept, Make, attempt_apart, attempt_here, library_run
from qnnt.comparing.contestants import Contestant
from qnnt.comparing.runs import Run, RunFile, Settings, known_of
from qnnt.cubes.journal import digest
from qnnt.exceptions import LostTask
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.workers.executors import HereExecutor, NamedExecutor, failure, share
from qnnt.workers.task import Ended

_LOOK = 0.1  # seconds between two looks at whether the comparison was interrupted


@dataclass(frozen=True)
class Case:
    """An instance by name; ``make`` gives the same instance each time.

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

    def __str__(self) -> str:
        return f"{self.contestant.name} on {self.case.name}"


class Comparison:
    """Makes runs and puts them into a file that may hold some already.

    One run at a time is made in this process, or several at a time on an ``executor``. ``make`` makes a run.
    Raises :class:`InputError` if the file holds runs under other settings.
    """

    def __init__(
        self,
        file: RunFile,
        settings: Settings,
        command: Command,
        *,
        executor: NamedExecutor | None = None,
        make: Make = library_run,
    ) -> None:
        self.file, self._settings, self._command = file, settings, command
        self._executor: NamedExecutor = executor or HereExecutor()
        self._attempt = partial(attempt_here if executor is None else attempt_apart, make)
        self._shared: tuple[Instance, Instance] | None = None  # the last one, and what stands for it
        self._pending: dict[Future[Ended[Kept]], _Planned] = {}
        self.running: list[str] = []  # what runs at the moment
        file.expect(settings)

    def runs(
        self, cases: Sequence[Case], asked: Sequence[Contestant], seeds: Sequence[int] = (0,)
    ) -> Iterator[Run | None]:
        """Every contestant on every case, case by case: a run when it ends, or None if the file has it.

        Raises ``KeyboardInterrupt`` after Ctrl-C, and :class:`LostTask` if the executor drops a run. Runs
        that were going on are not kept.
        """
        try:
            for each in self._planned(cases, asked, seeds):
                if each is None:
                    yield None
                    continue
                while len(self._pending) >= self._executor.places:
                    yield from self._ended()
                self._begin(each)
            while self._pending and self._executor.places:  # asked so that it tells of workers that are lost
                yield from self._ended()
        finally:
            for future in self._pending:
                future.cancel()

    def require_same(self, cases: Sequence[Case]) -> None:
        """Raise :class:`InputError` if the file holds runs of one of the cases on another instance."""
        for case in cases:
            self.file.require_same(case.name, _mark_of(case.make()))

    def _planned(
        self, cases: Sequence[Case], asked: Sequence[Contestant], seeds: Sequence[int]
    ) -> Iterator[_Planned | None]:
        for case in cases:
            instance = case.make()
            mark = _mark_of(instance)
            for seed in seeds:
                for contestant in asked:
                    there = self.file.has(case.name, contestant.name, mark, seed)
                    yield None if there else _Planned(case, instance, mark, contestant, seed)

    def _begin(self, each: _Planned) -> None:
        if self._shared is None or self._shared[0] is not each.instance:
            self._shared = each.instance, share(self._executor, each.instance)
        self.running.append(str(each))
        arguments = self._shared[1], each.contestant, self._limits(each)
        self._pending[self._executor.submit(self._attempt, *arguments)] = each

    def _ended(self) -> Iterator[Run]:
        """Those that have ended after a short while."""
        for future in wait(self._pending, _LOOK, FIRST_COMPLETED).done:
            each = self._pending.pop(future)
            self.running.remove(str(each))
            yield self._kept(each, _end_of(future))

    def _limits(self, each: _Planned) -> Limits:
        said = self._settings
        return each.contestant.within(Limits(said.time_limit, said.memory_limit, said.threads, each.seed))

    def _kept(self, each: _Planned, ended: Ended[Kept]) -> Run:
        """The run, once it is in the file."""
        said, case = self._settings, each.case
        kept = ended.answer or {"outcome": "unknown", "status": Status.UNKNOWN, "reason": ended.reason}
        if Limit.INTERRUPT in (kept.get("limit"), ended.limit):
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
            qnnt_version=__version__,
            seed=each.seed,
            memory_limit=said.memory_limit,
            command=self._command(case, each.contestant, self._limits(each)),
            **{"backend": each.contestant.backend, "encoder": each.contestant.encoder, **kept},
        )
        self.file.add(run)
        return run


def _mark_of(instance: Instance) -> str:
    return digest(instance)[:16]


def _end_of(future: Future[Ended[Kept]]) -> Ended[Kept]:
    """How a run ended; one whose worker died again and again has no answer."""
    if future.cancelled():
        raise LostTask("the executor has dropped the runs: its scheduler has gone; the same command goes on")
    lost = failure(future)
    return future.result() if lost is None else Ended(reason=lost)
