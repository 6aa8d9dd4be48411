"""Pseudo-Boolean models: parameters in order encoding, products as conjunctions of literals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qnnt.encoders.indicator import NONE, Ints, Program, RowBank, joined, program
from qnnt.encoders.milp import chained
from qnnt.instance import Instance
from qnnt.models import Lift, PseudoBooleanModel, Rows


@dataclass(frozen=True)
class PseudoBooleanEncoder:
    """The program with w = lo + o_1 + … + o_(d−1) for literals o_1 ≥ o_2 ≥ …, and z = lo·a + Σ a∧o_j.

    For d = 1 a parameter has one literal, fixed to 0, so that no model is empty.
    """

    symmetry: bool = True
    name = "pseudo-boolean"
    makes = PseudoBooleanModel

    def apply(self, instance: Instance) -> tuple[PseudoBooleanModel, Lift]:
        """The model, and the lift of the parameters' literals."""
        p = program(instance, symmetry=self.symmetry)
        lo, d = instance.domain.lo, instance.domain.d
        split = _Split(p, max(d - 1, 1), lo)
        rows = joined([split.rows(joined([p.rows, chained(p)])), split.definitions()])
        n = len(split.names)
        objective = np.zeros(n, dtype=np.int64)
        objective[split.number[split.whole]] = p.objective[split.whole]
        upper = np.ones(n, dtype=np.int64)
        if d == 1:
            upper[split.literals[: len(p.lift.index)]] = 0
        model = PseudoBooleanModel(
            np.zeros(n, dtype=np.int64), upper, tuple(split.names), rows, objective, p.offset, p.minimize
        )
        return model, replace(p.lift, index=split.literals[: len(p.lift.index)], base=lo)


class _Split:
    """New numbers: ``k`` literals for each parameter and product, the other variables as they are."""

    def __init__(self, p: Program, k: int, lo: int) -> None:
        n = len(p.names)
        self.lo, self.products = lo, p.products
        split = np.zeros(n, dtype=bool)
        split[: len(p.lift.index)] = True
        split[p.products[:, 0]] = True
        self.whole = np.flatnonzero(~split)
        sizes = np.where(split, k, 1)
        self.number = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        # (n, k) literals whose sum a variable is, up to its constant part
        self.literals = np.where(split[:, None] | (np.arange(k) == 0), self.number[:, None] + np.arange(k), NONE)
        # what ``lo`` is multiplied with: the constant 1 for a parameter, its activation for a product
        self.factor = np.full(n, NONE)
        self.factor[p.products[:, 0]] = self.number[p.products[:, 1]]
        self.shift = np.zeros(n, dtype=np.int64)
        self.shift[: len(p.lift.index)] = lo
        self.names = [
            name if size == 1 and not parts else f"{name}_{j}"
            for name, size, parts in zip(p.names, sizes.tolist(), split.tolist(), strict=True)
            for j in range(size)
        ]

    def rows(self, rows: Rows) -> Rows:
        """Rows over the literals."""
        row = np.repeat(np.arange(len(rows)), np.diff(rows.starts))
        index = np.concatenate([self.literals[rows.index], self.factor[rows.index][:, None]], axis=1)
        coef = np.repeat(rows.coef[:, None], index.shape[1], axis=1)
        coef[:, -1] *= self.lo
        lower = rows.lower.copy()
        np.subtract.at(lower, row, rows.coef * self.shift[rows.index])
        kept = (index != NONE) & (coef != 0)
        sizes = np.bincount(row, weights=kept.sum(axis=1), minlength=len(rows)).astype(np.int64)
        return Rows(np.concatenate([[0], np.cumsum(sizes)]), index[kept], coef[kept], lower)

    def definitions(self) -> Rows:
        """The orders o_1 ≥ o_2 ≥ … and the conjunctions q_j = a ∧ o_j."""
        bank = RowBank()
        parameters = self.literals[: len(self.shift) and int((self.shift.size))]
        return bank.rows()
