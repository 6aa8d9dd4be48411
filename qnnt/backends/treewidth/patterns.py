"""Which labels are learned (paper, Theorems 5 and 6): patterns by rising cost, with cores.

A pattern is a set of labels to be learned, at most one for an input. One that no network learns is shrunk to
a core, of which no label can be spared. Every pattern that contains a core is ruled out; so the labels given
up hit every core, and the cheapest set that does gives the next pattern to try. Its cost bounds the error of
every network, and is the minimum as soon as its pattern is learned.

For an exact number of errors the labels given up must also be wrong. A network that learns the pattern and
some of them by accident leads to a choice: one of its outputs must differ from that label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations, groupby
from time import monotonic

import numpy as np

from qnnt.backends.base import Answer, Report
from qnnt.backends.treewidth.space import Space
from qnnt.backends.treewidth.task import Budget, Index, Stopped, Task
from qnnt.instance import Instance
from qnnt.limits import Limit, Status

Oracle = Callable[[Task], Index | None]
Pattern = frozenset[int]
Veto = tuple[int, int]  # (label, output): this output must differ from this label

_MOST_SUMS = 200_000  # partial sums of counts for an exact number of errors


class Patterns:
    """Answers an instance by asking ``oracle`` for networks that learn patterns."""

    def __init__(self, instance: Instance, oracle: Oracle, report: Report, budget: Budget) -> None:
        self._instance, self._oracle, self._report, self._budget = instance, oracle, report, budget
        choices = instance.choices
        self._choices = choices
        self._counts = [int(c) for c in choices.counts]
        self._all = frozenset(range(len(self._counts)))
        of = choices.of.tolist()  # in rising order
        alike = (group for _, group in groupby(range(len(of)), key=of.__getitem__))
        self._rivals = [pair for group in alike for pair in combinations(group, 2)]
        self._cores: list[Pattern] = []
        self._learned: list[Pattern] = []  # by some network
        self.best: Index | None = None
        self.errors = choices.total + 1
        self.asked = 0
        self._met = False  # whether the best network has the exact number of errors asked for

    def answer(self) -> Answer:
        """The verdict on the instance's goal."""
        goal = self._instance.goal
        self._ask(frozenset(), ())
        if goal.budget is not None and goal.exact:
            return self._exactly(goal.budget)
        most = -1 if goal.budget is None else goal.budget
        while True:
            given_up = self._cheapest()
            bound = self._choices.total - self._worth(self._all - given_up)
            self._report.bound(bound)
            if bound > most >= 0:
                return self._verdict(Status.UNSATISFIABLE, bound)
            pattern = self._all - given_up
            start = monotonic()
            while not self._learns(pattern):
                if self.errors <= max(most, bound):
                    break
                bound = max(bound, self._cost_without(pattern))
                if bound > most >= 0:
                    return self._verdict(Status.UNSATISFIABLE, bound)
                core = self._shrink(pattern, 1.0 + 3 * (monotonic() - start))
                self._cores.append(core)
                # What is left may hold further cores, which need not be hit by the same labels.
                pattern -= core
            if self.errors <= max(most, bound):
                return self._verdict(Status.OPTIMAL if most < 0 else Status.SATISFIABLE, bound)

    def _verdict(self, status: Status, bound: int) -> Answer:
        sizes = {"patterns": self.asked, "cores": len(self._cores)}
        if status is Status.UNSATISFIABLE:
            return Answer(status, bound=bound, sizes=sizes)
        bound = self.errors if status is Status.OPTIMAL else bound
        return Answer(status, self.best, self.errors, bound=bound, sizes=sizes)

    def _worth(self, pattern: Iterable[int]) -> int:
        return sum(self._counts[r] for r in pattern)

    def _cost_without(self, pattern: Pattern) -> int:
        """A bound on the error, now that no network learns the pattern."""
        given_up = self._cheapest(pattern)
        return self._choices.total - self._worth(self._all - given_up)

    def _cheapest(self, *more: Pattern) -> Pattern:
        """The cheapest set of labels to give up that hits every core, and one of every two rivals."""
        from pysat.examples.rc2 import RC2
        from pysat.formula import WCNF

        formula = WCNF()
        for core in (*self._rivals, *self._cores, *more):
            formula.append([r + 1 for r in core])
        for r, count in enumerate(self._counts):
            formula.append([-r - 1], weight=count)
        if not formula.hard:
            return frozenset()
        with RC2(formula) as solver:
            return frozenset(r - 1 for r in solver.compute() if r > 0) & self._all

    def _learns(self, pattern: Pattern) -> bool:
        """Whether a network learns the pattern."""
        if any(pattern <= learned for learned in self._learned):
            return True
        if any(core <= pattern for core in self._cores):
            return False
        return self._ask(pattern, ()) is not None

    def _shrink(self, pattern: Pattern, seconds: float) -> Pattern:
        """A core of a pattern that no network learns; no label costs more than so many seconds.

        Fewer labels may be harder to refuse: one that cannot be spared in time stays.
        """
        core = pattern
        for r in sorted(pattern, key=self._counts.__getitem__):
            try:
                with self._budget.within(seconds):
                    if not self._learns(core - {r}):
                        core -= {r}
            except Stopped:
                self._budget.tick()
        return core

    def _ask(self, pattern: Pattern, vetoes: tuple[Veto, ...]) -> Pattern | None:
        """What a network that learns the pattern and heeds the vetoes learns in all; None without one."""
        choices, levels = self._choices, self._instance.activations[-1].top + 1
        touched = sorted({int(choices.of[r]) for r in (*pattern, *(r for r, _ in vetoes))})
        row = {x: i for i, x in enumerate(touched)}
        allowed = np.ones((len(touched), self._instance.dataset.omega, levels), dtype=bool)
        for r in pattern:
            here = allowed[row[int(choices.of[r])]]
            here[:] = False
            here[np.arange(len(here)), choices.levels[r]] = True
        for r, output in vetoes:
            allowed[row[int(choices.of[r])], output, choices.levels[r, output]] = False
        vector: Index | None = np.zeros(self._instance.architecture.n_parameters, dtype=np.int64)
        if touched:
            self.asked += 1
            inputs = choices.inputs[touched].astype(np.int64)
            task = Task(Space.of(self._instance), inputs, allowed)
            vector = self._oracle(task) if allowed.any(axis=2).all() else None
        return None if vector is None else self._take(vector)

    def _take(self, vector: Index) -> Pattern:
        """Note what a network learns."""
        choices, instance = self._choices, self._instance
        network = instance.network(vector)
        shown = network.predict(choices.inputs) if len(choices.inputs) else choices.labels
        right = (shown[choices.of] == choices.labels).all(axis=1)
        learned = frozenset(np.flatnonzero(right).tolist())
        self._learned.append(learned)
        errors = choices.total - self._worth(learned)
        if instance.goal.exact:
            if instance.goal.accepts(errors):
                self.best, self.errors, self._met = vector, errors, True
        elif errors < self.errors:
            self.best, self.errors = vector, errors
            self._report.incumbent(vector, errors)
        return learned

    def _exactly(self, errors: int) -> Answer:
        from pysat.solvers import Solver

        if self._met:
            return self._verdict(Status.SATISFIABLE, 0)
        clauses = self._sum_to(self._choices.total - errors)
        if clauses is None:
            return self._verdict(Status.UNSATISFIABLE, 0)
        with Solver("cadical153") as solver:
            for clause in clauses:
                solver.add_clause(clause)
            for r, s in self._rivals:
                solver.add_clause([-r - 1, -s - 1])
            while solver.solve():
                model = set(solver.get_model() or ())
                pattern = frozenset(r for r in self._all if r + 1 in model)
                if not self._learns(pattern):
                    core = self._shrink(pattern, 1.0)
                    self._cores.append(core)
                    solver.add_clause([-r - 1 for r in core])
                    continue
                wrong = self._spoil(pattern, ())
                if self._met:
                    return self._verdict(Status.SATISFIABLE, 0)
                # Learning the pattern with these labels wrong is impossible.
                solver.add_clause([*(-r - 1 for r in pattern), *(r + 1 for r in wrong)])
        return self._verdict(Status.UNSATISFIABLE, 0)

    def _spoil(self, pattern: Pattern, vetoes: tuple[Veto, ...]) -> set[int]:
        """Look for a network that learns exactly the pattern; the labels that cannot all be wrong."""
        learned = self._ask(pattern, vetoes)
        if learned is None or self._met:
            return {r for r, _ in vetoes}
        r = min(learned - pattern)
        wrong = {r}
        for output in range(self._instance.dataset.omega):
            wrong |= self._spoil(pattern, (*vetoes, (r, output)))
            if self._met:
                break
        return wrong

    def _sum_to(self, need: int) -> list[list[int]] | None:
        """Clauses that hold iff the counts of the labels learned add up to ``need``; None if they cannot.

        A graph of partial sums: label after label, a path leads from 0 to ``need`` or into a forbidden sum.
        """
        layers = [{0}]
        for count in self._counts:
            layers.append({t for s in layers[-1] for t in (s, s + count) if t <= need})
            if sum(map(len, layers)) > _MOST_SUMS:
                raise Stopped(Limit.MEMORY, "too many sums of counts for an exact number of errors; try sat")
        alive = [layers[-1] & {need}]
        for count, layer in zip(reversed(self._counts), reversed(layers[:-1]), strict=True):
            alive.append({s for s in layer if s in alive[-1] or s + count in alive[-1]})
        alive.reverse()
        variable: dict[tuple[int, int], int] = {}
        for i, layer in enumerate(alive):
            for s in sorted(layer):
                variable[i, s] = len(self._counts) + 1 + len(variable)
        if (0, 0) not in variable:
            return None
        clauses = [[variable[0, 0]]]
        for (i, s), node in variable.items():
            if i < len(self._counts):
                for literal, t in ((i + 1, s), (-i - 1, s + self._counts[i])):  # given up, learned
                    target = variable.get((i + 1, t))
                    clauses.append([-node, literal] if target is None else [-node, literal, target])
        return clauses
