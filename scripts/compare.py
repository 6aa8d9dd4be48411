"""Run backends and encoders on instances, one after another, and hold their answers against each other.

One JSON line for each run, as it ends, on stdout or in a file; then a table. Exit status: 1 if two answers
cannot both be right, 2 for wrong usage or bad input, 130 after Ctrl-C, else 0.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from attempts import attempt

from qnnt import registry
from qnnt.auto import PORTFOLIO
from qnnt.cli.options import Errors, load, value_of, writable
from qnnt.cli.program import FAILED, INTERRUPTED, OK, run
from qnnt.limits import Limit, Limits
from qnnt.result import Result
from qnnt.verify.agreement import disagreements

if TYPE_CHECKING:
    from rich.table import Table

    from qnnt.backends.base import Backend
    from qnnt.instance import Instance

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@dataclass
class Run:
    """A run that is to be made, and what came of it: a result, or why it was declined or refuted."""

    path: Path
    instance: Instance
    backend: Backend | str
    encoder: str | None
    fits: bool = True
    result: Result | None = None
    declined: str | None = None
    conflicts: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What was asked for."""
        return self.backend if isinstance(self.backend, str) else self.backend.name

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.result is not None and self.result.limit is Limit.INTERRUPT

    def make(self, limits: Limits) -> None:
        """Solve; a backend that declines, or whose answer does not survive the replay, is an outcome too."""
        if not self.fits:
            self.declined = f"backend {self.name!r} takes none of the encoders asked for"
            return
        tried = attempt(self.instance, self.backend, self.encoder, limits)
        self.result, self.declined = tried.result, tried.refused or tried.unavailable
        if tried.wrong is not None:
            self.conflicts.append(tried.wrong)

    def line(self) -> dict[str, Any]:
        """What is written of the run."""
        head = {"instance": str(self.path), "backend": self.name, "encoder": self.encoder}
        if self.result is not None:
            decided = {"decided_by": self.result.backend, "encoder": self.result.encoder}
            return {**head, **self.result.as_dict(), **head, **decided}
        return {**head, "status": None, "declined": self.declined, "wrong": self.conflicts or None}


@app.command()
def compare(
    instances: Annotated[list[Path], typer.Argument(help="Instance files.")],
    backends: Annotated[
        str, typer.Option(metavar="A,B", help="Backends, auto, portfolio:A+B, or all that run.")
    ] = "all",
    encoders: Annotated[
        str | None, typer.Option(metavar="A,B", help="Encoders, or all; default: each backend's own.")
    ] = None,
    time_limit: Annotated[float | None, typer.Option(metavar="S", help="Seconds for each run.")] = None,
    memory_limit: Annotated[int | None, typer.Option(metavar="MIB", help="Memory of each run.")] = None,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads of each run.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of each run.")] = 0,
    errors: Errors = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="RUNS.jsonl", help="File for the JSON lines.")
    ] = None,
) -> int:
    """Run backends and encoders on instances and hold their answers against each other."""
    with value_of(""):
        limits = Limits(time_limit, memory_limit, threads, seed)
    problems = [(path, load(path, errors)) for path in instances]
    pairs = list(_pairs(backends, encoders))
    todo = [Run(path, instance, *pair) for path, instance in problems for pair in pairs]
    with _lines(output) as lines:
        done = _make(todo, limits, lines)
    _cross_examine(done)
    _show(done, sys.stderr if output is None else sys.stdout)
    if any(made.conflicts for made in done):
        return FAILED
    return INTERRUPTED if len(done) < len(todo) or done[-1].interrupted else OK


def _make(todo: list[Run], limits: Limits, lines: TextIO) -> list[Run]:
    """Make the runs in turn, write a line for each, and return those made: all, or the ones before Ctrl-C."""
    done = []
    with contextlib.suppress(KeyboardInterrupt):
        for made in todo:
            made.make(limits)
            done.append(made)
            print(json.dumps(made.line()), file=lines, flush=True)
            if made.interrupted:
                break
    return done


def _pairs(backends: str, encoders: str | None) -> Iterator[tuple[Backend | str, str | None, bool]]:
    """Every backend with every encoder that fits it, or none, and whether one of those asked for does.

    A name that stands for several backends stays a name, and needs no encoder to be asked for.
    """
    chosen: list[Backend | str]
    if backends == "all":
        chosen = [b for b in registry.backends() if b.availability().available]
    else:
        chosen = [_one_or_several(name) for name in backends.split(",")]
    asked = None if encoders is None else list(registry.encoders())
    if asked is not None and encoders is not None and encoders != "all":
        asked = [registry.encoder(name) for name in encoders.split(",")]
    for backend in chosen:
        several = isinstance(backend, str)
        if asked is None:
            yield backend, None if several else registry.encoder_for(backend, None, symmetry=True).name, True
            continue
        fitting = [e.name for e in asked if several or issubclass(e.makes, backend.accepts)]
        yield from ((backend, encoder, True) for encoder in fitting)
        if not fitting:
            yield backend, None, False


def _one_or_several(name: str) -> Backend | str:
    return name if name.partition(":")[0] in ("auto", PORTFOLIO) else registry.backend(name)


@contextlib.contextmanager
def _lines(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
    else:
        with writable(output).open("w", encoding="utf-8") as file:
            yield file


def _cross_examine(runs: list[Run]) -> None:
    """Note on each run what the networks of others on the same instance refute."""
    for instance in {id(r.instance): r.instance for r in runs}.values():
        of_result = {id(r.result): r for r in runs if r.instance is instance and r.result is not None}
        results = [r.result for r in of_result.values() if r.result is not None]
        for claim, _, message in disagreements(instance.goal, results):
            of_result[id(claim)].conflicts.append(message)


def _show(runs: list[Run], stream: TextIO) -> None:
    from rich.console import Console

    console = Console(file=stream, width=None if stream.isatty() else 10_000)  # a file has no edge to fold at
    console.print(_table(runs))
    for made in runs:
        for conflict in made.conflicts:
            where = f"{made.path}: {made.name} with {made.encoder}"
            console.print(f"DISAGREEMENT {where}: {conflict}", markup=False, soft_wrap=True, style="bold red")


def _table(runs: list[Run]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("instance", "backend", "encoder", "status"):
        table.add_column(name, overflow="fold")
    for name in ("errors", "bound", "encode", "solve", "total"):
        table.add_column(name, justify="right")
    for made in runs:
        row = [str(made.path), made.name, made.encoder or "-", *_outcome(made)]
        table.add_row(*map(Text, row), style="bold red" if made.conflicts else None)
    return table


def _outcome(made: Run) -> list[str]:
    mark = "≠ " if made.conflicts else ""
    if made.result is None:
        return [f"{mark}{made.declined or 'refuted by the replay'}", "", "", "", "", ""]
    result, seconds = made.result, made.result.statistics.seconds
    status = f"{mark}{result.status}" + (f" ({result.limit or result.reason})" if result.reason else "")
    numbers = ["-" if n is None else str(n) for n in (result.errors, result.lower_bound)]
    phases = [f"{seconds[p]:.2f}" if p in seconds else "-" for p in ("encode", "solve", "total")]
    return [status, *numbers, *phases]


if __name__ == "__main__":
    sys.exit(run(app, "compare"))
