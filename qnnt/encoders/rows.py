"""Sparse linear rows under construction: collected in blocks, joined, extended, selected."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from qnnt.domain import IntArray
from qnnt.models import Rows

Ints = npt.NDArray[np.int64]
NONE = -1  # in place of a variable number: the constant 0
ALWAYS = -2  # the constant 1
_Block = tuple[Ints, Ints, Ints]
_PART = 2**20  # entries


class RowBank:
    """Collects rows in dense blocks and lays them out as :class:`Rows`."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []

    def add(self, index: IntArray, coef: npt.ArrayLike, lower: npt.ArrayLike) -> None:
        """Add m rows Σ coef·var ≥ lower: ``index`` (m, k) may hold constants, the others broadcast."""
        index, coef, lower = (np.asarray(a, dtype=np.int64) for a in (index, coef, lower))
        if coef.shape != index.shape:
            coef = np.broadcast_to(coef, index.shape)
        if lower.shape != index.shape[:1]:
            lower = np.broadcast_to(lower, index.shape[:1])
        self._blocks.append((index, coef, lower))

    def rows(self) -> Rows:
        """All rows; some may have no entry."""
        parts = []
        for blocks in self._parts():
            index = np.concatenate([block[0].ravel() for block in blocks])
            coef = np.concatenate([block[1].ravel() for block in blocks])
            widths = np.concatenate([np.full(len(block[0]), block[0].shape[1]) for block in blocks])
            kept = (index != NONE) & (coef != 0)
            before = np.concatenate([[0], np.cumsum(kept)])
            sizes = np.diff(before[np.concatenate([[0], np.cumsum(widths)])])
            parts.append((sizes, index[kept], coef[kept], np.concatenate([block[2] for block in blocks])))
        sizes, index, coef, lower = (concatenated([part[i] for part in parts]) for i in range(4))
        return _settled(Rows(np.concatenate([[0], np.cumsum(sizes)]), index, coef, lower))

    def _parts(self) -> Iterator[list[_Block]]:
        """The blocks in lists of many entries, so that few arrays are handled, and none is huge."""
        part: list[_Block] = []
        size = 0
        for block in self._blocks:
            part.append(block)
            size += block[0].size
            if size > _PART:
                yield part
                part, size = [], 0
        if part:
            yield part


def _settled(rows: Rows) -> Rows:
    """The same rows without entries ``ALWAYS``: what they add goes to the other side."""
    always = rows.index == ALWAYS
    if not always.any():
        return rows
    row = np.repeat(np.arange(len(rows)), np.diff(rows.starts))
    lower, kept = rows.lower.copy(), ~always
    np.subtract.at(lower, row[always], rows.coef[always])
    starts = np.concatenate([[0], np.cumsum(kept)])[rows.starts]
    return Rows(starts, rows.index[kept], rows.coef[kept], lower)


def concatenated(arrays: list[Ints]) -> Ints:
    """One array (n,) out of any number of them."""
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64)


def joined(parts: list[Rows]) -> Rows:
    """One block of rows out of several."""
    sizes = concatenated([np.diff(p.starts) for p in parts])
    return Rows(
        np.concatenate([[0], np.cumsum(sizes)]),
        concatenated([p.index for p in parts]),
        concatenated([p.coef for p in parts]),
        concatenated([p.lower for p in parts]),
    )


def extended(rows: Rows, factor: int, index: IntArray, coef: IntArray, lower: IntArray) -> Rows:
    """Rows ``factor`` · row + Σ coef·var ≥ lower, with k more entries each: ``index`` and ``coef`` (m, k).

    As in a :class:`RowBank`, an entry may be a constant.
    """
    m, k = index.shape
    row = np.concatenate([np.repeat(np.arange(m), np.diff(rows.starts)), np.repeat(np.arange(m), k)])
    columns = np.concatenate([rows.index, index.ravel()])
    values = np.concatenate([factor * rows.coef, np.broadcast_to(coef, index.shape).ravel()])
    kept = np.flatnonzero((columns != NONE) & (values != 0))
    order = kept[np.argsort(row[kept], kind="stable")]
    starts = np.searchsorted(row[order], np.arange(m + 1))
    return _settled(Rows(starts, columns[order], values[order], lower.astype(np.int64, copy=False)))


def selected(rows: Rows, which: IntArray) -> Rows:
    """The rows of the numbers in ``which``, in that order."""
    sizes = np.diff(rows.starts)[which]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    entry = np.repeat(rows.starts[which] - starts[:-1], sizes) + np.arange(starts[-1])
    return Rows(starts, rows.index[entry], rows.coef[entry], rows.lower[which])
