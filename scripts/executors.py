"""One worker against two on an executor, and a worker that is killed: a comparison and cubes.

The instances are those of ``scripts/cubes.py``, which have no network. First each backend is run on each of
them by a comparison, with one worker and with two. Then each instance is solved through cubes in the same
way. Last, the comparison is made once more with two workers, of which one is killed (SIGKILL) at half of the
runs, and the two reports are held against each other.

The ratio is that of wall seconds, so other programs that run count: two processes that only count are held
against one, and no ratio can be expected to be higher than theirs. The start of the workers is not counted.
Exit status: 1 if a run has no answer or the reports differ, 130 after Ctrl-C, else 0.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import geometric_mean
from typing import Annotated, Any

import typer
from cubes import CASES, chosen_cases, gain
from measuring import uncut

from qnnt.cli.program import FAILED, OK, run
from qnnt.comparing.contestants import contestants
from qnnt.comparing.runner import Case, Comparison
from qnnt.comparing.runs import RunFile, Settings
from qnnt.cubes import Cubes
from qnnt.limits import Limits, Status
from qnnt.pipeline import solve
from qnnt.wording import count
from qnnt.workers.executors import NamedExecutor
from qnnt.workers.named import open_executor

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)

Report = dict[tuple[str, str, int], dict[str, Any]]
"""The runs of a comparison by what tells them apart, without their seconds."""


@app.command()
def table(
    kind: Annotated[str, typer.Option(metavar="NAME", help="dask or processes.")] = "dask",
    match: Annotated[str, typer.Option(metavar="A,B", help="Only names that hold one of these.")] = "",
    backends: Annotated[str, typer.Option(metavar="A,B", help="Backends that are compared.")] = "sat,maxsat",
    cubes: Annotated[int, typer.Option(metavar="N", help="Cubes of each instance; 0 for none.")] = 32,
    time_limit: Annotated[float, typer.Option(metavar="S", help="Seconds for each run.")] = 300.0,
    kill: Annotated[bool, typer.Option("--kill/--no-kill", help="Kill a Dask worker, too.")] = True,
) -> int:
    """Print seconds with one worker and with two, and what becomes of a comparison that loses a worker."""
    chosen = chosen_cases(match)
    cases = [Case(name, "cubes", CASES[name]) for name in chosen]
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {kind}")
    print(f"two processes that only count get {gain():.2f} times the CPU of one")
    made = partial(_compared, cases, backends, time_limit)
    print(f"{'':40} {'1 worker':>9} {'2 workers':>9} {'ratio':>6}")
    with open_executor(f"{kind}:1") as one, open_executor(f"{kind}:2") as two:
        whole = made(two)  # once for nothing: the workers load what they need
        seconds = [_seconds(lambda: made(one)), _seconds(lambda: made(two))]
        _row(f"comparison of {count(len(whole), 'run')}", seconds)
        wrong = sum(each["outcome"] != "solved" for each in whole.values())
        gains = []
        for name in chosen if cubes else ():
            wrong += sum(
                [_cubed(name, cubes, time_limit, each) is not Status.UNSATISFIABLE for each in (one, two)]
            )
            seconds = [_seconds(partial(_cubed, name, cubes, time_limit, each)) for each in (one, two)]
            gains.append(seconds[0] / seconds[1])
            _row(name, seconds)
        if gains:
            print(f"geometric mean of the ratios of cubes: {geometric_mean(gains):.2f}")
        print(
            f"two processes that only count get {gain():.2f} times the CPU of one; {wrong} wrong or missing"
        )
        if kill and kind == "dask":
            wrong += not _survived(made, two, whole)
    return FAILED if wrong else OK


def _row(name: str, seconds: Sequence[float]) -> None:
    one, two = seconds
    print(f"{name:40} {one:9.2f} {two:9.2f} {one / two:6.2f}", flush=True)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _cubed(name: str, cubes: int, time_limit: float, executor: NamedExecutor) -> Status:
    """The answer of a run over cubes."""
    split, limits = Cubes(cubes, executor=executor), Limits(time=time_limit)
    return uncut(solve(CASES[name](), backend="sat", limits=limits, cubes=split)).status


def _compared(
    cases: Sequence[Case],
    backends: str,
    time_limit: float,
    executor: NamedExecutor,
    told: Callable[[int], None] = lambda _: None,
) -> Report:
    """A comparison; ``told`` hears how many of its runs are done."""
    with tempfile.TemporaryDirectory(prefix="qnnt-executors-") as folder:
        path = Path(folder, "runs.jsonl")
        with RunFile(path) as file:
            comparison = Comparison(file, Settings(time_limit), lambda *_: "", executor=executor)
            for number, _ in enumerate(comparison.runs(cases, contestants(backends)), 1):
                told(number)
            runs = {each.key: asdict(each) for each in file.runs}
        if len(path.read_text().splitlines()) != len(runs):
            raise AssertionError("a run is in the file twice")
    for each in runs.values():
        for name in ("seconds", "phases", "incumbents"):
            del each[name]
    return runs


def _survived(made: Callable[..., Report], executor: NamedExecutor, whole: Report) -> bool:
    """Whether a comparison that loses a worker comes to the same."""
    client = executor._client  # type: ignore[attr-defined] # of a Dask executor
    processes = client.run(os.getpid)

    def told(number: int) -> None:
        if number == len(whole) // 2:
            time.sleep(0.2)  # the next run has begun
            busy = [worker for worker, tasks in client.processing().items() if tasks] or list(processes)
            os.kill(processes[busy[0]], signal.SIGKILL)
            print(f"killed: a Dask worker, after {number} of {len(whole)} runs")

    killed = made(executor, told)
    later = client.run(os.getpid)
    print(f"workers: {len(set(processes.values()) - set(later.values()))} of {len(processes)} lost")
    same = killed == whole
    print(f"the report of {len(killed)} runs is {'the same' if same else 'ANOTHER'} as without the kill")
    return same and set(processes.values()) != set(later.values())


if __name__ == "__main__":
    sys.exit(run(app, "executors"))
