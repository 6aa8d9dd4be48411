"""Files that one run at a time has."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import IO
from weakref import WeakSet

_HELD: WeakSet[IO[bytes]] = WeakSet()


def hold(file: IO[bytes]) -> None:
    """Lock a file until it is closed; raises BlockingIOError if it is held already, also by this process.

    What ``lockf`` locks would be free as soon as this process closes the file anywhere else. A child that is
    forked closes its copy at once: it would keep the lock after its parent was killed.
    """
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _HELD.add(file)


def _let_go() -> None:
    for file in list(_HELD):
        with suppress(OSError):
            file.close()


os.register_at_fork(after_in_child=_let_go)
