"""What a file of runs comes to: solved counts, PAR-2, the virtual best solver, and the cactus plot.

PAR-2 of a run is its seconds if it is solved, else twice the time limit. The geometric mean has no shift.
Only cases that all contestants have run count, so that all are measured by the same ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from benchmark_runs import OUTCOMES, Run

from qnnt.cli.output import count

BASELINES = ("cpsat-textbook", "milp-textbook")
AUTO = "auto"
WIDTH = 80

Clock = Callable[[Run], float | None]
Rows = list[list[str]]


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
    """Geometric mean of positive values, without a shift; not a number if there is no value."""
    return math.exp(mean([math.log(value) for value in values])) if values else math.nan


@dataclass(frozen=True)
class Grid:
    """Runs by case and contestant: every contestant has run every case."""

    contestants: list[str]
    cases: dict[str, dict[str, Run]]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> Grid:
        """The cases that every contestant of the runs has run, in the order of the runs."""
        contestants, cases = dict[str, None](), dict[str, dict[str, Run]]()
        for run in runs:
            contestants[run.contestant] = None
            cases.setdefault(run.case, {})[run.contestant] = run
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


def report(runs: Sequence[Run], *, markdown: bool = False) -> str:
    """All tables, and the cases that ``auto`` misses."""
    grid = Grid.of(runs)
    if not grid.cases:
        return "No case has been run by all contestants."
    render = as_markdown if markdown else as_text
    seconds, threads, whole = runs[0].settings
    every, counted = len({run.case for run in runs}), len(grid.cases)
    left = f"; {every - counted} more are left out, as not all have run them" if every > counted else ""
    parts = [
        f"{count(counted, 'case')}, {seconds:g} s and --threads {threads} for each run{left}.",
        *_section("Solved, and how runs ended", render(_outcome_rows(grid)), markdown),
        *_section("Solved by family", render(_family_rows(grid)), markdown),
    ]
    for clock, name in ((in_process, "in-process"), (whole_process, "whole-process")):
        if clock is in_process or whole:
            parts += _section(f"PAR-2 in {name} seconds", render(_score_rows(grid, clock)), markdown)
    lines = [f"{case}: {', '.join(others)}" for case, others in missed(grid).items()]
    if AUTO in grid.contestants:
        head = f"Cases that {AUTO} does not solve and others do: {len(lines)}"
        shown = [f"- {line}" if markdown else fill(line, WIDTH, subsequent_indent="  ") for line in lines]
        parts += _section(head, "\n".join(shown), markdown)
    return "\n\n".join(part for part in parts if part)


def _section(title: str, body: str, markdown: bool) -> list[str]:
    return [f"### {title}" if markdown else title, body]


def _outcome_rows(grid: Grid) -> Rows:
    alone = solved_only_by(grid)
    rows = [["", *OUTCOMES, "alone"]]
    for name in grid.contestants:
        counts = outcomes(grid.runs(name))
        rows.append([name, *(str(counts[outcome]) for outcome in OUTCOMES), str(len(alone[name]))])
    solved = sum(any(run.solved for run in here.values()) for here in grid.cases.values())
    return [*rows, ["virtual best", str(solved), str(len(grid.cases) - solved), "", "", "", ""]]


def _family_rows(grid: Grid) -> Rows:
    names = [*grid.contestants, "any", "cases"]
    families = solved_by_family(grid)
    rows = [[family, *(str(counts[name]) for name in names)] for family, counts in families.items()]
    totals = [str(sum(counts[name] for counts in families.values())) for name in names]
    return [["", *names], *rows, ["all", *totals]]


def _score_rows(grid: Grid, clock: Clock) -> Rows:
    present, shares = [name for name in BASELINES if name in grid.contestants], best_shares(grid, clock)
    rows = [["", "mean", "geometric", *(f"{name} / it" for name in present), "fastest"]]
    for name in grid.contestants:
        scores = grid.scores(name, clock)
        ratios = [f"{ratio(grid, baseline, name, clock):.2f}" for baseline in present]
        rows.append(
            [name, _short(mean(scores)), _short(geometric_mean(scores)), *ratios, f"{shares[name]:.0%}"]
        )
    best = virtual_best(grid, clock)
    against = [geometric_mean(grid.scores(baseline, clock)) / geometric_mean(best) for baseline in present]
    ends = [_short(mean(best)), _short(geometric_mean(best)), *(f"{value:.2f}" for value in against), ""]
    return [*rows, ["virtual best", *ends]]


def _short(seconds: float) -> str:
    return f"{seconds:.3g}"


def as_text(rows: Rows, width: int = WIDTH) -> str:
    """A table in lines of at most ``width`` columns: one that is too wide is continued below itself."""
    sizes = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    blocks, block, used = [], list[int](), width
    for i, size in enumerate(sizes[1:], 1):
        if used + 2 + size > width:
            block, used = [i], sizes[0] + 2 + size
            blocks.append(block)
        else:
            block.append(i)
            used += 2 + size
    parts = []
    for columns in blocks:
        lines = [
            "  ".join([row[0].ljust(sizes[0]), *(row[i].rjust(sizes[i]) for i in columns)]).rstrip()
            for row in rows
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def as_markdown(rows: Rows) -> str:
    """The table in Markdown, numbers to the right."""
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" + "|---:" * (len(rows[0]) - 1) + "|", *body])


# Okabe and Ito's colours, which the colour-blind can tell apart, and a style for each round through them.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
STYLES = ("-", "--", ":")


def draw_cactus(series: Mapping[str, Sequence[float]], time_limit: float, path: Path) -> None:
    """Draw how many cases (across) each contestant solves within how many seconds (up, logarithmic)."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    ranked = sorted(series.items(), key=lambda item: (-len(item[1]), sum(item[1])))
    for i, (name, seconds) in enumerate(ranked):
        colour, style = COLOURS[i % len(COLOURS)], STYLES[i // len(COLOURS) % len(STYLES)]
        across = range(1, len(seconds) + 1)
        axes.plot(across, seconds, style, marker=".", color=colour, label=f"{name} ({len(seconds)})")
    axes.axhline(time_limit, color="#999999", linewidth=0.8)
    axes.set(yscale="log", xlabel="cases solved", ylabel="seconds", xlim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(frameon=False, fontsize=9, loc="outside right upper")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
