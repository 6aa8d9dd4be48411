"""A lower bound for rows too long to be searched: small blocks of columns are searched, the rest is convex.

With x = z − c the value of a row is xᵀGx + 2g·x + constant. Let S hold a matrix S_b for each block b of a few
columns, and be 0 elsewhere, with P = G − S ⪰ 0. Then for every p the value is at least

    min over real x of xᵀPx + (2g + p)·x  +  Σ_b min over integer z_b in the box of x_bᵀS_b x_b − p_b·x_b

and each block's minimum is found by trying all its points. For blocks of one bit this is Shor's semidefinite
relaxation; larger ones add every inequality that holds for the products of the bits of a block. S and p are
improved by an interior-point method: minima over blocks become free energies of temperature μ, and μ·log
det P is added.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from qnnt.domain import IntArray
from qnnt.models import Multipliers
from qnnt.rounders.base import UNIT
from qnnt.rounders.lattice.form import Form, Ints, Reals

MOST_BOUNDED = 1500  # beyond, a single step takes seconds
POINTS = 256  # of a block
_LONG, _SHORTEST = 0.2, 1e-4  # steps; only after a long one it gets cooler
_STEPS = 100
_BEGIN, _END, _COOLER = 0.3, 0.003, 0.6  # temperature, as a share of the value for each column


class BlockBound:
    """A bound on the value of ``form``; ``best`` (m,) is a z whose value is known, ``rate`` (m,) a start.

    The matrix less diag(``rate``) has to be positive definite. A block has at most ``points`` points. One
    column that has more, a bias, is taken for a real number; with several there is no bound.
    """

    def __init__(self, form: Form, best: IntArray, rate: Reals, points: int = POINTS) -> None:
        self._began = time.monotonic()
        self._form = form
        self._unit = max(form.value(best), form.slack, np.finfo(np.float64).tiny)
        centre = (form.model.target - form.model.lower)[form.free]
        G, linear = form.G / self._unit, (form.g + form.G @ centre) / self._unit
        self._constant = (form.f0 + float(centre @ (form.G @ centre + 2 * form.g))) / self._unit
        self._terms, size = abs(self._constant), float(np.trace(G))
        reach = np.maximum(np.abs(centre), np.abs(centre - form.width))
        wide = np.flatnonzero(form.width >= points)
        for i in wide[:1]:  # it becomes real: its best value is known
            share = G[i] / G[i, i]
            self._constant -= linear[i] ** 2 / G[i, i]
            self._terms += 4 * abs(float(linear[i])) * float(np.abs(share) @ reach + abs(linear[i]) / G[i, i])
            linear, G = linear - linear[i] * share, G - np.outer(G[i], share)
        chosen = np.flatnonzero(form.width < points) if len(wide) <= 1 else wide[:0]
        width, m = form.width[chosen], len(chosen)
        each = max(1, int(np.log2(points) / np.log2(1 + int(width.max(initial=1)))))
        order = chosen[_clustered(G[np.ix_(chosen, chosen)], each)]
        self._blocks, self._each, self._order, self._wide = -(-m // each), each, order, wide[:1]
        n = self._blocks * each  # columns that fill the last block have no choice, and meet no others
        pad = (0, n - m)
        self._G = np.diag(np.full(n, size / max(m, 1)))
        self._G[:m, :m] = G[np.ix_(order, order)]
        self._linear: Reals = np.pad(linear[order], pad)
        self._centre: Reals = np.pad(centre[order], pad)
        self._width: Ints = np.pad(form.width[order], pad)
        self._x = self._points() - self._centre.reshape(self._blocks, 1, each)
        self._size = size + float(np.trace(self._G))
        self._S = np.zeros((self._blocks, each, each))
        self._S[:, range(each), range(each)] = np.pad(rate[order] / self._unit, pad).reshape(-1, each)
        self._best: tuple[Reals, Reals] | None = None
        self._p, self._mu, self._least_mu = -2 * self._linear, _BEGIN / max(m, 1), _END / max(m, 1)

    def _points(self) -> Reals:
        """(blocks, points, each) the integers of each block; those of small blocks are repeated."""
        width = self._width.reshape(self._blocks, self._each)
        before = np.cumprod(np.hstack([np.ones((self._blocks, 1), dtype=np.int64), width + 1]), axis=1)
        count = np.arange(before[:, -1].max(initial=1))[None, :] % before[:, -1:]
        return np.asarray(
            count[:, :, None] // before[:, None, :-1] % (width + 1)[:, None, :], dtype=np.float64
        )

    def value(self, over: Callable[[float], bool]) -> float:
        """The best bound at the end, or when it will be ``over`` in so many seconds; 0 if there is none."""
        begin = time.monotonic()
        if not self._blocks or over(begin - self._began):  # the first step takes at least as long
            return 0.0
        inverse, found = self._inverse(self._S), 0.0
        for _ in range(_STEPS):
            if inverse is None:
                break
            self._settle(inverse)
            bound, x = self._certain(inverse)
            if bound > found:
                found, self._best = bound, (self._S, x)
            took, begin = time.monotonic() - begin, time.monotonic()
            if self._mu <= self._least_mu or over(took):
                break
            inverse, share = self._step(inverse)
            if share > _LONG:
                self._mu *= _COOLER
        return found * self._unit

    def multipliers(self, bound: float) -> Multipliers | None:
        """S and the point that the best value rests on, for a ``bound`` on the model's cost; None without."""
        if self._best is None:
            return None
        model, free, order = self._form.model, self._form.free, self._order
        S, x = self._best
        places, m = np.arange(self._blocks * self._each).reshape(self._blocks, self._each), len(order)
        i, j = (np.broadcast_to(each, S.shape) for each in (places[:, :, None], places[:, None, :]))
        kept = (i < m) & (j < m)
        ends = free[order[i[kept]]], free[order[j[kept]]]
        below = ends[0] >= ends[1]
        away = model.lower - model.target
        away[free[order]] = x[:m]
        for w in free[self._wide]:  # its best real value, with the others where they are
            away[w] = 0.0
            away[w] = -float(model.gram[w] @ away) / float(model.gram[w, w])
        values = S[kept][below] * self._unit
        return Multipliers(ends[0][below], ends[1][below], values, model.target + away, bound)

    def _whole(self, blocks: Reals) -> Reals:
        """(n, n) a matrix of its blocks (blocks, each, each)."""
        n, k = len(self._G), np.arange(self._blocks)
        whole = np.zeros((self._blocks, self._each, self._blocks, self._each))
        whole[k, :, k, :] = blocks
        return whole.reshape(n, n)

    def _parts(self, whole: Reals) -> Reals:
        """(blocks, each, each) the blocks of a matrix (n, n)."""
        k = np.arange(self._blocks)
        return whole.reshape(self._blocks, self._each, self._blocks, self._each)[k, :, k, :]

    def _inverse(self, S: Reals) -> Reals | None:
        """P⁻¹; None if P is not positive definite by more than rounding errors."""
        P = self._G - self._whole(S)
        shift = 8 * (len(P) + 4) * UNIT * (self._size + abs(float(np.trace(P))))
        try:
            factor = np.linalg.cholesky(P - shift * np.eye(len(P)))
        except np.linalg.LinAlgError:
            return None
        self._log_det = 2 * float(np.log(np.diagonal(factor)).sum())
        inverse = np.linalg.inv(P)
        return np.asarray((inverse + inverse.T) / 2)

    def _energies(self, S: Reals, p: Reals) -> Reals:
        """(blocks, points) x_bᵀS_b x_b − p_b·x_b."""
        x = self._x
        return np.asarray(((x @ S - p.reshape(self._blocks, 1, self._each)) * x).sum(axis=2))

    def _soft(self, S: Reals, p: Reals) -> tuple[float, Reals]:
        """Sum of the free energies of the blocks, and the share (blocks, points) of each point."""
        energy = self._energies(S, p)
        least = energy.min(axis=1, keepdims=True)
        weight = np.exp((least - energy) / self._mu)
        total = weight.sum(axis=1, keepdims=True)
        return float((least - self._mu * np.log(total / energy.shape[1])).sum()), weight / total

    def _smooth(self, inverse: Reals, S: Reals, p: Reals) -> float:
        """What is maximised over p."""
        pull = 2 * self._linear + p
        return self._soft(S, p)[0] - float(pull @ inverse @ pull) / 4

    def _settle(self, inverse: Reals) -> None:
        """Two steps of Newton's method for p."""
        for _ in range(2):
            mean, second = self._moments()
            slope = -inverse @ (2 * self._linear + self._p) / 2 - mean.ravel()
            spread = self._whole(second - mean[:, :, None] * mean[:, None, :]) / self._mu
            move = np.linalg.solve(inverse / 2 + spread, slope)
            now, rise, share = self._smooth(inverse, self._S, self._p), float(slope @ move), 1.0
            while (
                share > 1e-3
                and not self._smooth(inverse, self._S, self._p + share * move) >= now + 0.1 * share * rise
            ):
                share /= 2
            if share <= 1e-3:
                break
            self._p = self._p + share * move
            if share == 1.0 and rise <= self._mu:
                break

    def _moments(self) -> tuple[Reals, Reals]:
        """The mean (blocks, each) and the second moments (blocks, each, each) of x in each block."""
        weight = self._soft(self._S, self._p)[1]
        mean = (weight[:, None, :] @ self._x)[:, 0, :]
        return mean, (self._x * weight[:, :, None]).transpose(0, 2, 1) @ self._x

    def _step(self, inverse: Reals) -> tuple[Reals | None, float]:
        """A step for S, by the curvature in each block alone: the new P⁻¹, and how long the step was."""
        x = (-inverse @ (2 * self._linear + self._p) / 2).reshape(self._blocks, self._each)
        own = self._parts(inverse)
        second = self._moments()[1]
        square = x[:, :, None] * x[:, None, :]
        slope = second - square - self._mu * own
        scale = np.linalg.inv(own + square / self._mu)
        move = scale @ slope @ scale / self._mu
        rise = float((slope * move).sum())
        now, share = self._smooth(inverse, self._S, self._p) + self._mu * self._log_det, 1.0
        least = _SHORTEST / (1 + float(np.sqrt(max(rise, 0.0) / self._mu)))
        while share > least:
            S = self._S + share * (move + move.transpose(0, 2, 1)) / 2
            tried = self._inverse(S)
            if tried is not None:
                reached = self._smooth(tried, S, self._p) + self._mu * self._log_det
                if reached >= now + 0.05 * share * rise:
                    self._S = S
                    return tried, share
            share *= 0.6
        return None, 0.0

    def _certain(self, inverse: Reals) -> tuple[float, Reals]:
        """The bound for the present S and p, less what rounding errors can do, and its x (n,).

        P ⪰ 0, as a Cholesky factorisation of P − shift·1 exists and its error is below the shift (Higham
        2002, theorem 10.3). A convex function lies above its tangent at any point, here near its minimum, and
        the tangent is minimised over the box. Sums are wrong by UNIT times their lengths and terms (section
        3.1), and the form's slack is what each of the sums that begin with its G and g may lack.
        """
        n, P = len(self._G), self._G - self._whole(self._S)
        pull = 2 * self._linear + self._p
        x = -inverse @ pull / 2
        slope = 2 * (P @ x) + pull
        low, high = -self._centre - x, self._width - self._centre - x
        convex = float(x @ P @ x + pull @ x + np.minimum(slope * low, slope * high).sum())
        value = self._constant + convex + float(self._energies(self._S, self._p).min(axis=1).sum())
        reach = np.maximum(np.abs(self._centre), np.abs(self._width - self._centre))
        size, norms = np.abs(x) + reach, np.sqrt(np.diagonal(P))
        terms = float(norms @ size) ** 2 + float((np.abs(self._p) + np.abs(self._linear)) @ size)
        parts = reach.reshape(self._blocks, 1, self._each)
        terms += float((parts @ np.abs(self._S) @ parts.transpose(0, 2, 1)).sum()) + self._terms
        return value - 16 * (n + 4) * UNIT * terms - 8 * self._form.slack / self._unit, x


def _clustered(G: Reals, size: int) -> Ints:
    """(m,) an order of the columns in blocks of ``size``: each takes in what is most correlated with it."""
    norms = np.maximum(np.diagonal(G), np.finfo(np.float64).tiny)
    near = np.abs(G) / np.outer(np.sqrt(norms), np.sqrt(norms))
    left, order = np.ones(len(G), dtype=bool), np.empty(len(G), dtype=np.int64)
    for k in range(len(G)):
        if k % size == 0:
            score = norms.copy()
        j = int(np.argmax(np.where(left, score, -1.0)))
        score = near[j].copy() if k % size == 0 else score + near[j]
        order[k], left[j] = j, False
    return order
