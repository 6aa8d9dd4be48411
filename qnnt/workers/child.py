"""The child process: ``python -m qnnt.workers.child FD`` takes tasks from its parent, one after another."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Iterator
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qnnt.workers.task import Task

MIB = 1 << 20


def main() -> None:
    """Serve tasks until the parent closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = Connection(int(sys.argv[1]))
    sys.path[:], warm_up = connection.recv()
    from qnnt.workers.slot import Slot
    from qnnt.workers.task import News, Started, run_here

    if warm_up:
        module, _, function = warm_up.partition(":")
        getattr(import_module(module), function)()
    with contextlib.suppress(EOFError):
        while True:
            task = _received(connection)
            with _dies_with_parent(connection.fileno(), task), _memory_limit(task.limits.memory):
                connection.send(Started())
                slot = Slot(Path(os.environ["TMPDIR"]))  # the folder that the parent made for this process
                ended = run_here(task, lambda event: connection.send(News(event)), slot.look)
            connection.send(ended)
            del task, ended


def _received(connection: Connection) -> Task[Any, Any]:
    """The next task; raises ImportError for a class that this process cannot import."""
    try:
        task: Task[Any, Any]
        task, folder, environment = connection.recv()
    except (AttributeError, ImportError) as error:
        hint = "put the class into a module that can be imported, or run with isolate=False"
        raise ImportError(f"{error}; {hint}") from None
    _follow(folder, environment)
    return task


def _follow(folder: str | None, environment: dict[str, str]) -> None:
    """Go where the parent is by now: a program by a relative name is another one in another folder."""
    from qnnt.workers.folder import current_folder

    if folder is not None and folder != current_folder():
        os.chdir(folder)
    if environment != dict(os.environ):
        os.environ.clear()
        os.environ.update(environment)


@contextlib.contextmanager
def _dies_with_parent(fd: int, task: Task[Any, Any]) -> Iterator[None]:
    """Have a signal end this process when the other end closes: a solver in C sees no exception and no EOF.

    On Linux that is SIGKILL to this process and what it started, which ends a worker that is paused, too.
    Elsewhere it is SIGIO; a task that waits for a program lets Python act, which ends the program too.
    """
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(fd, fcntl.F_SETOWN, -os.getpgrp())
    else:
        end_all = (lambda *_: os.killpg(0, signal.SIGKILL)) if task.runs_programs else signal.SIG_DFL
        signal.signal(signal.SIGIO, end_all)
        fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_ASYNC)
    try:
        yield
    finally:
        fcntl.fcntl(fd, fcntl.F_SETFL, flags)


@contextlib.contextmanager
def _memory_limit(mebibytes: int | None) -> Iterator[None]:
    if mebibytes is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    ceiling = before[1] if before[1] != resource.RLIM_INFINITY else mebibytes * MIB
    resource.setrlimit(resource.RLIMIT_AS, (min(mebibytes * MIB, ceiling), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


if __name__ == "__main__":
    main()
