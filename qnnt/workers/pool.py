"""Every task in a child process that can be limited, killed and lost; a warm worker is kept per family.

Importing this module is cheap, so that a program may start a worker before it loads anything else.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
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
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from qnnt.limits import Limits
    from qnnt.workers.task import Ended, Task, Tell

E = TypeVar("E")
A = TypeVar("A")

_LOG = logging.getLogger(__name__)

_START_UP = 30.0  # seconds that a worker may take before it starts on a task with a time limit
_LOOK = 0.1  # seconds between two looks at whether a run was stopped or interrupted
_OUT_OF_MEMORY = re.compile(
    "bad_alloc|MemoryError|out[- ]of[- ]memory|cannot allocate memory|failed to map segment"
    "|returned NULL without setting an exception",  # what an import says that got no memory
    re.IGNORECASE,
)


class _Stale(Exception):  # noqa: N818
    """An idle worker had died before it took the task."""


class _Lost(Exception):  # noqa: N818
    """The other end of the connection is closed."""


@contextlib.contextmanager
def _losing() -> Iterator[None]:
    """Sending and receiving: what says that the worker has gone is :class:`_Lost`."""
    try:
        yield
    except (EOFError, OSError) as error:  # OSError: it went in the middle of a message
        raise _Lost from error


class Worker:
    """A child process and the connection to it.

    ``warm_up`` names what it calls before its first task comes, as ``module:function``.
    """

    def __init__(self, warm_up: str = "") -> None:
        self._warm = False
        ours, theirs = socket.socketpair()
        # What a killed solver leaves in the temporary folder has to go with it.
        self._folder = tempfile.mkdtemp(prefix="qnnt-")
        self._stderr = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - lives as long as the worker
        with theirs:
            self._process = subprocess.Popen(
                # -P: a file of the current folder is no module of ours.
                [sys.executable, "-P", "-m", "qnnt.workers.child", str(theirs.fileno())],
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
        self._connection.send((sys.path, warm_up))

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def run(self, task: Task[E, A], tell: Tell[E], stopped: Callable[[], bool] | None = None) -> Ended[A]:
        """Run a task to its end or its limit; the worker is dead afterwards unless the task ended by itself.

        ``stopped`` is asked now and then; once it is true the worker is killed. What a worker had sent before
        it was killed still counts. Raises what ``tell`` raises, after the worker is killed.
        """
        from qnnt.limits import Limit
        from qnnt.workers.task import Ended, Started

        taken = not self._warm
        try:
            with _losing():
                self._connection.send(task)
            limit = task.limits.time
            deadline = None if limit is None else time.monotonic() + limit + _START_UP
            while True:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    late: Ended[A] = Ended(limit=Limit.TIME, reason="the time limit was reached")
                    return self._cut_short(late, task.limits, tell)
                if stopped is not None and stopped():
                    interrupted: Ended[A] = Ended(limit=Limit.INTERRUPT, reason="interrupted")
                    return self._cut_short(interrupted, task.limits, tell)
                with _losing():
                    # Never longer: a signal that comes just before the wait is seen only after it.
                    if not self._connection.poll(_LOOK if left is None else min(left, _LOOK)):
                        continue
                    message = self._connection.recv()
                taken = self._warm = True
                if isinstance(message, Ended):
                    return _blame_memory(message, task.limits)
                if not isinstance(message, Started):
                    tell(message.event)
                elif limit is not None:
                    deadline = time.monotonic() + limit
        except _Lost as error:
            if not taken:
                self.kill()
                raise _Stale from error
            return self._lost(task.limits)
        except BaseException:  # Ctrl-C above all: nothing may be left behind
            self.kill()
            raise

    def kill(self) -> None:
        """End the process and whatever it started, and forget it."""
        self._end()
        self._connection.close()
        self._stderr.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _cut_short(self, ended: Ended[A], limits: Limits, tell: Tell[E]) -> Ended[A]:
        """Kill the worker and take in what it had sent: its news, and its own end instead of ``ended``.

        It is dead before it is read, so that nothing more comes, and no read waits for the rest of a message.
        """
        from qnnt.workers.task import Ended, News

        self._end()
        messages = []
        with contextlib.suppress(_Lost), _losing():
            while self._connection.poll(0):
                messages.append(self._connection.recv())
        self.kill()
        for message in messages:
            if isinstance(message, News):
                tell(message.event)
            elif isinstance(message, Ended):
                return _blame_memory(message, limits)
        return ended

    def _lost(self, limits: Limits) -> Ended[A]:
        from qnnt.workers.task import Ended

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
        _LOG.info("a worker was lost: %s", reason)
        return _blame_memory(Ended(reason=reason), limits)


def _blame_memory(ended: Ended[A], limits: Limits) -> Ended[A]:
    """Under a memory limit, a failure that speaks of memory is that limit's doing."""
    from qnnt.limits import Limit

    if limits.memory is None or ended.limit is not None or not _OUT_OF_MEMORY.search(ended.reason or ""):
        return ended
    return replace(ended, limit=Limit.MEMORY)


class _Pool:
    """Idle workers by family of tasks, "" for any; a worker is idle or in one run's hands."""

    def __init__(self) -> None:
        self._idle: dict[str, Worker] = {}
        self._lock = threading.Lock()

    def take(self, family: str) -> Worker:
        with self._lock:
            worker = self._idle.pop(family, None) or self._idle.pop("", None)
        if worker is not None and not worker.alive:
            _LOG.info("an idle worker had died; a new one takes its place")
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


def run_isolated(task: Task[E, A], tell: Tell[E], stopped: Callable[[], bool] | None = None) -> Ended[A]:
    """Run a task in a worker of its family, which is kept warm for the next one."""
    worker = _POOL.take("" if task.fresh else task.family)
    try:
        ended = worker.run(task, tell, stopped)
    except _Stale:
        _LOG.info("an idle worker had died; a new one takes the task")
        worker = Worker()
        ended = worker.run(task, tell, stopped)
    _POOL.give(task.family, worker)
    return ended


def prepare(warm_up: str = "") -> None:
    """Start a worker for whichever task runs first, while the caller does other things."""
    _POOL.give("", Worker(warm_up))


def close_workers() -> None:
    """End all idle workers."""
    _POOL.close()
