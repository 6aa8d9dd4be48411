"""The MaxSAT solvers of the package hermax as backends, so that they can be measured beside our own.

They take the same clauses as ``maxsat``. None of them tells networks or bounds on the way, or takes a bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report
from qnnt.backends.sat import as_model
from qnnt.instance import Instance
from qnnt.limits import Limits, Status
from qnnt.models import Formula

SOLVERS = {  # the solver's name in qnnt.scripts: module and class
    "cashwmaxsat": ("hermax.non_incremental", "CASHWMaxSAT"),
    "cgss": ("hermax.non_incremental", "CGSS"),
    "coretrail": ("hermax.incremental", "CoreTrail"),
    "evalmaxsat": ("hermax.non_incremental", "EvalMaxSAT"),
    "openwbo-oll": ("hermax.non_incremental", "OpenWBOOLL"),
    "openwbo-partmsu3": ("hermax.non_incremental", "OpenWBOPartMSU3"),
    "uwrmaxsat": ("hermax.incremental", "UWrMaxSAT"),
    "uwrmaxsat-comp": ("hermax.non_incremental", "UWrMaxSATCompetition"),
    "wmaxcdcl": ("hermax.non_incremental", "WMaxCDCL"),
}


@dataclass(frozen=True)
class HermaxBackend:
    """One solver of hermax, by a name of ``SOLVERS``."""

    solver: str
    accepts = (Formula,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE)
    summary = "clauses with weights, by a solver of hermax"

    @property
    def name(self) -> str:
        """``hermax:`` and the solver."""
        return f"hermax:{self.solver}"

    def availability(self) -> Availability:
        """Whether hermax is installed."""
        return Availability.of_package("hermax", "hermax", "hermax")

    def refuses(self, instance: Instance) -> str | None:
        """Takes minima only."""
        return None if instance.goal.minimizes else "is measured on minima only; try maxsat"

    def run(self, model: Formula, limits: Limits, report: Report) -> Answer:  # noqa: ARG002
        """The optimum, as the solver claims it; nothing on the way."""
        from importlib import import_module

        module, name = SOLVERS[self.solver]
        solver: Any = getattr(import_module(module), name)()
        for block in model.hard:
            for clause in block.tolist():
                solver.add_clause(clause)
        for literal, weight in zip(model.soft.tolist(), model.weights.tolist(), strict=True):
            solver.add_soft_unit(literal, weight)
        solver.solve()
        status = solver.get_status().name
        if status == "UNSAT":
            return Answer(Status.UNSATISFIABLE)
        if status != "OPTIMUM":
            raise RuntimeError(f"{self.solver} ended with {status}")
        best = as_model(solver.get_model(), model.n_variables)
        return Answer(Status.OPTIMAL, best, model.cost(best), model.cost(best))
