"""Rounding without search: to nearest, and by Babai's nearest plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import PlainRounder, RowAnswer, Stopped
from qnnt.rounders.planes import nearest_planes


@dataclass(frozen=True)
class NearestRounder(PlainRounder):
    """The baseline: each weight is rounded to the nearest code, whatever the others become."""

    name = "nearest"
    summary = "round every weight to nearest"
    keeps_nearest = True

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Give no assignment, which leaves the row rounded to nearest.

        The integers nearest to the model's target would be others where the layer has a reference.
        """
        return RowAnswer(Status.SATISFIABLE, reason="rounding to nearest proves nothing")


@dataclass(frozen=True)
class NearestPlaneRounder(PlainRounder):
    """Babai's nearest plane, the columns of largest norm first, among the candidates of each weight."""

    name = "nearest-plane"
    summary = "Babai's nearest plane in activation order, floor or ceil"

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """One pass over the columns."""
        v = nearest_planes(model.gram, model.target[None], model.lower[None], model.upper[None])[0]
        return RowAnswer(Status.SATISFIABLE, v, reason="nearest-plane proves nothing")
