"""HiGHS on the linearised QUBO of a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.highs import expect_taken, new_highs
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import BitsRounder, RowAnswer, Stopped, cut_short, nearest, noise

_FEASIBILITY = 1e-9  # asked of HiGHS, for rows and integers

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MilpRounder(BitsRounder):
    """HiGHS on McCormick's inequalities; its bound is believed up to the tolerances it was given."""

    name = "milp"
    summary = "HiGHS on the linearised QUBO"
    exact = True
    isolated = True  # OR-tools and HiGHS cannot be loaded in one process

    def availability(self) -> Availability:
        """Whether highspy is installed."""
        return Availability.of_package("highspy", "highspy", "qnnt[highs]")

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Minimise; raises RuntimeError if the solver fails."""
        linear, pairs, offset = model.bits()
        if not len(linear):
            return RowAnswer(Status.OPTIMAL, nearest(model), offset - model.scale * noise(model))
        unit = float(np.abs(linear).max(initial=0.0)) or 1.0
        options = {
            "threads": limits.threads,
            "random_seed": limits.seed,
            "time_limit": math.inf if limits.time is None else limits.time,
            "mip_rel_gap": 0.0,
            "mip_abs_gap": 1e-9,
            "mip_feasibility_tolerance": _FEASIBILITY,
            "primal_feasibility_tolerance": _FEASIBILITY,
            "dual_feasibility_tolerance": _FEASIBILITY,
        }
        highs = new_highs(options)
        import highspy

        expect_taken(highs.passModel(_linearised(linear / unit, pairs / unit)), "the model")
        highs.run()
        status, info = highs.getModelStatus(), highs.getInfo()
        known = highspy.HighsModelStatus
        best = None
        if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
            z = np.rint(np.array(highs.getSolution().col_value)[: len(linear)]).astype(np.int64)
            best = nearest(model)
            best[model.free] = model.lower[model.free] + z
        # a row that is off by the tolerance moves the optimum by no more than this
        room = 2 * _FEASIBILITY * float(np.abs(linear).sum() + np.abs(pairs).sum())
        room += model.scale * noise(model)
        bound = info.mip_dual_bound * unit + offset - room if math.isfinite(info.mip_dual_bound) else 0.0
        if status == known.kTimeLimit:
            return cut_short(best, bound=bound)
        if status != known.kOptimal or best is None:
            raise RuntimeError(f"HiGHS ended with {highs.modelStatusToString(status)!r}")
        return RowAnswer(Status.OPTIMAL, best, bound)


def _linearised(linear: Reals, pairs: Reals) -> Any:
    """Bits z, then products p in [0, 1]: p ≥ z_i + z_j − 1 if it costs, p ≤ z_i and p ≤ z_j if it pays."""
    import highspy

    heads, tails = np.nonzero(pairs)
    n, k, costs = len(linear), len(heads), pairs[heads, tails]
    p = n + np.arange(k)
    pay = costs < 0
    one, none = np.ones(int(pay.sum())), np.full(int(pay.sum()), -1)
    index = np.vstack(
        [
            np.column_stack([p, heads, tails])[~pay],
            np.column_stack([p[pay], heads[pay], none]),
            np.column_stack([p[pay], tails[pay], none]),
        ]
    )
    value = np.vstack(
        [
            np.tile([1.0, -1.0, -1.0], (int((~pay).sum()), 1)),
            *2 * [np.column_stack([-one, one, 0 * one])],
        ]
    )
    used = index >= 0
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = n + k, len(index)
    lp.col_lower_, lp.col_upper_ = np.zeros(n + k), np.ones(n + k)
    lp.col_cost_ = np.concatenate([linear, costs])
    lp.integrality_ = [highspy.HighsVarType.kInteger] * n + [highspy.HighsVarType.kContinuous] * k
    lp.row_lower_ = np.concatenate([np.full(int((~pay).sum()), -1.0), np.zeros(2 * int(pay.sum()))])
    lp.row_upper_ = np.full(len(index), highspy.kHighsInf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = n + k, len(index)
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(used.sum(axis=1))]).astype(np.int32)
    lp.a_matrix_.index_ = index[used].astype(np.int32)
    lp.a_matrix_.value_ = value[used]
    return lp
