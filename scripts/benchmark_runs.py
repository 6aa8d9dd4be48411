"""The runs of ``benchmark.py``: what is kept of each, and the file of JSON lines that holds them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from qnnt.cli.options import writable
from qnnt.exceptions import InputError
from qnnt.goals import parse_goal
from qnnt.instance import Instance
from qnnt.limits import Status
from qnnt.verify.agreement import disagreements

OUTCOMES = ("solved", "unknown", "refused", "unavailable", "wrong")


@dataclass(frozen=True)
class Run:
    """A contestant's run on a case.

    ``contestant`` is what was asked for, ``backend`` and ``encoder`` what ran. ``outcome`` is one of
    :data:`OUTCOMES`: a verdict, UNKNOWN, or, without a ``status``, that the run was refused, that something
    is not installed, or that the replay refuted what was said; ``reason`` tells more. ``seconds`` are those
    of :func:`qnnt.solve`, ``process_seconds`` those of a whole program, if the run was one. ``incumbents``
    are pairs of seconds and errors. ``instance`` is a digest of the instance, ``known`` what its ``meta``
    says is known.
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
    used_threads: int | None = None
    incumbents: list[tuple[float, int]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> tuple[float, int, bool]:
        """What has to be the same for all runs that are compared."""
        return self.time_limit, self.threads, self.whole_process

    @property
    def solved(self) -> bool:
        """Whether there is a verdict."""
        return self.outcome == "solved"

    @classmethod
    def of_line(cls, line: str) -> Run:
        """The run of a JSON line; raises ``ValueError`` or ``TypeError`` if it is none."""
        values = json.loads(line)
        values["status"] = values["status"] and Status(values["status"])
        values["incumbents"] = [(seconds, errors) for seconds, errors in values["incumbents"]]
        return cls(**values)


def digest(instance: Instance) -> str:
    """Sixteen hexadecimal digits that tell instances apart, by all that a solver sees of them."""
    seen = hashlib.sha256()
    a, data = instance.architecture, instance.dataset
    shown = [
        [list(f.thresholds), list(f.values)] for f in (instance.activation.hidden, instance.activation.output)
    ]
    layers = [len(layer) for layer in a.layers]
    seen.update(json.dumps([instance.domain.d, layers, str(instance.goal), shown]).encode())
    for array in (a.arc_index, data.inputs, data.labels, data.counts):
        seen.update(array.astype("<i8").tobytes())
    return seen.hexdigest()[:16]


class RunFile:
    """A file of runs, a JSON line for each; a run is in it as soon as it has been added.

    A last line without an end is what an interrupted write leaves: it is dropped. Raises :class:`InputError`
    naming any other line that is no run.
    """

    def __init__(self, path: Path) -> None:
        self._path = writable(path)
        self.runs = read_runs(path) if path.exists() else []
        self._drop_torn_line()

    def _drop_torn_line(self) -> None:
        if self._path.exists():
            whole = self._path.read_bytes().rpartition(b"\n")
            if whole[2]:
                with self._path.open("r+b") as file:
                    file.truncate(len(whole[0]) + len(whole[1]))

    def expect(self, settings: tuple[float, int, bool]) -> None:
        """Raise :class:`InputError` if the file holds runs under other settings."""
        for run in self.runs:
            if run.settings != settings:
                raise InputError(
                    str(self._path), f"holds runs with {_described(run.settings)}; name another file"
                )

    def has(self, case: str, contestant: str, instance: str) -> bool:
        """Whether a run is in the file; raises :class:`InputError` if it is one on another instance."""
        for run in self.runs:
            if run.case == case and run.instance != instance:
                raise InputError(
                    str(self._path), f"case {case!r} was another instance then; name another file"
                )
        return any(run.case == case and run.contestant == contestant for run in self.runs)

    def add(self, run: Run) -> None:
        """Write a run at the end of the file."""
        with self._path.open("a", encoding="utf-8") as file:
            print(json.dumps(asdict(run)), file=file, flush=True)
        self.runs.append(run)


def read_runs(path: Path) -> list[Run]:
    """The runs in a file, without a torn last line; raises :class:`InputError` if it is no such file."""
    try:
        text = path.read_bytes().rpartition(b"\n")[0].decode("utf-8")
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(str(path), "is not UTF-8 text") from None
    runs = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            runs.append(Run.of_line(line))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError(f"{path}: line {number}", "is no run of this script") from None
    for run in runs:
        if run.settings != runs[0].settings:
            both = f"{_described(runs[0].settings)} and {_described(run.settings)}"
            raise InputError(str(path), f"holds runs with {both}, which cannot be compared")
    return runs


def _described(settings: tuple[float, int, bool]) -> str:
    seconds, threads, whole = settings
    return f"{seconds:g} s and --threads {threads}{' as whole processes' if whole else ''}"


@dataclass(frozen=True)
class _Known:
    """What is known from how a case was made, as a claim beside those of the runs."""

    errors: int | None
    lower_bound: int | None
    backend: str = "the suite"
    encoder: str | None = None
    status: Status | None = None


def contradictions(runs: Iterable[Run]) -> list[str]:
    """What cannot be right, by case: answers refuted by the replay, by other runs or by what is known."""
    by_case: dict[str, list[Run]] = {}
    for run in runs:
        by_case.setdefault(run.case, []).append(run)
    wrong = []
    for case, here in by_case.items():
        wrong += [f"{case}: {run.contestant}: {run.reason}" for run in here if run.outcome == "wrong"]
        known = here[0].known
        claims: list[Run | _Known] = [*here, _Known(known.get("errors"), known.get("bound"))]
        for claim, _, message in disagreements(parse_goal(here[0].goal), claims):
            who = claim.contestant if isinstance(claim, Run) else claim.backend
            wrong.append(f"{case}: {who} says: {message}")
    return wrong
