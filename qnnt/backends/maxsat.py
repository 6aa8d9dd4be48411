"""Core-guided MaxSAT: RC2 of PySAT."""

from __future__ import annotations

from dataclasses import dataclass

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, optimum
from qnnt.backends.estimates import clause_solver
from qnnt.backends.sat import as_model, asked, load
from qnnt.instance import Instance
from qnnt.limits import Limits, Status
from qnnt.models import Formula


@dataclass(frozen=True)
class MaxSatBackend:
    """RC2 (Ignatiev, Morgado, Marques-Silva 2019): cores raise the lower bound until a model meets it.

    Counts may be as large as a data set takes (below 2^62 in all): RC2 adds up weights as Python integers.
    """

    name = "maxsat"
    accepts = (Formula,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS, Capability.BOUNDS)
    summary = "clauses with weights, by PySAT's core-guided RC2"

    def availability(self) -> Availability:
        """Part of PySAT."""
        return Availability.of_package("python-sat", "pysat", "qnnt")

    def refuses(self, instance: Instance) -> str | None:  # noqa: ARG002
        """Takes everything."""
        return None

    def estimate(self, instance: Instance) -> float:
        """Minima are its own."""
        return clause_solver(instance) * (1 if instance.goal.minimizes else 2)

    def run(self, model: Formula, limits: Limits, report: Report) -> Answer:  # noqa: ARG002 - no clock, no seed
        """Report any model first, as an incumbent; then let cores meet it from below."""
        from pysat.examples.rc2 import RC2
        from pysat.formula import WCNF

        class Reporting(RC2):  # type: ignore[misc]
            def process_core(self) -> None:
                super().process_core()
                report.bound(model.error(self.cost))

        soft = WCNF()
        if model.minimize:
            for lit, weight in zip(model.soft.tolist(), model.weights.tolist(), strict=True):
                soft.append([lit], weight=weight)
        soft.nv = model.n_variables
        with Reporting(soft, solver="g4", adapt=True, exhaust=True, minz=False) as rc2:
            load(rc2.oracle, model.hard)
            first = asked(rc2.oracle, model.n_variables)
            if first is None:
                return Answer(Status.UNSATISFIABLE)
            if not model.minimize:
                return Answer(Status.SATISFIABLE, first)
            report.incumbent(first, model.cost(first))
            literals = rc2.compute()
            if literals is None:
                raise RuntimeError("RC2 found a model and then none")
            best, bound = as_model(literals, model.n_variables), model.error(rc2.cost)
        return optimum(best, model.cost(best), bound, {})
