"""Lower bounds of rounding, confirmed by a Cholesky factor and exact arithmetic.

A row is a :class:`QuadraticModel`: scale·(v − t)ᵀG(v − t) + constant over the integers v of a box. Its
:class:`Multipliers` are a symmetric matrix S, of small blocks, and a point x, which is v where the box has
one integer only. If P = G − S is positive semidefinite on the columns that have a choice, (v − t)ᵀP(v − t)
is convex in these and lies above its tangent at x. With y = P(x − t), every v in the box has

    (v − t)ᵀG(v − t)  ≥  (x − t)·y + 2y·(v − x) + (v − t)ᵀS(v − t),

and the right side falls into one sum for each block of S. The least value of a block is found by trying all
its integers; for a single column, its ends and the integers beside the vertex. The sum of these is the
bound. If S is a diagonal λ and each v_i is one of two integers l_i and u_i, the best x gives the bound of
Shor's relaxation with these λ, where λ_i·(v_i − l_i)(u_i − v_i) = 0 is added to the cost.

Any x gives a bound, a better x a larger one. So does any S, once it is lowered until P is positive
semidefinite. A factor L shows that it is, whoever computed it: LLᵀ is positive semidefinite, and differs
from the matrix A that was factorised by some E. |E| is at most the difference to the computed product, plus
γ·|L||L|ᵀ with γ = nu/(1 − nu), u = 2^−53, whatever the order of the sums (Higham 2002, section 3.5), plus
what underflow does. For any weights w > 0, A + diag(δ) with δ_i = Σ_j |E_ij|·w_j/w_i is positive
semidefinite, since 2|z_i z_j| ≤ z_i²·w_j/w_i + z_j²·w_i/w_j. P is *defined* as A + diag(δ), and S as G − P.
All the rest is computed without rounding, in rational numbers: every double is one.

This file shares no code with the rounders.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.models import Multipliers, QuadraticModel

MOST_POINTS = 2**12  # integers of a block that are tried
_RIDGES = (0.0, *(2.0**-k for k in range(54, 19, -1)))  # of the mean diagonal, tried one after another
_FINE = 2**60  # points are rounded to multiples of 1 / this: any point will do
_UNIT, _TINY = 2.0**-53, float(np.finfo(np.float64).tiny)

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Exact = npt.NDArray[Any]  # of Python integers, or of fractions


@dataclass(frozen=True)
class Confirmation:
    """``bound`` holds for the cost of every assignment; None if it is not confirmed, for a ``reason``."""

    bound: Fraction | None
    reason: str | None = None


def confirmed_bound(model: QuadraticModel, multipliers: Multipliers) -> Confirmation:
    """The bound that the multipliers give, whatever bound they claim; see the top of this file."""
    return ExactGram(model.gram).bound(model, multipliers)


class ExactGram:
    """A Gram matrix (m, m) in ``doubles`` and, once it is needed, in integers over a power of two."""

    def __init__(self, doubles: Reals) -> None:
        self.doubles = doubles

    @cached_property
    def _exact(self) -> tuple[Exact, int]:
        return _integers(self.doubles)

    @cached_property
    def _wrong(self) -> str | None:
        G = self.doubles
        if G.ndim != 2 or G.shape[0] != G.shape[1] or not len(G):
            return "the Gram matrix is not square"
        if not np.isfinite(G).all():
            return "the Gram matrix is not finite"
        return None if np.array_equal(G, G.T) else "the Gram matrix is not symmetric"

    def unfit(self, model: QuadraticModel) -> str | None:
        """What is wrong with the model itself, if anything."""
        if self._wrong is not None:
            return self._wrong
        vectors, m = (model.target, model.lower, model.upper), len(self.doubles)
        if any(vector.shape != (m,) for vector in vectors):
            return f"target, lower and upper do not have {m} entries"
        if not np.isfinite([*model.target, model.scale, model.constant]).all() or model.scale < 0:
            return "target, scale or constant is not a finite number, or the scale is negative"
        return None if (model.lower <= model.upper).all() else "the box is empty"

    def times(self, d: Exact) -> Exact:
        """(m,) the product with fractions (m,)."""
        G, unit = self._exact
        top, below = _common(d)
        return np.array([Fraction(value, unit * below) for value in G @ top], dtype=object)

    def cost(self, model: QuadraticModel, v: npt.NDArray[np.int64]) -> Fraction:
        """The exact objective of an assignment (m,)."""
        d = _fractions(v) - _fractions(model.target)
        return Fraction(model.scale) * _product(d, self.times(d)) + Fraction(model.constant)

    def bound(self, model: QuadraticModel, multipliers: Multipliers) -> Confirmation:
        """See :func:`confirmed_bound`."""
        wrong = self.unfit(model) or _unfit(multipliers, len(self.doubles))
        if wrong is not None:
            return Confirmation(None, wrong)
        free = np.flatnonzero(model.lower < model.upper)
        x, target = _fractions(model.lower), _fractions(model.target)
        x[free] = [
            Fraction(round(Fraction(each) * _FINE), _FINE) for each in multipliers.point[free].tolist()
        ]
        d = x - target
        y = self.times(d)  # of G; what S takes away follows
        parts = _lowered(self.doubles, multipliers, free, _widths(model)[free])
        if isinstance(parts, str):
            return Confirmation(None, parts)
        for b, S in parts:
            y[b] -= S @ d[b]
        value = _product(d, y)
        for b, S in parts:
            value += _least(S, 2 * y[b], target[b], x[b], model.lower[b].tolist(), model.upper[b].tolist())
        return Confirmation(Fraction(model.scale) * value + Fraction(model.constant))


def _widths(model: QuadraticModel) -> Exact:
    """(m,) how far each column goes, in Python's integers: the ends may be 2^64 apart."""
    widths: Exact = model.upper.astype(object) - model.lower.astype(object)
    return widths


