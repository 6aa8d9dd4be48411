"""Sets of activation vectors: one value for each distinct input."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np

from qnnt.backends.treewidth.task import Budget, Index, Mask, Rows
from qnnt.domain import Domain

_CODE = 2**62  # codes of rows stay below


class Coder:
    """Numbers ``code`` (m,) for rows given column by column, in the lexicographic order of the rows."""

    def __init__(self, m: int) -> None:
        self.code: Index = np.zeros(m, dtype=np.int64)
        self._size = 1

    def add(self, column: Rows) -> None:
        """Take in the next column (m,)."""
        if not len(column):
            return
        low = int(column.min())
        span = int(column.max()) - low + 1
        if span == 1:
            return
        if self._size * span >= _CODE:  # number both densely first
            values, self.code = np.unique(self.code, return_inverse=True)
            self._size = len(values)
            if self._size * span >= _CODE:
                values, column = np.unique(column, return_inverse=True)
                low, span = 0, len(values)
        self.code = self.code * span
        self.code += column
        self.code -= low
        self._size *= span

    def add_all(self, columns: Rows) -> None:
        """Take in one column (m,) or several, (m, c)."""
        if columns.ndim == 1:
            self.add(columns)
            return
        if not len(columns):
            return
        low = columns.min(axis=0).astype(np.int64)
        spans = (columns.max(axis=0) - low + 1).tolist()
        size = prod(spans)
        if self._size * size >= _CODE:
            for column in columns.T:
                self.add(column)
            return
        place = np.array([prod(spans[j + 1 :]) for j in range(len(spans))], dtype=np.int64)
        self.code = self.code * size + (columns @ place - int(low @ place))
        self._size *= size

    def first(self) -> Index:
        """Where each distinct row is first, in the order of the rows."""
        m = len(self.code)
        if self._size <= 4 * m + 1024:  # no sorting: the first row of each code is written last
            first = np.full(self._size, -1, dtype=np.int64)
            first[self.code[::-1]] = np.arange(m - 1, -1, -1)
            return first[first >= 0]
        return np.unique(self.code, return_index=True)[1].astype(np.int64)


def unique_rows(rows: Rows) -> Index:
    """Where the distinct rows of an (m, c) array are first found, in lexicographic order of the rows."""
    coder = Coder(len(rows))
    coder.add_all(rows)
    return coder.first()


def small_type(domain: Domain, most_arcs: int) -> np.dtype[Any]:
    """An integer type that holds clipped sums of so many arcs."""
    return np.min_scalar_type(-(4 * (most_arcs + 2) * max(1, domain.hi) ** 2) - 1)


def pack(vectors: Rows, base: int) -> Index:
    """Vectors (…, n) over 0..base-1 as numbers (…,); base^n must stay below 2^62."""
    return np.asarray(vectors @ _places(base, vectors.shape[-1]))


def unpack(codes: Index, base: int, n: int) -> Rows:
    """The inverse of :func:`pack`: (…, n)."""
    return codes[..., None] // _places(base, n) % base


def _places(base: int, n: int) -> Index:
    return base ** np.arange(n - 1, -1, -1, dtype=np.int64)


class Reachable:
    """What one neuron can show when the values of its sources are known, and by which parameters.

    ``sources`` (k, n): the value of each source on each input. ``vectors`` (m, n) are the distinct activation
    vectors over all d^(k+1) weights and bias, in lexicographic order. Partial sums are clipped where the
    arcs left can no longer change the activation, so the work follows the sums, not the weights. With
    ``allowed`` (n, max Z_d + 1) only vectors of allowed values are kept.
    """

    def __init__(self, domain: Domain, sources: Rows, budget: Budget, allowed: Mask | None = None) -> None:
        k, n = sources.shape
        lo, hi, d = domain.lo, domain.hi, domain.d
        values = np.asarray(sources, dtype=np.int64)
        weights = np.arange(lo, hi + 1)
        most = np.maximum(lo * values, hi * values)
        least = np.minimum(lo * values, hi * values)
        # What the arcs after each one can still add, (k, n).
        rise = most[::-1].cumsum(axis=0)[::-1] - most
        fall = least[::-1].cumsum(axis=0)[::-1] - least
        rows = np.zeros((1, n), dtype=np.int64)
        self._lo, self._d = lo, d
        self._stages: list[Index] = []
        for i in range(k):
            budget.admit(len(rows) * d, 8 * n)
            sums = (rows[:, None, :] + weights[:, None] * values[i]).reshape(-1, n)
            np.clip(sums, lo - rise[i], 2 * hi - fall[i], out=sums)
            first = unique_rows(sums)
            self._stages.append(first)
            rows = sums[first]
        budget.admit(len(rows) * d, 8 * n)
        shown = np.clip(rows[:, None, :] - weights[:, None], 0, hi).reshape(-1, n)
        kept = np.arange(len(shown))
        if allowed is not None:
            kept = np.flatnonzero(allowed[np.arange(n), shown].all(axis=1))
        kept = kept[unique_rows(shown[kept])]
        self._last = kept
        self.vectors: Rows = shown[kept].astype(np.min_scalar_type(-hi - 1))

    def parameters(self, i: int) -> tuple[list[int], int]:
        """The weights (k,) and the bias that show vector i."""
        row, bias = divmod(int(self._last[i]), self._d)
        weights = []
        for stage in reversed(self._stages):
            row, weight = divmod(int(stage[row]), self._d)
            weights.append(weight + self._lo)
        return weights[::-1], bias + self._lo

    def find(self, vector: Rows) -> int:
        """The position of a vector (n,) that is among ``vectors``."""
        return int(np.flatnonzero((self.vectors == vector).all(axis=1))[0])


def compatible(allowed: Mask) -> Mask:
    """(n, n): which inputs may show the same values in a layer, as every output has a value for both."""
    shared = np.asarray((allowed[:, None] & allowed[None]).any(axis=3))
    return np.asarray(shared.all(axis=2))


def merge(parts: Iterable[Rows]) -> Rows:
    """The distinct rows of several arrays, in lexicographic order."""
    rows = np.concatenate(list(parts))
    return rows[unique_rows(rows)]
