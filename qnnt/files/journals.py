"""Journals: JSON lines that say what a run has done, so that one that was killed goes on.

The first line says which run it is. A line is on disk before the run goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from qnnt.exceptions import InputError
from qnnt.files.documents import compact, located
from qnnt.files.locks import hold


class JournalFile:
    """A journal of a ``format``, open for one run; ``lines`` are those that it had, with their numbers.

    Raises :class:`InputError` for a file that is no such journal, which is then said to be no ``kind``, one
    that another run writes, and if it cannot be read or written. A last line that is not complete, as a
    killed run may leave, is dropped when the next one is written.

    A subclass takes in the lines in :meth:`take`, and sets up what that needs before it calls this
    constructor.
    """

    def __init__(self, path: Path, format: str, kind: str) -> None:
        self._path = path
        self.lines: list[tuple[int, dict[str, Any]]] = []
        self._end = 0  # of the last complete line
        with self.located():
            self._file: IO[bytes] = os.fdopen(
                os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0
            )
            try:
                self._lock()
                self._load(format, kind)
                self.take()
            except BaseException:
                self._file.close()
                raise

    def take(self) -> None:
        """Take in the lines that the file had; what is raised here closes it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another run have it."""
        self._file.close()

    @contextmanager
    def located(self) -> Iterator[None]:
        """Whatever is wrong inside is wrong with this file."""
        with located(self._path):
            try:
                yield
            except OSError as error:
                raise InputError("", f"cannot be used: {error.strerror or error}") from None

    def write(self, line: dict[str, Any]) -> None:
        """Append a line that is on disk when this returns, or nothing."""
        with self.located():
            end = self._file.seek(self._end)
            self._file.truncate(end)
            data = compact(line).encode() + b"\n"
            try:
                while data:
                    data = data[self._file.write(data) :]
                os.fsync(self._file.fileno())
                self._end = self._file.tell()
            except BaseException:  # Ctrl-C, too
                self._file.truncate(end)
                self._end = end
                raise

    def _lock(self) -> None:
        try:
            hold(self._file)
        except BlockingIOError:
            raise InputError("", "is in use by another run") from None

    def _load(self, name: str, kind: str) -> None:
        raw = self._file.read()
        complete = raw.rfind(b"\n") + 1
        # Without one complete line it may be another file, not the journal of a run that was killed at once.
        if not complete and raw and not raw.startswith(f'{{"format": "{name}"'.encode()[: len(raw)]):
            raise InputError("", f"is no {kind}")
        self.lines = [(i, _parsed(line, i)) for i, line in enumerate(raw[:complete].splitlines(), 1)]
        if self.lines and self.lines[0][1].get("format") != name:
            raise InputError("line 1", f"is not that of a {kind}")
        self._end = complete


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InputError(f"line {number}", "is not a JSON object")
    return document