def _unfit(S: Multipliers, m: int) -> str | None:
    """What is wrong with multipliers of m columns, if anything."""
    if S.point.shape != (m,) or not (S.rows.shape == S.columns.shape == S.values.shape == (len(S.rows),)):
        return f"the multipliers are not those of {m} weights"
    if not (np.isfinite(S.point).all() and np.isfinite(S.values).all()):
        return "a multiplier is not finite"
    if (S.columns < 0).any() or (S.columns > S.rows).any() or (S.rows >= m).any():
        return "an entry of S is not on or below its diagonal"
    if len(np.unique(np.stack([S.rows, S.columns]), axis=1).T) != len(S.rows):
        return "an entry of S stands twice"
    return None


def _lowered(G: Reals, S: Multipliers, free: Ints, width: Exact) -> list[tuple[Ints, Exact]] | str:
    """The blocks of S, lowered until G − S is positive semidefinite on the columns ``free``.

    Each block is its columns and its exact matrix; ``width`` tells how far each free column goes. If there
    are none, the answer says why.
    """
    place = np.full(len(G), -1)
    place[free] = np.arange(len(free))
    rows, columns = place[S.rows], place[S.columns]
    if min(rows.min(initial=0), columns.min(initial=0)) < 0:
        return "an entry of S is that of a weight without a choice"
    blocks = _blocks(len(free), zip(rows.tolist(), columns.tolist(), strict=True))
    points = [math.prod((width[b] + 1).tolist()) for b in blocks if len(b) > 1]
    if max(points, default=0) > MOST_POINTS:
        return f"a block has more than {MOST_POINTS:,} points"
    G = G[np.ix_(free, free)]
    A = G.copy()
    with np.errstate(over="ignore"):
        A[rows, columns] -= S.values
    A[columns, rows] = A[rows, columns]
    definite = _definite(A, np.diagonal(G), width.astype(np.float64))
    if definite is None:
        return "no Cholesky factor shows that G − S is positive semidefinite"
    A, delta = definite
    found = []
    for b in blocks:
        part = _fractions(G[np.ix_(b, b)]) - _fractions(A[np.ix_(b, b)])
        part[np.diag_indices(len(b))] -= _fractions(delta[b])
        found.append((free[b], part))
    return found


def _blocks(m: int, pairs: Iterable[tuple[int, int]]) -> list[Ints]:
    """The columns 0 to m - 1, as joined by the pairs."""
    block = list(range(m))

    def first(i: int) -> int:
        while block[i] != i:
            block[i] = block[block[i]]
            i = block[i]
        return i

    for i, j in pairs:
        block[first(i)] = first(j)
    found: dict[int, list[int]] = {}
    for i in range(m):
        found.setdefault(first(i), []).append(i)
    return [np.array(columns, dtype=np.int64) for columns in found.values()]


