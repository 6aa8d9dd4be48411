"""Why things are done, on stderr: the lines that the package logs, if the user asks for them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from qnnt.cli.progress import known
from qnnt.exceptions import InputError, UnknownWord
from qnnt.printable import printable

if TYPE_CHECKING:
    from qnnt.run import Progress

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


class _File(logging.FileHandler):
    """Adds a line for each record, with its time. If it fails, that is told once, and the run goes on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8")
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._told = False

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - as logging names it
        if not self._told:
            print(f"qnnt: {self.baseFilename}: cannot be written; the run goes on", file=sys.stderr)
        self._told = True

    def close(self) -> None:
        with suppress(OSError):  # what could not be written is tried again
            super().close()


@contextmanager
def log_file(
    path: Path | None, total: int, *, minimizes: bool
) -> Iterator[Callable[[Progress], None] | None]:
    """Add what is logged to a file, and each better network and bound that the function given hears of.

    It is None if there is no file. Raises :class:`InputError` if the file cannot be opened.
    """
    if path is None:
        yield None
        return
    try:
        handler = _File(path)
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror or error}") from None
    logger, last = logging.getLogger("qnnt"), [""]
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(before or logging.INFO, logging.INFO))

    def hear(progress: Progress) -> None:
        news = ", ".join(known(progress, total, minimizes=minimizes))
        if news != last[0]:
            last[0] = news
            text = f"{progress.seconds:.1f} s, {progress.phase}: {news}"
            handler.handle(logging.makeLogRecord({"levelname": "INFO", "msg": text}))

    try:
        yield hear
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()
