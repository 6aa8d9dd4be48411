"""The table of commands: which there are, and where each is found."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from qnnt import __version__
from qnnt.cli.program import add_command, new_app

_HELP = """Exact training of quantised neural networks.

    Exit status: 0 a definite answer, 3 UNKNOWN (a limit was reached), 2 wrong usage or bad input, 1 anything
    else. Errors are one line on stderr; QNNT_DEBUG=1 adds the traceback, QNNT_LOG=info shows what is chosen
    and why.

    In bash, eval "$(_QNNT_COMPLETE=bash_source qnnt)" completes commands, options, backends and kinds; in
    other shells zsh_source and fish_source do.
    """
# Each command and its function, in the file of the same name; a function "app" is a table of its own.
_COMMANDS = {
    "solve": "solve",
    "check": "check",
    "predict": "predict",
    "export": "export",
    "draw": "draw",
    "info": "info",
    "lift": "lift",
    "encode": "encode",
    "decode": "decode",
    "check-family": "check_family",
    "compare": "compare",
    "backends": "backends",
    "round": "round_",
    "check-bounds": "check_bounds",
    "generate": "app",
}


def app_of(words: Sequence[str]) -> typer.Typer:
    """The program for these arguments: with the one command that they begin with, or with all.

    What one command needs is not imported for another.
    """
    app = new_app(_HELP)
    app.callback()(_program)
    for name in words[:1] if words and words[0] in _COMMANDS else _COMMANDS:
        function = getattr(import_module(f"qnnt.cli.{name.replace('-', '_')}"), _COMMANDS[name])
        if isinstance(function, typer.Typer):
            app.add_typer(function, name=name)
        else:
            add_command(app, function, name)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        print(f"qnnt {__version__}")
        raise typer.Exit


def _program(
    version: Annotated[
        bool,
        typer.Option("-V", "--version", callback=_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Options of the program itself."""
