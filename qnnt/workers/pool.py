"""Every task in a child process that can be limited, killed and lost; a warm worker is kept per family.

Importing this module is cheap, so that a program may start a worker before it loads anything else.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qnnt.exceptions import Unavailable
from qnnt.workers.folder import Folder, current_folder
from qnnt.workers.slot import Slot

if TYPE_CHECKING:
    from qnnt.limits import Limit, Limits
    from qnnt.workers.task import Ended, Task, Tell

E = TypeVar("E")
A = TypeVar("A")

_LOG = logging.getLogger(__name__)

START_UP = 30.0  # seconds that a worker may take before it starts on a task with a time limit
_LOOK = 0.1  # seconds between two looks at whether a run was stopped or interrupted
LATE = "the time limit was reached"
_OUT_OF_MEMORY = re.compile(
    "bad_alloc|MemoryError|out[- ]of[- ]memory|cannot allocate memory|failed to map segment"
    "|memory allocation still failed"  # OpenBLAS
    "|returned NULL without setting an exception",  # what an import says that got no memory
    re.IGNORECASE,
)


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

    ``warm_up`` names what it calls before its first task comes, as ``module:function``. It is ``warm`` once
    it has sent a message. A task that it runs is told what is put into its ``slot``. Raises
    :class:`Unavailable` if the system does not let it start.
    """

    def __init__(self, warm_up: str = "") -> None:
        self.warm = self._ended = False
        self._folder = Folder()  # what a killed solver leaves there has to go with it
        self.slot = Slot(self._folder.path)
        try:
            self._connect(warm_up)
        except OSError as error:
            self._folder.remove()
            raise Unavailable(f"no worker process can be started: {error.strerror or error}") from None
        except BaseException:  # Ctrl-C; the process ends with its connection
            self._folder.remove()
            raise

    def _connect(self, warm_up: str) -> None:
        ours, theirs = socket.socketpair()
        self._stderr = tempfile.TemporaryFile(dir=self._folder.path)  # noqa: SIM115 - lives as long as the worker
        with theirs:
            self._process = subprocess.Popen(
                # -P: a file of the current folder is no module of ours.
                [sys.executable, "-P", "-m", "qnnt.workers.child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                start_new_session=True,
                env=self._environment,
            )
        self._connection = Connection(ours.detach())
        self._tell((sys.path, warm_up))

    @property
    def _environment(self) -> dict[str, str]:
        """What the process sees: the environment of this one, but for what is its own."""
        return {
            "OPENBLAS_NUM_THREADS": "1",
            **os.environ,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            "TMPDIR": str(self._folder.path),
        }

    @property
    def connection(self) -> Connection:
        """Readable when there is a message, or when the worker has gone."""
        return self._connection

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def send(self, task: Task[E, A]) -> None:
        """Hand over a task, and in which folder and environment it is to run.

        That the worker has gone shows when it is heard.
        """
        self.slot.clear()  # it was for the last task
        self._stderr.seek(0)  # the child writes at the same position
        self._stderr.truncate()  # these were words of the last task
        self._tell((task, current_folder(), self._environment))

    def _tell(self, message: Any) -> None:
        with contextlib.suppress(_Lost), _losing():
            self._connection.send(message)

    def receive(self) -> Any:
        """The next message, once there is one; raises :class:`_Lost` if the worker has gone."""
        with _losing():
            message = self._connection.recv()
        self.warm = True
        return message

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and whatever it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """End the process and whatever it started, and forget it."""
        self._end()
        self._connection.close()
        self._stderr.close()
        self._folder.remove()

    def _end(self) -> None:
        if not self._ended:  # later its number may be another process's
            self.signal(signal.SIGKILL)
            self._process.wait()
            self._ended = True

    def cut_short(self, ended: Ended[A], limits: Limits, tell: Tell[E]) -> Ended[A]:
        """Kill it and take in what it had sent: its news, and its own end instead of ``ended``.

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

    def lost(self, limits: Limits) -> Ended[A]:
        """How it came to its end, by its last words; nothing of it is left."""
        from qnnt.workers.task import Ended

        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - 4096))
        words = self._stderr.read().decode(errors="replace")
        code = self._process.returncode
        self.kill()
        how = f"status {code}" if code is None or code >= 0 else _signal(-code)
        last = (words.strip().splitlines() or ["no message"])[-1]
        reason = (
            "out of memory"
            if _OUT_OF_MEMORY.search(words)
            else f"the solver process ended with {how}: {last}"
        )
        _LOG.info("a worker was lost: %s", reason)
        return _blame_memory(Ended(reason=reason, lost=True), limits)


def _signal(number: int) -> str:
    """The number of a signal, and its name; those of real time have none."""
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


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
            worker.kill()  # its folder is still there
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


class Running(Generic[E, A]):
    """A task in the hands of a worker of its family, driven by one thread.

    Wait with :func:`heard` and call :meth:`take_in`, until it says how the task ended. The worker is kept for
    the next task if this one ended by itself. The caller has to keep the ``deadline``, of
    ``time.monotonic()``: the time limit counts from when the worker has ``started`` on the task.
    """

    def __init__(self, task: Task[E, A], tell: Tell[E]) -> None:
        self._task, self._tell, self._message = task, tell, None
        self._hand_to(_POOL.take("" if task.fresh else task.family))

    def _hand_to(self, worker: Worker) -> None:
        self._worker, self._taken = worker, not worker.warm
        self.started, self._over = False, False
        self.deadline = self._from_now(START_UP)
        try:
            worker.send(self._task)
        except BaseException:
            self.kill()
            raise
        if self._message is not None:  # put before the last worker was found dead
            worker.slot.put(self._message)

    def _from_now(self, spare: float = 0.0) -> float:
        limit = self._task.limits.time
        return math.inf if limit is None else time.monotonic() + limit + spare

    @property
    def connection(self) -> Connection:
        """Readable when there is something to take in."""
        return self._worker.connection

    def take_in(self) -> Ended[A] | None:
        """Receive one message: news are told, an end is returned. Raises what ``tell`` raises."""
        from qnnt.workers.task import Ended, Started

        try:
            message = self._worker.receive()
        except _Lost:
            return self._lost()
        self._taken = True
        if isinstance(message, Started):
            self.started, self.deadline = True, self._from_now()
        elif isinstance(message, Ended):
            _POOL.give(self._task.family, self._worker)
            self._over = True
            return _blame_memory(message, self._task.limits)
        else:
            self._tell(message.event)
        return None

    def _lost(self) -> Ended[A] | None:
        from qnnt.workers.task import Ended

        if self._taken:
            ended: Ended[A] = self._worker.lost(self._task.limits)
            self._over = True
            return ended
        _LOG.info("an idle worker had died; a new one takes the task")
        self._worker.kill()
        self._over = True
        try:
            self._hand_to(Worker())
        except Unavailable as error:
            return Ended(reason=str(error), lost=True)
        return None

    def inform(self, message: Any) -> None:
        """Have the task find this message when it next asks for one; never waits, whatever the task does."""
        if not self._over:
            self._message = message
            self._worker.slot.put(message)

    def cut_short(self, limit: Limit, reason: str) -> Ended[A]:
        """Kill the worker. What it had sent still counts: its news are told, and its own end is returned."""
        from qnnt.workers.task import Ended

        late: Ended[A] = Ended(limit=limit, reason=reason)
        ended = self._worker.cut_short(late, self._task.limits, self._tell)
        self._over = True
        return ended

    def pause(self) -> None:
        """Stop the worker where it is; it can still be killed."""
        self._worker.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a worker go on that was paused."""
        self._worker.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the task, unless it has ended, and leave nothing."""
        if not self._over:
            self._worker.kill()
            self._over = True


R = TypeVar("R", bound=Running[Any, Any])


def heard(running: Sequence[R], seconds: float) -> list[R]:
    """Those that have something to take in, after so many seconds at most."""
    by_connection = {each.connection: each for each in running}
    # Never longer: a signal that comes just before the wait is seen only after it.
    return [by_connection[c] for c in wait(by_connection, max(0.0, min(seconds, _LOOK)))]  # type: ignore[index]


def run_isolated(task: Task[E, A], tell: Tell[E], stopped: Callable[[], bool] | None = None) -> Ended[A]:
    """Run a task in a worker of its family to its end or its limit.

    ``stopped`` is asked now and then; once it is true the worker is killed. What a worker had sent before it
    was killed still counts. Raises what ``tell`` raises, after the worker is killed.
    """
    from qnnt.limits import Limit

    running = Running(task, tell)
    try:
        while True:
            left = running.deadline - time.monotonic()
            if left <= 0:
                return running.cut_short(Limit.TIME, LATE)
            if stopped is not None and stopped():
                return running.cut_short(Limit.INTERRUPT, "interrupted")
            if heard([running], left) and (ended := running.take_in()) is not None:
                return ended
    finally:  # after Ctrl-C above all: nothing may be left behind
        running.kill()


def prepare(warm_up: str = "") -> None:
    """Start a worker for whichever task runs first, while the caller does other things.

    That none can be started is told when the task comes.
    """
    with contextlib.suppress(Unavailable):
        _POOL.give("", Worker(warm_up))


def close_workers() -> None:
    """End all idle workers."""
    _POOL.close()
