"""Rows of integers as single numbers in the same order, so that they are sorted and compared at once."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from qnnt.domain import IntArray

_MOST = 2**62  # codes stay below

Index = npt.NDArray[np.int64]


class RowCodes:
    """Numbers ``code`` (m,) for m rows whose columns are added one after another.

    Rows compare like their codes: lexicographically, by the columns added first. A code is a mixed-radix
    number with a digit for each column; codes that would grow too large are numbered densely first.
    """

    def __init__(self, m: int) -> None:
        self.code: Index = np.zeros(m, dtype=np.int64)
        self._size = 1  # codes are below

    @classmethod
    def of(cls, rows: IntArray) -> RowCodes:
        """The codes of the rows of an (m, c) array."""
        codes = cls(len(rows))
        codes.add(rows)
        return codes

    def add(self, columns: IntArray) -> None:
        """Take in the next column (m,), or several (m, c)."""
        if not len(columns):
            return
        if columns.ndim == 1:
            columns = columns[:, None]
        lows, highs = columns.min(axis=0).tolist(), columns.max(axis=0).tolist()
        spans = [high - low + 1 for low, high in zip(lows, highs, strict=True)]
        if self._size * prod(spans) < _MOST:
            self._append(columns, lows, spans)
            return
        varied = [j for j, span in enumerate(spans) if span > 1]
        while varied:
            size, fit = self._size, 0
            while fit < len(varied) and size * spans[varied[fit]] < _MOST:
                size *= spans[varied[fit]]
                fit += 1
            if fit:
                chosen, varied = varied[:fit], varied[fit:]
                self._append(columns[:, chosen], [lows[j] for j in chosen], [spans[j] for j in chosen])
            elif self._size > len(columns):
                values, self.code = np.unique(self.code, return_inverse=True)
                self._size = len(values)
            else:
                values, number = np.unique(columns[:, varied[0]], return_inverse=True)
                self._append(number[:, None], [0], [len(values)])
                varied = varied[1:]

    def first(self) -> Index:
        """Where each distinct row is first, in the order of the rows."""
        m = len(self.code)
        if self._size <= 4 * m + 1024:  # no sorting: the first row of each code is written last
            first = np.full(self._size, -1, dtype=np.int64)
            first[self.code[::-1]] = np.arange(m - 1, -1, -1)
            return first[first >= 0]
        return np.unique(self.code, return_index=True)[1].astype(np.int64)

    def groups(self) -> tuple[Index, Index]:
        """Where each distinct row is first, (g,), and for each row which of these it equals, (m,)."""
        _, first, of = np.unique(self.code, return_index=True, return_inverse=True)
        return first.astype(np.int64, copy=False), of.astype(np.int64, copy=False)

    def _append(self, columns: IntArray, lows: list[int], spans: list[int]) -> None:
        place = np.array([prod(spans[j + 1 :]) for j in range(len(spans))], dtype=np.int64)
        size = prod(spans)
        if size == 1:
            return
        if self._size > 1:
            self.code *= size
        # What wraps around here comes back when the least row is taken off: the codes are below 2^62.
        self.code += columns.astype(np.int64, copy=False) @ place
        self.code -= np.array(lows).astype(np.int64) @ place
        self._size *= size


def first_rows(rows: IntArray) -> Index:
    """Where the distinct rows of an (m, c) array are first, in lexicographic order of the rows."""
    return RowCodes.of(rows).first()


def distinct_rows(rows: IntArray) -> tuple[IntArray, Index]:
    """The distinct rows of an (n, k) array, sorted, and for each row the position of its own."""
    n = len(rows)
    if 0 < n < rows.shape[1]:  # few wide rows: sorting their bytes costs less than coding every column
        unsigned = f"u{rows.itemsize}"
        codes = (rows - rows.min()).view(unsigned).astype(f">{unsigned}")
        keys = [code.tobytes() for code in codes]
        position = {key: i for i, key in enumerate(keys)}
        number = {key: i for i, key in enumerate(sorted(position))}
        return rows[[position[key] for key in number]], np.array([number[key] for key in keys])
    first, of = RowCodes.of(rows).groups()
    return rows[first], of
