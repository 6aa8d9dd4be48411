"""``qnnt compare``: backends and encoders on the same instances, held against each other."""

from __future__ import annotations

import contextlib
import gzip
import json as json_module
import os
import shlex
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from qnnt.cli import completion
from qnnt.cli.options import Errors, ExecutorName, Json, check_executor, executing, load, value_of
from qnnt.cli.output import print_json
from qnnt.cli.program import FAILED, INTERRUPTED, OK
from qnnt.exceptions import InputError
from qnnt.printable import printable
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.comparing.contestants import Contestant
    from qnnt.comparing.runner import Case, Comparison
    from qnnt.comparing.runs import Run
    from qnnt.limits import Limits

_MOST_ROWS = 60  # of the table of runs in a terminal


def compare(
    instances: Annotated[
        list[Path] | None,
        typer.Argument(help="Instance files, or folders of them; none: report on the runs in DIR."),
    ] = None,
    backends: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            autocompletion=completion.contestants,
            help="auto, portfolio:A+B, cpsat-textbook, milp-textbook, BACKEND, BACKEND@ENCODER, or all: "
            "auto, the textbook models and every backend that is installed.",
        ),
    ] = "all",
    encoders: Annotated[
        str | None, typer.Option(metavar="A,B", help="Encoders, or all; default: each backend's own.")
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="Run each with the seeds 0 to N - 1.")] = 1,
    time_limit: Annotated[float, typer.Option(metavar="S", help="Seconds for each run.")] = 60.0,
    memory_limit: Annotated[int | None, typer.Option(metavar="MIB", help="Memory of each run.")] = None,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads of each run that can use them.")] = 1,
    jobs: Annotated[
        int, typer.Option(metavar="N", help="Runs at a time on this machine, as --executor processes:N.")
    ] = 1,
    executor: ExecutorName = None,
    errors: Errors = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Folder for runs.jsonl and report.html; runs that are in it are not made again.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Run backends and encoders on instances: who solves what in which time, and whether all agree.

    One JSON line for each run, as it ends, in DIR/runs.jsonl or on standard output; then tables, and a page
    for a browser, DIR/report.html. After Ctrl-C or a crash the same command goes on. Exit status: 1 if two
    answers cannot both be right, 130 after Ctrl-C, else 0, whatever the runs came to.
    """
    from qnnt.comparing.contestants import contestants
    from qnnt.comparing.runner import Comparison
    from qnnt.comparing.runs import RunFile, Settings, read_runs
    from qnnt.limits import Limits

    with value_of(""):
        Limits(time_limit, memory_limit, threads)
    for option, number in (("--seeds", seeds), ("--jobs", jobs)):
        if number < 1:
            raise InputError(option, f"must be at least 1, not {number}")
    check_executor(executor, ("--jobs", jobs))
    paths = list(dict.fromkeys(_files(instances or [])))
    if not paths and output is None:
        raise InputError("INSTANCES", "are missing; without any, -o DIR reports on the runs in DIR")
    cases = [_case(path, errors) for path in paths]
    asked = contestants(backends, encoders)
    processors = os.cpu_count() or 1
    if jobs * threads > processors:
        shared = f"{jobs} runs at a time with --threads {threads} share {count(processors, 'processor')}"
        print(f"{shared}: seconds are longer than alone", file=sys.stderr)
    settings, status = Settings(float(time_limit), threads, memory_limit), OK
    with _folder(output, new=bool(cases)) as folder:
        page = None if output is None else folder / "report.html"
        if not cases:
            runs = read_runs(folder / "runs.jsonl")
            if not runs:
                raise InputError(str(output), "holds no runs to report on")
            return FAILED if _report(runs, page, json=json) else OK
        with (
            RunFile(folder / "runs.jsonl") as file,
            executing(executor or (f"processes:{jobs}" if jobs > 1 else None)) as opened,
        ):
            comparison = Comparison(file, settings, partial(_command, errors), executor=opened)
            comparison.require_same(cases)
            status = _make(comparison, cases, asked, range(seeds), show=output is None and not json)
            disagree = _report(_knowing(file.runs, cases), page, json=json)
    return FAILED if disagree else status


def _knowing(runs: Sequence[Run], cases: Sequence[Case]) -> list[Run]:
    """The runs with what is known of their cases today: it may be more than when they were made."""
    known = {case.name: case.known for case in cases}
    return [replace(run, known=known.get(run.case) or run.known) for run in runs]


def _files(named: Sequence[Path]) -> Iterator[Path]:
    """The instance files: those named, once each, and those in folders that are named.

    The maps of a family's encodings are left out, which ``FOLDER/*.json`` names too, and so are networks in a
    folder.
    """
    for path in dict.fromkeys(named):
        if not path.is_dir():
            if len(named) == 1 or not _is_map(path):
                yield path
            continue
        inside = [p for p in sorted(path.iterdir()) if p.name.endswith((".json", ".json.gz"))]
        inside = [p for p in inside if not _is_map(p) and not _is_network(p)]
        if not inside:
            raise InputError(str(path), "holds no instance, .json or .json.gz")
        yield from inside


def _is_map(path: Path) -> bool:
    return path.name.endswith(".map.json")


def _is_network(path: Path) -> bool:
    """Whether a file begins as network files do; one that cannot be read is for the reader to complain of."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return b'"qnnt-network"' in file.read(100)
    except (OSError, EOFError, zlib.error):
        return False


