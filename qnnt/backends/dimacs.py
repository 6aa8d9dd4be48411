"""Any SAT solver program that reads DIMACS and prints a SAT competition answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
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
    """Runs ``PROGRAM FILE``; exit status (10, 20) and ``s`` line must agree, ``v`` lines give the model.

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
        return improve(model, Reloading(model, self.ask), report, start)

    def ask(
        self, blocks: Sequence[npt.NDArray[np.int32]], n_variables: int, proof: Path | None = None
    ) -> Model | None:
        """A model (n_variables + 1,) of the clauses, or None; ``PROGRAM FILE PROOF`` if a proof is wanted.

        Raises :class:`Unavailable` if there is no such program, RuntimeError if it gives no answer.
        """
        program = shutil.which(self.program)
        if program is None:
            raise Unavailable(f"no executable program {self.program!r}")
        with tempfile.TemporaryDirectory(prefix="qnnt-") as folder:
            path = Path(folder) / "formula.cnf"
            top = max([n_variables, *(int(np.abs(b).max()) for b in blocks if b.size)])
            with path.open("w", encoding="ascii") as file:
                write_cnf(file, blocks, top)
            run = subprocess.run(
                [program, os.fspath(path), *([] if proof is None else [os.fspath(proof)])],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                text=True,
            )
        lines = run.stdout.splitlines()
        verdict = next((line[2:].strip() for line in lines if line.startswith("s ")), None)
        if verdict == "UNSATISFIABLE" and run.returncode == 20:
            return None
        if verdict == "SATISFIABLE" and run.returncode == 10:
            literals = [int(word) for line in lines if line.startswith("v ") for word in line[2:].split()]
            return as_model(literals, n_variables)
        last = (run.stderr.strip() or run.stdout.strip() or "no output").splitlines()[-1]
        raise RuntimeError(f"{self.program} gave no answer (exit status {run.returncode}): {last}")
