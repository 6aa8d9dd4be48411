"""Any SAT solver program that reads DIMACS and prints a SAT competition answer."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, Start
from qnnt.backends.sat import Model, Reloading, as_model, improve
from qnnt.exceptions import Unavailable
from qnnt.files.dimacs import write_cnf
from qnnt.instance import Instance
from qnnt.limits import Limits
from qnnt.models import Formula
from qnnt.workers.folder import Folder

_LINE = 1 << 12  # bytes of a line that is no model
_VERDICTS = (b"SATISFIABLE", b"UNSATISFIABLE")  # also without "s "


@dataclass(frozen=True)
class DimacsBackend:
    """Runs ``PROGRAM FILE``, or with arguments ``PROGRAM ARGUMENTS FILE``.

    The exit status (10, 20) and a line ``s SATISFIABLE`` or ``s UNSATISFIABLE``, also without the ``s``, must
    agree. ``v`` lines give the model. A program that prints none is run again as ``PROGRAM … FILE RESULT``
    and gives it in the file RESULT, as minisat does; minisat is run in this way at once. Counts may be as
    large as a data set takes (below 2^62 in all): the program sees clauses only. What else it prints is not
    kept.
    """

    program: str = ""
    accepts = (Formula,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS, Capability.STARTS)
    summary = "clauses, by any program that reads DIMACS (dimacs:PATH, dimacs:'PATH ARGUMENTS')"
    runs_programs = True
    any_variant = True

    @property
    def name(self) -> str:
        """``dimacs:`` and the program as given."""
        return f"dimacs:{self.program}" if self.program else "dimacs"

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

    def availability(self) -> Availability:
        """Whether the program can be found."""
        if not self.program:
            return Availability(False, reason="name a solver program: dimacs:PATH")
        if self.command is None:
            return Availability(False, reason=f"no executable program {self.program!r}")
        return Availability(True, version=" ".join(self.command))

    def refuses(self, instance: Instance) -> str | None:  # noqa: ARG002
        """Takes everything."""
        return None

    def run(
        self,
        model: Formula,
        limits: Limits,  # noqa: ARG002 - the caller keeps the clock
        report: Report,
        start: Start | None = None,
    ) -> Answer:
        """Solve, and under a minimum ask again for less until there is none."""
        return improve(model, Reloading(model, self._found().ask), report, start)

    def ask(
        self, blocks: Sequence[npt.NDArray[np.int32]], n_variables: int, proof: Path | None = None
    ) -> Model | None:
        """A model (n_variables + 1,) of the clauses, or None; ``PROGRAM FILE PROOF`` if a proof is wanted.

        Raises :class:`Unavailable` if there is no such program, RuntimeError if it gives no answer.
        """
        return self._found().ask(blocks, n_variables, proof)

    def _found(self) -> _Program:
        if self.command is None:
            raise Unavailable(f"no executable program {self.program!r}")
        return _Program(self.program, self.command)


class _Program:
    """A solver program; ``writes`` tells whether it gives the model in a file of its own."""

    def __init__(self, name: str, command: list[str]) -> None:
        self._name, self._command = name, command
        self.writes = Path(command[0]).name.startswith("minisat")

    def ask(
        self, blocks: Sequence[npt.NDArray[np.int32]], n_variables: int, proof: Path | None = None
    ) -> Model | None:
        """A model of the clauses, or None if there is none; ``RuntimeError`` if the program does not say."""
        with Folder() as folder:
            formula, result = folder.path / "formula.cnf", folder.path / "result"
            top = max([n_variables, *(int(np.abs(b).max()) for b in blocks if b.size)])
            with formula.open("w", encoding="ascii") as file:
                write_cnf(file, blocks, top)
            more = [proof] if proof is not None else [result] if self.writes else []
            said = self._answer([formula, *more], top)
            if said is not None and not said.literals and not more:
                self.writes = True
                said = self._answer([formula, result], top)
            if said is None:
                return None
            literals = said.literals or _written(result, top)
        if not literals:
            raise RuntimeError(f"{self._name} says SATISFIABLE and shows no model")
        return as_model(literals, n_variables)

    def _answer(self, files: list[Path], n_variables: int) -> _Said | None:
        """What the program says of satisfiable clauses; None for unsatisfiable ones."""
        said = _listen([*self._command, *map(os.fspath, files)], n_variables)
        if said.verdicts == {b"UNSATISFIABLE"} and said.status == 20:
            return None
        if said.verdicts == {b"SATISFIABLE"} and said.status == 10:
            return said
        raise RuntimeError(f"{self._name} gave no answer (exit status {said.status}): {said.last}")


@dataclass(frozen=True)
class _Said:
    """What a program printed: its verdicts, literals of its ``v`` lines, its last line."""

    status: int
    verdicts: set[bytes]
    literals: list[int]
    last: str


def _longest(n_variables: int) -> int:
    """Bytes of a line that holds a whole model, at most."""
    return _LINE + 16 * n_variables


def _listen(command: list[str], n_variables: int) -> _Said:
    """Run a program, and keep no more of what it prints than a model has; RuntimeError for more."""
    longest = _longest(n_variables)
    verdicts, values, held, last = set[bytes](), list[bytes](), 0, b""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            complaints = _Tail(process.stderr)
            while line := process.stdout.readline(longest):
                last = line.strip()[:_LINE] or last
                words = line.removeprefix(b"s ").strip()
                if words in _VERDICTS or line.startswith(b"s "):
                    verdicts.add(words)
                elif line.startswith(b"v "):
                    values.append(line[2:])
                    held += len(line)
                if len(verdicts) > 2 or len(line) == longest or held > longest:
                    raise RuntimeError(f"{command[0]} prints more than an answer")  # noqa: TRY301
            complaints.join()
            status = process.wait()
        except BaseException:  # Ctrl-C, too
            process.kill()
            raise
    words = (complaints.words.strip() or last or b"no output").splitlines()[-1]
    literals = _literals(b" ".join(values), command[0])
    return _Said(status, verdicts, literals, words.decode(errors="replace")[-200:])


def _literals(words: bytes, program: str) -> list[int]:
    try:
        return [int(word) for word in words.split()]
    except ValueError:
        raise RuntimeError(f"{program} shows a model of other things than numbers") from None


def _written(result: Path, n_variables: int) -> list[int]:
    """The literals in a result file: a line ``SAT``, then the model."""
    try:
        with result.open("rb") as file:
            lines = file.read(2 * _longest(n_variables)).splitlines()
    except FileNotFoundError:
        return []
    if not lines or lines[0].removeprefix(b"s ").strip() not in (b"SAT", b"SATISFIABLE"):
        return []
    shown = [line[2:] for line in lines if line.startswith(b"v ")] or lines[1:]
    return _literals(b" ".join(shown), result.name)


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
