"""Every run in a child process that can be limited, killed and lost; one warm worker is kept per backend.

Importing this module is cheap, so that a program may start a worker before it loads anything else.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qnnt.backends.execution import Event, Outcome, Task
    from qnnt.limits import Limits

_START_UP = 30.0  # seconds that a worker may take before it starts on a job with a time limit
_LOOK = 0.1  # seconds between two looks at whether a run was stopped
_OUT_OF_MEMORY = re.compile(
    "bad_alloc|MemoryError|out[- ]of[- ]memory|cannot allocate memory|failed to map segment"
    "|returned NULL without setting an exception",  # what an import says that got no memory
    re.IGNORECASE,
)


class _Stale(Exception):  # noqa: N818
    """An idle worker had died before it took the job."""


class Worker:
    """A child process and the connection to it."""

    def __init__(self) -> None:
        self._warm = False
        ours, theirs = socket.socketpair()
        # What a killed solver leaves in the temporary folder has to go with it.
        self._folder = tempfile.mkdtemp(prefix="qnnt-")
        self._stderr = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - lives as long as the worker
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "qnnt.backends.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                start_new_session=True,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
                    "TMPDIR": self._folder,
                },
            )
        self._connection = Connection(ours.detach())
        self._connection.send(sys.path)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def run(
        self, job: Task, tell: Callable[[Event], None], stopped: Callable[[], bool] | None = None
    ) -> Outcome:
        """Run a job to its end or its limit; the worker is dead afterwards unless the job ended by itself.

        ``stopped`` is asked now and then; once it is true the worker is killed.
        """
        from qnnt.backends.execution import Outcome
        from qnnt.limits import Limit, Status

        taken = not self._warm
        try:
            self._connection.send(job)
            limit = job.limits.time
            deadline = None if limit is None else time.monotonic() + limit + _START_UP
            while True:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    self.kill()
                    return Outcome(Status.UNKNOWN, limit=Limit.TIME, reason="the time limit was reached")
                if stopped is not None:
                    if stopped():
                        self.kill()
                        return Outcome(Status.UNKNOWN, limit=Limit.INTERRUPT, reason="interrupted")
                    left = _LOOK if left is None else min(left, _LOOK)
                if not self._connection.poll(left):
                    continue
                message = self._connection.recv()
                taken = self._warm = True
                if isinstance(message, Outcome):
                    return _blame_memory(message, job.limits)
                if message.phase == "encode" and limit is not None:
                    deadline = time.monotonic() + limit
                tell(message)
        except (EOFError, ConnectionError) as error:
            if not taken:
                self.kill()
                raise _Stale from error
            return self._lost(job.limits)
        except BaseException:  # Ctrl-C above all: nothing may be left behind
            self.kill()
            raise

    def kill(self) -> None:
        """End the process and whatever it started, and forget it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._connection.close()
        self._stderr.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _lost(self, limits: Limits) -> Outcome:
        from qnnt.backends.execution import Outcome
        from qnnt.limits import Status

        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - 4096))
        words = self._stderr.read().decode(errors="replace")
        code = self._process.returncode
        self.kill()
        how = (
            f"signal {-code} ({signal.Signals(-code).name})"
            if code is not None and code < 0
            else f"status {code}"
        )
        last = (words.strip().splitlines() or ["no message"])[-1]
        reason = (
            "out of memory"
            if _OUT_OF_MEMORY.search(words)
            else f"the solver process ended with {how}: {last}"
        )
        return _blame_memory(Outcome(Status.UNKNOWN, reason=reason), limits)


def _blame_memory(outcome: Outcome, limits: Limits) -> Outcome:
    """Under a memory limit, a failure that speaks of memory is that limit's doing."""
    from qnnt.limits import Limit

    if limits.memory is None or outcome.limit is not None or not _OUT_OF_MEMORY.search(outcome.reason or ""):
        return outcome
    return replace(outcome, limit=Limit.MEMORY)


class _Pool:
    """Idle workers by backend family, "" for any; a worker is in nobody's or in one run's hands."""

    def __init__(self) -> None:
        self._idle: dict[str, Worker] = {}
        self._lock = threading.Lock()

    def take(self, family: str) -> Worker:
        with self._lock:
            worker = self._idle.pop(family, None) or self._idle.pop("", None)
        if worker is not None and not worker.alive:
            worker.kill()
            worker = None
        return worker or Worker()

    def give(self, family: str, worker: Worker) -> None:
        if not worker.alive:
            return
        with self._lock:
            spare = self._idle.setdefault(family, worker)
        if spare is not worker:
            worker.kill()

    def close(self) -> None:
        with self._lock:
            workers, self._idle = list(self._idle.values()), {}
        for worker in workers:
            worker.kill()

    def forget(self) -> None:
        """After a fork: the workers are the parent's."""
        self._idle, self._lock = {}, threading.Lock()


_POOL = _Pool()
atexit.register(_POOL.close)
os.register_at_fork(after_in_child=_POOL.forget)


def run_isolated(
    job: Task, tell: Callable[[Event], None], stopped: Callable[[], bool] | None = None
) -> Outcome:
    """Run a job in a worker of its family, which is kept warm for the next one."""
    worker = _POOL.take("" if job.fresh else job.family)
    try:
        outcome = worker.run(job, tell, stopped)
    except _Stale:
        worker = Worker()
        outcome = worker.run(job, tell, stopped)
    _POOL.give(job.family, worker)
    return outcome


def prepare() -> None:
    """Start a worker for whichever backend runs first, while the caller does other things."""
    _POOL.give("", Worker())


def close_workers() -> None:
    """End all idle workers."""
    _POOL.close()
