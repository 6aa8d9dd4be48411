"""``qnnt generate three-sat`` and the other proofs of hardness: instances from files of formulas and sets."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qnnt.cli import completion
from qnnt.cli.options import (
    ExecutorName,
    Json,
    Output,
    check_executor,
    executing,
    incoming,
    require_apart,
    require_place,
    sizes_of,
)
from qnnt.cli.output import deliver, print_json
from qnnt.cli.program import OK
from qnnt.exceptions import InputError
from qnnt.limits import MOST_TIME
from qnnt.printable import printable
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.generate.reference import Reference
    from qnnt.reductions.sources.solve import Source

_MOST_SIZES = 10_000

_CnfFile = Annotated[
    Path,
    typer.Argument(metavar="F.cnf", callback=incoming, help="Formula, DIMACS CNF; - for standard input."),
]


def three_sat(formula: _CnfFile, output: Output = None, json: Json = False) -> int:
    """Satisfy a formula: two inputs, three points, one hidden layer (Theorem 4)."""
    return _from_formula("three-sat", formula, output, json=json)


def balanced_sat(formula: _CnfFile, output: Output = None, json: Json = False) -> int:
    """Satisfy a formula: four points, one hidden layer, degrees at most 3 (Theorem 2)."""
    return _from_formula("balanced-sat", formula, output, json=json)


def exact_cover(
    sets: Annotated[
        Path, typer.Argument(metavar="M.csv", callback=incoming, help="0/1 matrix, a set a line, or lists.")
    ],
    output: Output = None,
    json: Json = False,
) -> int:
    """Choose sets that contain each element once: no error, one neuron (Theorem 1)."""
    require_place(output, json=json)
    require_apart([output], [sets])
    from qnnt.reductions.sources.sets import ExactCover

    return _deliver("exact-cover", ExactCover.read(sets), sets, output, json=json)


def hitting_set(
    sets: Annotated[
        Path,
        typer.Argument(metavar="H.hgr", callback=incoming, help="Hypergraph, lists, OR-Library or matrix."),
    ],
    size: Annotated[int, typer.Option(metavar="K", help="At most so many elements.")],
    as_printed: Annotated[
        bool, typer.Option("--as-printed", help="The paper's construction, whose answer may be wrong.")
    ] = False,
    output: Output = None,
    json: Json = False,
) -> int:
    """Choose K elements that meet every set: K + 1 inputs, no hidden neuron (Theorem 3)."""
    require_place(output, json=json)
    require_apart([output], [sets])
    from qnnt.reductions.sources.sets import HittingSet

    kind = "hitting-set-as-printed" if as_printed else "hitting-set"
    return _deliver(kind, HittingSet.read(sets, size), sets, output, json=json)


def family(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", autocompletion=completion.families, help="Family; an unknown one lists them."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write to.")],
    sizes: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Variables or elements, such as 10,20, or 10-50:10; with --hardness those to choose from.",
        ),
    ] = None,
    hardness: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="Find the size that takes sat:cadical153 about so many seconds on this machine, "
            "such as 1, 60 or 600.",
        ),
    ] = None,
    search_time: Annotated[
        float | None,
        typer.Option(metavar="S", help="Seconds of the search for that size; default: 120, or 20 times S."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the random numbers.")] = 0,
    how_many: Annotated[
        int,
        typer.Option("--count", metavar="N", help="Instances of each size: seeds from --seed on."),
    ] = 1,
    optimum_time: Annotated[
        float,
        typer.Option(metavar="S", help="Seconds for the fewest errors of each; or 0."),
    ] = 10.0,
    reference_time: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="CPU seconds for each that sat:cadical153 is timed on, for the manifest; or 0; default: 10.",
        ),
    ] = None,
    executor: ExecutorName = None,
    json: Json = False,
) -> int:
    """Write random hard instances of known answer, their CNF, WCNF and OPB encodings, and a manifest.

    A folder may hold several seeds, sizes and families: its manifest keeps them all. 'qnnt check-family'
    judges a solver's answers.
    """
    if how_many < 1:
        raise InputError("--count", f"must be at least 1, not {how_many}")
    for option, number, most in (
        ("--optimum-time", optimum_time, MOST_TIME),
        ("--reference-time", reference_time, MOST_TIME),
        ("--hardness", hardness, MOST_TIME // 10),
        ("--search-time", search_time, MOST_TIME),
    ):
        if number is not None and not 0 <= number <= most:
            raise InputError(option, f"must be a number of seconds, 0 to {most:,}, not {number:g}")
    if hardness is None and search_time is not None:
        raise InputError("--search-time", "is for the search of a size: give --hardness S, too")
    if hardness is not None and reference_time is not None:
        raise InputError("--reference-time", "cannot be chosen beside --hardness, which sets it to twice S")
    check_executor(executor)
    numbers, seeds = None if sizes is None else _sizes(sizes), range(seed, seed + how_many)
    from qnnt.generate.family import write_family
    from qnnt.generate.reference import Reference

    if hardness is not None:
        search_time = min(max(120.0, 20 * hardness), MOST_TIME) if search_time is None else search_time
        reference = Reference(2 * hardness, time.monotonic() + search_time)
        numbers = [_size_for(name, numbers, seeds, hardness, reference)]
        reference.end = math.inf
        sizes = str(numbers[0])
    elif numbers is None:
        raise InputError("--sizes", "is missing: name sizes, or give --hardness S")
    else:
        reference = Reference(10.0 if reference_time is None else reference_time)
    command = f"qnnt generate family {name} --sizes {sizes} --seed {seed}"
    command += f" --count {how_many}" if how_many > 1 else ""
    lines: list[dict[str, Any]] = []
    how: dict[str, Any] = {
        "optimum_time": optimum_time,
        "reference": reference if reference.seconds else None,
    }
    with executing(executor) as opened:
        for line in write_family(name, numbers, seeds, out, command, executor=opened, **how):
            lines.append(line)
            if not json:
                print(_written(out, line), file=sys.stderr)
    if json:
        print_json({"folder": str(out), "instances": lines})
    return OK


def _written(out: Path, line: dict[str, Any]) -> str:
    """A line about an instance of a family that was written."""
    answer, (low, high) = "yes" if line["answer"] else "no", line["optimum_between"]
    fewest = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    took = f", {_took(line['reference'])}" if "reference" in line else ""
    points = count(line["points"], "point")
    return f"{printable(out / line['instance'])}: {answer}, {points}, fewest errors {fewest}{took}"


def _took(reference: dict[str, Any]) -> str:
    if reference["solved"]:
        return f"{reference['solver']} {reference['seconds']:.2f} s"
    return f"{reference['solver']} over {reference['limit']:g} s"


def _size_for(
    name: str,
    sizes: list[int] | None,
    seeds: range,
    seconds: float,
    reference: Reference,
) -> int:
    """The size that takes about so many seconds; each one that is tried is told on stderr."""
    if not seconds:
        raise InputError("--hardness", "must be a number of seconds above 0")
    from qnnt.generate.hardness import NEAR, default_sizes, size_for

    found = size_for(
        name,
        default_sizes(name) if sizes is None else sorted(set(sizes)),
        seeds,
        seconds,
        reference,
        tell=lambda tried: print(tried, file=sys.stderr, flush=True),
    )
    if not seconds / NEAR <= found.seconds <= seconds * NEAR:
        print(f"no size takes about {seconds:g} s; the nearest is {found}", file=sys.stderr)
    return found.size


def _sizes(text: str) -> list[int]:
    """Sizes such as ``10,20`` or ``10-50:10``: a range of two ends, both included, and a step."""
    found: list[int] = []
    for word in text.split(","):
        ends, _, step = word.partition(":")
        first, dash, last = ends.partition("-")
        numbers = sizes_of("--sizes", ",".join([first, last if dash else first, step or "1"]))
        if numbers[2] < 1 or numbers[1] < numbers[0]:
            raise InputError("--sizes", f"must be sizes such as 10,20 or 10-50:10, not {word!r}")
        wanted = range(numbers[0], numbers[1] + 1, numbers[2])
        if len(found) + (wanted[-1] - wanted[0]) // wanted.step >= _MOST_SIZES:
            raise InputError("--sizes", f"must be at most {_MOST_SIZES:,} sizes")
        found += wanted
    return found


def _from_formula(kind: str, formula: Path, output: Path | None, *, json: bool) -> int:
    require_place(output, json=json)
    require_apart([output], [formula])
    from qnnt.reductions.sources.cnf import Cnf

    return _deliver(kind, Cnf.read(formula), formula, output, json=json)


def _deliver(kind: str, source: Source, path: Path, output: Path | None, *, json: bool) -> int:
    from qnnt.reductions.catalogue import generate

    return deliver((generate(kind, source, source=path.name), output), json=json)


COMMANDS: dict[str, Callable[..., int]] = {
    "three-sat": three_sat,
    "balanced-sat": balanced_sat,
    "exact-cover": exact_cover,
    "hitting-set": hitting_set,
    "family": family,
}
