"""``qnnt check-bounds``: confirm the lower bounds of a rounding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qnnt.cli.options import Json
from qnnt.cli.output import print_columns, print_json
from qnnt.cli.program import FAILED, OK
from qnnt.wording import count

if TYPE_CHECKING:
    from qnnt.verify.rounded_rows import LayerCheck

_MOST_FAILED = 20


def check_bounds(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Certificates of 'qnnt round --certificates', .npz.")
    ],
    json: Json = False,
) -> int:
    """Confirm the lower bounds of a rounding, by code that shares nothing with the search.

    For each neuron the integers' cost is computed exactly, and the bound that its multipliers give, by a
    Cholesky factor and exact arithmetic. A bound that is larger than that was proved by search, which no
    certificate covers. Exit status: 1 if a certificate claims something that is not so.
    """
    from qnnt.files.certificates import read_certificates
    from qnnt.verify.rounded_rows import check_bounds

    checks = check_bounds(read_certificates(file))
    if json:
        print_json({"layers": [{"layer": i, **check.as_dict()} for i, check in enumerate(checks)]})
    else:
        _show(checks)
    return FAILED if any(check.failed for check in checks) else OK


def _show(checks: list[LayerCheck]) -> None:
    from qnnt.verify.rounded_rows import Verdict

    layers: list[dict[str, Any]] = [check.as_dict() for check in checks]
    verdicts = [verdict.value for verdict in Verdict]
    head = ("layer", "neurons", *verdicts, "cost", "lower bound", "confirmed bound", "of the cost")
    rows = [
        (
            str(i),
            f"{len(layer['rows']):,}",
            *(f"{layer[verdict]:,}" for verdict in verdicts),
            *(f"{layer[key]:.6g}" for key in ("cost", "lower_bound", "confirmed_bound")),
            f"{layer['confirmed_share']:.1%}",
        )
        for i, layer in enumerate(layers)
    ]
    print_columns([head, *rows])
    searched = sum(layer[Verdict.SEARCH.value] for layer in layers)
    if searched:
        verb = "has a bound" if searched == 1 else "have bounds"
        print(f"{count(searched, 'neuron')} {verb} proved by search, which no certificate covers")
    failed = [(i, j, check.rows[j].reason) for i, check in enumerate(checks) for j in check.failed]
    for i, j, reason in failed[:_MOST_FAILED]:
        print(f"FAILED layer {i}, neuron {j}: {reason}")
    if len(failed) > _MOST_FAILED:
        print(f"  … and {count(len(failed) - _MOST_FAILED, 'more neuron')}; --json gives all")
