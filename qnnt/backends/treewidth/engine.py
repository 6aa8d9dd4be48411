"""Answers tasks over one space of networks, by layers or by bags, whichever promises the smaller tables."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from qnnt.backends.treewidth import layered
from qnnt.backends.treewidth.elimination import Elimination
from qnnt.backends.treewidth.layered import Layered
from qnnt.backends.treewidth.plan import Plan, Sizes, Wiring, make_plan
from qnnt.backends.treewidth.space import Space
from qnnt.backends.treewidth.task import Budget, Index, Stopped, Task
from qnnt.decompositions.graph import Graph
from qnnt.decompositions.search import available, elimination_order
from qnnt.limits import Limit

SURE = 36.0  # bits of a bound on the work by layers up to which no decomposition is looked for
MOST = 80.0  # bits of a bound on the rows of a table beyond which nothing is started
LARGE = 5000  # neurons beyond which a plan is made only to be run
_HARD = 30.0  # bits beyond which a second is spent on a better decomposition


class Engine:
    """The dynamic program for one space of networks; the plan is made once and serves every task.

    ``progress`` hears how many bags of how many are done.
    """

    def __init__(
        self,
        space: Space,
        budget: Budget,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._space, self._budget, self._progress = space, budget, progress
        self._plan: tuple[Wiring, Plan] | None = None

    def bits(self, n: int) -> float:
        """A bound on the rows of the largest table over n inputs, as a logarithm (base 2)."""
        rows = inf
        if layered.applies(self._space.architecture):
            rows = layered.bits(self._space, n)
        return rows if rows <= SURE else min(rows, self.planned(n)[1].rows)

    def solve(self, task: Task) -> Index | None:
        """The parameters (A + H,) of a network that does what the task asks, or None if there is none."""
        if self.by_layers(task.n):
            try:
                return Layered(task, self._budget).solve()
            except Stopped as stopped:
                if stopped.limit is not Limit.MEMORY:
                    raise
        return self.by_bags(task)

    def by_layers(self, n: int) -> bool:
        """Whether layers promise the smaller tables over n inputs, not bags."""
        if not layered.applies(self._space.architecture):
            return False
        rows = layered.bits(self._space, n)
        return rows <= SURE or rows <= self.planned(n)[1].rows

    def by_bags(self, task: Task) -> Index | None:
        """The same by elimination, whatever the architecture."""
        wiring, plan = self.planned(task.n)
        if plan.rows > MOST:
            raise Stopped(None, too_large(plan.rows, task.n))
        return Elimination(task, wiring, plan, self._budget, self._progress).solve()

    def planned(self, n: int) -> tuple[Wiring, Plan]:
        """The arcs between neurons that are no inputs, and the bags for n inputs."""
        if self._plan is None:
            architecture = self._space.architecture
            wiring, graph = Wiring.of(architecture), Graph.of(architecture, inputs=False)
            sizes = Sizes(wiring, self._space, n)
            plan = make_plan(wiring, sizes, [elimination_order(graph, "min-degree")])
            if plan.rows > _HARD and available():
                better = make_plan(wiring, sizes, [elimination_order(graph)])
                plan = min(plan, better, key=lambda p: p.work)
            self._plan = wiring, plan
        return self._plan


def too_large(bits: float, n: int) -> str:
    """Why a program with tables of up to 2^bits rows is not started."""
    inputs = "1 distinct input" if n == 1 else f"{n:,} distinct inputs"
    return (
        f"expects tables of up to 2^{bits:.0f} rows for {inputs}, takes at most 2^{MOST:.0f}; "
        "try sat or maxsat"
    )
