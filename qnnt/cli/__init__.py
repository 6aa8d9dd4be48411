"""The ``qnnt`` program: one module per command; what is heavy is imported when a command runs."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def program() -> NoReturn:
    """Run the program on the command line's arguments and end the process.

    It ends at once: the interpreter's tidying up after numpy would take longer than the rest.
    """
    status = main()
    if "qnnt.workers.pool" in sys.modules:
        from qnnt.workers.pool import close_workers

        close_workers()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # run() has told of what could not be written
            stream.flush()
    os._exit(status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program on the arguments (default: the command line's) and return its exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        if words[:1] == ["solve"] and "--help" not in words:
            from qnnt.workers.pool import prepare

            prepare("qnnt.job:warm_up")  # the worker starts up while this process does
        from qnnt.cli.commands import app_of
        from qnnt.cli.completion import prepare_completion
        from qnnt.cli.program import run

        prepare_completion()
        app = app_of(words)
    except KeyboardInterrupt:
        return 130
    return run(app, "qnnt", arguments)
