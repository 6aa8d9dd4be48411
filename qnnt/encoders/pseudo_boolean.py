"""Pseudo-Boolean models: parameters in order encoding, products as conjunctions of literals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qnnt.encoders.base import require_few
from qnnt.encoders.indicator import Program, program
from qnnt.encoders.milp import chained
from qnnt.encoders.rows import NONE, Ints, RowBank, joined
from qnnt.instance import Instance
from qnnt.models import ParameterLift, PseudoBooleanModel, Rows


@dataclass(frozen=True)
class PseudoBooleanEncoder:
    """The program with w = lo + o_1 + … + o_(d−1), o_1 ≥ o_2 ≥ …, and z = lo·a + Σ a∧o_j.

    For d = 1 a parameter has one literal, fixed to 0, so that no model is empty.
    """

    symmetry: bool = True
    name = "pseudo-boolean"
    makes = PseudoBooleanModel

    def apply(self, instance: Instance) -> tuple[PseudoBooleanModel, ParameterLift]:
        """The model, and the lift of the parameters' literals."""
        d = instance.domain.d
        require_few("a domain of", d)
        p = program(instance, symmetry=self.symmetry)
        split = _Split(p, max(d - 1, 1))
        n = len(split.names)
        matches = np.flatnonzero(p.objective)
        objective = np.zeros(n, dtype=np.int64)
        objective[split.literals[matches, 0]] = p.objective[matches]
        upper = np.ones(n, dtype=np.int64)
        parameters = split.literals[: len(p.lift.index)]
        if d == 1:
            upper[parameters] = 0
        model = PseudoBooleanModel(
            lower=np.zeros(n, dtype=np.int64),
            upper=upper,
            names=tuple(split.names),
            rows=joined([split.rows(joined([p.rows, *map(chained, p.neurons)])), split.definitions()]),
            objective=objective,
            offset=p.offset,
            minimize=p.minimize,
            unit=p.unit,
        )
        return model, replace(p.lift, index=parameters, base=instance.domain.lo)


class _Split:
    """0/1 variables in place of a program's: k for each parameter and product, one for any other.

    Variable v is Σ ``literals[v]`` + ``base[v]`` · f, where f is the variable ``factor[v]``, or 1 if NONE.
    """

    def __init__(self, p: Program, k: int) -> None:
        n = len(p.names)
        self.parameters, self.products = np.arange(len(p.lift.index)), p.products
        z, a, _ = p.products.T
        wide = np.zeros(n, dtype=bool)
        wide[self.parameters] = wide[z] = True
        sizes = np.where(wide, k, 1)
        first = np.cumsum(sizes) - sizes
        place = np.arange(k)
        self.literals: Ints = np.where(place < sizes[:, None], first[:, None] + place, NONE)
        self.base = np.where(wide, p.lift.instance.domain.lo, 0)
        self.factor = np.full(n, NONE)
        self.factor[z] = first[a]
        self.names = [
            f"{name}_{j + 1}" if many else name
            for name, many in zip(p.names, wide.tolist(), strict=True)
            for j in range(k if many else 1)
        ]

    def rows(self, rows: Rows) -> Rows:
        """The program's rows over the literals."""
        row = np.repeat(np.arange(len(rows)), np.diff(rows.starts))
        factor, base = self.factor[rows.index], rows.coef * self.base[rows.index]
        index = np.concatenate([self.literals[rows.index], factor[:, None]], axis=1)
        coef = np.repeat(rows.coef[:, None], index.shape[1], axis=1)
        coef[:, -1] = base
        lower = rows.lower.copy()
        np.subtract.at(lower, row, np.where(factor == NONE, base, 0))
        kept = (index != NONE) & (coef != 0)
        starts = np.searchsorted(np.repeat(row, kept.sum(axis=1)), np.arange(len(rows) + 1))
        return Rows(starts, index[kept], coef[kept], lower)

    def definitions(self) -> Rows:
        """The order o_1 ≥ o_2 ≥ … of each parameter's literals, and the conjunctions q_j = a ∧ o_j."""
        bank = RowBank()
        order = self.literals[self.parameters]
        bank.add(np.stack([order[:, :-1].ravel(), order[:, 1:].ravel()], axis=1), [1, -1], 0)
        z, a, w = self.products.T
        q, o = self.literals[z].ravel(), self.literals[w].ravel()
        a = np.repeat(self.literals[a, 0], self.literals.shape[1])
        bank.add(np.stack([a, q], axis=1), [1, -1], 0)
        bank.add(np.stack([o, q], axis=1), [1, -1], 0)
        bank.add(np.stack([q, a, o], axis=1), [1, -1, -1], -1)
        return bank.rows()
