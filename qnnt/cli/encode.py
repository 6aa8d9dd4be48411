"""``qnnt encode``: write the model of an instance for any outside solver."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qnnt.cli import completion
from qnnt.cli.options import (
    EncoderName,
    Errors,
    InstanceFile,
    Json,
    NoSymmetry,
    load,
    require_apart,
    writable,
)
from qnnt.cli.output import print_json
from qnnt.cli.program import OK
from qnnt.exceptions import Unsupported
from qnnt.printable import printable
from qnnt.wording import sizes_line

if TYPE_CHECKING:
    from qnnt.encoders.base import Encoder


def encode(
    instance: InstanceFile,
    format: Annotated[
        str,
        typer.Option(
            metavar="FORMAT", autocompletion=completion.formats, help="cnf, wcnf, opb, lp, mps or cpsat."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write.")],
    encoder: EncoderName = None,
    errors: Errors = None,
    no_symmetry: NoSymmetry = False,
    json: Json = False,
) -> int:
    """Write the model for any outside solver, and FILE.map.json, which tells the weights from its variables.

    wcnf is for the goal min, cnf for the others; the remaining formats take any.
    """
    from qnnt.files.models import format_of, map_of, write_model

    require_apart([writable(output), map_of(output)], [instance])
    problem = load(instance, errors)
    wanted = format_of(format)
    chosen = _encoder(encoder, format, wanted.model, symmetry=not no_symmetry)
    if wanted.minimize is not None and wanted.minimize != problem.goal.minimizes:
        suits = "the goal min" if wanted.minimize else "the goals at-most:N and exactly:N"
        raise Unsupported(f"format {format!r} is for {suits}, not {problem.goal}; change it by --errors")
    model, lift = chosen.apply(problem)
    write_model(model, lift, output, format)
    if json:
        about = {"file": str(output), "map": str(map_of(output)), "format": format, "encoder": chosen.name}
        print_json({**about, "goal": str(problem.goal), "sizes": model.sizes()})
        return OK
    sizes = sizes_line(model.sizes())
    shown = printable(output)
    print(
        f"{shown}: {format} by encoder {chosen.name}: {sizes}; {printable(map_of(output))}", file=sys.stderr
    )
    return OK


def _encoder(name: str | None, format: str, makes: type, *, symmetry: bool) -> Encoder:
    """The named encoder if the format holds what it makes, else the first one that makes just that."""
    from qnnt import registry

    chosen = (
        registry.default_encoder(makes, symmetry=symmetry)
        if name is None
        else registry.encoder(name, symmetry=symmetry)
    )
    if chosen is None:
        raise Unsupported(f"no encoder makes what format {format!r} holds")
    if not issubclass(chosen.makes, makes):
        fitting = ", ".join(e.name for e in registry.encoders_of(makes))
        raise Unsupported(f"format {format!r} does not hold what encoder {name!r} makes; it holds: {fitting}")
    return chosen
