"""Impossible instances through cubes: one thread against two, and a run that is killed and goes on.

Ten seeded instances without a network, of five kinds: random labels, random labels with a few errors to spare
for one neuron, teachers in fewer hidden neurons than they have, too many patterns for a hidden layer, and set
systems without a small hitting set. Each is solved without cubes, and through the same cubes with one thread
and with two. One line for each: seconds of the three runs, and what the second thread gains. Then one run is
killed (SIGKILL) in its middle, and the same command goes on.

The ratio is that of wall seconds, so other programs that run count. As a control, two processes that only
count are held against one: no ratio can be expected to be higher than theirs. CPU seconds tell the work of
the three runs. Exit status: 1 if a run is not UNSATISFIABLE or the
killed run did not go on, 130 after Ctrl-C, else 0.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import geometric_mean
from typing import Annotated

import numpy as np
import typer
from measuring import uncut

from qnnt.activation import Activations
from qnnt.architecture import Architecture
from qnnt.cli.program import FAILED, OK, run
from qnnt.cubes import Cubes
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.generate.teacher import random_inputs, teacher_instance
from qnnt.goals import AtMost
from qnnt.instance import Instance
from qnnt.limits import Limits, Status
from qnnt.pipeline import solve
from qnnt.reductions.hitting_set import HITTING_SET
from qnnt.reductions.sources.sets import HittingSet
from qnnt.workers.pool import close_workers

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


def random_labels(
    d: int, layers: list[int], points: int, errors: int, activation: str, seed: int
) -> Instance:
    """Random inputs with random labels."""
    domain, rng = Domain(d), np.random.Generator(np.random.PCG64(seed))
    inputs = random_inputs(domain, layers[0], points, rng)
    output = Activations.of(activation, domain).output
    labels = output.show(rng.integers(output.top + 1, size=(points, layers[-1])))
    return Instance(
        domain, Architecture.dense(layers), Dataset(inputs, labels), AtMost(errors), activation=activation
    )


def too_small(d: int, teacher: list[int], hidden: int, points: int, seed: int) -> Instance:
    """What a teacher says, for a network with fewer hidden neurons."""
    taught = teacher_instance(d, teacher, points, 0.0, seed)
    smaller = Architecture.dense([teacher[0], hidden, teacher[-1]])
    return replace(taught, architecture=smaller, goal=AtMost(0), activation=taught.activation)


def bottleneck(d: int, patterns: int, hidden: int, activation: str) -> Instance:
    """The identity on one-hot patterns, through a hidden layer that has fewer values than that."""
    hot, shown = np.eye(patterns, dtype=np.int64), Activations.of(activation, Domain(d))
    layers = Architecture.dense([patterns, hidden, patterns])
    return Instance(Domain(d), layers, Dataset(hot, shown.output.show(hot)), activation=shown)


def hitting_set(elements: int, sets: int, size: int, seed: int) -> Instance:
    """Sets of three elements each, and no hitting set of the size."""
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(elements, size=3, replace=False).tolist() for _ in range(sets)]
    return HITTING_SET.apply(HittingSet.of(drawn, elements, size))[0]


CASES: dict[str, Callable[[], Instance]] = {
    "random labels d3 8-3-1, 33 points": partial(random_labels, 3, [8, 3, 1], 33, 0, "step", 0),
    "random labels d3 9-3-1, 50 points": partial(random_labels, 3, [9, 3, 1], 50, 0, "step", 0),
    "one neuron 16-1, 4 of 60 wrong, seed 0": partial(random_labels, 3, [16, 1], 60, 4, "sign", 0),
    "one neuron 16-1, 4 of 60 wrong, seed 1": partial(random_labels, 3, [16, 1], 60, 4, "sign", 1),
    "teacher d3 12-6-2, 3 hidden": partial(too_small, 3, [12, 6, 2], 3, 70, 3),
    "bottleneck d7 17-2-17": partial(bottleneck, 7, 17, 2, "relu"),
    "bottleneck d7 20-2-20": partial(bottleneck, 7, 20, 2, "relu"),
    "hitting set 50 elements, size 17": partial(hitting_set, 50, 140, 17, 0),
    "hitting set 60 elements, size 20": partial(hitting_set, 60, 150, 20, 0),
    "hitting set 60 elements, size 19": partial(hitting_set, 60, 150, 19, 1),
}


def chosen_cases(match: str) -> list[str]:
    """The names that hold one of the words; InputError if none does."""
    chosen = [name for name in CASES if any(word in name for word in match.split(","))]
    if not chosen:
        raise InputError("--match", f"no name holds {match!r}; there are: {', '.join(CASES)}")
    return chosen


@app.command()
def table(
    cubes: Annotated[int, typer.Option(metavar="N", help="Cubes of each instance.")] = 32,
    backend: Annotated[str, typer.Option(metavar="NAME", help="Backend.")] = "sat",
    time_limit: Annotated[float, typer.Option(metavar="S", help="Seconds for each run.")] = 300.0,
    match: Annotated[str, typer.Option(metavar="A,B", help="Only names that hold one of these.")] = "",
    kill: Annotated[bool, typer.Option("--kill/--no-kill", help="Kill a run in its middle, too.")] = True,
) -> int:
    """Solve each instance three times; then kill a run and go on."""
    chosen = {name: CASES[name] for name in chosen_cases(match)}
    width = max(map(len, chosen))
    print(
        f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {cubes} cubes, {backend}"
    )
    print(f"two processes that only count get {gain():.2f} times the CPU of one")
    print(f"{'':{width}} {'wall seconds':^27} {'':6} {'CPU seconds':^27}")
    print(f"{'instance':{width}} {'no cubes':>8} {'1 thread':>8} {'2 threads':>9} {'ratio':>6}", end="")
    print(f" {'no cubes':>8} {'1 thread':>8} {'2 threads':>9}")
    gains, against, wrong = [], [], 0
    for name, make in chosen.items():
        instance, seconds, work = make(), [], []
        for threads, split in ((1, None), (1, Cubes(cubes)), (2, Cubes(cubes))):
            limits = Limits(time=time_limit, threads=threads)
            before = _worked()
            result = uncut(solve(instance, backend=backend, limits=limits, cubes=split))
            work.append(_worked() - before)
            wrong += result.status is not Status.UNSATISFIABLE
            seconds.append(result.statistics.seconds["total"])
        whole, one, two = seconds
        gains.append(one / two)
        against.append(whole / two)
        print(f"{name:{width}} {whole:8.2f} {one:8.2f} {two:9.2f} {gains[-1]:6.2f}", end="")
        print(f" {work[0]:8.2f} {work[1]:8.2f} {work[2]:9.2f}", flush=True)
    print(
        f"geometric means: two threads are {geometric_mean(gains):.2f} times as fast as one through the same "
        f"cubes, and {geometric_mean(against):.2f} times as fast as one without cubes; "
        f"{wrong} runs without the answer UNSATISFIABLE"
    )
    print(f"two processes that only count get {gain():.2f} times the CPU of one")
    if kill:
        print()
        wrong += not _killed_and_resumed(next(iter(chosen.items())), cubes, backend)
    return FAILED if wrong else OK


def gain(seconds: float = 3.0) -> float:
    """How much more CPU time two processes get than one, in so many seconds each."""
    counting = (
        "import time; start = time.monotonic()\n"
        f"while time.monotonic() < start + {seconds}: sum(range(10000))\n"
        "print(time.process_time())"
    )

    def got(processes: int) -> float:
        running = [
            subprocess.Popen([sys.executable, "-c", counting], stdout=subprocess.PIPE, text=True)
            for _ in range(processes)
        ]
        return sum(float(each.communicate()[0]) for each in running)

    return got(2) / got(1)


def _worked() -> float:
    """CPU seconds of this process and of the workers that it had, which are closed."""
    close_workers()
    ours, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime


def _killed_and_resumed(case: tuple[str, Callable[[], Instance]], cubes: int, backend: str) -> bool:
    """Kill a run once a third of its cubes are done, and give the same command again."""
    name, make = case
    with tempfile.TemporaryDirectory(prefix="qnnt-cubes-") as folder:
        file, journal = Path(folder, "instance.json"), Path(folder, "journal")
        make().save(file)
        command = [sys.executable, "-m", "qnnt", "solve", str(file), "--backend", backend, "--threads", "2"]
        command += ["--cubes", str(cubes), "--journal", str(journal), "--json"]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as first:
            while first.poll() is None and _done(journal) < cubes // 3:
                time.sleep(0.02)
            killed = first.poll() is None
            first.kill()
        print(f"{name}: killed after {time.perf_counter() - began:.2f} s", end="")
        known = _done(journal)
        print(f", {known} cubes in the journal")
        began = time.perf_counter()
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        result = json.loads(second.stdout)
        skipped, total = result["statistics"].get("from the journal", 0), result["statistics"]["cubes"]
        print(
            f"the same command: {result['status']} after {time.perf_counter() - began:.2f} s; "
            f"{skipped} of {total} cubes were not run again"
        )
        return killed and result["status"] == Status.UNSATISFIABLE and 0 < known == skipped


def _done(journal: Path) -> int:
    """Cubes that a journal knows."""
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


if __name__ == "__main__":
    sys.exit(run(app, "cubes"))
