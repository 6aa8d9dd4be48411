"""What a stranger needs to confirm the bounds of rounded rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.models import Multipliers, QuadraticModel


@dataclass(frozen=True, eq=False)
class RowCertificate:
    """A row's quadratic ``model`` and what is claimed of it.

    ``integers`` (m,) are the assignment that was chosen, ``cost`` is what it costs, ``bound`` holds for every
    assignment. ``multipliers`` are what a bound rests on, if the rounder told them. Nothing is checked here;
    see :func:`qnnt.verify.rounded_rows.check_bounds`.
    """

    model: QuadraticModel
    integers: npt.NDArray[np.int64]
    cost: float
    bound: float
    multipliers: Multipliers | None = None
