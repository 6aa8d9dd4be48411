"""General solvers on the QUBO of a row, for the cross-check: CP-SAT, HiGHS and plain enumeration."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.backends.rounding import LATE, RowAnswer, Stopped, nearest
from qnnt.highs import expect_taken, new_highs
from qnnt.limits import Limits
from qnnt.models import QuadraticModel

MOST_ASSIGNMENTS = 2**26
_BLOCK = 1 << 16
_GREATEST = 2.0**50  # sum of CP-SAT's integer coefficients
_FEASIBILITY = 1e-9  # asked of HiGHS, for rows and integers

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _General:
    exact = True

    def prepare(self, gram: Any, over: Stopped) -> Any:  # noqa: ARG002 - the protocol's
        """Nothing is shared between rows."""
        return None


@dataclass(frozen=True)
class EnumerationRounder(_General):
    """All assignments, in blocks: the yardstick. Declines more than :data:`MOST_ASSIGNMENTS`."""

    name = "enumeration"
    summary = "every assignment of a row, at most 2^26"
    isolated = False

    def availability(self) -> Availability:
        """Needs nothing but numpy."""
        return Availability.of_package("numpy", "numpy", "qnnt")

    def refuses(self, model: QuadraticModel) -> str | None:
        """Too many assignments."""
        bits = float(np.log2(model.upper - model.lower + 1.0).sum())
        if bits <= math.log2(MOST_ASSIGNMENTS):
            return None
        return f"takes at most 2^26 assignments, this row has 2^{bits:.0f}; try closest-vector"

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Evaluate every assignment."""
        deadline = math.inf if limits.time is None else time.monotonic() + limits.time
        free = model.free
        sizes = (model.upper - model.lower + 1)[free]
        place = np.concatenate([[1], np.cumprod(sizes)])
        difference = model.lower - model.target
        gram, pull = model.gram[np.ix_(free, free)], (model.gram @ difference)[free]
        base = float(difference @ model.gram @ difference)
        best, least = nearest(model), math.inf
        for first in range(0, int(place[-1]), _BLOCK):
            if stopped() or time.monotonic() > deadline:
                return RowAnswer(best if first else None, reason=LATE)
            number = np.arange(first, min(first + _BLOCK, int(place[-1])))
            z = (number[:, None] // place[:-1]) % sizes
            values = np.einsum("ij,ij->i", z @ gram + 2 * pull, z) + base
            i = int(np.argmin(values))
            if values[i] < least:
                least = float(values[i])
                best = model.lower.copy()
                best[free] += z[i]
        return RowAnswer(best, bound=model.cost(best))


@dataclass(frozen=True)
class _Linearised(_General):
    """Bits, and one variable for each product of two."""

    isolated = True  # OR-tools and HiGHS cannot be loaded in one process

    def refuses(self, model: QuadraticModel) -> str | None:
        """Takes bits only."""
        return None if model.binary else "takes two candidates per weight; try closest-vector or enumeration"


@dataclass(frozen=True)
class CpSatRounder(_Linearised):
    """CP-SAT, with coefficients rounded to integers of 50 bits; the bound makes up for what that loses."""

    name = "cpsat"
    summary = "CP-SAT on the linearised QUBO, coefficients as 50-bit integers"

    def availability(self) -> Availability:
        """Whether OR-tools is installed."""
        return Availability.of_package("ortools", "ortools", "qnnt")

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Minimise; raises RuntimeError if the model is not taken."""
        from ortools.sat.python import cp_model

        linear, pairs, offset = model.bits()
        heads, tails = np.nonzero(pairs)
        values = np.concatenate([linear, pairs[heads, tails]])
        total = float(np.abs(values).sum())
        if total == 0:
            return RowAnswer(nearest(model), bound=offset)
        factor = 2.0 ** math.floor(math.log2(_GREATEST / total))
        lost = float(np.abs(values - np.rint(values * factor) / factor).sum())
        native = cp_model.CpModel()
        z = [native.new_bool_var(f"z{i}") for i in range(len(linear))]
        products = []
        for i, j, value in zip(heads.tolist(), tails.tolist(), pairs[heads, tails].tolist(), strict=True):
            product = native.new_bool_var(f"z{i}z{j}")
            products.append(product)
            if value > 0:
                native.add_bool_or(product, ~z[i], ~z[j])
            else:
                native.add_implication(product, z[i])
                native.add_implication(product, z[j])
        native.minimize(cp_model.LinearExpr.weighted_sum(z + products, np.rint(values * factor).astype(int)))
        hint = (nearest(model) - model.lower)[model.free].tolist()
        for variable, value in zip(z, hint, strict=True):
            native.add_hint(variable, value)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = limits.threads
        solver.parameters.random_seed = limits.seed
        if limits.time is not None:
            solver.parameters.max_time_in_seconds = limits.time
        status = solver.solve(native)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN):
            raise RuntimeError(f"CP-SAT ended with {solver.status_name(status)}")
        if status == cp_model.UNKNOWN:  # its bound is the 0 of an empty response then
            return RowAnswer(None, reason=LATE)
        best = nearest(model)
        best[model.free] = model.lower[model.free] + [solver.value(v) for v in z]
        # the bound is a double, and integers of 50 bits are exact in it
        bound = solver.best_objective_bound / factor + offset - lost - 1e-15 * (abs(offset) + total)
        return RowAnswer(best, bound, None if status == cp_model.OPTIMAL else LATE)


@dataclass(frozen=True)
class MilpRounder(_Linearised):
    """HiGHS on McCormick's inequalities; its bound is believed up to the tolerances it was given."""

    name = "milp"
    summary = "HiGHS on the linearised QUBO"

    def availability(self) -> Availability:
        """Whether highspy is installed."""
        return Availability.of_package("highspy", "highspy", "qnnt[highs]")

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Minimise; raises RuntimeError if the solver fails."""
        linear, pairs, offset = model.bits()
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
        if status not in (known.kOptimal, known.kTimeLimit, known.kModelEmpty):
            raise RuntimeError(f"HiGHS ended with {highs.modelStatusToString(status)!r}")
        best = None
        if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
            z = np.rint(np.array(highs.getSolution().col_value)[: len(linear)]).astype(np.int64)
            best = nearest(model)
            best[model.free] = model.lower[model.free] + z
        # a row that is off by the tolerance moves the optimum by no more than this
        room = 2 * _FEASIBILITY * float(np.abs(linear).sum() + np.abs(pairs).sum())
        bound = info.mip_dual_bound * unit + offset - room if math.isfinite(info.mip_dual_bound) else 0.0
        return RowAnswer(best, bound, None if status == known.kOptimal else LATE)


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
