"""What every program of the project does round its commands: exit statuses, errors on one line, signals."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any, cast

import typer

from qnnt.cli.log import logged
from qnnt.exceptions import InputError, QnntError, Unavailable, Unsupported
from qnnt.printable import printable

OK, FAILED, BAD_INPUT, UNKNOWN, INTERRUPTED = 0, 1, 2, 3, 130

_MOST = 2000  # characters of an error

# typer exports a leaf; the class of all mistakes in a command line is its parent.
_Misuse = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])


def new_app(help: str) -> typer.Typer:
    """A table of commands. Its help is plain: the one with boxes triples the time of --help."""
    return typer.Typer(
        rich_markup_mode=None,
        add_completion=False,  # two options less; completion itself works
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        help=help,
    )


def add_command(app: typer.Typer, command: Callable[..., Any], name: str | None = None) -> None:
    """Add a command whose whole first paragraph is its summary in the table."""
    summary = " ".join(inspect.cleandoc(command.__doc__ or "").partition("\n\n")[0].split())
    app.command(name, short_help=summary)(command)


def run(app: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command of the app (each returns its exit status, or None for 0) and return the exit status."""
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if threading.current_thread() is threading.main_thread():
        # SIGINT too: a shell's background jobs start without it. But nohup's programs outlive their terminal.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler)
    try:
        with logged(os.environ.get("QNNT_LOG", ""), "QNNT_LOG"):
            status = _called(app, name, arguments)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # the last resort
        if os.environ.get("QNNT_DEBUG"):
            traceback.print_exc()
        message, status = _explain(error, name)
        print(f"{name}: error: {_one_line(message)}", file=sys.stderr)
    return int(status or OK)


def _called(app: typer.Typer, name: str, arguments: Sequence[str] | None) -> Any:
    """What the command returns; a table of commands that is called without one shows its help."""
    try:
        return app(args=arguments, prog_name=name, standalone_mode=False)
    except _Misuse as error:
        if type(error).__name__ != "NoArgsIsHelpError":  # which typer does not export
            raise
        print(error.format_message())
        return OK


def _one_line(message: str) -> str:
    """The message as a terminal can show it; what a file calls its things may be long."""
    line = printable(" ".join(message.split()))
    return line if len(line) <= _MOST else f"{line[: _MOST // 2]} … {line[-_MOST // 2 :]}"


def _explain(error: Exception, name: str) -> tuple[str, int]:
    """The message and the exit status of an error."""
    if isinstance(error, _Misuse):
        command = error.ctx.command_path if error.ctx else name
        return f"{error.format_message()} (see {command} --help)", BAD_INPUT
    if isinstance(error, InputError | Unsupported | Unavailable):
        return str(error), BAD_INPUT
    if isinstance(error, QnntError):
        return str(error), FAILED
    if isinstance(error, OSError):
        where = "cannot write the output" if error.filename is None else error.filename
        return f"{where}: {error.strerror or error}", FAILED
    if isinstance(error, MemoryError):
        return "out of memory", FAILED
    return f"unexpected {type(error).__name__}: {error} (QNNT_DEBUG=1 shows where)", FAILED
