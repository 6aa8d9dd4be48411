"""Run backends over the suite, one run after another, and report who solves what in which time.

Each run is a line of the file ``-o``; what is in the file is not run again, so an interrupted benchmark goes
on with the same command. Exit status: 1 if two answers cannot both be right, 2 for wrong usage or bad input,
130 after Ctrl-C, else 0. docs/benchmarks.md says what the figures mean.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import benchmark_report as reports
import typer
from attempts import attempt
from benchmark_runs import Run, RunFile, contradictions, digest, read_runs
from suite import SEEDS, TABLES, cases, chosen
from suite_cases import Case

from qnnt import registry
from qnnt.auto import choose
from qnnt.availability import Availability
from qnnt.backends.base import Backend, Capability
from qnnt.cli.options import value_of, writable
from qnnt.cli.program import BAD_INPUT, FAILED, INTERRUPTED, OK, UNKNOWN, run
from qnnt.exceptions import InputError, Unavailable
from qnnt.generate.teacher import teacher_instance
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.run import Progress

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

BASELINES = {"cpsat-textbook": "cpsat@cpsat-textbook", "milp-textbook": "milp:highs@milp-textbook"}
_GRACE = 60.0  # seconds beyond the time limit after which a program that has not ended is killed


@dataclass(frozen=True)
class Contestant:
    """A backend and an encoder under the name that they were asked for by; None stands for the default."""

    name: str
    backend: Backend | None
    encoder: str | None

    @classmethod
    def of(cls, word: str) -> Contestant:
        """``auto``, a baseline, BACKEND or BACKEND@ENCODER; raises :class:`UnknownWord` for anything else."""
        if word == reports.AUTO:
            return cls(word, None, None)
        backend, _, encoder = BASELINES.get(word, word).partition("@")
        if encoder:
            registry.encoder(encoder)
        return cls(word, registry.backend(backend), encoder or None)

    @property
    def backend_name(self) -> str:
        """What ``solve`` is to be given."""
        return reports.AUTO if self.backend is None else self.backend.name

    def limits(self, time_limit: float, threads: int) -> Limits:
        """The limits of a run; a backend that can use one thread only gets one."""
        able = self.backend is None or Capability.THREADS in self.backend.capabilities
        return Limits(time_limit, threads=threads if able else 1)


def contestants(words: str) -> list[Contestant]:
    """Those of a list; ``all`` means ``auto``, the baselines and every backend in its default variant."""
    names: list[str] = []
    for word in words.split(","):
        every = [reports.AUTO, *BASELINES, *(b.name for b in registry.default_backends())]
        names += every if word == "all" else [word]
    return [Contestant.of(name) for name in dict.fromkeys(names)]


@app.command()
def benchmark(
    backends: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="auto, cpsat-textbook, milp-textbook, BACKEND, BACKEND@ENCODER, or all: auto, the baselines "
            "and every backend.",
        ),
    ] = "auto,cpsat-textbook,milp-textbook",
    suite: Annotated[
        str, typer.Option(metavar="SUITE", help="full, small (two of each family), or a pattern of names.")
    ] = "full",
    only: Annotated[str, typer.Option(metavar="A,B", help="These families only.")] = "",
    seeds: Annotated[int, typer.Option(metavar="N", help="Instances of each random shape.")] = SEEDS,
    tables: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of further tables.")] = TABLES,
    time_limit: Annotated[float, typer.Option(metavar="S", help="Seconds for each run.")] = 60.0,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads of each run that can use them.")] = 1,
    whole: Annotated[
        bool, typer.Option("--whole-process", help="Make each run with the program qnnt, and time that too.")
    ] = False,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="RUNS.jsonl", help="File of the runs.")
    ] = Path("runs.jsonl"),
    show: Annotated[bool, typer.Option("--list", help="List the cases and end.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="RUNS.jsonl", help="Report on the runs of a file and end.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the report in Markdown.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Draw the cactus plot (needs matplotlib).")
    ] = None,
) -> int:
    """Run backends over a suite of instances and report who solves what in which time."""
    if plot is not None:
        _need_matplotlib()
        writable(plot)
    if report is not None:
        return _report(read_runs(report), markdown, plot)
    if seeds < 1:
        raise InputError("--seeds", f"must be at least 1, not {seeds}")
    listed = chosen(cases(seeds, tables), suite, [name for name in only.split(",") if name])
    if show:
        _list(listed)
        return OK
    with value_of(""):
        Limits(time_limit, threads=threads)
    bench = Bench(RunFile(output), time_limit, threads, whole)
    asked = contestants(backends)
    done, all_runs = 0, len(listed) * len(asked)
    try:
        for finished in bench.runs(listed, asked):
            done += 1
            if finished is not None:
                print(f"{done}/{all_runs} {_short(finished)}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        where = f"interrupted after {done} of {all_runs} runs"
        print(f"{where}; the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    names, known = {case.name for case in listed}, {each.name for each in asked}
    return _report([r for r in bench.file.runs if r.case in names and r.contestant in known], markdown, plot)


class Bench:
    """Makes runs and puts them into a file that may hold some already."""

    def __init__(self, file: RunFile, time_limit: float, threads: int, whole: bool) -> None:
        self.file, self._time, self._threads, self._whole = file, float(time_limit), threads, whole
        file.expect((self._time, threads, whole))

    def runs(self, listed: Sequence[Case], asked: Sequence[Contestant]) -> Iterator[Run | None]:
        """Every contestant on every case, case by case: a run when it ends, or None if the file has it.

        Raises ``KeyboardInterrupt`` when a run was interrupted; that run is not kept.
        """
        for case in listed:
            instance = case.make()
            mark = digest(instance)
            for contestant in asked:
                if self.file.has(case.name, contestant.name, mark):
                    yield None
                    continue
                outcome = self._make(instance, contestant)
                if outcome.get("limit") == Limit.INTERRUPT:
                    raise KeyboardInterrupt
                finished = Run(
                    case=case.name,
                    family=case.family,
                    contestant=contestant.name,
                    instance=mark,
                    goal=str(instance.goal),
                    time_limit=self._time,
                    threads=self._threads,
                    whole_process=self._whole,
                    known=instance.meta.get("known", {}),
                    **{"backend": contestant.backend_name, "encoder": contestant.encoder, **outcome},
                )
                self.file.add(finished)
                yield finished

    def _make(self, instance: Instance, contestant: Contestant) -> dict[str, Any]:
        limits = contestant.limits(self._time, self._threads)
        if contestant.backend is not None:
            state = registry.state_of(contestant.backend)
            if not state.available:
                return {"outcome": "unavailable", "reason": state.reason}
        return (program_run if self._whole else library_run)(instance, contestant, limits)


def library_run(instance: Instance, contestant: Contestant, limits: Limits) -> dict[str, Any]:
    """A run in a worker that has loaded its solver before: what is kept of it."""
    _warm_up(instance, contestant, limits)
    incumbents: list[tuple[float, int]] = []

    def hear(progress: Progress) -> None:
        errors = progress.incumbent
        if errors is not None and (not incumbents or incumbents[-1][1] != errors):
            incumbents.append((round(progress.seconds, 4), errors))

    tried = attempt(instance, contestant.backend or reports.AUTO, contestant.encoder, limits, hear)
    if tried.result is None:
        pairs = {"refused": tried.refused, "unavailable": tried.unavailable, "wrong": tried.wrong}
        return next(
            {"outcome": name, "reason": reason} for name, reason in pairs.items() if reason is not None
        )
    return {**_kept(tried.result.as_dict()), "incumbents": incumbents}


def _warm_up(instance: Instance, contestant: Contestant, limits: Limits) -> None:
    """Have the worker that the run will get load its solver, so that the order of the runs does not count."""
    try:
        backend = contestant.backend or choose(instance)
    except Unavailable:
        return  # the run says so
    tiny = teacher_instance(3, [2, 1], 3)
    tried = attempt(tiny, backend, contestant.encoder, replace(limits, threads=1))
    if tried.result is not None and tried.result.limit is Limit.INTERRUPT:
        raise KeyboardInterrupt


def program_run(instance: Instance, contestant: Contestant, limits: Limits) -> dict[str, Any]:
    """A run of the program ``qnnt``: what is kept of it, its own seconds and those of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "instance.json"
        instance.save(file)
        command = [sys.executable, "-m", "qnnt", "solve", str(file), "--json"]
        command += ["--backend", contestant.backend_name, "--time-limit", str(limits.time)]
        command += ["--threads", str(limits.threads)]
        if contestant.encoder is not None:
            command += ["--encoder", contestant.encoder]
        began = time.perf_counter()
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=(limits.time or 0) + _GRACE
            )
        except subprocess.TimeoutExpired:
            return {"outcome": "unknown", "status": Status.UNKNOWN, "reason": "the program did not end"}
        seconds = time.perf_counter() - began
    if ended.returncode in (OK, UNKNOWN):
        return {**_kept(json.loads(ended.stdout)), "process_seconds": seconds}
    if ended.returncode == INTERRUPTED:
        raise KeyboardInterrupt
    outcome = "refused" if ended.returncode == BAD_INPUT else "wrong"
    return {"outcome": outcome, "reason": ended.stderr.strip()}


