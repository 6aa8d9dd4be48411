"""The semidefinite relaxation of a quadratic form over bits: a lower bound, and a better form to search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qnnt.domain import IntArray
from qnnt.rounders.base import UNIT
from qnnt.rounders.lattice.form import Form, Reals

_SLICE = 10  # sweeps between two looks at the clock
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Convexified:
    """(z − r)ᵀH(z − r) + ``least`` is at most the form's value, plus ``slack``, at every z in the box; H ≻ 0.

    ``slack`` makes up for rounding errors, ``loss`` bounds how much it may be below.
    """

    H: Reals
    linear: Reals
    r: Reals
    least: float
    slack: float
    loss: float


class Dual(NamedTuple):
    """λ (m,) for a better form, and a bound on the form's value.

    The bound rests on ``multipliers`` (m,), which are λ, lowered a little, and a real ``point`` z (m,).
    """

    rate: Reals
    bound: float
    multipliers: Reals
    point: Reals


# Shares of the dual and ridges (of the mean diagonal) to try until rounding errors are small; the more
# singular the Gram matrix, the later. A share of 0.95 starts from a better bound but leaves the open nodes
# less: on hard rows 0.8 takes half the nodes.
_STEPS = ((0.8, 1e-7), (0.8, 1e-5), (0.8, 1e-3), (0.5, 1e-2), (0.0, 1e-7), (0.0, 1e-5))
_SMALL = 1e-8  # of the best value


def convexified(form: Form, dual: Reals, best: float) -> Convexified:
    """The form with a share of the ``dual`` (m,) of :func:`shor` moved into it; ``best`` is a value reached.

    λ_i·z_i(width_i − z_i) is added: 0 for bits. For wider variables λ_i is the (negative) ridge alone, which
    never adds anything positive.
    """
    tried: list[Convexified] = []
    for share, ridge in _STEPS:
        made = convex_form(form, dual, share, ridge)
        if made is not None:
            tried.append(made)
            if made.slack + made.loss <= _SMALL * best:
                break
    return min(tried, key=lambda made: max(made.slack + made.loss, _SMALL * best))


def convex_form(form: Form, dual: Reals, share: float, ridge: float) -> Convexified | None:
    """One try of :func:`convexified`; None if the form is not definite."""
    bits = form.width == 1
    ridge *= float(np.trace(form.G)) / len(form.G)
    moved = np.where(bits, share * dual, 0.0) - ridge
    H, linear = form.G - np.diag(moved), form.g + moved * form.width / 2
    try:
        factor = np.linalg.cholesky(H)
    except np.linalg.LinAlgError:
        return None
    r = -np.linalg.solve(factor.T, np.linalg.solve(factor, linear))
    reach = np.maximum(np.abs(r), np.abs(r - form.width))
    # Terms of the sums that make up both values (Higham 2002, theorems 3.5 and 10.3), and what r lacks.
    size = float((np.sqrt(np.diagonal(H)) * reach).sum()) ** 2
    size += float((np.sqrt(np.diagonal(form.G)) * form.width).sum()) ** 2
    size += 2 * float(np.abs(form.g) @ form.width) + abs(form.f0)
    slack = 16 * (len(r) + 4) * UNIT * size + 2 * float(np.abs(H @ r + linear) @ form.width)
    loss = ridge * float((form.width[~bits] ** 2).sum()) / 4
    return Convexified(H, linear, r, form.f0 - float(r @ H @ r), slack, loss)


def shor(form: Form, near: IntArray, *, sweeps: int, over: Callable[[], bool]) -> Dual:
    """λ (m,) with G − diag(λ) ⪰ 0, and its bound: the dual of Shor's relaxation in s = 2z − 1 ∈ {−1, 1}.

    ``near`` (m,) is a good z to start from. With M the matrix of the form in (s, 1), M − diag(λ) ⪰ 0
    gives the bound Σλ; a λ that is not feasible loses (m+1) times what its least eigenvalue lacks, less
    the eigenvalue's own rounding error.
    """
    from qnnt.rounders.lattice import loops

    m = len(form.G)
    rows = form.G.sum(axis=1)
    M = np.zeros((m + 1, m + 1))
    M[:m, :m] = form.G / 4
    M[m, :m] = M[:m, m] = (rows / 2 + form.g) / 2
    constant = float(rows.sum() / 4 + form.g.sum()) + form.f0
    V = 0.3 * _directions(m + 1)
    V[:, 0] += np.append(2 * near - 1, 1)
    V /= np.linalg.norm(V, axis=1)[:, None]
    dual = np.zeros(m + 1)
    for _ in range(0, sweeps, _SLICE):
        before = dual
        dual = loops.mix(M, V, _SLICE, _TOLERANCE)
        if np.abs(dual - before).sum() <= 10 * _TOLERANCE * np.abs(dual).sum() or over():
            break
    lacks = min(float(np.linalg.eigvalsh(M - np.diag(dual))[0]), 0.0)
    size = float(np.linalg.norm(M)) + float(np.abs(dual).max())
    error = 10 * (m + 2) * UNIT * (size + abs(form.f0) + float(np.abs(form.g).sum()))
    moved = 4 * dual[:m]
    moved += min(float(np.linalg.eigvalsh(form.G - np.diag(moved))[0]), 0.0)
    bound = constant + float(dual.sum()) + (m + 1) * (lacks - error)
    rate = 4 * (dual[:m] + lacks)
    return Dual(moved, bound, rate, _flat(form, rate, (1 + V[:m] @ V[m]) / 2))


def _flat(form: Form, rate: Reals, z: Reals) -> Reals:
    """(m,) a point near z where the form with λ = ``rate`` (m,) moved into it has next to no slope.

    The matrix is nearly singular: a step of Newton's method that keeps near z, once more for what is left.
    If there is none, it is z.
    """
    begin = z
    H = form.G - np.diag(rate)
    near = H + np.diag(np.full(len(H), 1e-13 * float(np.trace(form.G)) / len(H)))
    try:
        for _ in range(2):
            z = z - np.linalg.solve(near, H @ z + form.g + rate / 2)
    except np.linalg.LinAlgError:
        return begin
    return np.asarray(z if np.isfinite(z).all() else begin)


def separable(H: Reals, levels: int, over: Callable[[], bool]) -> Reals:
    """(m, m) row k-1: λ ≥ 0 with H_k − diag(λ) ⪰ 0 for the leading k columns, of nearly the largest sum.

    About ``levels`` semidefinite programs are solved; the rows between take the next longer one's λ.
    Once it is ``over`` those that are left are 0.
    """
    from qnnt.rounders.lattice import loops

    m = len(H)
    rates, V = np.zeros((m, m)), _directions(m)
    loops.mix(H, V, 100, 1e-4)
    step = -(-m // levels)
    for k in range(m, 0, -step):
        if over():
            break
        leading, vectors = np.ascontiguousarray(H[:k, :k]), V[:k].copy()
        rate = feasible(leading, loops.mix(leading, vectors, 20, 1e-4))
        V[:k] = vectors
        for row in range(max(k - step, 0), k):
            rates[row, : row + 1] = rate[: row + 1]
    return rates


def feasible(H: Reals, rate: Reals) -> Reals:
    """(k,) λ ≥ 0 near ``rate`` with H − diag(λ) ⪰ 0, by a margin beyond the eigenvalues' rounding errors."""
    noise = 4 * len(H) * UNIT * (float(np.linalg.norm(H)) + float(np.abs(rate).max()))
    rate = np.maximum(rate + min(float(np.linalg.eigvalsh(H - np.diag(rate))[0]), 0.0) - 2 * noise, 0.0)
    for _ in range(40):  # raising the negative ones to 0 may have gone too far
        if float(np.linalg.eigvalsh(H - np.diag(rate))[0]) > noise:
            return rate
        rate = 0.8 * rate
    return np.zeros_like(rate)


def _directions(m: int) -> Reals:
    V = np.random.default_rng(0).normal(size=(m, int(np.sqrt(2 * m)) + 2))
    return np.asarray(V / np.linalg.norm(V, axis=1)[:, None])
