"""Mixed-integer programs: products by McCormick's inequalities, thresholds by big-M rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnnt.encoders.indicator import NONE, Ints, Program, RowBank, extended, joined, program, selected
from qnnt.instance import Instance
from qnnt.models import Lift, LinearModel, Rows


@dataclass(frozen=True)
class MilpEncoder:
    """The tight program: one row per neuron and side, whose big-Ms are the ends of the sum's range.

    For S in [l, u] and a_1 ≥ … ≥ a_h, S ≥ k wherever a_k = 1 is S ≥ l + (1 − l)·a_1 + a_2 + … + a_h, and
    S < k wherever a_k = 0 is S ≤ a_1 + … + a_(h-1) + (u − h + 1)·a_h. Each implies the h single rows.
    """

    symmetry: bool = True
    name = "milp"
    makes = LinearModel

    def apply(self, instance: Instance) -> tuple[LinearModel, Lift]:
        """The model, and the lift of its first variables, the parameters."""
        p = program(instance, symmetry=self.symmetry)
        return _model(p, chained(p)), p.lift


@dataclass(frozen=True)
class TextbookMilpEncoder:
    """The baseline: a row per threshold and side, and one big-M that suits all rows."""

    symmetry: bool = True
    name = "milp-textbook"
    makes = LinearModel

    def apply(self, instance: Instance) -> tuple[LinearModel, Lift]:
        """The model, and the lift of its first variables, the parameters."""
        p = program(instance, symmetry=self.symmetry)
        big = int(max(p.most.max(initial=0), -p.sums.lower.min(initial=0))) + instance.domain.hi + 1
        least = np.full_like(p.most, -big)
        return _model(p, single(p, least, -least)), p.lift


def _model(p: Program, thresholds: Rows) -> LinearModel:
    rows = joined([p.rows, thresholds, _products(p)])
    return LinearModel(p.lower, p.upper, p.names, rows, p.objective, p.offset, p.minimize, p.unit)


def chained(p: Program) -> Rows:
    """Both sides of all thresholds of a neuron in one row each; exact where a_1 ≥ … ≥ a_h."""
    open_ = np.flatnonzero((p.active != NONE).any(axis=1))
    sums, active, most = selected(p.sums, open_), p.active[open_], p.most[open_]
    least = np.full(active.shape, -1, dtype=np.int64)
    least[:, :1] += sums.lower[:, None]
    greatest = np.ones(active.shape, dtype=np.int64)
    greatest[:, -1:] = np.maximum(most[:, None] - active.shape[1] + 1, 1)
    return joined(
        [
            extended(sums, 1, active, least, sums.lower),
            extended(sums, -1, active, greatest, np.zeros_like(most)),
        ]
    )


def single(p: Program, least: Ints, most: Ints) -> Rows:
    """A row per threshold and side, for sums in [``least``, ``most``] (m,)."""
    row, level = np.nonzero(p.active != NONE)
    a, sums, k = p.active[row, level][:, None], selected(p.sums, row), level + 1
    return joined(
        [
            extended(sums, 1, a, (least[row] - k)[:, None], least[row]),
            extended(sums, -1, a, (most[row] - k + 1)[:, None], 1 - k),
        ]
    )


def _products(p: Program) -> Rows:
    """Rows for z = a·w with w in [lo, hi]: lo·a ≤ z ≤ hi·a and w − hi·(1 − a) ≤ z ≤ w − lo·(1 − a)."""
    z, a, w = p.products.T
    lo, hi = p.lower[w], p.upper[w]
    one = np.ones_like(z)
    bank = RowBank()
    bank.add(np.stack([z, a], axis=1), np.stack([one, -lo], axis=1), 0)
    bank.add(np.stack([z, a], axis=1), np.stack([-one, hi], axis=1), 0)
    bank.add(p.products[:, [0, 2, 1]], np.stack([one, -one, -hi], axis=1), -hi)
    bank.add(p.products[:, [0, 2, 1]], np.stack([-one, one, lo], axis=1), lo)
    return bank.rows()
