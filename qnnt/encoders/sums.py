"""Pre-activations as trees of merged order-encoded sums.

The columns of a sum are its in-arcs and the bias. In the first layer the inputs are known, so a partial sum
over some columns depends only on the values of those columns: it is built once per *distinct* sub-vector and
shared by all inputs that show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.dataset import distinct_rows
from qnnt.encoders.clausebank import ClauseBank, Literals
from qnnt.encoders.order import Order, constant, merge

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """One summand for V neurons: its range, and ``leaf(keys, up, down)`` giving its (V·u) rows, neuron-major."""

    lo: int
    hi: int
    leaf: Callable[[npt.NDArray[np.int64], bool, bool], Order]


@dataclass(frozen=True)
class Sum:
    """The sum of ``columns`` for V = ``neurons`` neurons at once.

    Row i of ``keys`` (n, columns) tells the columns' leaves apart; with ``shared`` equal sub-vectors of keys
    mean equal partial sums.
    """

    bank: ClauseBank
    columns: tuple[Column, ...]
    keys: npt.NDArray[np.int64]
    neurons: int
    shared: bool

    def at(self, first: int, last: int, *, up: Flags, down: Flags, out: Literals | None = None) -> Order:
        """The (V·n) sums at thresholds first … last; ``up``, ``down`` and ``out`` as in :func:`merge`."""
        return self._build(0, len(self.columns), self.keys, first, last, up, down, out)

    def _build(
        self,
        start: int,
        stop: int,
        keys: npt.NDArray[np.int64],
        first: int,
        last: int,
        up: Flags,
        down: Flags,
        out: Literals | None,
    ) -> Order:
        if stop - start == 1:
            order = self.columns[start].leaf(keys[:, 0], bool(up.any()), bool(down.any()))
            if out is None:
                return order
            return merge(
                self.bank, order, constant(0, len(order.lits)), first, last, up=up, down=down, out=out
            )
        middle = (start + stop) // 2
        halves = ((start, middle), (middle, stop))
        ranges = [self._range(*half) for half in halves]
        parts = []
        for half, own, other in ((0, ranges[0], ranges[1]), (1, ranges[1], ranges[0])):
            lo, hi = max(first - other[1], own[0] + 1), min(last - other[0], own[1])
            if lo > hi:  # whatever this part is, the sum is on the same side of every threshold
                parts.append(constant(own[0], len(keys) * self.neurons))
                continue
            flags = [np.full(hi - lo + 1, bool(f.any())) for f in (up, down)]
            if not self.shared:
                parts.append(self._build(*halves[half], keys, lo, hi, flags[0], flags[1], None))
                continue
            distinct, of = distinct_rows(keys[:, halves[half][0] - start : halves[half][1] - start])
            part = self._build(*halves[half], distinct, lo, hi, flags[0], flags[1], None)
            parts.append(part.take((np.arange(self.neurons)[:, None] * len(distinct) + of).ravel()))
        return merge(self.bank, parts[0], parts[1], first, last, up=up, down=down, out=out)

    def _range(self, start: int, stop: int) -> tuple[int, int]:
        return sum(c.lo for c in self.columns[start:stop]), sum(c.hi for c in self.columns[start:stop])


def activation(total: Sum, top: int) -> Literals:
    """(V·n, top) new literals [activation ≥ 1] … [≥ top] of the pre-activations ``total``."""
    if top == 0:
        return np.empty((total.neurons * len(total.keys), 0), dtype=np.int32)
    both = np.ones(top, dtype=bool)
    return total.at(1, top, up=both, down=both).at_least(1, top)


def pin(total: Sum, first: int, out: Literals, *, up: Flags, down: Flags) -> None:
    """Tie the literals ``out`` (V·n, T), TRUE and FALSE included, to the sums at thresholds first … first+T-1."""
    total.at(first, first + out.shape[1] - 1, up=up, down=down, out=out)
