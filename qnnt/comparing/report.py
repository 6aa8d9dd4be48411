"""The report on runs as text: tables that fit a terminal, or Markdown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import fill

from qnnt.comparing.contestants import AUTO
from qnnt.comparing.runs import OUTCOMES, Run, mixed_versions
from qnnt.comparing.scores import (
    Clock,
    Grid,
    baselines,
    best_shares,
    deciders,
    geometric_mean,
    in_process,
    mean,
    missed,
    outcomes,
    ratio,
    solved_by_family,
    solved_only_by,
    virtual_best,
    whole_process,
)
from qnnt.printable import printable
from qnnt.wording import count

WIDTH = 80

Rows = list[list[str]]


def report(runs: Sequence[Run], *, markdown: bool = False) -> str:
    """All tables, and the cases that ``auto`` misses."""
    grid = Grid.of(runs)
    if not grid.cases:
        return "No case has been run by all contestants."
    render = as_markdown if markdown else as_text
    settings = runs[0].settings
    every, counted = len({run.cell for run in runs}), len(grid.cases)
    left = f"; {every - counted} more are left out, as not all have run them" if every > counted else ""
    parts = [
        f"{count(counted, 'case')}, {settings} for each run{left}.",
        *(f"Several versions: {printable(line)}." for line in mixed_versions(runs)),
        *_section("Solved, and how runs ended", render(_outcome_rows(grid)), markdown),
    ]
    families = _family_rows(grid)
    if len(families) > 3:  # the head, more than one family, and their sum
        parts += _section("Solved by family", render(families), markdown)
    for clock, name in ((in_process, "in-process"), (whole_process, "whole-process")):
        if clock is in_process or settings.whole_process:
            parts += _section(f"PAR-2 in {name} seconds", render(_score_rows(grid, clock)), markdown)
    lines = [printable(f"{case}: {', '.join(others)}") for case, others in missed(grid).items()]
    if AUTO in grid.contestants:
        head = f"Cases that {AUTO} does not solve and others do: {len(lines)}"
        shown = [f"- {line}" if markdown else fill(line, WIDTH, subsequent_indent="  ") for line in lines]
        parts += _section(head, "\n".join(shown), markdown)
        if decided := deciders(grid):
            title = f"Backends that decided the cases that {AUTO} solves"
            parts += _section(title, render(_decider_rows(decided)), markdown)
    return "\n\n".join(part for part in parts if part)


def run_lines(runs: Sequence[Run]) -> list[tuple[str, bool]]:
    """A line for each run, of at most 80 columns, and whether its answer is wrong."""
    rows = [["case", "contestant", "status", "errors", "bound", "seconds"]]
    folders = {run.case.rpartition("/")[0] for run in runs}
    hidden = len(f"{folders.pop()}/") if len(folders) == 1 and "/" in runs[0].case else 0
    for run in runs:
        numbers = ("-" if n is None else str(n) for n in (run.errors, run.lower_bound))
        seconds = run.process_seconds or run.seconds
        mark = "≠ " if run.outcome == "wrong" else ""
        took = "-" if seconds is None else f"{seconds:.2f}"
        status = mark + str(run.status or run.outcome)
        rows.append([run.cell[hidden:], run.contestant, status, *numbers, took])
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    spare = WIDTH - sum(sizes[2:]) - 2 * (len(sizes) - 1)
    sizes[1] = min(sizes[1], max(spare - sizes[0], spare // 2))
    sizes[0] = min(sizes[0], spare - sizes[1])
    lines = []
    for case, contestant, status, *rest in rows:
        cells = [_last(case, sizes[0]), _first(contestant, sizes[1]), status.ljust(sizes[2])]
        cells += [cell.rjust(size) for cell, size in zip(rest, sizes[3:], strict=True)]
        lines.append("  ".join(cells))
    wrong = [False, *(run.outcome == "wrong" for run in runs)]
    return list(zip(lines, wrong, strict=True))


def _last(text: str, width: int) -> str:
    """The end of a text: files of one folder begin alike."""
    text = printable(text)
    return text.ljust(width) if len(text) <= width else f"…{text[len(text) - width + 1 :]}"


def _first(text: str, width: int) -> str:
    text = printable(text)
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"


def unsolved(runs: Sequence[Run]) -> str:
    """Why runs came to no verdict: each reason of each contestant once."""
    reasons = Counter((r.contestant, r.reason or "") for r in runs if not r.solved and r.outcome != "wrong")
    lines = []
    for (contestant, reason), number in reasons.items():
        times = f" ({count(number, 'run')})" if number > 1 else ""
        lines.append(fill(printable(f"{contestant}: {reason}{times}"), WIDTH, subsequent_indent="  "))
    return "\n".join(["Without a verdict:", *lines]) if lines else ""


def _section(title: str, body: str, markdown: bool) -> list[str]:
    return [f"### {title}" if markdown else title, body]


def _outcome_rows(grid: Grid) -> Rows:
    alone = solved_only_by(grid)
    rows = [["", *OUTCOMES, "alone"]]
    for name in grid.contestants:
        counts = outcomes(grid.runs(name))
        rows.append([name, *(str(counts[outcome]) for outcome in OUTCOMES), str(len(alone[name]))])
    solved = sum(any(run.solved for run in here.values()) for here in grid.cases.values())
    return [*rows, ["virtual best", str(solved), *("" for _ in rows[0][2:])]]


def _family_rows(grid: Grid) -> Rows:
    names = [*grid.contestants, "any", "cases"]
    families = solved_by_family(grid)
    rows = [[family, *(str(counts[name]) for name in names)] for family, counts in families.items()]
    totals = [str(sum(counts[name] for counts in families.values())) for name in names]
    return [["", *names], *rows, ["all", *totals]]


def _decider_rows(decided: Mapping[str, Counter[str]]) -> Rows:
    """A row for each family, a column for each backend: the one that decides most comes first."""
    totals = Counter[str]()
    for counts in decided.values():
        totals.update(counts)
    names = [name for name, _ in totals.most_common()]
    every = decided if len(decided) == 1 else {**decided, "all": totals}
    rows = [[family, *(str(counts[name] or "") for name in names)] for family, counts in every.items()]
    return [["", *names], *rows]


def _score_rows(grid: Grid, clock: Clock) -> Rows:
    present, shares = baselines(grid), best_shares(grid, clock)
    rows = [["", "mean", "geometric", *(f"{name} / it" for name in present), "fastest"]]
    for name in grid.contestants:
        scores = grid.scores(name, clock)
        ratios = [f"{ratio(grid, baseline, name, clock):.2f}" for baseline in present]
        share = "-" if math.isnan(shares[name]) else f"{shares[name]:.0%}"
        rows.append([name, three_digits(mean(scores)), three_digits(geometric_mean(scores)), *ratios, share])
    best = virtual_best(grid, clock)
    against = [geometric_mean(grid.scores(baseline, clock)) / geometric_mean(best) for baseline in present]
    measures = [three_digits(measure(best)) for measure in (mean, geometric_mean)]
    return [*rows, ["virtual best", *measures, *(f"{value:.2f}" for value in against), ""]]


def three_digits(seconds: float) -> str:
    """Seconds in three digits, and in more if there are thousands."""
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.3g}"


def as_text(rows: Rows, width: int = WIDTH) -> str:
    """A table in lines of at most ``width`` columns: one that is too wide is continued below itself."""
    rows = [[printable(cell) for cell in row] for row in rows]
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
    cells = ([printable(cell).replace("|", "\\|") for cell in row] for row in rows)
    head, *body = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([head, "|---" + "|---:" * (len(rows[0]) - 1) + "|", *body])
