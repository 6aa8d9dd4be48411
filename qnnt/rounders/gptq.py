"""GPTQ (Frantar et al., arXiv 2210.17323) as its users know it: damping, blocks, any code of the range.

The columns are rounded one after another, each to the nearest code in the range, and the error of each is
made up for by those that are still to come. It is Babai's nearest plane in that order, on the damped matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qnnt.exceptions import UnknownWord
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import ALL_CODES, PlainRounder, Reals, RowAnswer, Stopped
from qnnt.rounders.planes import BLOCK, Planes

DAMPING = 0.01  # of the mean diagonal entry


def gptq_planes(gram: Reals, damping: float = DAMPING, *, by_activation: bool = True) -> Planes:
    """What all rows of a Gram matrix (m, m) share; ``damping`` is a share of the mean diagonal entry.

    ``by_activation`` begins with the columns of largest norm (the option ``actorder`` of GPTQ).
    """
    norms = np.diagonal(gram)
    order = np.argsort(-norms, kind="stable") if by_activation else np.arange(len(gram))
    size = float(norms.mean()) if norms.any() else 1.0
    return Planes.of(gram, order[::-1], damping * size)


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
        return None if over() else gptq_planes(gram, self.damping, by_activation=not self.variant)

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """One pass over the columns."""
        v = prepared.rounded(model.target[None], model.lower[None], model.upper[None], self.block)[0]
        return RowAnswer(Status.SATISFIABLE, v, reason="GPTQ proves nothing")
