"""Train the instances of formulas, exact covers and hitting sets, and hold the answers against known ones.

The folder holds ``MANIFEST.tsv`` (file, origin, known answer, …) and ``sat/``, ``xc/``, ``hs/``. One JSON
line for each run, then a summary for each kind. Exit status: 1 if an answer is wrong, 130 after Ctrl-C,
else 0.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from qnnt.cli.program import FAILED, INTERRUPTED, OK, run
from qnnt.exceptions import InputError
from qnnt.limits import Limit, Limits, Status
from qnnt.pipeline import solve
from qnnt.reductions.catalogue import PROOFS
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet
from qnnt.reductions.sources.solve import Source

app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Case:
    """A source, the kind of instance to make of it, and whether it has a solution."""

    name: str
    kind: str
    source: Source
    answer: bool


@app.command()
def table(
    folder: Annotated[Path, typer.Argument(help="Folder with MANIFEST.tsv, sat/, xc/ and hs/.")],
    kinds: Annotated[
        str, typer.Option(metavar="A,B", help="Kinds of instances.")
    ] = "exact-cover,three-sat,hitting-set,balanced-sat",
    backend: Annotated[str, typer.Option(metavar="NAME", help="Backend.")] = "sat:cadical195",
    time_limit: Annotated[float, typer.Option(metavar="S", help="Seconds for each run.")] = 60.0,
    match: Annotated[str, typer.Option(metavar="TEXT", help="Only files whose name holds this.")] = "",
) -> int:
    """Train every instance of known answer under a time limit and hold the answers against the known ones."""
    wanted, lines = kinds.split(","), []
    for kind in wanted:
        if kind not in PROOFS:
            raise InputError("--kinds", f"{kind!r} is none of {', '.join(PROOFS)}")
    for case in (case for kind in wanted for case in _cases(folder, kind) if match in case.name):
        lines.append(_run(case, backend, time_limit))
        print(json.dumps(lines[-1]), flush=True)
        if lines[-1]["limit"] == Limit.INTERRUPT:
            return INTERRUPTED
    for kind in wanted:
        _summarise(kind, [line for line in lines if line["kind"] == kind])
    return FAILED if any(line["right"] is False for line in lines) else OK


def _run(case: Case, backend: str, seconds: float) -> dict[str, Any]:
    start = time.perf_counter()
    instance, lift = PROOFS[case.kind].reduction.apply(case.source)
    made = time.perf_counter() - start
    result = solve(instance, backend=backend, limits=Limits(time=seconds))
    right = None
    if result.status is not Status.UNKNOWN:
        right = (result.status is Status.SATISFIABLE) == case.answer
        right &= result.network is None or case.source.accepts(lift(result.network))
    return {
        "file": case.name,
        "kind": case.kind,
        "layers": [len(layer) for layer in instance.architecture.layers],
        "points": instance.dataset.total,
        "backend": result.backend,
        "expected": case.answer,
        "status": result.status.value,
        "limit": result.limit,
        "reason": result.reason,
        "right": right,
        "generate": round(made, 3),
        "seconds": {phase: round(s, 3) for phase, s in result.statistics.seconds.items()},
    }


def _cases(folder: Path, kind: str) -> Iterator[Case]:
    part = {Cnf: "sat/", ExactCover: "xc/", HittingSet: "hs/"}[PROOFS[kind].source]
    rows = [line.split("\t") for line in (folder / "MANIFEST.tsv").read_text("utf-8").splitlines()]
    known = [(name, answer) for name, _, answer, *_ in rows if name.startswith(part) and answer != "unknown"]
    for name, answer in sorted(known, key=lambda row: (folder / row[0]).stat().st_size):
        path = folder / name
        if part == "sat/":
            yield Case(name, kind, Cnf.read(path), answer == "SAT")
        elif part == "xc/":
            yield Case(name, kind, ExactCover.read(path), not answer.startswith("0 "))
        else:
            for size in (int(answer), int(answer) - 1):
                source = HittingSet.read(path, size)
                yield Case(f"{name} k={size}", kind, source, size == int(answer))


def _summarise(kind: str, lines: list[dict[str, Any]]) -> None:
    done = [line for line in lines if line["right"] is not None]
    print(f"{kind}: {sum(map(bool, (li['right'] for li in done)))} of {len(lines)} right,", end=" ")
    print(f"{len(lines) - len(done)} unknown, {sum(li['right'] is False for li in done)} wrong", end="")
    if done:
        slowest = max(done, key=lambda line: line["seconds"]["total"])
        print(f"; slowest {slowest['file']} {slowest['seconds']['total']:.1f} s", end="")
    print()


if __name__ == "__main__":
    sys.exit(run(app, "reductions_table"))
