"""Mixed-integer programs: products by McCormick's inequalities, thresholds by big-M rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnnt.encoders.indicator import Neurons, Program, program
from qnnt.encoders.rows import RowBank, extended, joined, selected
from qnnt.instance import Instance
from qnnt.models import LinearModel, ParameterLift, Rows


@dataclass(frozen=True)
class MilpEncoder:
    """The tight program: one row per neuron and side, whose big-Ms are the ends of the sum's range.

    Let S be in [l, u], t_1 < … < t_k in (l, u] and a_1 ≥ … ≥ a_k. Then S ≥ t_j wherever a_j = 1 is
    S ≥ l + (t_1 − l)·a_1 + (t_2 − t_1)·a_2 + … + (t_k − t_(k−1))·a_k, and S < t_j wherever a_j = 0 is
    S ≤ t_1 − 1 + (t_2 − t_1)·a_1 + … + (t_k − t_(k−1))·a_(k−1) + (u + 1 − t_k)·a_k. Each row implies the k
    single ones.
    """

    symmetry: bool = True
    name = "milp"
    makes = LinearModel

    def apply(self, instance: Instance) -> tuple[LinearModel, ParameterLift]:
        """The model, and the lift of its first variables, the parameters."""
        p = program(instance, symmetry=self.symmetry)
        return _model(p, [chained(n) for n in p.neurons]), p.lift


@dataclass(frozen=True)
class TextbookMilpEncoder:
    """The baseline: a row per threshold and side, and one big-M that suits all rows."""

    symmetry: bool = True
    name = "milp-textbook"
    makes = LinearModel

    def apply(self, instance: Instance) -> tuple[LinearModel, ParameterLift]:
        """The model, and the lift of its first variables, the parameters."""
        p = program(instance, symmetry=self.symmetry)
        ends = [max(n.most.max(initial=0), -n.sums.lower.min(initial=0)) for n in p.neurons]
        big = int(max(ends, default=0)) + instance.domain.hi + 1
        return _model(p, [single(n, big) for n in p.neurons]), p.lift


def _model(p: Program, thresholds: list[Rows]) -> LinearModel:
    rows = joined([p.rows, *thresholds, _products(p)])
    return LinearModel(p.lower, p.upper, p.names, rows, p.objective, p.offset, p.minimize, p.unit)


def chained(neurons: Neurons) -> Rows:
    """Both sides of all thresholds of a neuron in one row each; exact where a_1 ≥ … ≥ a_k."""
    open_ = np.flatnonzero((neurons.active >= 0).any(axis=1))
    sums, active = selected(neurons.sums, open_), neurons.active[open_]
    least, end = sums.lower[:, None], neurons.most[open_, None] + 1
    # Thresholds beyond the range of S fall on its ends, so that no bit counts for what lies outside.
    steps = np.concatenate([least, np.clip(neurons.thresholds, least, end), end], axis=1)
    gaps = np.diff(steps, axis=1)
    return joined(
        [
            extended(sums, 1, active, -gaps[:, :-1], sums.lower),
            extended(sums, -1, active, gaps[:, 1:], 1 - steps[:, 1]),
        ]
    )


def single(neurons: Neurons, big: int) -> Rows:
    """A row per threshold and side, for sums in [−``big``, ``big``]."""
    sums, bit, threshold = neurons.each()
    a, t = bit[:, None], threshold[:, None]
    return joined(
        [
            extended(sums, 1, a, -big - t, np.full_like(bit, -big)),
            extended(sums, -1, a, big - t + 1, 1 - threshold),
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
