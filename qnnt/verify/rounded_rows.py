"""Check what is claimed of rounded rows: what their integers cost, and what any integers cost at least."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.models import QuadraticModel
from qnnt.rounding.certificates import RowCertificate
from qnnt.verify.dual import ExactGram

CLOSE = 1e-6  # relative distance at which two costs count as the same
LOST = 1e-5  # how far a confirmed bound may be below the claimed one, relatively: rounding errors lower S
_NOISE = 1e-12  # rounding errors of a cost, relative to the terms that it is the sum of


class Verdict(Enum):
    """What the check of a row says of its bound."""

    CONFIRMED = "confirmed"
    """The multipliers give the bound, up to a relative 1e-5."""
    SEARCH = "by search"
    """The bound is larger than what the multipliers give, or there are none: it rests on a search."""
    NONE = "no bound"
    """Nothing is claimed: the bound is the constant of the model, or less."""
    FAILED = "failed"
    """The certificate claims something that is not so."""


@dataclass(frozen=True)
class RowCheck:
    """The exact ``cost`` of a row's integers, and the ``confirmed`` bound, rounded down to a double.

    ``confirmed`` is None without multipliers. ``bound`` is claimed; ``reason`` says what failed.
    """

    verdict: Verdict
    cost: float
    bound: float
    confirmed: float | None
    reason: str | None


@dataclass(frozen=True)
class LayerCheck:
    """The checks of the rows of a layer."""

    rows: tuple[RowCheck, ...]

    @property
    def failed(self) -> list[int]:
        """Numbers of the rows whose certificate fails."""
        return [i for i, row in enumerate(self.rows) if row.verdict is Verdict.FAILED]

    def as_dict(self) -> dict[str, Any]:
        """What ``qnnt check-bounds --json`` prints: counts, sums over the rows, and every row.

        A row without a confirmed bound counts 0 in that sum, and so does one that failed.
        """
        counts = Counter(row.verdict for row in self.rows)
        cost, bound = (
            math.fsum(_finite(getattr(row, name)) or 0.0 for row in self.rows) for name in ("cost", "bound")
        )
        confirmed = math.fsum(
            max(row.confirmed or 0.0, 0.0) for row in self.rows if row.verdict is not Verdict.FAILED
        )
        return {
            "rows": [
                {
                    "verdict": row.verdict.value,
                    "cost": _finite(row.cost),
                    "lower_bound": _finite(row.bound),
                    "confirmed_bound": _finite(row.confirmed),
                    "reason": row.reason,
                }
                for row in self.rows
            ],
            **{verdict.value: counts[verdict] for verdict in Verdict},
            "cost": cost,
            "lower_bound": bound,
            "confirmed_bound": confirmed,
            "confirmed_share": confirmed / cost if cost else float(not self.failed),
        }


def check_bounds(layers: Iterable[Sequence[RowCertificate]]) -> list[LayerCheck]:
    """Check the certificates of each layer, such as :attr:`RoundedNetwork.certificates`."""
    return [LayerCheck(tuple(_checked(rows))) for rows in layers]


def _checked(rows: Sequence[RowCertificate]) -> Iterable[RowCheck]:
    """The check of each row; rows that share a Gram matrix share its exact form."""
    gram: ExactGram | None = None
    for row in rows:
        if gram is None or gram.doubles is not row.model.gram:
            gram = ExactGram(row.model.gram)
        yield _check(gram, row)


def _check(gram: ExactGram, row: RowCertificate) -> RowCheck:
    model, multipliers = row.model, row.multipliers

    def failed(reason: str, cost: float = math.nan, confirmed: float | None = None) -> RowCheck:
        return RowCheck(Verdict.FAILED, cost, row.bound, confirmed, reason)

    wrong = gram.unfit(model)
    if wrong is not None:
        return failed(wrong)
    v = row.integers
    if v.shape != model.lower.shape or (v < model.lower).any() or (v > model.upper).any():
        return failed("the integers are not in the box")
    noise = _NOISE * _size(model, v)
    if not math.isfinite(noise):
        return failed("its terms are beyond what a double holds")
    cost = _float(gram.cost(model, v))
    if not math.isfinite(row.cost) or abs(row.cost - cost) > CLOSE * cost + noise:
        return failed(f"the integers cost {cost:.9g}, not {row.cost:.9g}", cost)
    if not math.isfinite(row.bound) or row.bound > cost * (1 + CLOSE) + noise:
        return failed(f"the bound {row.bound:.9g} is above the cost", cost)
    confirmed = None
    if multipliers is not None:
        found = gram.bound(model, multipliers)
        if found.bound is None:
            return failed(f"not confirmed: {found.reason}", cost)
        confirmed = _below(found.bound)
        claimed = multipliers.bound
        if not math.isfinite(claimed) or confirmed < claimed - LOST * abs(claimed) - noise:
            return failed(f"the multipliers give {confirmed:.9g}, not {claimed:.9g}", cost, confirmed)
    if confirmed is not None and confirmed >= row.bound - LOST * abs(row.bound) - noise:
        verdict = Verdict.CONFIRMED
    else:
        verdict = Verdict.SEARCH if row.bound > model.constant + noise else Verdict.NONE
    return RowCheck(verdict, cost, row.bound, confirmed, None)


def _size(model: QuadraticModel, v: npt.NDArray[np.int64]) -> float:
    """What the terms of the integers' cost sum up to at most.

    Those of other integers are left out: in a wide box they are so large that any claim would pass for noise.
    """
    with np.errstate(over="ignore"):
        terms = np.square(np.abs(v - model.target) @ np.sqrt(np.abs(np.diagonal(model.gram))))
        return float(model.scale * terms + abs(model.constant))


def _finite(value: float | None) -> float | None:
    """The value, if it is one and finite."""
    return value if value is not None and math.isfinite(value) else None


def _float(value: Fraction) -> float:
    """The nearest double; infinite beyond all of them."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _below(value: Fraction) -> float:
    """A double that is not above the value."""
    near = _float(value)
    return near if math.isinf(near) or Fraction(near) <= value else math.nextafter(near, -math.inf)
