"""Incumbents from above, bounds from below: what one neuron has to cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np

from qnnt.backends.neuron import loops
from qnnt.backends.neuron.problem import Ints, Problem
from qnnt.backends.neuron.search import Search
from qnnt.backends.neuron.tables import Tables

_SLICE = 6_000_000  # rows looked up between two looks at the clock
_SHARE = 5  # one slice of so many is for the lower bound
_TRIES = 4_000_000  # changes times terms that a slice of local search tries, more if it needs them for
_STEPS = 100  # so many changes
_CLIMBS = 3  # slices of local search without a better cost before the search begins
_STEP = 8  # the share of the best cost by which searches for the lower bound rise


class OutOfTime(Exception):  # noqa: N818 - ends a run without a verdict
    """The deadline has passed."""


def _nothing(_: Ints, __: int) -> None:
    """Hear of parameters and of what they cost."""


def _no_bound(_: int) -> None:
    """Hear of a lower bound."""


def _nobody() -> None:
    """Others know no parameters."""


def _no_progress(_: int, __: int) -> None:
    """Hear of steps done and steps in all."""


@dataclass
class Minimum:
    """The search for parameters of ``problem`` that cost as little as possible, or what is wanted.

    Costs and bounds are in units of the problem. ``best`` (m + 1,) holds the best parameters so far, which
    cost ``cost``; nothing costs less than ``bound``. The callbacks hear of each change. ``known`` gives
    parameters (m + 1,) that others know, or None if it has no new ones. The search ends at a
    ``deadline`` by ``time.monotonic``. Work is cut into slices by what is looked at, not by the clock, so
    that two runs do the same.
    """

    problem: Problem
    deadline: float | None = None
    improved: Callable[[Ints, int], None] = _nothing
    bounded: Callable[[int], None] = _no_bound
    progress: Callable[[int, int], None] = _no_progress
    known: Callable[[], Ints | None] = _nobody
    best: Ints | None = None
    cost: int = -1
    bound: int = 0
    nodes: int = 0
    climbs: int = 0

    def minimum(self) -> int:
        """The least cost; ``best`` has it. Raises :class:`OutOfTime`."""
        self._climb(0, 0)
        self._search(self.cost - 1, stop=-1)
        return self.cost

    def at_most(self, most: int) -> Ints | None:
        """Parameters that cost at most so many units, or None. Raises :class:`OutOfTime`."""
        if self._climb(0, most) or self._search(most, stop=most):
            return self.best
        return None

    def exactly(self, wanted: int) -> Ints | None:
        """Parameters that cost just so many units, or None. Raises :class:`OutOfTime`."""
        if self._climb(wanted, wanted):
            return self.best
        search = Search(Tables.of(self.problem, wanted), wanted, exact=True)
        while (said := self._advance(search)) == loops.MORE:
            self.progress(*search.progress())
        return search.found()[0] if said == loops.FOUND else None

    def _tick(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise OutOfTime
        known = self.known()
        if known is not None:
            cost = int(self.problem.costs(known[None])[0])
            if self.best is None or cost < self.cost:
                self.best, self.cost = known, cost

    def _take(self, parameters: Ints, cost: int) -> None:
        if self.best is None or cost < self.cost:
            self.best, self.cost = parameters, cost
            self.improved(parameters, cost)

    def _climb(self, low: int, high: int) -> bool:
        """Local search for a cost in ``low`` … ``high``, until it stalls; whether ``best`` has one."""
        idle = 0
        while idle < _CLIMBS:
            before = self.cost
            if self._climb_once(low, high):
                return True
            idle = idle + 1 if self.cost == before else 0
            self._tick()
        return False

    def _climb_once(self, low: int, high: int) -> bool:
        """A slice of local search; whether it ended with a cost in ``low`` … ``high``."""
        problem, far = self.problem, self.problem.reach + 1
        domain, (m, n) = problem.domain, problem.columns.shape
        first, last = (np.clip(end, -far, far).astype(np.int32) for end in (problem.first, problem.last))
        columns, values = problem.columns.astype(np.int32), np.zeros(m, dtype=np.int64)
        tries = m * domain.d * max(n, 16)  # for one change
        steps = max(1, _TRIES // tries, min(_STEPS, 50 * _TRIES // tries))
        self.climbs += 1
        loops.climb(
            columns, first, last, problem.price, domain.lo, domain.hi, low, high, steps, self.climbs, values
        )
        cost = int(problem.costs(values[None])[0])
        if low <= cost <= high:
            self.best, self.cost = values, cost
            self.improved(values, cost)
            return True
        self._take(values, cost)
        return False

    def _search(self, most: int, stop: int) -> bool:
        """Find the least cost of at most ``most``, or prove that there is none; whether one is ≤ ``stop``."""
        if most < 0:
            return False
        tables = Tables.of(self.problem, most)
        whole, lower = Search(tables, most), None
        for slices in count(1):
            search = whole
            if slices % _SHARE == 0:
                step = max(1, (whole.most + 1) // _STEP)
                search = lower = lower or Search(tables, min(whole.most, self.bound + step - 1))
            said = self._advance(search)
            if said == loops.FOUND:
                found = search.found()
                costs = self.problem.costs(found)
                least = int(costs.argmin())
                self._take(found[least], int(costs[least]))
            elif said == loops.DONE:
                self._rise(search.most + 1)
                lower = None
            elif slices & (slices - 1) == 0:  # fewer and fewer
                self._climb_once(0, max(stop, self.bound))
            if self.best is not None and self.cost <= stop:
                return True
            if self.bound > whole.most or (self.best is not None and self.cost <= self.bound):
                return False
            if self.best is not None and self.cost <= whole.most:
                whole.tighten(self.cost - 1)
                lower = None
            self.progress(*whole.progress())
        raise AssertionError("unreachable")

    def _rise(self, bound: int) -> None:
        if bound > self.bound:
            self.bound = bound
            self.bounded(bound)

    def _advance(self, search: Search) -> int:
        self._tick()
        before = search.nodes
        said = search.advance(max(1, _SLICE // (len(self.problem.price) + 20)))
        self.nodes += search.nodes - before
        return said
