"""The backend ``treewidth``: exact dynamic programming for narrow architectures and few distinct inputs."""

from __future__ import annotations

from dataclasses import dataclass

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report
from qnnt.backends.treewidth.engine import LARGE, MOST, Engine, too_large
from qnnt.backends.treewidth.patterns import Patterns
from qnnt.backends.treewidth.space import Space
from qnnt.backends.treewidth.task import Budget, Stopped
from qnnt.instance import Instance
from qnnt.limits import Limits, Status


@dataclass(frozen=True)
class TreewidthBackend:
    """Lemma 3 and Theorems 5 and 6 of the paper, by a program that tabulates what neurons can show.

    Counts may be as large as a data set takes (below 2^62 in all): they are added up as Python integers.
    """

    name = "treewidth"
    accepts = (Instance,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.BOUNDS, Capability.INCUMBENTS)
    summary = "dynamic programming over tree decompositions, or over layers if dense; few distinct inputs"

    def availability(self) -> Availability:
        """Needs nothing but numpy; goatd finds better decompositions if it is there."""
        return Availability.of_package("numpy", "numpy", "qnnt")

    def refuses(self, instance: Instance) -> str | None:
        """Tables whose bound is beyond any memory; large architectures are looked at in the run."""
        n = len(set(instance.choices.of.tolist()))
        if not n or instance.architecture.n_neurons > LARGE:
            return None
        bits = Engine(Space.of(instance), Budget()).bits(n)
        return too_large(bits, n) if bits > MOST else None

    def run(self, model: Instance, limits: Limits, report: Report) -> Answer:
        """Search the patterns; what was found when a limit ends the run is kept."""
        budget = Budget.of(limits.time, limits.memory)
        engine = Engine(Space.of(model), budget, report.progress)
        patterns = Patterns(model, engine.solve, report, budget)
        try:
            answer = patterns.answer()
        except Stopped as stopped:
            errors = None if patterns.best is None else patterns.errors
            answer = Answer(Status.UNKNOWN, patterns.best, errors, limit=stopped.limit, reason=stopped.reason)
        answer.sizes.update(budget.counts, rows=budget.largest)
        return answer
