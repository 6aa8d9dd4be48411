"""The backend ``treewidth``: exact dynamic programming for narrow architectures and few distinct inputs."""

from __future__ import annotations

from dataclasses import dataclass

from qnnt.backends.base import Answer, Availability, Capability, Report
from qnnt.backends.treewidth.engine import Engine
from qnnt.backends.treewidth.patterns import Patterns
from qnnt.backends.treewidth.task import Budget, Stopped
from qnnt.instance import Instance
from qnnt.result import Limits, Status


@dataclass(frozen=True)
class TreewidthBackend:
    """Lemma 3 and Theorems 5 and 6 of the paper, by a program that tabulates what neurons can show."""

    name = "treewidth"
    accepts = (Instance,)
    capabilities = (Capability.MINIMIZE, Capability.BOUNDS, Capability.INCUMBENTS)
    summary = "dynamic programming over tree decompositions, or over layers if dense; few distinct inputs"

    def availability(self) -> Availability:
        """Needs nothing but numpy; goatd finds better decompositions if it is there."""
        return Availability.of_package("numpy", "numpy", "qnnt")

    def refuses(self, instance: Instance) -> str | None:
        """Tables that cannot fit."""
        return None

    def run(self, model: Instance, limits: Limits, report: Report) -> Answer:
        """Search the patterns; what was found when a limit ends the run is kept."""
        budget = Budget.of(limits.time, limits.memory)
        patterns = Patterns(model, Engine(model.architecture, budget).solve, report)
        try:
            answer = patterns.answer()
        except Stopped as stopped:
            return Answer(
                Status.UNKNOWN, patterns.best, patterns.errors if patterns.best is not None else None,
                limit=stopped.limit, reason=stopped.reason, sizes=self._sizes(budget),
            )
        answer.sizes.update(self._sizes(budget))
        return answer

    def _sizes(self, budget: Budget) -> dict[str, int]:
        return {**budget.counts, "rows": budget.largest}
