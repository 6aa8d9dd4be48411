"""Answers tasks over one architecture, by layers or by bags, whichever promises the smaller tables."""

from __future__ import annotations

from collections.abc import Callable

from qnnt.architecture import Architecture
from qnnt.backends.treewidth import layered
from qnnt.backends.treewidth.elimination import Elimination
from qnnt.backends.treewidth.layered import Layered
from qnnt.backends.treewidth.plan import Plan, Sizes, Wiring, make_plan
from qnnt.backends.treewidth.task import Budget, Index, Task
from qnnt.decompositions.graph import Graph
from qnnt.decompositions.search import elimination_order


class Engine:
    """The dynamic program for one architecture; the plan is made once and serves every task."""

    def __init__(
        self,
        architecture: Architecture,
        budget: Budget,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._architecture, self._budget, self._progress = architecture, budget, progress
        self._plan: tuple[Wiring, Plan] | None = None

    def solve(self, task: Task) -> Index | None:
        """The parameters (A + H,) of a network that does what the task asks, or None if there is none."""
        if layered.applies(self._architecture):
            return Layered(task, self._budget).solve()
        return self.by_bags(task)

    def by_bags(self, task: Task) -> Index | None:
        """The same by elimination, whatever the architecture."""
        if self._plan is None:
            wiring = Wiring.of(self._architecture)
            order = elimination_order(Graph.of(self._architecture, inputs=False))
            sizes = Sizes(wiring, task.domain, task.n)
            self._plan = wiring, make_plan(wiring, sizes, [order])
        return Elimination(task, *self._plan, self._budget, self._progress).solve()
