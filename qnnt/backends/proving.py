"""SAT solvers that leave a proof: one question, and a DRAT file if there is no model.

The question has no assumptions, as the proofs of some solvers end in a false empty clause then: whatever is
asked stands in the formula.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Backend, Capability, Report
from qnnt.backends.dimacs import DimacsBackend
from qnnt.backends.sat import SOLVERS, Model, SatBackend, asked, load
from qnnt.exceptions import InputError
from qnnt.files.drat import Steps, parse_drat, read_drat, write_drat
from qnnt.instance import Instance
from qnnt.limits import Limits, Status
from qnnt.models import Formula

# Kissat, MiniSat, MiniCard and MergeSat write no proof in PySAT, and MapleSAT's do not hold.
_WITHOUT_PROOFS = ("kissat404", "maplesat", "mergesat3", "minicard", "minisat22", "minisat-gh", "minisatep")
PROVERS = tuple(solver for solver in SOLVERS if solver not in _WITHOUT_PROOFS)


def leaves_proofs(backend: Backend) -> bool:
    """Whether a backend can be asked for a proof."""
    if isinstance(backend, SatBackend):
        return backend.solver in PROVERS
    return isinstance(backend, DimacsBackend)


@dataclass(frozen=True)
class ProvingBackend:
    """Decides a formula by ``solver`` and writes the proof to ``path`` if there is no model.

    ``solver`` is one of which :func:`leaves_proofs` is true. A program is run as ``PROGRAM FILE PROOF``.
    """

    solver: SatBackend | DimacsBackend
    path: Path
    accepts = (Formula,)
    capabilities = (Capability.PROVE,)
    summary = "clauses, decided with a proof"

    @property
    def name(self) -> str:
        """That of the solver."""
        return self.solver.name

    @property
    def runs_programs(self) -> bool:
        """Whether the solver is a program."""
        return isinstance(self.solver, DimacsBackend)

    def availability(self) -> Availability:
        """That of the solver."""
        return self.solver.availability()

    def refuses(self, instance: Instance) -> str | None:
        """What the solver says."""
        return self.solver.refuses(instance)

    def run(self, model: Formula, limits: Limits, report: Report) -> Answer:  # noqa: ARG002 - no clock
        """Solve; raises RuntimeError if there is neither a model nor a proof that can be read."""
        solver = self.solver
        try:
            if isinstance(solver, DimacsBackend):
                found, proof = self._ask_program(solver, model)
            else:
                found, proof = self._ask_pysat(solver, model)
        except InputError as error:
            raise RuntimeError(f"the proof of {self.name} is none: {error}") from None
        if found is not None:
            return Answer(Status.SATISFIABLE, found)
        assert proof is not None
        with self.path.open("w", encoding="ascii") as file:
            write_drat(file, proof)
            file.flush()
            os.fsync(file.fileno())
        return Answer(Status.UNSATISFIABLE)

    def _ask_pysat(self, backend: SatBackend, model: Formula) -> tuple[Model | None, Steps | None]:
        import pysolvers
        from pysat.solvers import Solver

        with Solver(name=backend.solver, with_proof=True) as solver:
            load(solver, model.hard)
            found = asked(solver, model.n_variables)
            if found is not None:
                return found, None
            # get_proof() takes a binary proof apart byte by byte; the solver writes to this file.
            pysolvers.flushpr(solver.solver.prfp)
            solver.solver.prfile.seek(0)
            return None, parse_drat(solver.solver.prfile.read())

    def _ask_program(self, backend: DimacsBackend, model: Formula) -> tuple[Model | None, Steps | None]:
        raw = self.path.with_name(f"{self.path.name}.raw")
        try:
            found = backend.ask(model.hard, model.n_variables, raw)
            if found is None and not raw.exists():
                raise RuntimeError(
                    f"{backend.program} wrote no proof; it is run as {backend.program} FILE PROOF"
                )
            return found, None if found is not None else read_drat(raw)
        finally:
            raw.unlink(missing_ok=True)
