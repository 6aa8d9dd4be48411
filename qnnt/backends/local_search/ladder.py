"""Temperatures of rounds of moves, in slices short enough to be stopped between."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Temperatures = npt.NDArray[np.float64]

_SLICE = 0.05  # seconds between two looks at whether to stop


def slices(ladder: Temperatures) -> Iterator[Temperatures]:
    """The rows of a ladder (rounds, networks), as many at a time as take about a twentieth of a second."""
    begin, size = 0, 1
    while begin < len(ladder):
        clock = time.monotonic()
        yield ladder[begin : begin + size]
        begin += size
        size = 2 * size if time.monotonic() - clock < _SLICE / 2 else max(1, size // 2)
