"""The child process: ``python -m qnnt.backends.worker FD`` takes jobs from its parent, one after another."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qnnt.backends.execution import Task

MIB = 1 << 20


def main() -> None:
    """Serve jobs until the parent closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    connection = Connection(int(sys.argv[1]))
    sys.path[:] = connection.recv()
    from qnnt import registry

    with contextlib.suppress(Exception):  # one that cannot be loaded is the matter of a job that wants it
        for _ in registry.encoders():  # loaded while the parent still prepares the job
            pass
    with contextlib.suppress(EOFError):
        while True:
            job = connection.recv()
            with _dies_with_parent(connection.fileno(), job), _memory_limit(job.limits.memory):
                outcome = job.execute(connection.send)
            connection.send(outcome)
            del job, outcome


@contextlib.contextmanager
def _dies_with_parent(fd: int, job: Task) -> Iterator[None]:
    """Have SIGIO end this process when the other end closes: a solver in C sees no exception and no EOF.

    A backend that waits for a program lets Python act, which ends the program too.
    """
    if getattr(job.backend, "runs_programs", False):
        signal.signal(signal.SIGIO, lambda *_: os.killpg(0, signal.SIGKILL))
    else:
        signal.signal(signal.SIGIO, signal.SIG_DFL)
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
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
