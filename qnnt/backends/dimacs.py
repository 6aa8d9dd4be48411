"""Any SAT solver program that reads DIMACS and prints a SAT competition answer."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class DimacsBackend:
    """Runs ``PROGRAM FILE``, or with arguments ``PROGRAM ARGUMENTS FILE``.

    The exit status (10, 20) and a line ``s SATISFIABLE`` or ``s UNSATISFIABLE``, also without the ``s``, must
    agree. ``v`` lines give the model. A program that prints none is run again as ``PROGRAM … FILE RESULT``
    and gives it in the file RESULT, as minisat does; minisat is run in this way at once. Counts may be as
    large as a data set takes (below 2^62 in all): the program sees clauses only.
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
        if self.command is None:
            raise Unavailable(f"no executable program {self.program!r}")
        return improve(model, Reloading(model, _Program(self.program, self.command).ask), report, start)


class _Program:
    """A solver program; ``writes`` tells whether it gives the model in a file of its own."""

    def __init__(self, name: str, command: list[str]) -> None:
        self._name, self._command = name, command
        self.writes = Path(command[0]).name.startswith("minisat")

    def ask(self, blocks: list[npt.NDArray[np.int32]], n_variables: int) -> Model | None:
        """A model of the clauses, or None if there is none; ``RuntimeError`` if the program does not say."""
        with tempfile.TemporaryDirectory(prefix="qnnt-") as folder:
            formula, result = Path(folder) / "formula.cnf", Path(folder) / "result"
            top = max([n_variables, *(int(np.abs(b).max()) for b in blocks if b.size)])
            with formula.open("w", encoding="ascii") as file:
                write_cnf(file, blocks, top)
            lines = self._lines([formula, result] if self.writes else [formula])
            if lines is not None and not _values(lines) and not self.writes:
                self.writes = True
                lines = self._lines([formula, result])
            if lines is None:
                return None
            words = _values(lines) or _written(result)
        if not words:
            raise RuntimeError(f"{self._name} says SATISFIABLE and shows no model")
        return as_model(list(map(int, words)), n_variables)

    def _lines(self, files: list[Path]) -> list[str] | None:
        """What the program prints of satisfiable clauses; None for unsatisfiable ones."""
        run = subprocess.run(
            [*self._command, *map(os.fspath, files)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
        lines = run.stdout.splitlines()
        said = [line.removeprefix("s ").strip() for line in lines]
        verdict = next((words for words in said if words in ("SATISFIABLE", "UNSATISFIABLE")), None)
        if verdict == "UNSATISFIABLE" and run.returncode == 20:
            return None
        if verdict == "SATISFIABLE" and run.returncode == 10:
            return lines
        last = (run.stderr.strip() or run.stdout.strip() or "no output").splitlines()[-1]
        raise RuntimeError(f"{self._name} gave no answer (exit status {run.returncode}): {last}")


def _values(lines: list[str]) -> list[str]:
    """The literals of the ``v`` lines."""
    return [word for line in lines if line.startswith("v ") for word in line[2:].split()]


def _written(result: Path) -> list[str]:
    """The literals in a result file: a line ``SAT``, then the model."""
    try:
        lines = result.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    if not lines or lines[0].strip() not in ("SAT", "SATISFIABLE", "s SATISFIABLE"):
        return []
    return _values(lines) or [word for line in lines[1:] for word in line.split()]
