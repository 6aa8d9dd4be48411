"""What the rows of a layer share: the columns that count, orders to decide them in, and their factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnnt.rounders.gptq import gptq_planes
from qnnt.rounders.lattice.form import Ints, Reals
from qnnt.rounders.planes import Planes, damping

_BLOCK = 64  # columns


@dataclass(frozen=True)
class Shared:
    """The ``live`` columns (k,) of a layer's Gram matrix, those that are not zero, and their ``gram`` (k, k).

    ``usual`` are the planes of GPTQ in activation order, ``sorted`` those in V-BLAST order with next to no
    damping, and ``inverse`` (k, k) is that of the matrix so damped.
    """

    live: Ints
    gram: Reals
    usual: Planes
    sorted: Planes
    inverse: Reals

    @classmethod
    def of(cls, gram: Reals) -> Shared:
        """Factorise the Gram matrix (m, m) of a layer: a few products of matrices, whatever the rows."""
        live = np.flatnonzero(np.diagonal(gram) > 0)
        G = np.ascontiguousarray(gram if len(live) == len(gram) else gram[np.ix_(live, live)])
        usual, extra = gptq_planes(G), damping(G)
        H = G.copy()
        H[np.diag_indices(len(H))] += extra
        inverse = np.asarray(np.linalg.inv(H), dtype=np.float64)
        return cls(live, G, usual, Planes.of(G, sorted_order(inverse), extra), inverse)

    @property
    def rate(self) -> Reals:
        """(k,) λ with gram − diag(λ) positive definite: by Gershgorin's circles of the inverse."""
        return np.asarray(0.9 / np.abs(self.inverse).sum(axis=1) - damping(self.gram))

    def planes(self, free: Ints) -> Planes:
        """The planes in V-BLAST order for a row that has a choice for the columns ``free`` of the live ones.

        Those of all columns are nearly as good, unless many columns are fixed.
        """
        if len(self.live) - len(free) <= len(self.live) // 8:
            return self.sorted
        chosen = np.zeros(len(self.live), dtype=bool)
        chosen[free] = True
        order = self.sorted.order
        # Fixed columns are decided first: what they miss is known from the start.
        return Planes.of(
            self.gram, np.concatenate([order[chosen[order]], order[~chosen[order]]]), damping(self.gram)
        )

    def centre(self, target: Reals, fixed: Ints) -> Reals:
        """(k,) the best real values of all columns, given that the ``fixed`` ones are 0."""
        if not len(fixed):
            return target
        K = self.inverse
        centre = target - K[:, fixed] @ np.linalg.solve(K[np.ix_(fixed, fixed)], target[fixed])
        centre[fixed] = 0.0
        return np.asarray(centre)


def sorted_order(inverse: Reals) -> Ints:
    """V-BLAST order: each level, last first, has the largest entry left in the diagonal of the factor.

    It is the order of a Cholesky factorisation of the ``inverse`` (k, k) of the matrix that takes the least
    pivot at each step, in blocks: the columns that are left hear of a block when it ends.
    """
    left = np.array(inverse)
    m = len(left)
    columns, order = np.arange(m), np.empty(m, dtype=np.int64)
    for end in range(m, 0, -_BLOCK):
        size = min(_BLOCK, end)
        L, diagonal, open_ = (
            np.zeros((len(left), size)),
            np.diagonal(left).copy(),
            np.ones(len(left), dtype=bool),
        )
        for k in range(size):
            j = int(np.argmin(np.where(open_, diagonal, np.inf)))
            order[end - 1 - k], open_[j] = columns[j], False
            pivot = diagonal[j]
            if pivot > 0:  # rounding errors can make it negative, and any order will do
                L[:, k] = (left[:, j] - L[:, :k] @ L[j, :k]) / np.sqrt(pivot)
                diagonal -= L[:, k] ** 2
        kept = np.flatnonzero(open_)
        columns, L = columns[kept], L[kept]
        left = left[np.ix_(kept, kept)]
        left -= L @ L.T
    return order
