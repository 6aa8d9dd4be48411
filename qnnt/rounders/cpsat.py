"""CP-SAT on the linearised QUBO of a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qnnt.availability import Availability
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import BitsRounder, RowAnswer, Stopped, cut_short, nearest, noise

_GREATEST = 2.0**50  # sum of CP-SAT's integer coefficients


@dataclass(frozen=True)
class CpSatRounder(BitsRounder):
    """CP-SAT, with coefficients rounded to integers of 50 bits; the bound makes up for what that loses."""

    name = "cpsat"
    summary = "CP-SAT on the linearised QUBO, coefficients as 50-bit integers"
    exact = True
    isolated = True  # OR-tools and HiGHS cannot be loaded in one process

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
            return RowAnswer(Status.OPTIMAL, nearest(model), offset - model.scale * noise(model))
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
        solver.parameters.catch_sigint_signal = False  # it would not give the handler back
        solver.parameters.num_workers = limits.threads
        solver.parameters.random_seed = limits.seed
        if limits.time is not None:
            solver.parameters.max_time_in_seconds = limits.time
        status = solver.solve(native)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN):
            raise RuntimeError(f"CP-SAT ended with {solver.status_name(status)}")
        if status == cp_model.UNKNOWN:  # its bound is the 0 of an empty response then
            return cut_short(None)
        best = nearest(model)
        best[model.free] = model.lower[model.free] + [solver.value(v) for v in z]
        # the bound is a double, and integers of 50 bits are exact in it
        room = 1e-15 * (abs(offset) + total) + model.scale * noise(model)
        bound = solver.best_objective_bound / factor + offset - lost - room
        if status == cp_model.OPTIMAL:
            return RowAnswer(Status.OPTIMAL, best, bound)
        return cut_short(best, bound=bound)
