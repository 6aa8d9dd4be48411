"""Hitting sets trained with and without the order of interchangeable neurons and the presolve steps.

Small random set systems by seed, and with ``--folder`` those of its ``MANIFEST.tsv`` (``hs/``) whose least
hitting set is known, each at that size and one below. Every run has the same limit; one line for each
instance, in the order of the runs: seconds without, seconds with, their ratio, both verdicts. A run that
reached the limit counts as the limit, so its ratio is a bound. Exit status: 1 if an answer is wrong, 130
after Ctrl-C, else 0.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from measuring import uncut

from qnnt.cli.program import FAILED, OK, run
from qnnt.exceptions import InputError
from qnnt.instance import Instance
from qnnt.limits import Limits, Status
from qnnt.pipeline import solve
from qnnt.reductions.hitting_set import HITTING_SET
from qnnt.reductions.sources.sets import HittingSet

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Case:
    """A set system with a size, and whether it has a hitting set of that size, if that is known."""

    name: str
    source: HittingSet
    answer: bool | None


@app.command()
def table(
    folder: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Folder with MANIFEST.tsv and hs/.")
    ] = None,
    backend: Annotated[str, typer.Option(metavar="NAME", help="Backend.")] = "sat:cadical195",
    time_limit: Annotated[float, typer.Option(metavar="S", help="Seconds for each run.")] = 60.0,
    seeds: Annotated[int, typer.Option(metavar="N", help="How many random set systems.")] = 5,
    match: Annotated[str, typer.Option(metavar="A,B", help="Only names that hold one of these.")] = "",
) -> int:
    """Train each instance twice under a time limit: without the order and the steps, then with them."""
    ratios, wrong, answered = [], 0, [0, 0]
    for simplify in (False, True):  # what is loaded once counts for no run
        _run(HITTING_SET.apply(HittingSet.of([[0], [1]], 2, 1))[0], backend, time_limit, simplify=simplify)
    print(f"{'instance':44} {'k':>3} {'without':>8} {'with':>8} {'ratio':>7}  verdicts")
    for case in _cases(folder, seeds):
        if match and not any(word in f"{case.name} k={case.source.size}" for word in match.split(",")):
            continue
        instance, _ = HITTING_SET.apply(case.source)
        runs = [_run(instance, backend, time_limit, simplify=simplify) for simplify in (False, True)]
        (before, one), (after, two) = runs
        ratios.append(before / after)
        for i, status in enumerate((one, two)):
            answered[i] += status is not Status.UNKNOWN
            if status is not Status.UNKNOWN and case.answer is not None:
                wrong += (status is Status.SATISFIABLE) != case.answer
        wrong += Status.UNKNOWN not in (one, two) and one is not two
        print(f"{case.name:44} {case.source.size:3} {before:8.2f} {after:8.2f} {ratios[-1]:7.1f}", end="  ")
        print(f"{one.value}, {two.value}", flush=True)
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"answered of {len(ratios)}: {answered[0]} without, {answered[1]} with; ", end="")
        print(f"ratio of seconds, geometric mean {mean:.1f}; {wrong} wrong")
    return FAILED if wrong else OK


def _run(instance: Instance, backend: str, seconds: float, *, simplify: bool) -> tuple[float, Status]:
    presolve = None if simplify else ()
    limits = Limits(time=seconds)
    result = uncut(solve(instance, backend=backend, limits=limits, symmetry=simplify, presolve=presolve))
    return result.statistics.seconds["total"], result.status


def _cases(folder: Path | None, seeds: int) -> Iterator[Case]:
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        sets = [rng.choice(18, size=3, replace=False).tolist() for _ in range(40)]
        least = _least(HittingSet.of(sets, 18, 18))
        for size in (least, least - 1):
            yield Case(f"random seed {seed}", HittingSet.of(sets, 18, size), size == least)
    if folder is None:
        return
    manifest = folder / "MANIFEST.tsv"
    if not manifest.is_file():
        raise InputError(str(manifest), "there is no such file")
    rows = [line.split("\t") for line in manifest.read_text("utf-8").splitlines()]
    known = [
        (name, int(answer)) for name, _, answer, *_ in rows if name.startswith("hs/") and answer.isdigit()
    ]
    for name, least in sorted(known, key=lambda row: (folder / row[0]).stat().st_size):
        for size in (least, least - 1):
            yield Case(Path(name).name, HittingSet.read(folder / name, size), size == least)


def _least(source: HittingSet) -> int:
    """The size of a least hitting set, by trying all subsets of few elements at once."""
    subsets = (np.arange(1 << source.n_elements)[:, None] >> np.arange(source.n_elements)) & 1
    hits = (subsets @ source.incidence.T > 0).all(axis=1)
    return int(subsets[hits].sum(axis=1).min())


if __name__ == "__main__":
    sys.exit(run(app, "presolve"))
