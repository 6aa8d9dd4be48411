"""Exact with a proof: one question, and a file in the format of VeriPB if there is no solution."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report
from qnnt.backends.pseudo_boolean import PseudoBooleanBackend, exact_solver
from qnnt.exceptions import InputError
from qnnt.files.veripb import constraints_of, read_constraints, read_log, write_proof
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.models import PseudoBooleanModel, Rows
from qnnt.signals import handlers_kept


@dataclass(frozen=True)
class ProvingPseudoBoolean:
    """Decides a pseudo-Boolean model and writes the proof to ``path`` if there is no solution."""

    solver: PseudoBooleanBackend
    path: Path
    accepts = (PseudoBooleanModel,)
    capabilities = (Capability.PROVE, Capability.SEED)
    summary = "0/1 inequalities, decided with a proof"

    @property
    def name(self) -> str:
        """That of the solver."""
        return self.solver.name

    def availability(self) -> Availability:
        """That of the solver."""
        return self.solver.availability()

    def refuses(self, instance: Instance) -> str | None:
        """What the solver says."""
        return self.solver.refuses(instance)

    def run(self, model: PseudoBooleanModel, limits: Limits, report: Report) -> Answer:  # noqa: ARG002
        """Solve; raises RuntimeError if there is neither a solution nor a proof that can be read."""
        log = self.path.with_name(f"{self.path.name}.log")
        formula, steps = (log.with_name(f"{log.name}.{end}") for end in ("formula", "proof"))
        try:
            with handlers_kept():
                answer = _asked(model, limits, log)
            if answer.status is Status.UNSATISFIABLE:
                # Exact writes the rows that it took, up to the first contradiction: its numbers are theirs.
                taken, rows = read_constraints(formula), constraints_of(model)
                if taken != rows[: len(taken)]:
                    raise RuntimeError(f"{self.name} logs a proof of another formula")
                proof = read_log(steps, len(rows))
                with self.path.open("w", encoding="ascii") as file:
                    write_proof(file, proof)
                    file.flush()
                    os.fsync(file.fileno())
        except InputError as error:
            raise RuntimeError(f"the proof of {self.name} is none: {error}") from None
        finally:
            formula.unlink(missing_ok=True)
            steps.unlink(missing_ok=True)
        return answer


def _asked(model: PseudoBooleanModel, limits: Limits, log: Path) -> Answer:
    """What Exact says; its log is whole as soon as the solver is gone."""
    end = None if limits.time is None else time.monotonic() + limits.time
    names = [f"x{i}" for i in range(len(model.lower))]
    options: list[tuple[str, str]] = [("proof-log", str(log)), ("proof-assumptions", "0")]
    solver = exact_solver(_by_rows(model), names, limits.seed, options)
    while True:
        verdict = solver.runOnce(0.0 if end is None else max(end - time.monotonic(), 1e-3))
        if verdict == "SAT":
            return Answer(Status.SATISFIABLE, np.array(solver.getLastSolutionFor(names), dtype=np.int64))
        if verdict == "UNSAT":
            return Answer(Status.UNSATISFIABLE)
        if verdict not in ("PAUSED", "TIMEOUT"):
            raise RuntimeError(f"Exact answered {verdict!r}")
        if verdict == "TIMEOUT" or (end is not None and time.monotonic() >= end):
            return Answer(Status.UNKNOWN, limit=Limit.TIME)


def _by_rows(model: PseudoBooleanModel) -> PseudoBooleanModel:
    """The model with a row in place of each bound, as its file has it: Exact logs no bounds."""
    fixed, rows = np.flatnonzero(model.lower == model.upper), model.rows
    values, n = model.lower[fixed], len(fixed)
    return replace(
        model,
        lower=np.zeros_like(model.lower),
        upper=np.ones_like(model.upper),
        rows=Rows(
            np.append(rows.starts, rows.starts[-1] + np.arange(1, n + 1)),
            np.append(rows.index, fixed),
            np.append(rows.coef, np.where(values == 1, 1, -1)),
            np.append(rows.lower, values),
        ),
    )
