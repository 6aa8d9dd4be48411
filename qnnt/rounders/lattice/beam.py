"""The rounder ``beam``: beam search in Babai's order, then descent by one and two flips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qnnt.availability import Availability
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import RowAnswer, Stopped, cut_short
from qnnt.rounders.lattice.form import TWO_BITS, Reals
from qnnt.rounders.lattice.row import ENDLESS, Clock, RowStart
from qnnt.rounders.lattice.shared import Shared


def compile_starts() -> None:
    """Compile what a start needs."""
    start = RowStart(TWO_BITS, Shared.of(TWO_BITS.gram))
    start.widen(2, ENDLESS)
    start.settle(ENDLESS)


@dataclass(frozen=True)
class BeamRounder:
    """The ``beams`` best of Babai's planes in V-BLAST order, then descent by one and two flips.

    A row never costs more than GPTQ in activation order and descent by one flip: that is another start.
    """

    beams: int = 64
    exact = False
    isolated = False
    name = "beam"
    summary = "K-best Babai in V-BLAST order, then 1- and 2-flip descent"

    def availability(self) -> Availability:
        """Whether numba is installed."""
        return Availability.of_package("numba", "numba", "qnnt[rounding]")

    def refuses(self, model: QuadraticModel) -> str | None:  # noqa: ARG002 - takes any
        """None: any box will do."""
        return None

    def prepare(self, gram: Reals, over: Stopped) -> Any:
        """Orders and factors, found once for all rows; None once the time is over."""
        compile_starts()
        return None if over() else Shared.of(gram)

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:
        """Search and descend."""
        clock = Clock.of(limits, stopped)
        start = RowStart(model, prepared)
        start.widen(self.beams, clock)
        start.settle(clock)
        if clock.over():
            return cut_short(start.assignment, stopped)
        return RowAnswer(Status.SATISFIABLE, start.assignment, reason="beam search proves nothing")
