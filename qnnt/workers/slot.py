"""The latest message for a task that runs: a small file, replaced as a whole and read without waiting."""

from __future__ import annotations

import contextlib
import os
import pickle
from pathlib import Path
from typing import Any


class Slot:
    """Holds one message, from a parent that never waits, for a child that looks when it likes.

    A later message takes the place of an earlier one, read or not. It lies in a file of ``folder``, so that a
    child which is paused or dead keeps nobody waiting, and nothing can be read in part.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._last = folder / "message", b""

    def put(self, message: Any) -> None:
        """Replace the message; one that cannot be written is lost."""
        fresh, data = self._path.with_suffix(".new"), pickle.dumps(message)
        with contextlib.suppress(OSError):
            # No file object: Ctrl-C as it is made would leave it open, with a warning.
            file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                whole = os.write(file, data) == len(data)
            finally:
                os.close(file)
            if whole:
                fresh.replace(self._path)

    def clear(self) -> None:
        """Take the message away."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def look(self) -> Any | None:
        """The message, if it is another one than at the last look; None too if it cannot be read."""
        try:
            data = self._path.read_bytes()
            if data == self._last:
                return None
            message = pickle.loads(data)
        except Exception:  # no message, or a damaged one: unpickling may raise anything
            return None
        self._last = data
        return message
