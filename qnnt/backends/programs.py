"""What backends that run a program of the user's share: how it is found, and how it is listened to."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from threading import Timer
from typing import ClassVar

from qnnt.availability import Availability
from qnnt.exceptions import Unavailable
from qnnt.instance import Instance

_LINE = 1 << 12  # bytes of a line that is no model
_PIPE = 1 << 20  # bytes that a pipe may hold
_LOOK = 0.1  # seconds between two looks at whether a program that prints nothing has ended
_GRACE, _SHARE = 1.0, 0.1  # of the time: seconds, or a part, from the program's notice to its end; and after


@dataclass(frozen=True)
class ProgramBackend:
    """Runs ``PROGRAM FILE``, or with arguments ``PROGRAM ARGUMENTS FILE``; ``family`` stands before it."""

    program: str = ""
    family: ClassVar[str]
    runs_programs: ClassVar[bool] = True
    any_variant: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The family, and after a colon the program as given."""
        return f"{self.family}:{self.program}" if self.program else self.family

    @property
    def command(self) -> list[str] | None:
        """The program that is found, and its arguments; None if there is none."""
        whole = shutil.which(self.program)
        if whole is not None:  # also if blanks are part of its name
            return [whole]
        try:
            words = shlex.split(self.program)
        except ValueError:  # a quotation without end
            return None
        found = shutil.which(words[0]) if words else None
        return None if found is None else [found, *words[1:]]

    def found(self) -> list[str]:
        """The command; raises :class:`Unavailable` if there is no such program."""
        if self.command is None:
            raise Unavailable(f"no executable program {self.program!r}")
        return self.command

    def availability(self) -> Availability:
        """Whether the program can be found."""
        if not self.program:
            return Availability(False, reason=f"name a solver program: {self.family}:PATH")
        if self.command is None:
            return Availability(False, reason=f"no executable program {self.program!r}")
        return Availability(True, version=" ".join(self.command))

    def refuses(self, instance: Instance) -> str | None:  # noqa: ARG002
        """Takes everything."""
        return None


@dataclass(frozen=True)
class Exit:
    """How a program ended: its exit status, its last words, and whether it was told to end."""

    status: int
    last: str
    late: bool = False


def longest_line(n_variables: int) -> int:
    """Bytes of a line that holds a whole model, at most."""
    return _LINE + 16 * n_variables


def listen(
    command: list[str], longest: int, hear: Callable[[bytes], None], seconds: float | None = None
) -> Exit:
    """Run a program, and hand each line that it prints to ``hear``, which may raise.

    With ``seconds`` the program is told to end (SIGTERM) so early that it can still print what it has, and is
    killed when they are over. On Linux this goes for what it has started, too: it may be a script that waits
    for a solver. What it left behind otherwise is not waited for long. Raises RuntimeError for a line of
    ``longest`` bytes or more.
    """
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        tree = _Tree(process)
        try:
            printed = _Printed(command[0], longest, hear)
            with _clock(tree, seconds) as late:
                printed.follow(process)
                status = process.wait()
            if late:
                tree.send(signal.SIGKILL)
        except BaseException:  # Ctrl-C, too
            tree.send(signal.SIGKILL)
            raise
    words = (printed.complaints.strip() or printed.last or b"no output").splitlines()[-1]
    return Exit(status, words.decode(errors="replace")[-200:], bool(late))


def no_answer(program: str, end: Exit) -> RuntimeError:
    """The error for a program without a verdict, or with one that its exit status contradicts."""
    return RuntimeError(f"{program} gave no answer (exit status {end.status}): {end.last}")


def too_much(program: str) -> RuntimeError:
    """The error for a program that does not stop."""
    return RuntimeError(f"{program} prints more than an answer")


class _Tree:
    """A program and, where the system tells (Linux), what it has started; also what has outlived it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process, self._started = process, frozenset[int]()

    def send(self, number: signal.Signals) -> None:
        """Send all of them a signal."""
        if self._process.poll() is None:
            self._started |= frozenset(_below(self._process.pid))
        for pid in self._started:
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) == os.getpgrp():  # else the number is another process's by now
                    os.kill(pid, number)
        self._process.send_signal(number)


def _below(pid: int) -> Iterator[int]:
    """The children of a process, and theirs."""
    for told in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, told.read_text().split()):
                yield child
                yield from _below(child)


@contextmanager
def _clock(tree: _Tree, seconds: float | None) -> Iterator[list[bool]]:
    """Ends a program in time; what is given is no longer empty once it was told to end."""
    late: list[bool] = []
    if seconds is None:
        yield late
        return

    def notice() -> None:
        late.append(True)
        tree.send(signal.SIGTERM)

    def end() -> None:
        tree.send(signal.SIGKILL)

    timers = [Timer(seconds - min(_GRACE, _SHARE * seconds), notice), Timer(seconds, end)]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield late
    finally:
        for timer in timers:
            timer.cancel()


@dataclass
class _Printed:
    """What a program prints: lines are handed to ``hear``, and of ``complaints`` the end is kept."""

    program: str
    longest: int
    hear: Callable[[bytes], None]
    last: bytes = b""
    complaints: bytes = b""
    _begun: bytearray = field(default_factory=bytearray)  # a line without its end

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        """Take in all until both pipes are closed, or until a while after the end: others may hold them."""
        with DefaultSelector() as pipes:
            for pipe, take in ((process.stdout, self._take), (process.stderr, self._complain)):
                assert pipe is not None
                pipes.register(pipe, EVENT_READ, take)
            end = math.inf
            while pipes.get_map() and time.monotonic() < end:
                if math.isinf(end) and process.poll() is not None:  # the next look finds all that it printed
                    end = time.monotonic() + _GRACE  # for a filter that it prints through
                for key, _ in pipes.select(_LOOK):
                    data = os.read(key.fd, _PIPE)
                    key.data(data)
                    if not data:
                        pipes.unregister(key.fileobj)
        if self._begun:
            self._take(b"\n")

    def _complain(self, data: bytes) -> None:
        self.complaints = (self.complaints + data)[-_LINE:]

    def _take(self, data: bytes) -> None:
        *ended, rest = data.split(b"\n")
        for words in ended:
            line, self._begun = bytes(self._begun + words), bytearray()
            self._check(len(line) + 1)
            self.last = line.strip()[:_LINE] or self.last
            self.hear(line)
        self._begun += rest
        self._check(len(self._begun))

    def _check(self, length: int) -> None:
        if length >= self.longest:
            raise too_much(self.program)
