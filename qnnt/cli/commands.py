"""The table of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from qnnt import __version__
from qnnt.cli import generate
from qnnt.cli.backends import backends
from qnnt.cli.check import check
from qnnt.cli.check_family import check_family
from qnnt.cli.compare import compare
from qnnt.cli.decode import decode
from qnnt.cli.draw import draw
from qnnt.cli.encode import encode
from qnnt.cli.export import export
from qnnt.cli.info import info
from qnnt.cli.lift import lift
from qnnt.cli.predict import predict
from qnnt.cli.program import add_command, new_app
from qnnt.cli.round import round_
from qnnt.cli.solve import solve

app = new_app(
    """Exact training of quantised neural networks.

    Exit status: 0 a definite answer, 3 UNKNOWN (a limit was reached), 2 wrong usage or bad input, 1 anything
    else. Errors are one line on stderr; QNNT_DEBUG=1 adds the traceback, QNNT_LOG=info shows what is chosen
    and why.

    In bash, eval "$(_QNNT_COMPLETE=bash_source qnnt)" completes commands, options, backends and kinds; in
    other shells zsh_source and fish_source do.
    """
)
for command in (
    solve, check, predict, export, draw, info, lift, encode, decode, check_family, compare, backends,
):  # fmt: skip
    add_command(app, command)
add_command(app, round_, "round")
app.add_typer(generate.app, name="generate")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"qnnt {__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool,
        typer.Option("-V", "--version", callback=_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Options of the program itself."""
