"""A resumable Schnorr–Euchner enumeration, with the room that rounding errors need."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from qnnt.domain import IntArray
from qnnt.rounders.base import UNIT
from qnnt.rounders.lattice.form import Form
from qnnt.rounders.lattice.relaxation import Convexified, separable
from qnnt.rounders.lattice.row import best_first, settled
from qnnt.rounders.lattice.shared import sorted_order

if TYPE_CHECKING:
    from qnnt.rounders.lattice.loops import Convex, Path

_DRIFT = 1e-8  # beyond, the open variables' optimum is not known well enough to bound with


class Search:
    """Enumerates the box of a form along a convexified one; ``best`` and ``bound`` hold at any time."""

    def __init__(
        self,
        form: Form,
        relaxed: Convexified,
        best: IntArray,
        *,
        levels: int,
        beams: int,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        from qnnt.rounders.lattice import loops

        self._order = order = sorted_order(np.asarray(np.linalg.inv(relaxed.H), dtype=np.float64))
        G = np.ascontiguousarray(form.G[np.ix_(order, order)])
        self._cost = loops.Cost(G, form.g[order], form.f0)
        self._convex = _convex(form, relaxed, order, levels, over)
        self._path = _root(self._convex)
        z = best_first(self._convex.R, self._convex.r, self._convex.width, beams)
        assert z is not None  # without a clock it ends
        z = settled(G, G @ z + self._cost.g, z, self._convex.width)
        self._best_x = min(best[order], z, key=lambda x: float(x @ G @ x + 2 * (self._cost.g @ x)))
        self._best = max(form.value(self.best), 0.0)
        self._done = False

    @property
    def best(self) -> IntArray:
        """(m,) the best z so far."""
        z: IntArray = np.empty_like(self._best_x)
        z[self._order] = self._best_x
        return z

    @property
    def nodes(self) -> int:
        """How many nodes were seen."""
        return int(self._path.at[1])

    def advance(self, nodes: int) -> bool:
        """Look at up to ``nodes`` more nodes; whether the search is complete."""
        from qnnt.rounders.lattice import loops

        self._best, self._done = loops.enumerate_box(
            self._convex, self._cost, self._path, self._best, self._best_x, nodes
        )
        return bool(self._done)

    @property
    def bound(self) -> float:
        """No z has a value below this: the best itself when all is done, else the least of the open nodes."""
        convex, path = self._convex, self._path
        found = self._best * (1 - 1e-9) - convex.slack
        if self._done:
            return found
        least = np.inf
        for k in range(int(path.at[0]), len(path.left)):
            values = [v for v in (path.left[k], path.right[k]) if 0 <= v <= convex.width[k]]
            if values:
                step = min(abs(v - path.centre[k]) for v in values) * convex.R[k, k]
                least = min(least, max(path.partial[k + 1] + step**2, path.below[k + 1]))
        return min(found, least + convex.offset - convex.slack)


def _convex(
    form: Form, relaxed: Convexified, order: IntArray, levels: int, over: Callable[[], bool]
) -> Convex:
    """The convexified form in the order of the search, with the room that rounding errors need."""
    from qnnt.rounders.lattice import loops

    H, r, width = relaxed.H[np.ix_(order, order)], relaxed.r[order], form.width[order]
    R = np.ascontiguousarray(np.linalg.cholesky(H).T)
    inverse = np.linalg.inv(R)
    U = np.ascontiguousarray(-np.triu(inverse, 1).T * np.diagonal(R)[:, None])
    rates = separable(H, levels, over) * (1 - 1e-6)
    reach = float(np.maximum(np.abs(r), np.abs(r - width)).max(initial=0.0))
    drift = 4 * len(r) * UNIT * float((np.abs(inverse) @ np.abs(R)).sum(axis=1).max()) * (reach + 1)
    if drift > _DRIFT:
        rates[:] = 0.0
    slack = relaxed.slack + 1e6 * drift**2 * float(rates.sum(axis=1).max())
    return loops.Convex(R, U, r, width, rates, relaxed.least, slack)


def _root(convex: Convex) -> Path:
    """The enumeration before its first step: the last variable is decided first."""
    from qnnt.rounders.lattice import loops

    r, width = convex.r, convex.width
    m = len(r)
    optimum, centre, below = np.zeros((m, m)), np.zeros(m), np.zeros(m + 1)
    optimum[-1], centre[-1] = r, r[-1]
    below[m] = float((convex.rate[-1] * (r - np.clip(np.rint(r), 0, width)) ** 2).sum())
    left, right = np.full(m, -1), width + 1
    left[-1] = int(np.clip(np.floor(r[-1]), -1, width[-1]))
    right[-1] = left[-1] + 1
    at, x, moved = np.array([m - 1, 0]), np.zeros(m, np.int64), np.zeros(m)
    return loops.Path(at, x, moved, optimum, centre, np.zeros(m + 1), below, left, right)
