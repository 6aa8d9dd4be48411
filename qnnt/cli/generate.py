"""``qnnt generate``: make instances."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from qnnt.cli import completion, hardness
from qnnt.cli.options import (
    STDOUT,
    ActivationName,
    Header,
    Json,
    Output,
    Unseen,
    goal_of,
    incoming,
    load,
    missing_of,
    require_apart,
    require_place,
    sizes_of,
    unseen_of,
)
from qnnt.cli.output import deliver
from qnnt.cli.program import add_command, new_app
from qnnt.exceptions import InputError
from qnnt.printable import printable

app = new_app("Make an instance; how it was made stays in its meta.")

Size = Annotated[int, typer.Option("--d", metavar="D", help="Size of the domain Z_d.")]


def table(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA.csv", callback=incoming, help="Table of data; - for standard input."),
    ],
    d: Annotated[int | None, typer.Option("--d", metavar="D", help="Size of the domain Z_d.")] = None,
    target: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column to learn; may be repeated.")
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(metavar="SIZES", help="Sizes of the hidden layers, such as 4,2; default: none."),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completion.activations,
            help="relu, sign or step, for all, or HIDDEN,OUTPUT; default: relu.",
        ),
    ] = None,
    errors: Annotated[
        str | None,
        typer.Option(
            metavar="GOAL", autocompletion=completion.goals, help="at-most:N, exactly:N or min; default: min."
        ),
    ] = None,
    header: Header = None,
    missing: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="Missing numbers: error (default); impute the median; or level, the lowest, their own.",
        ),
    ] = None,
    test_share: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the rows to leave out, for a second instance."),
    ] = 0.0,
    test_output: Annotated[
        Path | None,
        typer.Option(metavar="INSTANCE", help="File for the rows left out; default: the other's with -test."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Seed of what is left out; default: 0.")
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="INSTANCE",
            callback=incoming,
            help="Take all but the rows, the encoding too, from this instance.",
        ),
    ] = None,
    unseen: Unseen = None,
    output: Output = None,
    json: Json = False,
) -> int:
    """Learn columns of a CSV table from the others.

    How the columns are encoded is fitted on the rows of the instance and stored with it. The rows that
    --test-share leaves out, other tables (--like) and 'qnnt predict' are encoded in the same way.
    """
    other = _second_output(output, test_output, test_share)
    for path in (output, other) if other is not None else (output,):
        require_place(path, json=json)
    require_apart([output, other], [data, like])
    if like is not None:
        stated: dict[str, object] = {
            "--d": d,
            "--target": target,
            "--hidden": hidden,
            "--activation": activation,
        }
        stated |= {"--missing": missing, "--test-share": test_share or None, "--seed": seed}
        for option, value in stated.items():
            if value is not None:
                raise InputError(option, "cannot be chosen beside --like, which takes it from the instance")
        from qnnt.generate.table import table_like

        rows = table_like(data, load(like, errors), header=header, unseen=unseen_of(unseen))
        return deliver((rows, output), json=json)
    for name, given in (("--seed", seed), ("--unseen", unseen)):
        if given is not None and not test_share:
            raise InputError(name, "is for the rows left out: give --test-share, too")
    goal, sizes = goal_of(errors), sizes_of("--hidden", hidden or "0")
    if sizes == [0]:
        sizes = []
    if d is None or not target:
        raise InputError("--d" if d is None else "--target", "is missing; it is needed without --like")
    from qnnt.activation import parse_activation
    from qnnt.generate.table import table_split
    from qnnt.goals import Minimize

    shown = parse_activation(activation or "relu")
    instance, rest = table_split(
        data,
        target,
        d,
        sizes,
        goal or Minimize(),
        shown,
        header=header,
        missing=missing_of(missing),
        test_share=test_share,
        seed=seed or 0,
        unseen=unseen_of(unseen),
    )
    dropped = [c["column"] for c in instance.meta["columns"] if c["treatment"] == "dropped"]
    parts = [(instance, output)] if rest is None else [(instance, output), (rest, other)]
    status = deliver(*parts, json=json, dropped=dropped)
    if dropped and not json:
        print(f"left out, one value only: {printable(', '.join(dropped))}", file=sys.stderr)
    return status


def _second_output(output: Path | None, test_output: Path | None, share: float) -> Path | None:
    """Where the rows left out go: ``wine-test.json`` beside ``wine.json``."""
    if not share:
        if test_output is not None:
            raise InputError("--test-output", "is for the rows left out: give --test-share, too")
        return None
    if test_output is not None:
        if (output or STDOUT) == test_output == STDOUT:
            raise InputError("--test-output", "is where the other rows go: name another file")
        return test_output
    if output is None or output == STDOUT:
        raise InputError("--test-share", "makes two instances: name a file by -o or by --test-output")
    stem = output.name.removesuffix(".gz").removesuffix(".json")
    return output.with_name(f"{stem}-test{output.name[len(stem) :]}")


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
        typer.Option(
            metavar="GOAL",
            autocompletion=completion.goals,
            help="at-most:N, exactly:N or min; default: at most those changed.",
        ),
    ] = None,
    output: Output = None,
    json: Json = False,
) -> int:
    """Label random inputs by a random network, so that a solution is known."""
    goal, sizes = goal_of(errors), sizes_of("--layers", layers)
    student = None if student_layers is None else sizes_of("--student-layers", student_layers)
    require_place(output, json=json)
    from qnnt.activation import parse_activation
    from qnnt.generate.teacher import teacher_instance

    shown = parse_activation(activation)
    instance = teacher_instance(d, sizes, points, noise, seed, student, goal, shown)
    return deliver((instance, output), json=json)


_COMMANDS: dict[str, Callable[..., int]] = {"table": table, "teacher": teacher, **hardness.COMMANDS}
for name, command in _COMMANDS.items():
    add_command(app, command, name)
