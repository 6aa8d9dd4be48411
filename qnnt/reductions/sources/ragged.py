"""Rows of different lengths in two arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


def whole(value: Any) -> int:
    """The integer that stands in a document; ``TypeError`` for anything else, and for True and False."""
    if type(value) is not int:
        raise TypeError(f"must be an integer, not {value!r}")
    return value


@dataclass(frozen=True, eq=False)
class Ragged:
    """m rows of integers: row r is ``values[starts[r]:starts[r + 1]]``; ``starts`` has m + 1 entries."""

    values: Integers
    starts: Integers

    @classmethod
    def of(cls, rows: Iterable[Iterable[int]]) -> Ragged:
        """The rows of an iterable."""
        lists = [list(row) for row in rows]
        starts = np.zeros(len(lists) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in lists], out=starts[1:])
        return cls(np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=int(starts[-1])), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ragged):
            return NotImplemented
        return np.array_equal(self.values, other.values) and np.array_equal(self.starts, other.starts)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def lengths(self) -> Integers:
        """The length of each row, (m,)."""
        return np.diff(self.starts)

    @cached_property
    def owners(self) -> Integers:
        """For each value the row that it stands in."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def count(self, marked: Booleans) -> Integers:
        """How many of each row's values are marked, (m,); ``marked`` has an entry for each value."""
        return np.bincount(self.owners[marked], minlength=len(self))

    def rows(self) -> list[list[int]]:
        """The rows as lists."""
        values, starts = self.values.tolist(), self.starts.tolist()
        return [values[a:b] for a, b in pairwise(starts)]
