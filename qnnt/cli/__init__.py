"""The ``qnnt`` program: one module per command; what is heavy is imported when a command runs."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program on the arguments (default: the command line's) and return its exit status."""
    try:
        from qnnt.cli.commands import app
        from qnnt.cli.program import run
    except KeyboardInterrupt:
        return 130
    return run(app, "qnnt", arguments)
