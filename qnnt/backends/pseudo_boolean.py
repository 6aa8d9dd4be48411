"""Pseudo-Boolean solving by Exact: conflict analysis with cutting planes."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, Start
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.models import PseudoBooleanModel
from qnnt.signals import handlers_kept

if TYPE_CHECKING:
    import exact


@dataclass(frozen=True)
class PseudoBooleanBackend:
    """Decides and minimises with one thread.

    Counts may be as large as a data set takes (below 2^62 in all): Exact takes 64-bit integers, and computes
    with as many bits as it needs.
    """

    name = "pseudo-boolean"
    accepts: tuple[type[Any], ...] = (PseudoBooleanModel,)
    capabilities: Collection[Capability] = frozenset(Capability) - {Capability.THREADS}
    summary = "Exact: cutting-planes conflict analysis on 0/1 inequalities"

    def availability(self) -> Availability:
        """Whether Exact is installed."""
        return Availability.of_package("exact", "exact", "qnnt[exact]")

    def refuses(self, instance: Instance) -> str | None:  # noqa: ARG002 - takes any
        """None: there is no limit on the instance."""
        return None

    def run(
        self, model: PseudoBooleanModel, limits: Limits, report: Report, start: Start | None = None
    ) -> Answer:
        """Solve; raises RuntimeError if Exact answers anything unforeseen."""
        with handlers_kept():
            return self._run(model, limits, report, start)

    def _run(self, model: PseudoBooleanModel, limits: Limits, report: Report, start: Start | None) -> Answer:
        end = None if limits.time is None else time.monotonic() + limits.time
        names = [f"x{i}" for i in range(len(model.lower))]
        solver = exact_solver(model, names, limits.seed)
        if start is not None:
            hinted = zip(start.variables.tolist(), start.values.tolist(), strict=True)
            solver.setSolutionHints([(names[i], value) for i, value in hinted])
        best: Answer | None = None
        bound = 0
        while True:
            left = 0.0 if end is None else max(end - time.monotonic(), 1e-3)
            verdict = solver.runOnce(left)
            if verdict == "SAT":
                assignment = np.array(solver.getLastSolutionFor(names), dtype=np.int64)
                best = Answer(Status.SATISFIABLE, assignment, model.cost(assignment), sizes=model.sizes())
                if not model.minimize:
                    return best
                report.incumbent(assignment, model.cost(assignment))
                solver.boundObjByLastSol()
            elif verdict == "UNSAT":
                if best is None:
                    return Answer(Status.UNSATISFIABLE, sizes=model.sizes())
                return Answer(Status.OPTIMAL, best.assignment, best.cost, best.cost, sizes=model.sizes())
            elif verdict not in ("PAUSED", "TIMEOUT"):
                raise RuntimeError(f"Exact answered {verdict!r}")
            if model.minimize and (known := model.error(int(solver.getDualBound()))) > bound:
                bound = known
                report.bound(bound)
            if verdict == "TIMEOUT" or (end is not None and time.monotonic() >= end):
                found = (best.assignment, best.cost) if best else (None, None)
                return Answer(
                    Status.UNKNOWN, *found, bound if model.minimize else None, Limit.TIME, sizes=model.sizes()
                )


def exact_solver(
    model: PseudoBooleanModel, names: list[str], seed: int, options: Iterable[tuple[str, str]] = ()
) -> exact.Exact:
    """Exact with the model, whose variables get these names."""
    import exact

    solver = exact.Exact([("seed", str(seed + 1)), *options])
    for name, low, high in zip(names, model.lower.tolist(), model.upper.tolist(), strict=True):
        solver.addVariable(name, low, high)
    entries = list(zip(model.rows.coef.tolist(), [names[i] for i in model.rows.index], strict=True))
    starts = model.rows.starts.tolist()
    for r, lower in enumerate(model.rows.lower.tolist()):
        solver.addConstraint(entries[starts[r] : starts[r + 1]], True, lower)
    if model.minimize:
        terms = [(model.objective[i].item(), names[i]) for i in np.flatnonzero(model.objective)]
        solver.setObjective(terms, True, 0)
    return solver
