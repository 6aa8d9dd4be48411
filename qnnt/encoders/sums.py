"""Pre-activations: trees of merged order-encoded sums, or binary adders where those get too large.

The columns of a sum are its in-arcs and the bias; its items are pairs of a neuron and an input. In the first
layer the inputs are known, so a neuron's partial sum over some columns depends only on the values of those
columns: it is built once per *distinct* sub-vector and shared by all inputs that show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.encoders.adder import Bits, add_up, compare
from qnnt.encoders.clausebank import ClauseBank, Literals
from qnnt.encoders.order import Order, constant, merge
from qnnt.rowcodes import distinct_rows

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

# A totalizer propagates better than adders: it is worth this many times their clauses.
TOTALIZER_WORTH = 30
_FULL_ADDER = 14


@dataclass(frozen=True)
class Column:
    """One summand: its range, number of values, and how to make a row of it for each item.

    ``leaf(neurons, keys, up, down)`` gives them in order encoding, ``binary(neurons, keys)`` as ``n_bits``
    bits. Items of equal neuron and key have equal summands.
    """

    lo: int
    hi: int
    n_values: int
    n_bits: int
    leaf: Callable[[Ints, Ints, bool, bool], Order]
    binary: Callable[[Ints, Ints], Bits]


@dataclass(frozen=True)
class Sum:
    """The sums of ``columns`` for R items at once.

    Item i belongs to neuron ``neurons[i]`` (R,). Its leaf of column c has the key ``keys[i, c]``
    (R, columns), and equal sub-vectors of keys share their partial sum; ``keys`` of one column (R, 1), which
    all leaves take, say that nothing is to be shared.
    """

    bank: ClauseBank
    columns: tuple[Column, ...]
    neurons: Ints
    keys: Ints

    def reaching(self, thresholds: Ints) -> Literals:
        """(R, T) literals [sum ≥ t] for T rising thresholds."""
        both = np.ones(len(thresholds), dtype=bool)
        if not len(thresholds):
            return np.empty((len(self.keys), 0), dtype=np.int32)
        if self._adders_pay(thresholds):
            out = self.bank.fresh(len(self.keys), len(thresholds))
            self.pin(thresholds, out, up=both, down=both)
            return out
        return self._tree(thresholds, both, both, None)

    def pin(self, thresholds: Ints, out: Literals, *, up: Flags, down: Flags) -> None:
        """Tie literals ``out`` (R, T), TRUE and FALSE included, to [sum ≥ t] for T rising thresholds.

        ``up`` and ``down`` (T,) say which have to become true, or false, with the sum.
        """
        if not self._adders_pay(thresholds):
            self._tree(thresholds, up, down, out)
            return
        keys = self.keys.T if self._shared else [self.keys[:, 0]] * len(self.columns)
        summands = [c.binary(self.neurons, k) for c, k in zip(self.columns, keys, strict=True)]
        self.bank.add(-out[:, 1:], out[:, :-1])
        compare(self.bank, *add_up(self.bank, summands), thresholds, out, up=up, down=down)

    @property
    def _shared(self) -> bool:
        return bool(self.keys.shape[1] > 1)

    def _tree(self, thresholds: Ints, up: Flags, down: Flags, out: Literals | None) -> Literals:
        """The sum of all columns at the thresholds; see :func:`merge` for the rest."""
        items = np.column_stack([self.neurons, self.keys])
        first, last = self._ends(thresholds)
        parts = self._parts(0, len(self.columns), items, first, last, bool(up.any()), bool(down.any()))
        return merge(self.bank, *parts, thresholds, up=up, down=down, out=out)

    def _order(
        self, start: int, stop: int, items: Ints, first: int, last: int, up: bool, down: bool
    ) -> Order:
        """The sum of some columns for items of a neuron and keys, known at the thresholds first … last."""
        if stop - start == 1:
            return self.columns[start].leaf(items[:, 0], items[:, 1], up, down)
        thresholds = np.arange(first, last + 1)
        ups, downs = np.full(len(thresholds), up), np.full(len(thresholds), down)
        parts = self._parts(start, stop, items, first, last, up, down)
        return Order(first - 1, merge(self.bank, *parts, thresholds, up=ups, down=downs))

    def _parts(
        self, start: int, stop: int, items: Ints, first: int, last: int, up: bool, down: bool
    ) -> tuple[Order, Order]:
        """Two summands of such a sum, each known at the thresholds that matter to it."""
        if stop - start == 1:
            return self._order(start, stop, items, first, last, up, down), constant(0, len(items))
        parts = []
        for begin, end, lo, hi in self._halves(start, stop, first, last):
            if lo > hi:  # whatever this part is, the sum is on the same side of every threshold
                parts.append(constant(self._range(begin, end)[0], len(items)))
                continue
            if not self._shared:
                parts.append(self._order(begin, end, items, lo, hi, up, down))
                continue
            distinct, of = distinct_rows(items[:, [0, *range(begin - start + 1, end - start + 1)]])
            parts.append(self._order(begin, end, distinct.astype(np.int64), lo, hi, up, down).take(of))
        return parts[0], parts[1]

    def _ends(self, thresholds: Ints) -> tuple[int, int]:
        """The first and last threshold on which it depends whether the sum reaches it."""
        lo, hi = self._range(0, len(self.columns))
        undecided = thresholds[(lo < thresholds) & (thresholds <= hi)]
        return (int(undecided[0]), int(undecided[-1])) if len(undecided) else (hi + 1, hi + 1)

    def _halves(self, start: int, stop: int, first: int, last: int) -> list[tuple[int, int, int, int]]:
        """Both halves of the columns, with the thresholds (may be none) at which each matters to the sum."""
        middle = (start + stop) // 2
        left, right = self._range(start, middle), self._range(middle, stop)
        return [
            (begin, end, max(first - other[1], own[0] + 1), min(last - other[0], own[1]))
            for begin, end, own, other in ((start, middle, left, right), (middle, stop, right, left))
        ]

    def _range(self, start: int, stop: int) -> tuple[int, int]:
        return sum(c.lo for c in self.columns[start:stop]), sum(c.hi for c in self.columns[start:stop])

    def _adders_pay(self, thresholds: Ints) -> bool:
        """Whether adders take so many clauses less, by an estimate per row that ignores sharing."""
        adders = _FULL_ADDER * sum(c.n_bits for c in self.columns)
        first, last = self._ends(thresholds)
        size, _ = self._totalizer_size(0, len(self.columns), first, last, len(thresholds))
        return size > TOTALIZER_WORTH * adders

    def _totalizer_size(
        self, start: int, stop: int, first: int, last: int, n_thresholds: int
    ) -> tuple[int, int]:
        """Estimated clauses, and values that the sum of some columns can take."""
        if stop - start == 1:
            return self.columns[start].n_values * 2, self.columns[start].n_values
        clauses, sizes = 0, []
        for begin, end, lo, hi in self._halves(start, stop, first, last):
            if lo > hi:
                sizes.append(1)
                continue
            below, size = self._totalizer_size(begin, end, lo, hi, hi - lo + 1)
            clauses += below
            sizes.append(min(size, hi - lo + 2))
        pairs = min(sizes[0] * sizes[1], n_thresholds * min(sizes))
        lo, hi = self._range(start, stop)
        return clauses + 2 * pairs, min(sizes[0] * sizes[1], hi - lo + 1)
