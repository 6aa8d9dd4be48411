"""Any SAT solver program that reads DIMACS and prints a SAT competition answer."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
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


@dataclass(frozen=True)
class DimacsBackend:
    """Runs ``PROGRAM FILE``; exit status (10, 20) and ``s`` line must agree, ``v`` lines give the model.

    What else it prints is not kept.

    Counts may be as large as a data set takes (below 2^62 in all): the program sees clauses only.
    """

    program: str = ""
    accepts = (Formula,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS, Capability.STARTS)
    summary = "clauses, by any program that reads DIMACS (dimacs:PATH)"
    runs_programs = True
    any_variant = True

    @property
    def name(self) -> str:
        """``dimacs:`` and the program as given."""
        return f"dimacs:{self.program}" if self.program else "dimacs"

    def availability(self) -> Availability:
        """Whether the program can be found."""
        if not self.program:
            return Availability(False, reason="name a solver program: dimacs:PATH")
        found = shutil.which(self.program)
        if found is None:
            return Availability(False, reason=f"no executable program {self.program!r}")
        return Availability(True, version=found)

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
        return improve(model, Reloading(model, self._ask), report, start)

    def _ask(self, blocks: list[npt.NDArray[np.int32]], n_variables: int) -> Model | None:
        program = shutil.which(self.program)
        if program is None:
            raise Unavailable(f"no executable program {self.program!r}")
        with Folder() as folder:
            path = folder.path / "formula.cnf"
            top = max([n_variables, *(int(np.abs(b).max()) for b in blocks if b.size)])
            with path.open("w", encoding="ascii") as file:
                write_cnf(file, blocks, top)
            said = _listen([program, os.fspath(path)], top)
        if said.verdicts == {b"UNSATISFIABLE"} and said.status == 20:
            return None
        if said.verdicts == {b"SATISFIABLE"} and said.status == 10:
            return as_model(said.literals, n_variables)
        raise RuntimeError(f"{self.program} gave no answer (exit status {said.status}): {said.last}")


@dataclass(frozen=True)
class _Said:
    """What a program printed: words of its ``s`` lines, literals of its ``v`` lines, its last line."""

    status: int
    verdicts: set[bytes]
    literals: list[int]
    last: str


def _listen(command: list[str], n_variables: int) -> _Said:
    """Run a program, and keep no more of what it prints than a model has; RuntimeError for more."""
    most = _LINE + 16 * n_variables  # bytes of a line that holds the whole model
    verdicts, values, held, last = set[bytes](), list[bytes](), 0, b""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            complaints = _Tail(process.stderr)
            while line := process.stdout.readline(most):
                last = line.strip()[:_LINE] or last
                if line.startswith(b"s "):
                    verdicts.add(line[2:].strip())
                elif line.startswith(b"v "):
                    values.append(line[2:])
                    held += len(line)
                if len(verdicts) > 2 or len(line) == most or held > most:
                    raise RuntimeError(f"{command[0]} prints more than an answer")  # noqa: TRY301
            complaints.join()
            status = process.wait()
        except BaseException:  # Ctrl-C, too
            process.kill()
            raise
    try:
        literals = [int(word) for word in b" ".join(values).split()]
    except ValueError:
        raise RuntimeError(f"{command[0]} prints a model of other things than numbers") from None
    words = (complaints.words.strip() or last or b"no output").splitlines()[-1]
    return _Said(status, verdicts, literals, words.decode(errors="replace")[-200:])


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
