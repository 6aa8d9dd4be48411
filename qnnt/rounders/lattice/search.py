"""A resumable Schnorr–Euchner enumeration, with the room that rounding errors need."""

from __future__ import annotations

import numpy as np

from qnnt.domain import IntArray
from qnnt.rounders.lattice.form import Form, sorted_order
from qnnt.rounders.lattice.relaxation import UNIT, Convexified, separable

_DRIFT = 1e-8  # beyond, the open variables' optimum is not known well enough to bound with


class Search:
    """Enumerates the box of a form along a convexified one; ``best`` and ``bound`` hold at any time."""

    def __init__(self, form: Form, relaxed: Convexified, best: IntArray, *, levels: int, beams: int) -> None:
        from qnnt.rounders.lattice import loops

        m = len(form.G)
        order = sorted_order(relaxed.H)
        H, r, width = relaxed.H[np.ix_(order, order)], relaxed.r[order], form.width[order]
        R = np.ascontiguousarray(np.linalg.cholesky(H).T)
        G, g = np.ascontiguousarray(form.G[np.ix_(order, order)]), form.g[order]
        z = loops.beam(R, r, width, beams)
        loops.descend(G, g, z, width)
        self._order, self._done = order, False
        self._best_x = min(best[order], z, key=lambda x: float(x @ G @ x + 2 * (g @ x)))
        self._best = max(form.value(self._unsorted(self._best_x)), 0.0)
        self._offset = relaxed.least

        inverse = np.linalg.inv(R)
        U = np.ascontiguousarray(-np.triu(inverse, 1).T * np.diagonal(R)[:, None])
        rates = separable(H, levels) * (1 - 1e-6)
        reach = float(np.maximum(np.abs(r), np.abs(r - width)).max(initial=0.0))
        drift = 4 * m * UNIT * float((np.abs(inverse) @ np.abs(R)).sum(axis=1).max()) * (reach + 1)
        if drift > _DRIFT:
            rates[:] = 0.0
        self._slack = relaxed.slack + 1e6 * drift**2 * float(rates[-1].sum())

        self._state = np.array([m - 1, 0, 0])
        centre, C = np.zeros(m), np.zeros((m, m))
        centre[-1], C[-1] = r[-1], r
        left, right = np.full(m, -1), width + 1
        left[-1] = int(np.clip(np.floor(r[-1]), -1, width[-1]))
        right[-1] = left[-1] + 1
        self._left, self._right, self._centre, self._partial = left, right, centre, np.zeros(m + 1)
        self._R, self._width, self._below = R, width, np.zeros(m + 1)
        self._below[m] = float((rates[-1] * (r - np.clip(np.rint(r), 0, width)) ** 2).sum())
        self._fixed = (R, U, r, width, rates, self._offset, self._slack, G, g, form.f0)
        self._stack = (np.zeros(m, np.int64), np.zeros(m), C, centre, self._partial, self._below, left, right)

    def _unsorted(self, x: IntArray) -> IntArray:
        z = np.empty_like(x)
        z[self._order] = x
        return z

    @property
    def best(self) -> IntArray:
        """(m,) the best z so far."""
        return self._unsorted(self._best_x)

    @property
    def nodes(self) -> int:
        """How many nodes were seen."""
        return int(self._state[2])

    def advance(self, nodes: int) -> bool:
        """Look at up to ``nodes`` more nodes; whether the search is complete."""
        from qnnt.rounders.lattice import loops

        self._best, self._done = loops.enumerate_box(
            *self._fixed, self._best, self._best_x, *self._stack, self._state, nodes
        )
        return self._done

    @property
    def bound(self) -> float:
        """No z has a value below this: the best itself when all is done, else the least of the open nodes."""
        found = self._best * (1 - 1e-9) - self._slack
        if self._done:
            return found
        least = np.inf
        for k in range(int(self._state[0]), len(self._left)):
            values = [v for v in (self._left[k], self._right[k]) if 0 <= v <= self._width[k]]
            if values:
                step = min(abs(v - self._centre[k]) for v in values) * self._R[k, k]
                least = min(least, max(self._partial[k + 1] + step**2, self._below[k + 1]))
        return min(found, least + self._offset - self._slack)
