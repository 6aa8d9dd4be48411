"""Solve for a long time in one process, in several threads, while workers are killed at random.

``python scripts/soak.py --minutes 60`` takes small random instances whose answers brute force knows, and
backends at random. Every answer is held against the known one; a run whose worker was killed has to be
UNKNOWN and to say so. In the end the children, file descriptors, temporary folders and memory of the process
are compared with those after the first solves. Exit status 1 for a wrong answer, or if something is left.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import signal
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qnnt import Architecture, AtMost, Exactly, Instance, Limits, Minimize, Status, solve
from qnnt.generate.teacher import teacher_instance
from qnnt.result import Result
from qnnt.testing.brute_force import Truth
from qnnt.workers.pool import close_workers

SHAPES = ([2, 1], [3, 1], [2, 2, 1], [2, 1, 1], [3, 2])
BACKENDS = ("sat", "maxsat", "cpsat", "enumeration", "treewidth", "milp:cbc", "portfolio:sat+maxsat", "auto")


@dataclass(frozen=True)
class Held:
    """What this process holds: children, descriptors, folders of workers, and MiB of memory."""

    children: int
    descriptors: int
    folders: int
    memory: float

    @classmethod
    def now(cls) -> Held:
        """What it holds now."""
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        folders = len(list(Path(tempfile.gettempdir()).glob("qnnt-*")))
        memory = pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
        return cls(len(children()), len(os.listdir("/proc/self/fd")), folders, memory)  # noqa: PTH208


def children() -> list[int]:
    """The processes whose parent this one is."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += [int(pid) for pid in Path(task, "children").read_text().split()]
        except OSError:  # the thread has ended
            continue
    return found


def case(chance: random.Random) -> tuple[Instance, int]:
    """An instance, and the least error of a network on it."""
    shape = chance.choice(SHAPES)
    small = Architecture.dense(shape).n_parameters <= 6  # brute force takes few networks
    d, points = chance.choice([2, 3]) if small else 2, chance.randint(2, 8)
    base = teacher_instance(d, shape, points, noise=0.4, seed=chance.randrange(10**6))
    least = int(np.min(Truth(base).errors))
    goal = chance.choice([Minimize(), AtMost(least), AtMost(max(0, least - 1)), Exactly(least)])
    return base.with_goal(goal), least


def mistake(instance: Instance, least: int, result: Result) -> str | None:
    """What is wrong with an answer; None if nothing is."""
    goal, status = instance.goal, result.status
    if status is Status.UNKNOWN:
        told = result.reason or ""
        return None if "signal 9" in told else f"UNKNOWN: {told}"
    if goal.minimizes:
        right = status is Status.OPTIMAL and result.errors == least
    elif goal.accepts(least):
        right = status is Status.SATISFIABLE and result.errors is not None and goal.accepts(result.errors)
    else:
        right = status is Status.UNSATISFIABLE
    return None if right else f"{status}, {result.errors} errors; the least is {least}, the goal {goal}"


class Soak:
    """Threads that solve, and one that kills, until the time is over."""

    def __init__(self, seed: int, kills: float) -> None:
        self._seed, self._kills = seed, kills
        self.counts, self.mistakes = Counter[str](), list[str]()
        self._over = threading.Event()

    def run(self, minutes: float, threads: int) -> None:
        """Solve for so long, in so many threads."""
        workers = [threading.Thread(target=self._solve, args=(i,)) for i in range(threads)]
        killer = threading.Thread(target=self._kill)
        for thread in (*workers, killer):
            thread.start()
        try:
            self._over.wait(60 * minutes)
        finally:
            self._over.set()
            for thread in (*workers, killer):
                thread.join()
        close_workers()

    def _solve(self, number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")
        while not self._over.is_set():
            instance, least = case(chance)
            backend = chance.choice(BACKENDS)
            try:
                result = solve(instance, backend=backend, limits=Limits(time=120, threads=1))
                wrong = mistake(instance, least, result)
                self.counts[result.status.value] += 1
            except Exception as error:
                wrong = f"{type(error).__name__}: {error}"
            self.counts["solves"] += 1
            if wrong is not None:
                self.mistakes.append(f"{backend}: {wrong}")

    def _kill(self) -> None:
        chance = random.Random(self._seed)
        while self._kills and not self._over.wait(chance.expovariate(self._kills)):
            if found := children():
                try:
                    os.kill(chance.choice(found), signal.SIGKILL)
                except ProcessLookupError:
                    continue
                self.counts["kills"] += 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--kills", type=float, default=0.5, help="workers killed a second, on average")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        tempfile.tempdir = place
        warm = Soak(asked.seed + 1, 0.0)
        warm.run(asked.minutes / 10, asked.threads)
        before = Held.now()
        soak = Soak(asked.seed, asked.kills)
        soak.run(asked.minutes, asked.threads)
        after = Held.now()
        tempfile.tempdir = None
    mistakes = [*warm.mistakes, *soak.mistakes]
    print(", ".join(f"{n:,} {what}" for what, n in sorted(soak.counts.items())))
    print(f"before  {before}\nafter   {after}")
    print("\n".join([f"{len(mistakes)} mistakes", *mistakes[:20]]))
    held = [(now.children, now.folders, now.descriptors) for now in (before, after)]
    left = any(later > earlier for earlier, later in zip(*held, strict=True))
    return 1 if mistakes or left else 0


if __name__ == "__main__":
    sys.exit(main())
