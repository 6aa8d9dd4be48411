"""What runs come to: solved counts, PAR-2, the virtual best solver, and what each contributes to it.

PAR-2 of a run is its seconds if it is solved, else twice the time limit. The geometric mean has no shift.
Only cases that all contestants have run count, so that all are measured by the same ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from qnnt.comparing.contestants import AUTO, BASELINES
from qnnt.comparing.runs import Run

Clock = Callable[[Run], float | None]


def in_process(run: Run) -> float | None:
    """Seconds of :func:`qnnt.solve`."""
    return run.seconds


def whole_process(run: Run) -> float | None:
    """Seconds of the program."""
    return run.process_seconds


def par2(run: Run, clock: Clock = in_process) -> float:
    """Seconds if solved, else twice the time limit."""
    seconds = clock(run)
    return 2 * run.time_limit if not run.solved or seconds is None else seconds


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; not a number if there is no value."""
    return sum(values) / len(values) if values else math.nan


def geometric_mean(values: Sequence[float]) -> float:
    """Geometric mean of seconds, without a shift, each at least a nanosecond; not a number of none."""
    return math.exp(mean([math.log(max(value, 1e-9)) for value in values])) if values else math.nan


@dataclass(frozen=True)
class Grid:
    """Runs by case (and seed) and contestant: every contestant has run every case."""

    contestants: list[str]
    cases: dict[str, dict[str, Run]]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> Grid:
        """The cases that every contestant of the runs has run, in the order of the runs."""
        contestants, cases = dict[str, None](), dict[str, dict[str, Run]]()
        for run in runs:
            contestants[run.contestant] = None
            cases.setdefault(run.cell, {})[run.contestant] = run
        whole = {case: here for case, here in cases.items() if here.keys() == contestants.keys()}
        return cls(list(contestants), whole)

    def runs(self, contestant: str) -> list[Run]:
        """The runs of a contestant, one for each case."""
        return [here[contestant] for here in self.cases.values()]

    def scores(self, contestant: str, clock: Clock = in_process) -> list[float]:
        """Its PAR-2 on each case."""
        return [par2(run, clock) for run in self.runs(contestant)]


def outcomes(runs: Iterable[Run]) -> Counter[str]:
    """How many runs had each outcome."""
    return Counter(run.outcome for run in runs)


def solved_by_family(grid: Grid) -> dict[str, dict[str, int]]:
    """Solved cases of each family, by contestant; ``any``: solved by somebody, ``cases``: all."""
    families: dict[str, Counter[str]] = {}
    for here in grid.cases.values():
        family = families.setdefault(next(iter(here.values())).family, Counter())
        family["cases"] += 1
        family["any"] += any(run.solved for run in here.values())
        family.update(name for name, run in here.items() if run.solved)
    return {
        family: {n: counts[n] for n in (*grid.contestants, "any", "cases")}
        for family, counts in families.items()
    }


def deciders(grid: Grid, contestant: str = AUTO) -> dict[str, Counter[str]]:
    """The backends that decided the solved runs of a contestant that chooses among several, by family."""
    families: dict[str, Counter[str]] = {}
    for run in grid.runs(contestant) if contestant in grid.contestants else ():
        if run.solved:
            families.setdefault(run.family, Counter())[run.backend] += 1
    return families


def virtual_best(grid: Grid, clock: Clock = in_process) -> list[float]:
    """The least PAR-2 that a contestant has on each case."""
    return [min(par2(run, clock) for run in here.values()) for here in grid.cases.values()]


def solved_only_by(grid: Grid) -> dict[str, list[str]]:
    """The cases that one contestant alone solves, by contestant."""
    alone: dict[str, list[str]] = {name: [] for name in grid.contestants}
    for case, here in grid.cases.items():
        solvers = [name for name, run in here.items() if run.solved]
        if len(solvers) == 1:
            alone[solvers[0]].append(case)
    return alone


def best_shares(grid: Grid, clock: Clock = in_process) -> dict[str, float]:
    """The share of the solved cases on which each contestant is the fastest; those that tie divide a case."""
    won, solved = dict.fromkeys(grid.contestants, 0.0), 0
    for here in grid.cases.values():
        seconds = {name: par2(run, clock) for name, run in here.items() if run.solved}
        fastest = [name for name, value in seconds.items() if value == min(seconds.values())]
        solved += bool(fastest)
        for name in fastest:
            won[name] += 1 / len(fastest)
    return {name: share / solved if solved else math.nan for name, share in won.items()}


def baselines(grid: Grid) -> list[str]:
    """The textbook models that take part and could run: one that is not installed measures nothing."""
    there = [name for name in BASELINES if name in grid.contestants]
    return [name for name in there if all(run.outcome != "unavailable" for run in grid.runs(name))]


def ratio(grid: Grid, baseline: str, contestant: str, clock: Clock = in_process) -> float:
    """How many times the baseline's geometric mean of PAR-2 is that of the contestant."""
    return geometric_mean(grid.scores(baseline, clock)) / geometric_mean(grid.scores(contestant, clock))


def missed(grid: Grid, contestant: str = AUTO) -> dict[str, list[str]]:
    """The cases that a contestant does not solve and others do, with those."""
    if contestant not in grid.contestants:
        return {}
    solvers = {}
    for case, here in grid.cases.items():
        others = [name for name, run in here.items() if run.solved]
        if others and contestant not in others:
            solvers[case] = others
    return solvers


def cactus(grid: Grid, clock: Clock = in_process) -> dict[str, list[float]]:
    """The seconds of each contestant's solved runs, rising."""
    return {
        name: sorted(par2(run, clock) for run in grid.runs(name) if run.solved) for name in grid.contestants
    }