def _case(path: Path, errors: str | None) -> Case:
    from qnnt.comparing.runner import Case
    from qnnt.comparing.runs import known_of
    from qnnt.goals import parse_goal

    own = load(path)
    instance = own if errors is None else own.with_goal(parse_goal(errors, "--errors"))
    family = str(own.meta.get("family") or own.meta.get("kind") or path.resolve().parent.name)
    return Case(str(path), family, lambda: instance, known_of(own))


def _command(errors: str | None, case: Case, contestant: Contestant, limits: Limits) -> str:
    words = ["qnnt", "solve", case.name, "--backend", contestant.backend]
    words += [] if contestant.encoder is None else ["--encoder", contestant.encoder]
    words += [] if errors is None else ["--errors", errors]
    words += ["--time-limit", f"{limits.time:g}"]
    words += [] if limits.memory is None else ["--memory-limit", str(limits.memory)]
    words += [] if limits.threads == 1 else ["--threads", str(limits.threads)]
    return shlex.join([*words, *(["--seed", str(limits.seed)] if limits.seed else [])])


@contextlib.contextmanager
def _folder(output: Path | None, *, new: bool) -> Iterator[Path]:
    """The folder of the runs, which is made if need be; one that is gone at the end for None."""
    if output is None:
        with tempfile.TemporaryDirectory(prefix="qnnt-") as name:
            yield Path(name)
        return
    if output.exists() and not output.is_dir():
        raise InputError(str(output), "is no folder; -o names the folder of the runs and the report")
    if not new and not (output / "runs.jsonl").is_file():
        raise InputError(str(output), "holds no runs to report on")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(output), f"cannot be made: {error.strerror or error}") from None
    yield output


def _make(
    comparison: Comparison, cases: list[Case], asked: list[Contestant], seeds: Sequence[int], *, show: bool
) -> int:
    """Make the runs that are left, and tell of each as it ends; the exit status."""
    from qnnt.cli.progress import progress_bar

    every = len(cases) * len(asked) * len(seeds)
    done, known = 0, 0
    try:
        with progress_bar(every, lambda: comparison.running) as advance:
            for run in comparison.runs(cases, asked, seeds):
                done, known = done + 1, known + (run is None)
                advance("" if run is None else printable(f"{done}/{every} {run}"))
                if run is not None and show:
                    print(json_module.dumps(asdict(run)), flush=True)
    except KeyboardInterrupt:
        where = f"interrupted after {done:,} of {count(every, 'run')}"
        print(where + ("" if show else "; the same command goes on from there"), file=sys.stderr)
        return INTERRUPTED
    if known:
        print(f"{known:,} of {count(every, 'run')} were there already", file=sys.stderr)
    return OK


def _report(runs: Sequence[Run], page: Path | None, *, json: bool) -> bool:
    """Write the page if there is one, and print what the runs come to; whether any two disagree."""
    if not runs and not json:
        return False
    from qnnt.comparing.runs import judged

    runs, wrong = judged(runs)
    if runs and page is not None:  # before the tables, whose reader may have seen enough
        from qnnt.comparing.page import write_page

        write_page(runs, wrong, page)
    if json:
        print_json({"runs": [asdict(run) for run in runs], "disagreements": [str(each) for each in wrong]})
    else:
        _print_report(runs, wrong, sys.stdout if page is not None else sys.stderr)
    if runs and page is not None:
        print(f"{page}: open it in a browser", file=sys.stderr)
    return bool(wrong)


def _print_report(runs: Sequence[Run], wrong: Sequence[object], stream: TextIO) -> None:
    from rich.console import Console
    from rich.text import Text

    from qnnt.comparing.report import report, run_lines, unsolved

    console = Console(file=stream, soft_wrap=True)
    parts = [Text(report(runs))]
    if len(runs) <= _MOST_ROWS:
        lines = [Text(line, "bold red" if wrong_one else "") for line, wrong_one in run_lines(runs)]
        parts.insert(0, Text("\n").join(lines))
    reasons = unsolved(runs)
    parts += [Text(reasons)] if reasons else []
    for part in parts:
        console.print(part)
        console.print()
    for each in wrong:
        console.print(Text(printable(f"DISAGREEMENT {each}"), "bold red"))
