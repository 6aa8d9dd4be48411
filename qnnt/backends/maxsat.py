"""Core-guided MaxSAT: RC2 of PySAT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, Start, optimum
from qnnt.backends.estimates import clause_solver
from qnnt.backends.sat import Model, as_model, asked, load
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
    capabilities = (
        Capability.PROVE,
        Capability.MINIMIZE,
        Capability.INCUMBENTS,
        Capability.BOUNDS,
        Capability.STARTS,
    )
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

    def run(
        self,
        model: Formula,
        limits: Limits,  # noqa: ARG002 - no clock, no seed
        report: Report,
        start: Start | None = None,
    ) -> Answer:
        """Report any model first; then let cores meet it, or a network that others found, from below."""
        gap = _Gap(model, report, start)
        with _rc2(model, gap) as rc2:
            load(rc2.oracle, model.hard)
            first = asked(rc2.oracle, model.n_variables)
            if first is None:
                return Answer(Status.UNSATISFIABLE)
            if not model.minimize:
                return Answer(Status.SATISFIABLE, first)
            gap.take(first)
            try:
                found = rc2.compute()
            except _Closed:
                return gap.answer()
            if found is None:
                raise RuntimeError("RC2 found a model and then none")
            best, bound = as_model(found, model.n_variables), model.error(gap.proved)
        return optimum(best, model.cost(best), bound, {})


class _Closed(Exception):  # noqa: N818 - no error: the search is over
    """No network can be better than one that is known."""


class _Gap:
    """What RC2 has proved, beside the best network: its own, or one that others have."""

    def __init__(self, model: Formula, report: Report, known: Start | None) -> None:
        self._model, self._report, self._known = model, report, known
        self._own: Model | None = None
        self.proved = 0

    def take(self, own: Model) -> None:
        """A model of RC2."""
        self._own = own
        self._report.incumbent(own, self._model.cost(own))

    def rise(self, cost: int) -> None:
        """RC2 has proved an objective of at least ``cost``; raises :class:`_Closed` if that is enough."""
        self.proved = cost
        bound = self._model.error(cost)
        self._report.bound(bound)
        self._known = self._report.known() or self._known
        if self._known is not None and bound >= self._known.cost:
            raise _Closed
        if self._own is not None and bound >= self._model.cost(self._own):
            raise _Closed

    def answer(self) -> Answer:
        """The verdict, once the gap is closed."""
        own = None if self._own is None else self._model.cost(self._own)
        if own is not None and (self._known is None or own <= self._known.cost):
            return Answer(Status.OPTIMAL, self._own, own, own)
        assert self._known is not None
        return Answer(Status.OPTIMAL, None, self._known.cost, self._known.cost)


def _rc2(model: Formula, gap: _Gap) -> Any:
    """RC2 on the soft literals; it tells ``gap`` whenever its cost rises, also while it exhausts a core."""
    from pysat.examples.rc2 import RC2
    from pysat.formula import WCNF

    class Reporting(RC2):  # type: ignore[misc]
        @property
        def cost(self) -> int:
            return gap.proved

        @cost.setter
        def cost(self, cost: int) -> None:
            if cost > gap.proved:
                gap.rise(cost)

    soft = WCNF()
    if model.minimize:
        for literal, weight in zip(model.soft.tolist(), model.weights.tolist(), strict=True):
            soft.append([literal], weight=weight)
    soft.nv = model.n_variables
    return Reporting(soft, solver="g4", adapt=True, exhaust=True, minz=False)
