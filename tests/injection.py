"""Calls that change the disk, counted, and the n-th one of them made to fail."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qnnt.files import writing

_FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
_CHANGING = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.link")


class Faults:
    """The n-th call fails, for each n that ``failing`` is asked for; ``calls`` counts those that were made.

    A call is: to open a file for writing, write to it, bring it to the disk, rename, make or remove. Those of
    this process are meant, whoever makes them. To open and to change names is seen by an audit hook, to write
    and to bring to the disk by what :mod:`qnnt.files.writing` writes with.
    """

    def __init__(self) -> None:
        self.calls, self.failing, self._watched = 0, 0, False
        sys.addaudithook(self._audit)  # there is no way to remove it

    @contextmanager
    def failing_at(self, n: int) -> Iterator[None]:
        """Have the n-th call fail inside of the block; none for n = 0."""
        self.calls, self.failing, self._watched = 0, n, True
        try:
            yield
        finally:
            self._watched = False

    @property
    def reached(self) -> bool:
        return 0 < self.failing <= self.calls

    def point(self) -> None:
        """Here is such a call."""
        if self._watched:
            self.calls += 1
            if self.calls == self.failing:
                raise OSError(*_FULL.args)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._watched:
            return
        if event in _CHANGING or (event == "open" and _writes(*arguments)):
            self.point()


def _writes(path: Any, mode: Any, flags: Any) -> bool:
    """Whether a file is opened for writing, other than a device and a connection that is open already."""
    if isinstance(path, int) or str(path).startswith("/dev/"):
        return False
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


FAULTS = Faults()


class _File(writing.FileIO):
    """A file whose writes are counted."""

    def write(self, data: Any) -> int:
        FAULTS.point()
        return super().write(data)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    bring_to_disk = writing._bring_to_disk

    def counted(path: Path) -> None:
        FAULTS.point()
        bring_to_disk(path)

    monkeypatch.setattr(writing, "FileIO", _File)
    monkeypatch.setattr(writing, "_bring_to_disk", counted)
    return FAULTS
