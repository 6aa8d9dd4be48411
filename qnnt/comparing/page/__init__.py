"""A comparison as one HTML page: no network, no other file."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from qnnt.comparing.runs import OUTCOMES, Contradiction, Run
from qnnt.comparing.scores import (
    Clock,
    Grid,
    best_shares,
    geometric_mean,
    in_process,
    mean,
    outcomes,
    solved_only_by,
    virtual_best,
    whole_process,
)
from qnnt.files.documents import write_pieces
from qnnt.wording import count

VIRTUAL_BEST = "virtual best"


def write_page(runs: Sequence[Run], wrong: Sequence[Contradiction], path: Path) -> None:
    """Write the page of runs that were judged, by :func:`qnnt.comparing.runs.judged`, whole or not at all.

    Raises :class:`InputError` if it cannot be written. The page builds all that it shows from one JSON value,
    as text and never as HTML.
    """
    parts = {
        name: files(__name__).joinpath(name).read_text("utf-8")
        for name in ("page.html", "page.css", "page.js")
    }
    document = json.dumps(_document(runs, wrong)).replace("<", "\\u003c")  # no </script> in it
    shell = parts["page.html"]
    for mark, text in (("/*CSS*/", parts["page.css"]), ("/*JS*/", parts["page.js"]), ("{DATA}", document)):
        before, after = shell.split(mark)
        shell = before + text + after
    write_pieces(path, [shell])


def _document(runs: Sequence[Run], wrong: Sequence[Contradiction]) -> dict[str, Any]:
    grid, settings = Grid.of(runs), runs[0].settings
    clock = whole_process if settings.whole_process else in_process
    every = len({run.cell for run in runs})
    left = (
        ""
        if len(grid.cases) == every
        else f" {every - len(grid.cases):,} more, which not all have run, do not count."
    )
    return {
        "about": f"{count(len(runs), 'run')} of {count(len(grid.contestants), 'contestant')}, "
        f"{settings} for each. The table is on {count(len(grid.cases), 'case')}.{left}",
        "timeLimit": settings.time_limit,
        "wrong": [str(each) for each in wrong],
        "summary": _summary(grid, clock),
        "runs": [
            {**asdict(run), "cell": run.cell, "clock": clock(run), "counts": run.cell in grid.cases}
            for run in runs
        ],
    }


def _summary(grid: Grid, clock: Clock) -> dict[str, Any]:
    """The rows of the table of contestants; the last one is the virtual best."""
    if not grid.cases:
        return {"head": [], "rows": []}
    alone, shares = solved_only_by(grid), best_shares(grid, clock)
    rows: list[list[str | float | None]] = []
    for name in grid.contestants:
        counts, scores = outcomes(grid.runs(name)), grid.scores(name, clock)
        share = None if math.isnan(shares[name]) else round(100 * shares[name])
        ended = [counts[outcome] for outcome in OUTCOMES]
        rows.append([name, *ended, mean(scores), geometric_mean(scores), share, len(alone[name])])
    best = virtual_best(grid, clock)
    solved = sum(any(run.solved for run in here.values()) for here in grid.cases.values())
    others = [None] * (len(OUTCOMES) - 1)
    rows.append([VIRTUAL_BEST, solved, *others, mean(best), geometric_mean(best), None, None])
    return {
        "head": ["contestant", *OUTCOMES, "PAR-2 mean", "PAR-2 geometric", "fastest %", "alone"],
        "rows": rows,
    }
