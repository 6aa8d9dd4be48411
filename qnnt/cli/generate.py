"""``qnnt generate``: make instances."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from qnnt.cli import hardness
from qnnt.cli.options import ActivationName, Output, goal_of, sizes_of, writable
from qnnt.cli.output import deliver
from qnnt.cli.program import OK
from qnnt.printable import printable

app = typer.Typer(rich_markup_mode=None, help="Make an instance; how it was made stays in its meta.")
for name, command in hardness.COMMANDS.items():
    app.command(name)(command)

Size = Annotated[int, typer.Option("--d", metavar="D", help="Size of the domain Z_d.")]


@app.command()
def table(
    data: Annotated[Path, typer.Argument(metavar="DATA.csv", help="Table with a header row.")],
    d: Size,
    target: Annotated[list[str], typer.Option(metavar="COLUMN", help="Column to learn; may be repeated.")],
    hidden: Annotated[
        str, typer.Option(metavar="SIZES", help="Sizes of the hidden layers, such as 4,2; 0 for none.")
    ] = "0",
    activation: ActivationName = "relu",
    errors: Annotated[str, typer.Option(metavar="GOAL", help="at-most:N, exactly:N or min.")] = "min",
    output: Output = None,
) -> int:
    """Learn columns of a CSV table from the others."""
    goal, sizes = goal_of(errors), sizes_of("--hidden", hidden)
    if sizes == [0]:
        sizes = []
    if output is not None:
        writable(output)
    from qnnt.activation import parse_activation
    from qnnt.generate.table import table_instance
    from qnnt.goals import Minimize

    instance = table_instance(data, target, d, sizes, goal or Minimize(), parse_activation(activation))
    deliver(instance, output)
    dropped = [c["column"] for c in instance.meta["columns"] if c["treatment"] == "dropped"]
    if dropped:
        print(f"left out, one value only: {printable(', '.join(dropped))}", file=sys.stderr)
    return OK


@app.command()
def teacher(
    d: Size,
    layers: Annotated[str, typer.Option(metavar="SIZES", help="Layer sizes of the teacher, such as 6,4,2.")],
    points: Annotated[int, typer.Option(metavar="N", help="Number of data points.")],
    noise: Annotated[float, typer.Option(metavar="SHARE", help="Share of points to change.")] = 0.0,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the random numbers.")] = 0,
    student_layers: Annotated[
        str | None, typer.Option(metavar="SIZES", help="Layer sizes asked for; default: the teacher's.")
    ] = None,
    activation: ActivationName = "relu",
    errors: Annotated[
        str | None,
        typer.Option(metavar="GOAL", help="at-most:N, exactly:N or min; default: at most those changed."),
    ] = None,
    output: Output = None,
) -> int:
    """Label random inputs by a random network, so that a solution is known."""
    goal, sizes = goal_of(errors), sizes_of("--layers", layers)
    student = None if student_layers is None else sizes_of("--student-layers", student_layers)
    if output is not None:
        writable(output)
    from qnnt.activation import parse_activation
    from qnnt.generate.teacher import teacher_instance

    shown = parse_activation(activation)
    deliver(teacher_instance(d, sizes, points, noise, seed, student, goal, shown), output)
    return OK
