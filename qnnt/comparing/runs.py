"""Runs: what is kept of each, and the file of JSON lines that holds them, from which a comparison goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Self

import msgspec

from qnnt.exceptions import InputError
from qnnt.files.locks import hold
from qnnt.goals import AtMost, parse_goal
from qnnt.instance import Instance
from qnnt.limits import Status
from qnnt.verify.agreement import disagreements

_BEGINNING = b'{"case": "'
OUTCOMES = ("solved", "unknown", "refused", "unavailable", "wrong")


@dataclass(frozen=True)
class Settings:
    """What has to be the same for all runs that are compared: seconds, MiB, threads, and the clock."""

    time_limit: float
    threads: int = 1
    memory_limit: int | None = None
    whole_process: bool = False

    def __str__(self) -> str:
        memory = "" if self.memory_limit is None else f", {self.memory_limit} MiB"
        whole = " as whole processes" if self.whole_process else ""
        return f"{self.time_limit:g} s{memory} and --threads {self.threads}{whole}"


@dataclass(frozen=True)
class Run:
    """A contestant's run on a case.

    ``contestant`` is what was asked for, ``backend`` and ``encoder`` what ran. ``outcome`` is one of
    :data:`OUTCOMES`: a verdict, UNKNOWN, or, without a ``status``, that the run was refused, that something
    is not installed, or that the replay refuted what was said; ``reason`` tells more. ``seconds`` are those
    of :func:`qnnt.solve`, ``process_seconds`` those of a whole program, if the run was one; ``phases`` are
    seconds, too. ``incumbents`` are pairs of seconds and errors, ``sizes`` counts of the model. ``instance``
    is a digest of the instance, ``known`` what is known of its errors: see :func:`known_of`. ``command``
    makes the run again. ``version`` is that of the solver, ``qnnt_version`` that of this package.
    """

    case: str
    family: str
    contestant: str
    instance: str
    goal: str
    time_limit: float
    threads: int
    whole_process: bool
    outcome: str
    backend: str
    encoder: str | None = None
    status: Status | None = None
    errors: int | None = None
    lower_bound: int | None = None
    seconds: float | None = None
    process_seconds: float | None = None
    limit: str | None = None
    reason: str | None = None
    version: str | None = None
    qnnt_version: str = ""
    used_threads: int | None = None
    incumbents: list[tuple[float, int]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    seed: int = 0
    memory_limit: int | None = None
    phases: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    command: str = ""

    @property
    def settings(self) -> Settings:
        """What has to be the same for all runs that are compared."""
        return Settings(self.time_limit, self.threads, self.memory_limit, self.whole_process)

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells the runs of a file apart."""
        return self.case, self.contestant, self.seed

    @property
    def cell(self) -> str:
        """The case, with the seed if it is not 0: contestants are compared on it."""
        return f"{self.case} seed {self.seed}" if self.seed else self.case

    @property
    def solved(self) -> bool:
        """Whether there is a verdict."""
        return self.outcome == "solved"

    def __str__(self) -> str:
        numbers = "" if self.errors is None else f", {self.errors} errors"
        seconds = self.process_seconds or self.seconds
        took = f", {seconds:.2f} s" if seconds else ""
        return f"{self.cell} {self.contestant}: {self.status or self.outcome}{numbers}{took}"

    @classmethod
    def of_line(cls, line: str) -> Run:
        """The run of a JSON line; raises ``ValueError`` if it is none."""
        try:
            run = msgspec.json.decode(line, type=cls)
            parse_goal(run.goal)
        except (msgspec.MsgspecError, RecursionError, InputError) as error:
            raise ValueError(str(error)) from None
        if run.outcome not in OUTCOMES:
            raise ValueError(f"no outcome is called {run.outcome!r}")
        return run


def known_of(instance: Instance) -> dict[str, int]:
    """What the ``meta`` of an instance says is known: ``errors`` of a network, a ``bound`` on all errors.

    That of a family (``answer``) is a bound or a number of errors, if the goal is to have at most so many.
    """
    known = instance.meta.get("known")
    if isinstance(known, dict):
        return {k: v for k, v in known.items() if k in ("errors", "bound") and type(v) is int}
    answer, goal = instance.meta.get("answer"), instance.goal
    if not isinstance(answer, bool) or not isinstance(goal, AtMost):
        return {}
    return {"errors": goal.budget} if answer else {"bound": goal.budget + 1}


