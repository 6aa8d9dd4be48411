"""Run backends over the suite, one run after another, and report who solves what in which time.

Each run is a line of the file ``-o``; what is in the file is not run again, so an interrupted benchmark goes
on with the same command. Exit status: 1 if two answers cannot both be right, 2 for wrong usage or bad input,
130 after Ctrl-C, else 0. docs/benchmarks.md says what the figures mean.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from suite import SEEDS, TABLES, cases, chosen

from qnnt.availability import Availability
from qnnt.cli.options import value_of, writable
from qnnt.cli.program import BAD_INPUT, FAILED, INTERRUPTED, OK, UNKNOWN, run
from qnnt.comparing.attempts import Kept, kept_of, library_run
from qnnt.comparing.contestants import Contestant, contestants
from qnnt.comparing.plots import draw_cactus
from qnnt.comparing.report import report as text_of
from qnnt.comparing.runner import Case, Comparison
from qnnt.comparing.runs import Run, RunFile, Settings, judged, read_runs
from qnnt.comparing.scores import Grid, cactus, in_process, whole_process
from qnnt.drawing.files import form_of
from qnnt.exceptions import InputError, Unavailable
from qnnt.instance import Instance
from qnnt.limits import Limits, Status

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

_GRACE = 60.0  # seconds beyond the time limit after which a program that has not ended is killed


@app.command()
def benchmark(
    context: typer.Context,
    backends: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="auto, cpsat-textbook, milp-textbook, BACKEND, BACKEND@ENCODER, or all: auto, the baselines "
            "and every backend that is installed.",
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
        form_of(writable(plot), "--plot")
    if report is not None:
        _refuse_others(context, "report", "markdown", "plot")
        return _report(read_runs(report), markdown, plot)
    if seeds < 1:
        raise InputError("--seeds", f"must be at least 1, not {seeds}")
    listed = chosen(cases(seeds, tables), suite, [name for name in only.split(",") if name])
    if show:
        _list(listed)
        return OK
    with value_of(""):
        Limits(time_limit, threads=threads)
    settings = Settings(float(time_limit), threads, whole_process=whole)
    asked = contestants(backends)
    done, all_runs = 0, len(listed) * len(asked)
    ways = ["--seeds", str(seeds)] if seeds != SEEDS else []
    ways += ["--tables", str(tables)] if tables != TABLES else []
    ways += ["--whole-process"] if whole else []
    with RunFile(writable(output)) as file:
        again = partial(_command, ways)
        comparison = Comparison(file, settings, again, make=program_run if whole else library_run)
        try:
            for finished in comparison.runs(listed, asked):
                done += 1
                if finished is not None:
                    print(f"{done}/{all_runs} {finished}", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            where = f"interrupted after {done} of {all_runs} runs"
            print(f"{where}; the same command goes on from there", file=sys.stderr)
            return INTERRUPTED
    names, known = {case.name for case in listed}, {each.name for each in asked}
    return _report([r for r in file.runs if r.case in names and r.contestant in known], markdown, plot)


def _command(ways: Sequence[str], case: Case, contestant: Contestant, limits: Limits) -> str:
    """The command line that makes a run again, into another file: this one has it already."""
    words = ["python", "scripts/benchmark.py", "--suite", case.name, "--backends", contestant.name]
    words += ["--time-limit", f"{limits.time:g}", "--threads", str(limits.threads)]
    return shlex.join([*words, *ways, "-o", "again.jsonl"])


def _refuse_others(context: typer.Context, *used: str) -> None:
    """Raise for options that a report does not heed: it is on all runs of its file."""
    for name in context.params.keys() - set(used):
        if getattr(context.get_parameter_source(name), "name", "DEFAULT") != "DEFAULT":
            raise InputError("--report", f"is on all runs of the file: leave out what else is said ({name})")


def program_run(instance: Instance, contestant: Contestant, limits: Limits) -> Kept:
    """A run of the program ``qnnt``: what is kept of it, its own seconds and those of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "instance.json"
        instance.save(file)
        command = [sys.executable, "-m", "qnnt", "solve", str(file), "--json"]
        command += ["--backend", contestant.backend, "--time-limit", str(limits.time)]
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
        return {**kept_of(json.loads(ended.stdout)), "process_seconds": seconds}
    if ended.returncode == INTERRUPTED:
        raise KeyboardInterrupt
    outcome = "refused" if ended.returncode == BAD_INPUT else "wrong"
    return {"outcome": outcome, "reason": ended.stderr.strip()}


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
    runs, wrong = judged(runs)
    print(text_of(runs, markdown=markdown))
    if plot is not None:
        clock = whole_process if runs[0].whole_process else in_process
        draw_cactus(cactus(Grid.of(runs), clock), runs[0].time_limit, plot)
    for line in wrong:
        print(f"DISAGREEMENT {line}")
    return FAILED if wrong else OK


def _need_matplotlib() -> None:
    state = Availability.of_package("matplotlib", "matplotlib", "qnnt[plot]")
    if not state.available:
        raise Unavailable(f"--plot: {state.reason}")


if __name__ == "__main__":
    sys.exit(run(app, "benchmark"))
