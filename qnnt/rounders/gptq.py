"""GPTQ (Frantar et al., arXiv 2210.17323) as its users know it: damping, blocks, any code of the range.

The columns are rounded one after another, each to the nearest code in the range, and the error of each is
made up for by those that are still to come. It is Babai's nearest plane in that order, on the damped matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import UnknownWord
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import ALL_CODES, PlainRounder, Reals, RowAnswer, Stopped

Ints = npt.NDArray[np.int64]

BLOCK = 128  # columns
DAMPING = 0.01  # of the mean diagonal entry


@dataclass(frozen=True)
class Factor:
    """What the rows of a Gram matrix share: the ``order`` (m,) of its columns, and ``upper`` (m, m).

    ``upper`` is the upper Cholesky factor of the inverse of the damped matrix in that order.
    """

    order: Ints
    upper: Reals

    @classmethod
    def of(cls, gram: Reals, damping: float = DAMPING, *, by_activation: bool = True) -> Factor:
        """Factorise a Gram matrix (m, m); a column that is zero counts as independent of the others.

        ``by_activation`` begins with the columns of largest norm (the option ``actorder`` of GPTQ).
        Damping is raised tenfold, as often as it takes, where rounding errors spoil the factorisation.
        """
        norms = np.diagonal(gram)
        order = np.argsort(-norms, kind="stable") if by_activation else np.arange(len(gram))
        H = gram[np.ix_(order, order)]
        dead = np.diagonal(H) == 0
        size = float(norms.mean()) if norms.any() else 1.0
        diagonal = np.diag_indices(len(H))
        H[diagonal] = np.where(dead, size, H[diagonal])
        while True:
            H[diagonal] += damping * size
            try:
                inverse = np.linalg.inv(H)
                upper = np.asarray(np.linalg.cholesky((inverse + inverse.T) / 2).T, dtype=np.float64)
                return cls(order, upper)
            except np.linalg.LinAlgError:
                damping *= 10

    def rounded(
        self, target: Reals, lower: Ints, upper: Ints, block: int = BLOCK, steps: Reals | float = 1.0
    ) -> Ints:
        """(n, m) the codes of n rows with real values ``target``, each between ``lower`` and ``upper``.

        ``steps`` (n, m) are what codes are worth in units of the Gram matrix, where that is not the same for
        a whole row.
        """
        order, R, m = self.order, self.upper, len(self.order)
        unit = np.broadcast_to(steps, target.shape)[:, order]
        left, least, greatest = target[:, order] * unit, lower[:, order], upper[:, order]
        codes = np.empty(left.shape, dtype=np.int64)
        for begin in range(0, m, block):
            end = min(begin + block, m)
            errors = np.empty((len(left), end - begin))
            for k in range(begin, end):
                codes[:, k] = np.clip(np.rint(left[:, k] / unit[:, k]), least[:, k], greatest[:, k])
                errors[:, k - begin] = (left[:, k] - codes[:, k] * unit[:, k]) / R[k, k]
                left[:, k + 1 : end] -= np.outer(errors[:, k - begin], R[k, k + 1 : end])
            left[:, end:] -= errors @ R[begin:end, end:]
        chosen = np.empty_like(codes)
        chosen[:, order] = codes
        return chosen


@dataclass(frozen=True)
class GptqRounder(PlainRounder):
    """GPTQ in activation order, or with variant ``in-order`` in the order of the columns.

    ``damping`` is added to the diagonal, as a share of its mean; ``block`` columns are made up for at once,
    which changes the speed and nothing else. Every code of the range is open, unless the caller limits the
    candidates. Raises :class:`UnknownWord` for an unknown variant.
    """

    variant: str = ""
    damping: float = DAMPING
    block: int = BLOCK
    candidates = ALL_CODES

    def __post_init__(self) -> None:
        if self.variant not in self.variants():
            raise UnknownWord("gptq variant", self.variant, [v for v in self.variants() if v])

    @staticmethod
    def variants() -> tuple[str, ...]:
        """Activation order, and the order of the columns."""
        return "", "in-order"

    @property
    def name(self) -> str:
        """``gptq`` or ``gptq:in-order``."""
        return "gptq" + (f":{self.variant}" if self.variant else "")

    @property
    def summary(self) -> str:
        """What it does."""
        order = "in the order of the columns" if self.variant else "in activation order"
        return f"GPTQ {order}, damped, over all codes"

    def prepare(self, gram: Any, over: Stopped) -> Any:
        """The factor; None once the time is over."""
        return None if over() else Factor.of(gram, self.damping, by_activation=not self.variant)

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """One pass over the columns."""
        v = prepared.rounded(model.target[None], model.lower[None], model.upper[None], self.block)[0]
        return RowAnswer(Status.SATISFIABLE, v, reason="GPTQ proves nothing")
