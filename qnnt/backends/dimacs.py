"""Any SAT solver program that reads DIMACS and prints a SAT competition answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from qnnt.backends.base import Answer, Capability, Report, Start
from qnnt.backends.programs import ProgramBackend, listen, longest_line, no_answer, too_much
from qnnt.backends.sat import Model, Reloading, as_model, improve
from qnnt.files.dimacs import write_cnf
from qnnt.limits import Limits
from qnnt.models import Formula
from qnnt.workers.folder import Folder

_VERDICTS = (b"SATISFIABLE", b"UNSATISFIABLE")  # also without "s "


@dataclass(frozen=True)
class DimacsBackend(ProgramBackend):
    """Runs a program on clauses: ``PROGRAM FILE``.

    The exit status (10, 20) and a line ``s SATISFIABLE`` or ``s UNSATISFIABLE``, also without the ``s``, must
    agree. ``v`` lines give the model. A program that prints none is run again as ``PROGRAM … FILE RESULT``
    and gives it in the file RESULT, as minisat does; minisat is run in this way at once. Counts may be as
    large as a data set takes (below 2^62 in all): the program sees clauses only. What else it prints is not
    kept.
    """

    family: ClassVar[str] = "dimacs"
    accepts = (Formula,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS, Capability.STARTS)
    summary = "clauses, by any program that reads DIMACS (dimacs:PATH, dimacs:'PATH ARGUMENTS')"

    def run(
        self,
        model: Formula,
        limits: Limits,  # noqa: ARG002 - the caller keeps the clock
        report: Report,
        start: Start | None = None,
    ) -> Answer:
        """Solve, and under a minimum ask again for less until there is none."""
        return improve(model, Reloading(model, self._asked().ask), report, start)

    def ask(
        self, blocks: Sequence[npt.NDArray[np.int32]], n_variables: int, proof: Path | None = None
    ) -> Model | None:
        """A model (n_variables + 1,) of the clauses, or None; ``PROGRAM FILE PROOF`` if a proof is wanted.

        Raises :class:`Unavailable` if there is no such program, RuntimeError if it gives no answer.
        """
        return self._asked().ask(blocks, n_variables, proof)

    def _asked(self) -> _Program:
        return _Program(self.program, self.found())


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
                    raise RuntimeError(f"{self._name} says SATISFIABLE, and then UNSATISFIABLE")
            if said is None:
                return None
            literals = said.literals or _written(result, top)
        if not literals:
            raise RuntimeError(f"{self._name} says SATISFIABLE and shows no model")
        return as_model(literals, n_variables)

    def _answer(self, files: list[Path], n_variables: int) -> _Said | None:
        """What the program says of satisfiable clauses; None for unsatisfiable ones."""
        command = [*self._command, *map(os.fspath, files)]
        said = _Said(command[0], longest_line(n_variables))
        end = listen(command, said.longest, said.hear)
        if said.verdicts == {b"UNSATISFIABLE"} and end.status == 20:
            return None
        if said.verdicts == {b"SATISFIABLE"} and end.status == 10:
            return said
        raise no_answer(self._name, end)


@dataclass
class _Said:
    """What a program prints: its verdicts, and its ``v`` lines, as long as they may be those of one model."""

    program: str
    longest: int
    verdicts: set[bytes] = field(default_factory=set)
    _shown: list[bytes] = field(default_factory=list)
    _held: int = 0

    def hear(self, line: bytes) -> None:
        """Take in a line; raises RuntimeError if there are too many."""
        words = line.removeprefix(b"s ").strip()
        if words in _VERDICTS or line.startswith(b"s "):
            self.verdicts.add(words)
        elif line.startswith(b"v "):
            self._shown.append(line[2:])
            self._held += len(line)
        if len(self.verdicts) > 2 or self._held > self.longest:
            raise too_much(self.program)

    @cached_property
    def literals(self) -> list[int]:
        """Those of the model; raises RuntimeError if they are no numbers."""
        return _literals(b" ".join(self._shown), self.program)


def _literals(words: bytes, program: str) -> list[int]:
    try:
        return [int(word) for word in words.split()]
    except ValueError:
        raise RuntimeError(f"{program} shows a model of other things than numbers") from None


def _written(result: Path, n_variables: int) -> list[int]:
    """The literals in a result file: a line ``SAT``, then the model."""
    try:
        with result.open("rb") as file:
            lines = file.read(2 * longest_line(n_variables)).splitlines()
    except FileNotFoundError:
        return []
    if not lines or lines[0].removeprefix(b"s ").strip() not in (b"SAT", b"SATISFIABLE"):
        return []
    shown = [line[2:] for line in lines if line.startswith(b"v ")] or lines[1:]
    return _literals(b" ".join(shown), result.name)
