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

from qnnt.dataset import distinct_rows
from qnnt.encoders.adder import Bits, add_up, compare
from qnnt.encoders.clausebank import ClauseBank, Literals
from qnnt.encoders.order import Order, constant, merge

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

    def activation(self, top: int) -> Literals:
        """(R, top) literals [sum ≥ 1] … [sum ≥ top]: an activation over 0 … top."""
        both = np.ones(top, dtype=bool)
        if top == 0:
            return np.empty((len(self.keys), 0), dtype=np.int32)
        if self._adders_pay(1, top):
            out = self.bank.fresh(len(self.keys), top)
            self.pin(1, out, up=both, down=both)
            return out
        return self._all(1, top, both, both, None).at_least(1, top)

    def pin(self, first: int, out: Literals, *, up: Flags, down: Flags) -> None:
        """Tie literals ``out`` (R, T), TRUE and FALSE included, to [sum ≥ first] … [sum ≥ first+T-1].

        ``up`` and ``down`` (T,) say which have to become true, or false, with the sum.
        """
        last = first + out.shape[1] - 1
        if not self._adders_pay(first, last):
            self._all(first, last, up, down, out)
            return
        keys = self.keys.T if self._shared else [self.keys[:, 0]] * len(self.columns)
        summands = [c.binary(self.neurons, k) for c, k in zip(self.columns, keys, strict=True)]
        self.bank.add(-out[:, 1:], out[:, :-1])
        compare(self.bank, *add_up(self.bank, summands), first, out, up=up, down=down)

    @property
    def _shared(self) -> bool:
        return bool(self.keys.shape[1] > 1)

    def _all(self, first: int, last: int, up: Flags, down: Flags, out: Literals | None) -> Order:
        items = np.column_stack([self.neurons, self.keys])
        return self._build(0, len(self.columns), items, first, last, up, down, out)

    def _build(
        self,
        start: int,
        stop: int,
        items: Ints,
        first: int,
        last: int,
        up: Flags,
        down: Flags,
        out: Literals | None,
    ) -> Order:
        """The sum of some columns for items of a neuron and keys; see :func:`merge` for the rest."""
        if stop - start == 1:
            order = self.columns[start].leaf(items[:, 0], items[:, 1], bool(up.any()), bool(down.any()))
            if out is None:
                return order
            return merge(
                self.bank, order, constant(0, len(order.lits)), first, last, up=up, down=down, out=out
            )
        parts = []
        for begin, end, lo, hi in self._halves(start, stop, first, last):
            if lo > hi:  # whatever this part is, the sum is on the same side of every threshold
                parts.append(constant(self._range(begin, end)[0], len(items)))
                continue
            flags = [np.full(hi - lo + 1, bool(f.any())) for f in (up, down)]
            if not self._shared:
                parts.append(self._build(begin, end, items, lo, hi, flags[0], flags[1], None))
                continue
            distinct, of = distinct_rows(items[:, [0, *range(begin - start + 1, end - start + 1)]])
            part = self._build(begin, end, distinct.astype(np.int64), lo, hi, flags[0], flags[1], None)
            parts.append(part.take(of))
        return merge(self.bank, parts[0], parts[1], first, last, up=up, down=down, out=out)

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

    def _adders_pay(self, first: int, last: int) -> bool:
        """Whether adders take so many clauses less, by an estimate per row that ignores sharing."""
        adders = _FULL_ADDER * sum(c.n_bits for c in self.columns)
        return self._totalizer_size(0, len(self.columns), first, last)[0] > TOTALIZER_WORTH * adders

    def _totalizer_size(self, start: int, stop: int, first: int, last: int) -> tuple[int, int]:
        """Estimated clauses, and values that the sum of some columns can take."""
        if stop - start == 1:
            return self.columns[start].n_values * 2, self.columns[start].n_values
        clauses, sizes = 0, []
        for begin, end, lo, hi in self._halves(start, stop, first, last):
            if lo > hi:
                sizes.append(1)
                continue
            below, size = self._totalizer_size(begin, end, lo, hi)
            clauses += below
            sizes.append(min(size, hi - lo + 2))
        pairs = min(sizes[0] * sizes[1], (last - first + 1) * min(sizes))
        lo, hi = self._range(start, stop)
        return clauses + 2 * pairs, min(sizes[0] * sizes[1], hi - lo + 1)
