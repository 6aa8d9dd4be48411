"""Beam search in Babai's order, then descent by one and two flips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qnnt.availability import Availability
from qnnt.domain import IntArray
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import RowAnswer, Stopped
from qnnt.rounders.lattice.form import EXAMPLE, Form, Ints, Reals, restricted, shared_order


def start(form: Form, order: Ints, beams: int, *, flips: bool = True) -> IntArray:
    """Beam search on the damped form, last of ``order`` first, then descent by one and two flips."""
    from qnnt.rounders.lattice import loops

    # Damped around the real target, so that it pulls to the nearest integers and not to 0.
    damping = form.damping
    target = (form.model.target - form.model.lower)[form.free]
    H, linear = form.G + damping * np.eye(len(order)), form.g - damping * target
    R = np.ascontiguousarray(np.linalg.cholesky(H[np.ix_(order, order)]).T)
    r = -np.linalg.solve(R, np.linalg.solve(R.T, linear[order]))
    z = np.empty(len(order), dtype=np.int64)
    z[order] = loops.beam(R, r, form.width[order], beams)
    if flips:
        loops.descend(form.G, form.g, z, form.width)
    return z


@dataclass(frozen=True)
class BeamRounder:
    """The ``beams`` best of Babai's planes in V-BLAST order, then descent by one and two flips."""

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

    def prepare(self, gram: Reals, over: Stopped) -> Any:  # noqa: ARG002 - some need it
        """The order, found once for all rows."""
        start(EXAMPLE, np.arange(2), 2)
        return shared_order(gram)

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Search and descend."""
        form = Form.of(model)
        z = start(form, restricted(prepared, form.free), self.beams) if len(form.free) else form.free
        return RowAnswer(Status.SATISFIABLE, form.lift(z), reason="beam search proves nothing")
