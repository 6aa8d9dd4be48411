"""Babai's nearest planes: the columns are decided one after another, each makes up for those before it.

One factorisation serves all rows of a layer. GPTQ is the same walk in another order, with more damping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.rounders.base import DAMPING, UNIT, Reals

Ints = npt.NDArray[np.int64]

BLOCK = 128  # columns that are decided before the others hear of it
_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Planes:
    """The ``order`` (m,) of the columns of a Gram matrix, the last decided first, and its factor R.

    R (m, m) is upper triangular, and RᵀR the damped matrix in that order.
    """

    order: Ints
    R: Reals

    @classmethod
    def of(cls, gram: Reals, order: Ints, damping: float) -> Planes:
        """Factorise a Gram matrix (m, m) with ``damping`` added to its diagonal.

        A column that is zero counts as independent of the others. Damping is raised tenfold, as often as it
        takes, where rounding errors spoil the factorisation; without any, it begins with a tiny one.
        """
        H = gram[np.ix_(order, order)]
        diagonal = np.diag_indices(len(H))
        live = np.diagonal(H).copy()
        live[live == 0] = live.sum() or 1.0
        while True:
            H[diagonal] = live + damping
            try:
                return cls(order, np.ascontiguousarray(np.linalg.cholesky(H).T))
            except np.linalg.LinAlgError:
                damping = max(10 * damping, UNIT * float(live.max()), _TINY)

    def rounded(
        self, target: Reals, lower: Ints, upper: Ints, block: int = BLOCK, steps: Reals | float = 1.0
    ) -> Ints:
        """(n, m) the integers of n rows with real values ``target``, between ``lower`` and ``upper``.

        ``steps`` (n, m) are what integers are worth in units of the Gram matrix, where that is not the same
        for a whole row.
        """
        R, m = self.R, len(self.order)
        unit = np.broadcast_to(steps, target.shape)
        aim, least, most, unit = (values[:, self.order] for values in (target, lower, upper, unit))
        codes, moved = np.empty(aim.shape, dtype=np.int64), np.zeros(aim.shape)
        for end in range(m, 0, -block):
            begin = max(end - block, 0)
            missed = moved[:, end:] @ R[begin:end, end:].T
            for k in range(end - 1, begin - 1, -1):
                own = missed[:, k - begin] + moved[:, k + 1 : end] @ R[k, k + 1 : end]
                codes[:, k] = np.clip(
                    np.rint(aim[:, k] - own / (R[k, k] * unit[:, k])), least[:, k], most[:, k]
                )
                moved[:, k] = (codes[:, k] - aim[:, k]) * unit[:, k]
        chosen = np.empty_like(codes)
        chosen[:, self.order] = codes
        return chosen


def damping(gram: Reals) -> float:
    """What is added to the diagonal for orders and starts."""
    return DAMPING * float(np.trace(gram)) + _TINY


def nearest_planes(gram: Reals, target: Reals, lower: Ints, upper: Ints) -> Ints:
    """(n, m) the nearest planes of n rows, with next to no damping.

    ``target``, ``lower`` and ``upper`` are (n, m). Columns that no row has a choice for are decided first,
    then those of largest norm.
    """
    order = np.lexsort((np.diagonal(gram), (lower == upper).all(axis=0)))
    return Planes.of(gram, order, damping(gram)).rounded(target, lower, upper)
