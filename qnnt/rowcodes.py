"""Rows of integers as single numbers in the same order, so that they are sorted and compared at once."""

from __future__ import annotations

from typing import Any

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
        low, high = columns.min(axis=0), columns.max(axis=0)
        if columns.ndim == 1:
            self._add_column(columns, low, int(high) - int(low) + 1)
            return
        spans = [b - a + 1 for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        start = 0
        while start < len(spans):
            # As many columns at once as one number holds.
            size, end = self._size, start
            while end < len(spans) and size * spans[end] < _MOST:
                size *= spans[end]
                end += 1
            if end - start < 2:
                self._add_column(columns[:, start], low[start], spans[start])
                start += 1
                continue
            place = [1] * (end - start)
            for j in range(end - start - 1, 0, -1):
                place[j - 1] = place[j] * spans[start + j]
            digits = np.array(place)
            added = columns[:, start:end].astype(np.int64, copy=False) @ digits
            # What wraps around here has wrapped back after this: the codes are below 2^62.
            added -= low[start:end].astype(np.int64) @ digits
            self.code = self.code * (size // self._size) + added if self._size > 1 else added
            self._size, start = size, end

    def _add_column(self, column: IntArray, low: np.integer[Any], span: int) -> None:
        if span == 1:
            return
        if self._size * span >= _MOST:
            values, self.code = np.unique(self.code, return_inverse=True)
            self._size = len(values)
            if self._size * span >= _MOST:
                values, column = np.unique(column, return_inverse=True)
                low, span = np.int64(0), len(values)
        self.code = self.code * span
        self.code += column.astype(np.int64, copy=False)
        self.code -= low.astype(np.int64)
        self._size *= span

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
