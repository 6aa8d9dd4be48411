"""What backends that run a program of the user's share: how it is found, and how it is listened to."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread, Timer
from typing import IO, ClassVar

from qnnt.availability import Availability
from qnnt.exceptions import Unavailable
from qnnt.instance import Instance

_LINE = 1 << 12  # bytes of a line that is no model
_GRACE, _SHARE = 1.0, 0.1  # of the time: seconds, or a part, from the program's notice to its end


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
    killed when they are over. Raises RuntimeError for a line of ``longest`` bytes or more.
    """
    last = b""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            complaints = _Tail(process.stderr)
            with _clock(process, seconds) as late:
                while line := process.stdout.readline(longest):
                    last = line.strip()[:_LINE] or last
                    if len(line) == longest:
                        raise too_much(command[0])  # noqa: TRY301
                    hear(line)
                complaints.join()
                status = process.wait()
        except BaseException:  # Ctrl-C, too
            process.kill()
            raise
    words = (complaints.words.strip() or last or b"no output").splitlines()[-1]
    return Exit(status, words.decode(errors="replace")[-200:], bool(late))


def no_answer(program: str, end: Exit) -> RuntimeError:
    """The error for a program without a verdict, or with one that its exit status contradicts."""
    return RuntimeError(f"{program} gave no answer (exit status {end.status}): {end.last}")


def too_much(program: str) -> RuntimeError:
    """The error for a program that does not stop."""
    return RuntimeError(f"{program} prints more than an answer")


@contextmanager
def _clock(process: subprocess.Popen[bytes], seconds: float | None) -> Iterator[list[bool]]:
    """Ends a process in time; what is given is no longer empty once it was told to end."""
    late: list[bool] = []
    if seconds is None:
        yield late
        return

    def notice() -> None:
        late.append(True)
        process.terminate()

    timers = [Timer(seconds - min(_GRACE, _SHARE * seconds), notice), Timer(seconds, process.kill)]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield late
    finally:
        for timer in timers:
            timer.cancel()


class _Tail(Thread):
    """Reads a pipe to its end and keeps the last ``words``."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._pipe, self.words = pipe, b""
        self.start()

    def run(self) -> None:
        with suppress(ValueError):  # closed, as the program was killed
            while more := self._pipe.read1(_LINE):  # type: ignore[attr-defined] # it is buffered
                self.words = (self.words + more)[-_LINE:]
