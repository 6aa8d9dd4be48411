"""Calibration data: the inputs that the rounding of a network is fitted to, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError


@dataclass(frozen=True, eq=False)
class Calibration:
    """``inputs`` (N, f), row ``indices`` (N,) of a pool of ``pool`` rows, drawn with ``seed``.

    ``overlap`` is how many rows of the pool were left out because the test data hold the same input, or None
    if there were no test data to keep apart.
    """

    inputs: npt.NDArray[Any]
    indices: npt.NDArray[np.int64]
    pool: int
    seed: int
    overlap: int | None

    def as_dict(self) -> dict[str, Any]:
        """What a report says of it."""
        return {"size": len(self.inputs), "of": self.pool, "seed": self.seed, "left_out": self.overlap}


def draw_calibration(
    X: npt.ArrayLike,
    *,
    count: int | None = None,
    share: float | None = None,
    seed: int = 0,
    test: npt.ArrayLike | None = None,
) -> Calibration:
    """Draw calibration inputs from X (N, f) without replacement, in the order of X.

    ``count`` rows, or a ``share`` in (0, 1] of them (rounded, at least one); without either, all. Rows of X
    that ``test`` (M, f) holds too, value for value, are left out first, so that nothing is tested on what it
    was fitted to; pass ``test=None`` to draw from all of X. Raises :class:`InputError`.
    """
    rows = np.asarray(X)
    if rows.ndim != 2 or not len(rows):
        raise InputError("calibration", f"must be a matrix with rows, not of shape {rows.shape}")
    free = np.arange(len(rows))
    if test is not None:
        known = np.asarray(test)
        if known.ndim != 2 or known.shape[1] != rows.shape[1]:
            raise InputError("test data", f"of shape {known.shape} are no inputs like those of {rows.shape}")
        taken = {_key(row) for row in known}
        free = np.array([i for i in free if _key(rows[i]) not in taken], dtype=np.int64)
        if not len(free):
            raise InputError("calibration", "every row is in the test data too")
    size = _size(len(free), count, share)
    chosen = np.sort(np.random.default_rng(seed).permutation(free)[:size])
    return Calibration(rows[chosen], chosen, len(rows), seed, None if test is None else len(rows) - len(free))


def _size(rows: int, count: int | None, share: float | None) -> int:
    if count is not None and share is not None:
        raise InputError("calibration", "give a count or a share, not both")
    if share is not None:
        if not 0 < share <= 1:
            raise InputError("calibration", f"a share lies in (0, 1], not {share}")
        return max(1, round(share * rows))
    if count is not None and not 1 <= count <= rows:
        raise InputError("calibration", f"can be 1 to {rows} rows, not {count}")
    return rows if count is None else count


def _key(row: npt.NDArray[Any]) -> bytes:
    return (row.astype(np.float64) + 0.0).tobytes()  # -0.0 is 0.0
