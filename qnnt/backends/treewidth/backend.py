"""The backend ``treewidth``: exact dynamic programming for narrow architectures and few distinct inputs."""

from __future__ import annotations

from dataclasses import dataclass

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, Start
from qnnt.instance import Instance
from qnnt.limits import Limits, Status

DEEP = 8  # hidden layers
NARROW = 24.0  # bits of a bound on the work for a layer
_LOAD = 0.01  # seconds to start
_PER_VECTOR = 1e-8  # seconds for each vector looked at


@dataclass(frozen=True)
class TreewidthBackend:
    """Lemma 3 and Theorems 5 and 6 of the paper, by a program that tabulates what neurons can show.

    Counts may be as large as a data set takes (below 2^62 in all): they are added up as Python integers.
    """

    name = "treewidth"
    accepts = (Instance,)
    capabilities = (
        Capability.PROVE,
        Capability.MINIMIZE,
        Capability.BOUNDS,
        Capability.INCUMBENTS,
        Capability.STARTS,
    )
    summary = "dynamic programming over tree decompositions, or over layers if dense; few distinct inputs"

    def availability(self) -> Availability:
        """Needs nothing but numpy; goatd finds better decompositions if it is there."""
        return Availability.of_package("numpy", "numpy", "qnnt")

    def refuses(self, instance: Instance) -> str | None:
        """Tables whose bound is beyond any memory; large architectures are looked at in the run."""
        from qnnt.backends.treewidth.engine import LARGE, MOST, Engine, too_large
        from qnnt.backends.treewidth.space import Space
        from qnnt.backends.treewidth.task import Budget

        n = len(set(instance.choices.of.tolist()))
        if not n or instance.architecture.n_neurons > LARGE:
            return None
        bits = Engine(Space.of(instance), Budget()).bits(n)
        return too_large(bits, n) if bits > MOST else None

    def estimate(self, instance: Instance) -> float | None:
        """The time for one layer, as layers soon repeat; only of what depth makes hard for others."""
        if instance.architecture.depth < DEEP or instance.goal.minimizes:
            return None
        from qnnt.backends.treewidth import layered
        from qnnt.backends.treewidth.space import Space

        if not layered.applies(instance.architecture):
            return None
        bits = layered.bits(Space.of(instance), len(instance.choices.inputs))
        return _LOAD + _PER_VECTOR * 2**bits if bits <= NARROW else None

    def run(self, model: Instance, limits: Limits, report: Report, start: Start | None = None) -> Answer:
        """Search the patterns, below the start's error; what was found when a limit ends the run is kept."""
        from qnnt.backends.treewidth.engine import Engine
        from qnnt.backends.treewidth.patterns import Patterns
        from qnnt.backends.treewidth.space import Space
        from qnnt.backends.treewidth.task import Budget, Stopped

        budget = Budget.of(limits.time, limits.memory)
        engine = Engine(Space.of(model), budget, report.progress)
        patterns = Patterns(model, engine.solve, report, budget)
        if start is not None and start.values.size and not model.goal.exact:
            patterns.best, patterns.errors = start.values, start.cost
        try:
            answer = patterns.answer()
        except Stopped as stopped:
            errors = None if patterns.best is None else patterns.errors
            answer = Answer(Status.UNKNOWN, patterns.best, errors, limit=stopped.limit, reason=stopped.reason)
        answer.sizes.update(budget.counts, rows=budget.largest)
        return answer
