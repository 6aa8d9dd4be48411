"""CP-SAT from OR-tools, on its own models and on clauses."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, Start, optimum
from qnnt.backends.estimates import moderate
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.models import CpSatModel, Formula
from qnnt.signals import handlers_kept

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


@dataclass(frozen=True)
class CpSatBackend:
    """Decides and minimises; a formula is handed over clause by clause.

    Counts may be as large as a data set takes (below 2^62 in all): CP-SAT computes with 64-bit integers and
    rejects a model whose sums could pass them. What it tells in floating point is rounded down (bounds during
    the run) or not used.
    """

    name = "cpsat"
    accepts: tuple[type[Any], ...] = (CpSatModel, Formula)
    capabilities: Collection[Capability] = frozenset(Capability)
    summary = "CP-SAT (OR-tools): lazy clause generation over integers"

    def availability(self) -> Availability:
        """Whether OR-tools is installed."""
        return Availability.of_package("ortools", "ortools", "qnnt")

    def refuses(self, instance: Instance) -> str | None:  # noqa: ARG002 - takes any
        """None: there is no limit on the instance."""
        return None

    def estimate(self, instance: Instance) -> float:
        """Slower than solvers of clauses, and without regard to d."""
        return 3 * moderate(instance)

    def run(
        self, model: CpSatModel | Formula, limits: Limits, report: Report, start: Start | None = None
    ) -> Answer:
        """Solve; raises RuntimeError if the model is rejected or HiGHS is loaded in this process."""
        if "highspy" in sys.modules:
            raise RuntimeError("OR-tools cannot be loaded beside HiGHS in one process: use isolate=True")
        from ortools.sat.python import cp_model

        native = formula_model(model) if isinstance(model, Formula) else model.model
        native.clear_hints()
        if start is not None:
            native.proto.solution_hint.vars.extend(start.variables.tolist())
            native.proto.solution_hint.values.extend(start.values.tolist())
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = limits.threads
        solver.parameters.random_seed = limits.seed
        solver.parameters.absolute_gap_limit = 0.0  # a gap between integers, which is computed in doubles
        if limits.time is not None:
            solver.parameters.max_time_in_seconds = limits.time
        if model.minimize:
            most = int(np.abs(model.weights).sum())
            solver.best_bound_callback = lambda b: report.bound(model.error(_integer_bound(b, most)))
        with handlers_kept():
            status = solver.solve(native, _progress(model, report))
        response = solver.response_proto
        if status == cp_model.INFEASIBLE:
            return Answer(Status.UNSATISFIABLE, sizes=model.sizes())
        limit = Limit.INTERRUPT if limits.time is None else Limit.TIME  # a worker hears no Ctrl-C
        if status == cp_model.UNKNOWN:
            return Answer(Status.UNKNOWN, limit=limit, sizes=model.sizes())  # bounds were reported
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            reason = native.validate() or solver.status_name(status)
            raise RuntimeError(f"CP-SAT did not take the model: {reason}")
        assignment = np.array(response.solution, dtype=np.int64)
        cost = model.cost(assignment)
        if not model.minimize:
            return Answer(Status.SATISFIABLE, assignment, cost, sizes=model.sizes())
        bound = model.error(response.inner_objective_lower_bound)
        if status == cp_model.FEASIBLE:
            return Answer(Status.UNKNOWN, assignment, cost, bound, limit, sizes=model.sizes())
        return optimum(assignment, cost, bound, model.sizes())


def _integer_bound(bound: float, most: int) -> int:
    """The integer that a bound proves; CP-SAT computed it in doubles, from integers up to ``most``."""
    return math.ceil(bound - 1e-6 - most * 2**-50)


def _progress(model: CpSatModel | Formula, report: Report) -> cp_model.CpSolverSolutionCallback:
    from ortools.sat.python import cp_model

    class Progress(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
        def on_solution_callback(self) -> None:
            assignment = np.array(self.response_proto.solution, dtype=np.int64)
            report.incumbent(assignment, model.cost(assignment))

    return Progress()


def formula_model(formula: Formula) -> cp_model.CpModel:
    """The clauses as a CP-SAT model: its variable v is the formula's, and variable 0 is the constant 1."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    proto = model.proto
    for v in range(formula.n_variables + 1):
        proto.variables.add().domain.extend((int(v == 0), 1))
    for block in formula.hard:
        for clause in np.where(block > 0, block, block - 1).tolist():
            proto.constraints.add().bool_or.literals.extend(clause)
    if formula.minimize:
        true = formula.soft > 0
        proto.objective.vars.extend([0, *np.abs(formula.soft).tolist()])
        constant, costs = int(formula.weights[true].sum()), np.where(true, -formula.weights, formula.weights)
        proto.objective.coeffs.extend([constant, *costs.tolist()])
    return model