class RunFile:
    """A file of runs, a JSON line for each, open for one comparison; a run is on disk once it is added.

    A run that was not available is made again: something may have been installed since. A last line without
    an end is what an interrupted write leaves: it is dropped. Raises :class:`InputError`
    naming any other line that is no run, for a file that another comparison writes, and if it cannot be read
    or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: IO[bytes] = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", 0)
        except OSError as error:
            raise self._refused(error) from None
        try:
            hold(self._file)
            raw = self._file.read()
            self._runs = {run.key: run for run in _parsed(raw, path)}
            self._file.truncate(raw.rfind(b"\n") + 1 if self._runs else 0)
        except BlockingIOError:
            self._file.close()
            raise InputError(str(path), "is in use by another comparison") from None
        except BaseException:
            self._file.close()
            raise
        self._instances = {run.case: run.instance for run in self.runs}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _refused(self, error: OSError) -> InputError:
        return InputError(str(self._path), f"cannot be written: {error.strerror or error}")

    @property
    def runs(self) -> list[Run]:
        """The runs, in the order in which they were first made."""
        return list(self._runs.values())

    def expect(self, settings: Settings) -> None:
        """Raise :class:`InputError` if the file holds runs under other settings."""
        for run in self.runs:
            if run.settings != settings:
                raise InputError(str(self._path), f"holds runs with {run.settings}; name another place")

    def require_same(self, case: str, instance: str) -> None:
        """Raise :class:`InputError` if a run on the case was on another instance."""
        if self._instances.get(case, instance) != instance:
            raise InputError(str(self._path), f"case {case!r} was another instance then; name another place")

    def has(self, case: str, contestant: str, instance: str, seed: int = 0) -> bool:
        """Whether a run is in the file; raises :class:`InputError` if it is one on another instance."""
        self.require_same(case, instance)
        self._instances[case] = instance
        run = self._runs.get((case, contestant, seed))
        return run is not None and run.outcome != "unavailable"

    def add(self, run: Run) -> None:
        """Write a run at the end of the file, whole or not at all."""
        data = json.dumps(asdict(run)).encode() + b"\n"
        end = self._file.seek(0, os.SEEK_END)
        try:
            while data:
                data = data[self._file.write(data) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(end)
            raise self._refused(error) from None
        except BaseException:  # Ctrl-C
            self._file.truncate(end)
            raise
        self._runs[run.key] = run


def read_runs(path: Path) -> list[Run]:
    """The runs in a file, without a torn last line; raises :class:`InputError` if it is no such file."""
    try:
        return _parsed(path.read_bytes(), path)
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror or error}") from None


def _parsed(raw: bytes, path: Path) -> list[Run]:
    # Without one whole line it may be another file, not what a run that was killed at once left.
    if b"\n" not in raw and not raw.startswith(_BEGINNING[: len(raw)]):
        raise InputError(str(path), "holds no runs of a comparison")
    try:
        text = raw.rpartition(b"\n")[0].decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(str(path), "is not UTF-8 text") from None
    runs = []
    for number, line in enumerate(text.split("\n") if text else [], 1):
        try:
            runs.append(Run.of_line(line))
        except ValueError:
            raise InputError(f"{path}: line {number}", "is no run of a comparison") from None
    for run in runs:
        if run.settings != runs[0].settings:
            both = f"{runs[0].settings} and {run.settings}"
            raise InputError(str(path), f"holds runs with {both}, which cannot be compared")
    return list({run.key: run for run in runs}.values())  # the last one of those made again


@dataclass(frozen=True)
class _Known:
    """What is known from how a case was made, as a claim beside those of the runs."""

    errors: int | None
    lower_bound: int | None
    backend: str = "the instance"
    encoder: str | None = None
    status: Status | None = None


@dataclass(frozen=True)
class Contradiction:
    """What cannot be right: a run's answer, refuted by the replay, by another run or by what is known.

    ``run`` is None if it is what is known of the case that is refuted.
    """

    case: str
    run: Run | None
    message: str

    def __str__(self) -> str:
        if self.run is None:
            return f"{self.case}: the instance says: {self.message}"
        seed = f" with seed {self.run.seed}" if self.run.seed else ""
        says = "" if self.run.outcome == "wrong" else " says"  # else it is the replay that speaks
        return f"{self.case}: {self.run.contestant}{seed}{says}: {self.message}"


def contradictions(runs: Iterable[Run]) -> list[Contradiction]:
    """What cannot be right, case by case; one witness for each claim is enough."""
    by_case: dict[str, list[Run]] = {}
    for run in runs:
        by_case.setdefault(run.case, []).append(run)
    wrong = []
    for case, here in by_case.items():
        wrong += [Contradiction(case, run, run.reason or "") for run in here if run.outcome == "wrong"]
        known = here[0].known
        claims: list[Run | _Known] = [*here, _Known(known.get("errors"), known.get("bound"))]
        first = dict[int, Contradiction]()
        for claim, _, message in disagreements(parse_goal(here[0].goal), claims):
            who = claim if isinstance(claim, Run) else None
            first.setdefault(id(claim), Contradiction(case, who, message))
        wrong += first.values()
    return wrong


def mixed_versions(runs: Iterable[Run]) -> list[str]:
    """What was run in several versions: this package, or a backend."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        found.setdefault("qnnt", {})[run.qnnt_version] = None
        if run.version is not None:
            found.setdefault(run.backend, {})[run.version] = None
    return [f"{name} {' and '.join(v or '?' for v in seen)}" for name, seen in found.items() if len(seen) > 1]


def judged(runs: Sequence[Run]) -> tuple[list[Run], list[Contradiction]]:
    """The runs, where each answer that is refuted has the outcome ``wrong``, and what cannot be right."""
    wrong = contradictions(runs)
    refuted = {id(each.run): each.message for each in wrong}
    return [
        replace(run, outcome="wrong", reason=refuted[id(run)]) if id(run) in refuted else run for run in runs
    ], wrong
