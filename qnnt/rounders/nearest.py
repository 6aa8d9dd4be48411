"""Rounding without search: to nearest, and by Babai's nearest plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import DAMPING, RowAnswer, Stopped

Reals = npt.NDArray[np.float64]


def nearest_planes(
    gram: Reals, target: Reals, lower: npt.NDArray[np.int64], upper: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """(n, m) Babai's nearest planes for n rows of one Gram matrix (m, m), damped; all rows at once.

    ``target``, ``lower`` and ``upper`` are (n, m). Variables that no row has a choice for come first, then
    those of largest norm.
    """
    order = np.lexsort((np.diagonal(gram), (lower == upper).all(axis=0)))  # the last one is decided first
    H = gram[np.ix_(order, order)]
    H[np.diag_indices(len(H))] += DAMPING * float(np.trace(H)) + np.finfo(np.float64).tiny
    R = np.linalg.cholesky(H).T
    aim, least, most = target[:, order], lower[:, order], upper[:, order]
    codes, missed = np.empty_like(least), np.zeros_like(aim)
    for k in range(len(R) - 1, -1, -1):
        centre = aim[:, k] - missed[:, k + 1 :] @ (R[k, k + 1 :] / R[k, k])
        codes[:, k] = np.clip(np.rint(centre), least[:, k], most[:, k])
        missed[:, k] = codes[:, k] - aim[:, k]
    planes = np.empty_like(codes)
    planes[:, order] = codes
    return planes


@dataclass(frozen=True)
class NearestRounder:
    """The baseline: each weight is rounded to the nearest code, whatever the others become."""

    name = "nearest"
    summary = "round every weight to nearest"
    exact = False
    isolated = False

    def availability(self) -> Availability:
        """Needs nothing but numpy."""
        return Availability.of_package("numpy", "numpy", "qnnt")

    def refuses(self, model: QuadraticModel) -> str | None:  # noqa: ARG002 - takes any
        """None: any box will do."""
        return None

    def prepare(self, gram: Reals, over: Stopped) -> Any:  # noqa: ARG002 - the protocol's
        """Nothing is shared between rows."""
        return None

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Give no assignment, which leaves the row rounded to nearest.

        The integers nearest to the model's target would be others where the layer has a reference.
        """
        return RowAnswer(Status.SATISFIABLE, reason="rounding to nearest proves nothing")


@dataclass(frozen=True)
class NearestPlaneRounder(NearestRounder):
    """Babai's nearest plane, the columns of largest norm first: the same as GPTQ in activation order."""

    name = "nearest-plane"
    summary = "Babai's nearest plane in activation order (GPTQ)"

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """One pass over the columns."""
        v = nearest_planes(model.gram, model.target[None], model.lower[None], model.upper[None])[0]
        return RowAnswer(Status.SATISFIABLE, v, reason="nearest-plane proves nothing")
