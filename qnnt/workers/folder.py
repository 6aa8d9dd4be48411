"""Temporary folders that do not outlive their process, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from qnnt.exceptions import Unavailable

_PREFIX, _OWNER = "qnnt-", "owner"


class Folder:
    """A temporary folder of this process, removed by :meth:`remove` or at the end of a ``with`` block.

    It holds a file that this process keeps locked. A process that is killed with -9 loses the lock, and the
    next one that makes a folder in the same place removes what it left. Raises :class:`Unavailable` if it
    cannot be made.
    """

    def __init__(self) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        except OSError as error:
            raise Unavailable(f"no temporary folder can be made: {error.strerror or error}") from None
        self._lock = -1
        try:
            with contextlib.suppress(OSError):  # some file systems have no locks; then nothing is swept
                fresh = self.path / f"{_OWNER}.new"
                self._lock = os.open(fresh, os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                fresh.rename(self.path / _OWNER)  # whoever sees the name finds it locked
            _sweep(self.path.parent)
        except BaseException:  # Ctrl-C
            self.remove()
            raise

    def remove(self) -> None:
        """Remove it and all that is in it; a second time does nothing."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def current_folder() -> str | None:
    """The one that relative names start from; None if it has been removed."""
    try:
        return str(Path.cwd())
    except OSError:
        return None


_SWEPT: set[Path] = set()  # places where this process has looked


def _sweep(place: Path) -> None:
    """Remove the folders that killed processes of this user left in a place."""
    if place in _SWEPT:
        return
    _SWEPT.add(place)
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                ours = entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False)
                if ours and entry.stat(follow_symlinks=False).st_uid == os.getuid():
                    _remove_if_left(Path(entry.path))


def _remove_if_left(folder: Path) -> None:
    """Remove a folder whose owner has gone; raises OSError if it is in use, or no such folder."""
    lock = os.open(folder / _OWNER, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