def _kept(result: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a result, as ``qnnt solve --json`` prints it."""
    status = Status(result["status"])
    names = ("errors", "lower_bound", "backend", "encoder", "version", "limit", "reason")
    return {
        **{name: result[name] for name in names},
        "status": status,
        "outcome": "unknown" if status is Status.UNKNOWN else "solved",
        "seconds": result["statistics"]["seconds"]["total"],
        "used_threads": result["limits"]["threads"],
    }


def _short(finished: Run) -> str:
    said = finished.status or finished.outcome
    numbers = "" if finished.errors is None else f", {finished.errors} errors"
    seconds = finished.process_seconds or finished.seconds
    return f"{finished.case} {finished.contestant}: {said}{numbers}" + (
        f", {seconds:.2f} s" if seconds else ""
    )


def _list(listed: Sequence[Case]) -> None:
    rows = [["case", "family", "d", "points", "goal", "layers"]]
    for case in listed:
        instance = case.make()
        layers = "-".join(str(len(layer)) for layer in instance.architecture.layers)
        facts = (instance.domain.d, instance.dataset.total, instance.goal, layers)
        rows.append([case.name, case.family, *map(str, facts)])
    sizes = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip())


def _report(runs: Sequence[Run], markdown: bool, plot: Path | None) -> int:
    """Print what the runs come to, and what cannot be right; the exit status."""
    if not runs:
        raise InputError("", "there are no runs to report on")
    print(reports.report(runs, markdown=markdown))
    if plot is not None:
        clock = reports.whole_process if runs[0].whole_process else reports.in_process
        reports.draw_cactus(reports.cactus(reports.Grid.of(runs), clock), runs[0].time_limit, plot)
    wrong = contradictions(runs)
    for line in wrong:
        print(f"DISAGREEMENT {line}")
    return FAILED if wrong else OK


def _need_matplotlib() -> None:
    state = Availability.of_package("matplotlib", "matplotlib", "qnnt[plot]")
    if not state.available:
        raise Unavailable(f"--plot: {state.reason}")


if __name__ == "__main__":
    sys.exit(run(app, "benchmark"))
