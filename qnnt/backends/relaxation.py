"""The semidefinite relaxation of a quadratic form over bits, as a lower bound and as a better form to search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from qnnt.backends.closest_vector import Form
    from qnnt.domain import IntArray

Reals = npt.NDArray[np.float64]

UNIT = float(np.finfo(np.float64).eps)
_SWEEPS = 100
_SLICE = 10  # sweeps between two looks at the clock
_TOLERANCE = 1e-6
_RIDGE = 1e-7  # of the mean diagonal: keeps the convexified form definite


@dataclass(frozen=True)
class Convexified:
    """zᵀHz + 2·linear·z + f0 is at most the form's value at every z in the box, H ≻ 0; ``bound`` holds for all."""

    H: Reals
    linear: Reals
    f0: float
    bound: float


def convexified(
    form: Form, near: IntArray, *, share: float, sweeps: int, over: Callable[[], bool]
) -> Convexified:
    """Move ``share`` of the relaxation's dual λ into the form: H = G − diag(λ), linear = g + λ∘width / 2.

    λ_i·z_i(width_i − z_i) is added: 0 for bits, and for wider variables never more than 0 as their λ is the
    (negative) ridge alone. ``near`` (m,) is a good z to start from.
    """
    m, bits = len(form.G), form.width == 1
    ridge = _RIDGE * float(np.trace(form.G)) / m
    dual = np.zeros(m)
    bound = 0.0
    if bits.all():
        dual, bound = shor(form, near, sweeps=sweeps, over=over)
        shift = np.linalg.eigvalsh(form.G - np.diag(dual))[0]
        dual = share * (dual + min(shift, 0.0))
    dual = dual - ridge
    while True:  # a definite form by the factorisation's own word
        H = form.G - np.diag(dual)
        try:
            np.linalg.cholesky(H)
            break
        except np.linalg.LinAlgError:
            dual = np.where(bits, dual / 2, dual) - ridge
            ridge *= 2
    relaxed = Convexified(H, form.g + dual * form.width / 2, form.f0, bound)
    return relaxed if bits.all() else replace(relaxed, bound=diagonal(relaxed, form.width))


def shor(
    form: Form, near: IntArray, *, sweeps: int, over: Callable[[], bool]
) -> tuple[Reals, float]:
    """(λ (m,) in units of z, bound) from the dual of Shor's relaxation over s = 2z − 1 ∈ {−1, 1}.

    With M the matrix of the form in (s, 1), M − diag(λ) ⪰ 0 gives the bound Σλ; a λ that is not feasible loses
    (m+1) times what its least eigenvalue lacks, less the eigenvalue's own rounding error.
    """
    from qnnt.kernels import lattice

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
        dual = lattice.mix(M, V, _SLICE, _TOLERANCE)
        if np.abs(dual - before).sum() <= 10 * _TOLERANCE * np.abs(dual).sum() or over():
            break
    lacks = min(float(np.linalg.eigvalsh(M - np.diag(dual))[0]), 0.0)
    size = float(np.linalg.norm(M)) + float(np.abs(dual).max())
    error = 10 * (m + 2) * UNIT * (size + abs(form.f0) + float(np.abs(form.g).sum()))
    return 4 * dual[:m], constant + float(dual.sum()) + (m + 1) * (lacks - error)


def trace_dual(G: Reals, sweeps: int) -> Reals:
    """(m,) λ with G − diag(λ) ⪰ 0 and nearly the largest sum: one for all rows of a layer."""
    from qnnt.kernels import lattice

    dual = lattice.mix(G, _directions(len(G)), sweeps, 1e-6)
    shift = float(np.linalg.eigvalsh(G - np.diag(dual))[0])
    return np.asarray(dual + min(shift, 0.0))


def shared_bound(form: Form, dual: Reals) -> float:
    """The best unconstrained minimum of the form over bits with a share of ``dual`` (m,) moved into it."""
    m, ridge = len(form.G), _RIDGE * float(np.trace(form.G)) / len(form.G)
    best = 0.0
    for share in (0.25, 0.5, 0.75, 0.9):
        moved = share * dual - ridge
        H, linear = form.G - np.diag(moved), form.g + moved / 2
        try:
            factor = np.linalg.cholesky(H)
        except np.linalg.LinAlgError:
            continue
        r = -np.linalg.solve(factor.T, np.linalg.solve(factor, linear))
        residual = 2 * float(np.abs(H @ r + linear).sum())
        size = float((np.sqrt(np.diagonal(H)) * np.maximum(np.abs(r), 1)).sum()) ** 2 + abs(form.f0)
        best = max(best, form.f0 - float(r @ H @ r) - residual - 16 * (m + 4) * UNIT * size)
    return best


def separable(H: Reals, levels: int) -> Reals:
    """(m, m) row k-1: λ ≥ 0 with H_k − diag(λ) ⪰ 0 for the leading k columns, of nearly the largest sum.

    About ``levels`` semidefinite programs are solved; the rows between take the next longer one's λ.
    """
    from qnnt.kernels import lattice

    m = len(H)
    rates, V = np.zeros((m, m)), _directions(m)
    lattice.mix(H, V, 100, 1e-4)
    step = -(-m // levels)
    for k in range(m, 0, -step):
        leading, vectors = np.ascontiguousarray(H[:k, :k]), V[:k].copy()
        rate = feasible(leading, lattice.mix(leading, vectors, 20, 1e-4))
        V[:k] = vectors
        for row in range(max(k - step, 0), k):
            rates[row, : row + 1] = rate[: row + 1]
    return rates


def diagonal(relaxed: Convexified, width: npt.NDArray[np.int64]) -> float:
    """Σ λ_i·dist(r_i, box)² with H − diag(λ) ⪰ 0, of nearly the largest value, above the unconstrained optimum.

    The bound for variables of more than two values; for bits it is never above :func:`shor`'s.
    """
    from qnnt.kernels import lattice

    H, m = relaxed.H, len(relaxed.H)
    r = -np.linalg.solve(H, relaxed.linear)
    distance = np.abs(r - np.clip(np.rint(r), 0, width))
    weight = np.maximum(distance, 1e-3)  # so that the matrix can be scaled by it
    scaled = H * np.outer(weight, weight)
    rate = feasible(scaled, lattice.mix(scaled, _directions(m), _SWEEPS, 1e-5)) / weight**2
    size = float((np.sqrt(np.diagonal(H)) * np.maximum(np.abs(r), width)).sum()) ** 2 + abs(relaxed.f0)
    least = relaxed.f0 - float(r @ H @ r) + float((rate * distance**2).sum())
    residual = 2 * float(np.abs(H @ r + relaxed.linear) @ width)
    return least * (1 - 1e-9) - residual - 16 * (m + 4) * UNIT * size


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
