"""Why things are done, on stderr: the lines that the package logs, if the user asks for them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from qnnt.exceptions import UnknownWord
from qnnt.printable import printable

LEVELS = ("debug", "info", "warning", "error")


class _Lines(logging.Handler):
    """Prints to what ``sys.stderr`` is at the time: a progress line may have put itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"qnnt: {record.levelname.lower()}: {printable(record.getMessage())}", file=sys.stderr)


@contextmanager
def logged(level: str, place: str = "") -> Iterator[None]:
    """Show what is logged at this level or above, unless it is shown already; nothing if ``level`` is empty.

    Raises :class:`UnknownWord` at ``place`` for a level that there is not.
    """
    if level and level.lower() not in LEVELS:
        raise UnknownWord("log level", level, LEVELS, place)
    logger, lines = logging.getLogger("qnnt"), _Lines()
    if not level or any(isinstance(handler, _Lines) for handler in logger.handlers):
        yield
        return
    before = logger.level
    logger.addHandler(lines)
    logger.setLevel(level.upper())
    try:
        yield
    finally:
        logger.removeHandler(lines)
        logger.setLevel(before)