def _definite(A: Reals, diagonal: Reals, weight: Reals) -> tuple[Reals, Reals] | None:
    """A (m, m) with a larger diagonal, maybe, and δ (m,) such that A + diag(δ) ⪰ 0; None if none is found.

    ``diagonal`` (m,) is that of the Gram matrix: it tells how much larger. Columns of a large ``weight``
    (m,) get small δ.
    """
    m = len(A)
    if not m:
        return A, diagonal
    gamma = (m + 2) * _UNIT / (1 - (m + 2) * _UNIT)
    with np.errstate(all="ignore"):  # what is not finite is declined
        mean = np.abs(diagonal).mean() + np.abs(np.diagonal(A)).mean()
        for ridge in _RIDGES:
            raised = A + np.diag(ridge * mean / weight**2)
            try:
                L = np.linalg.cholesky(raised)
            except np.linalg.LinAlgError:
                continue
            E = np.abs(raised - L @ L.T) + gamma * (np.abs(L) @ np.abs(L).T) + (m + 2) * _TINY
            delta = 1.01 * (E @ weight) / weight  # 1 % is far more than the rounding errors of these sums
            if np.isfinite(raised).all() and np.isfinite(delta).all():
                return raised, delta
    return None


def _least(S: Exact, slope: Exact, target: Exact, x: Exact, lower: list[int], upper: list[int]) -> Fraction:
    """The least (v − target)ᵀS(v − target) + slope·(v − x) over the integers v of a block's box, exactly."""
    if len(lower) == 1:
        s, p, t, low, high = S[0, 0], slope[0], target[0], lower[0], upper[0]
        tried = {low, high}
        if s > 0:
            beside = math.floor(t - p / (2 * s))
            tried |= {min(max(v, low), high) for v in (beside, beside + 1)}
        values: list[Fraction] = [s * (v - t) ** 2 + p * (v - x[0]) for v in tried]
        return min(values)
    grid = np.meshgrid(*(range(u - low + 1) for low, u in zip(lower, upper, strict=True)), indexing="ij")
    z = np.stack([axis.ravel() for axis in grid], axis=1).astype(object)
    # With v = lower + z the value is zᵀSz + linear·z + a constant, in integers over one unit.
    off = np.array(lower, dtype=object) - target
    linear = 2 * (S @ off) + slope
    top, unit = _common(np.concatenate([S.ravel(), linear]))
    whole, pull = top[: S.size].reshape(S.shape), top[S.size :]
    least = min(((z @ whole) * z).sum(axis=1) + z @ pull)
    return Fraction(least, unit) + _product(off, S @ off) + _product(slope, np.array(lower, dtype=object) - x)


def _product(a: Exact, b: Exact) -> Fraction:
    value: Fraction = np.dot(a, b)
    return value


def _fractions(values: npt.NDArray[Any]) -> Exact:
    """The same numbers, as fractions."""
    exact = np.empty(values.shape, dtype=object)
    exact.ravel()[:] = [Fraction(value) for value in values.ravel().tolist()]
    return exact


def _common(values: Exact) -> tuple[Exact, int]:
    """Integers n and a unit with values = n / unit; the denominators are powers of two."""
    unit = max(value.denominator for value in values)
    return np.array([value.numerator * (unit // value.denominator) for value in values], dtype=object), unit


def _integers(doubles: Reals) -> tuple[Exact, int]:
    """Integers n and a unit with doubles = n / unit, for a large array."""
    part, power = np.frexp(doubles)
    whole, power = (part * 2.0**53).astype(np.int64), power.astype(np.int64) - 53
    lowest = np.where(whole == 0, 1, whole & -whole)  # what is a power of two in all is taken out
    whole, power = (
        whole // lowest,
        np.where(whole == 0, 0, power + np.frexp(lowest.astype(np.float64))[1] - 1),
    )
    least = min(int(power.min()), 0)
    return whole.astype(object) << (power - least).astype(object), 2**-least
