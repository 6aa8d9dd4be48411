"""Order-encoded integers in batches: negation, products, and merged, clipped sums (generalised totalizer).

An integer v in [lo, hi] is the literals [v ≥ lo+1], …, [v ≥ hi]. A batch holds one integer per row; rows may
have fewer possible values than the common range: thresholds that a row cannot tell apart share one literal,
and impossible or certain ones are constants. Merging two batches makes one clause per pair of values that
matters, so sparse supports (products, scaled weights, constants) cost only what they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product as pairs

import numpy as np
import numpy.typing as npt

from qnnt.encoders.clausebank import FALSE, TRUE, ClauseBank, Literals

Ints = npt.NDArray[np.int64]

_FAR = 1 << 60  # beyond every threshold and every sum, and their differences


@dataclass(frozen=True)
class Order:
    """A batch of integers: ``lits`` (R, hi-lo), ``lits[r, i]`` true iff the value of row r is ≥ lo+1+i."""

    lo: int
    lits: Literals

    @property
    def hi(self) -> int:
        """The largest value of any row."""
        return self.lo + int(self.lits.shape[1])

    def at_least(self, first: int, last: int) -> Literals:
        """(R, last-first+1) literals [value ≥ t] for t = first … last, constants outside the range."""
        n = len(self.lits)
        below = np.full((n, max(0, min(last, self.lo) - first + 1)), TRUE, dtype=np.int32)
        above = np.full((n, max(0, last - max(first - 1, self.hi))), FALSE, dtype=np.int32)
        inside = self.lits[:, max(0, first - self.lo - 1) : max(0, last - self.lo)]
        return np.concatenate([below, inside, above], axis=1)

    def reaching(self, thresholds: Ints) -> Literals:
        """(R, T) literals [value ≥ t] for any T thresholds."""
        table = self.at_least(self.lo, self.hi + 1)
        return table[:, np.clip(thresholds, self.lo, self.hi + 1) - self.lo]

    def negated(self) -> Order:
        """The batch of -v."""
        return Order(-self.hi, -self.lits[:, ::-1])

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Order:
        """The batch of the given rows."""
        return Order(self.lo, self.lits[rows])


def constant(value: int, rows: int) -> Order:
    """A batch of one known value."""
    return Order(value, np.empty((rows, 0), dtype=np.int32))


def showing(reached: Literals, values: Sequence[int]) -> Order:
    """The batch of integers values[j], j the number of true literals in a row of ``reached`` (R, k).

    ``values`` (k + 1,) rise; thresholds between two of them share a literal.
    """
    level = np.searchsorted(values, np.arange(values[0] + 1, values[-1] + 1))
    return Order(values[0], reached[:, level - 1])


def scaled(values: Order, factors: npt.NDArray[np.int64], lo: int, hi: int) -> Order:
    """The products of R integers with R known factors, in [lo, hi]."""
    table = values.at_least(values.lo, values.hi + 1)
    t, factors = np.arange(lo + 1, hi + 1), factors[:, None]
    x = np.where(factors == 0, 1, factors)
    at_least = np.where(x > 0, -((-t) // x), t // x + 1)  # w·x ≥ t iff w ≥ ⌈t/x⌉, or w < ⌊t/x⌋ + 1 if x < 0
    lits = np.take_along_axis(table, np.clip(at_least, values.lo, values.hi + 1) - values.lo, axis=1)
    zero = np.where(t <= 0, TRUE, FALSE)
    lits = np.where(factors == 0, zero, np.where(x > 0, lits, -lits))
    return Order(lo, lits.astype(np.int32))


def product(
    bank: ClauseBank, weights: Order, acts: Order, values: Sequence[int], *, up: bool, down: bool
) -> Order:
    """The products of R weights with R activations; both may be negative.

    ``values`` are all that an activation can be, rising: between two of them, ``acts`` has one literal.
    ``up`` asks for the clauses that force a product literal true, ``down`` for those that force one false.
    """
    possible = np.unique(np.multiply.outer(values, np.arange(weights.lo, weights.hi + 1)))
    rows, lo, hi = len(acts.lits), int(possible[0]), int(possible[-1])
    if len(values) == 1:
        return scaled(weights, np.full(rows, values[0]), lo, hi)
    slot = np.searchsorted(possible, np.arange(lo + 1, hi + 1)) - 1
    lits = bank.fresh(rows, len(possible) - 1)
    bank.add(-lits[:, 1:], lits[:, :-1])
    result, shown = Order(lo, lits[:, slot]), tuple(values)
    _product_clauses(bank, weights, acts, result, shown, up=up, down=down)
    _product_clauses(bank, weights.negated(), acts, result.negated(), shown, up=down, down=up)
    return result


def _product_clauses(
    bank: ClauseBank, w: Order, a: Order, p: Order, values: tuple[int, ...], *, up: bool, down: bool
) -> None:
    """The part of p = w·a about products p ≥ k > 0 and p ≤ k ≥ 0."""
    big_p = p.at_least(1, p.hi + 1)
    if up:  # a ≥ k > 0 and w ≥ v > 0, hence p ≥ k·v; so too for -a and -w
        for sign in (1, -1):
            sizes = [sign * k for k in values if sign * k > 0]
            if not sizes:
                continue
            one, other = (a, w) if sign > 0 else (a.negated(), w.negated())
            big_a, big_w = one.at_least(1, one.hi), other.at_least(1, other.hi)
            for k, v in pairs(sizes, range(1, other.hi + 1)):
                bank.add(-big_a[:, k - 1], -big_w[:, v - 1], big_p[:, k * v - 1])
    if down:
        table_a, table_w = a.at_least(a.lo, a.hi + 1), w.at_least(w.lo, w.hi + 1)
        for (k, v), (m, u), bound in _boxes(values, w.lo, w.hi):
            clause = [-big_p[:, bound]]
            if v < w.hi:
                clause.append(table_w[:, v + 1 - w.lo])
            if u < -w.lo:
                clause.append(-table_w[:, -u - w.lo])
            if m < -a.lo:
                clause.append(-table_a[:, -m - a.lo])
            if k < a.hi:
                above = table_a[:, k + 1 - a.lo]
                if m < -a.lo:  # a row that can take no value from -m to k has one literal for both ends
                    above = np.where(above == -clause[-1], TRUE, above)
                clause.append(above)
            bank.add(*clause)


Corner = tuple[int, int]


@lru_cache(maxsize=64)
def _boxes(values: tuple[int, ...], lo: int, hi: int) -> tuple[tuple[Corner, Corner, int], ...]:
    """Boxes -m ≤ a ≤ k, -u ≤ w ≤ v, each with a bound ≥ 0: ((k, v), (m, u), bound).

    ``values`` are those of a, and lo ≤ w ≤ hi. A box is a clause: if a and w lie in it, then w·a ≤ bound. Its
    corner (k, v) bounds the products of positive a and w, its corner (m, u) those of negative ones.

    The clauses are sound. If w·a > 0, then a and w have one sign, so that w·a ≤ max(k·v, m·u) = bound.

    They are complete. If w·a > 0, some box with the bound w·a has (|a|, |w|) as its corner on the side of a
    and w; only the largest product of all needs none. If w·a ≤ 0, they lie in a box with the bound 0.

    For that the corner on the other side may be any. All pairs of corners would be many, so each corner is
    paired with three of the other side: the first, the last, and the first that is as large. The third helps
    a solver as long as the signs of a and w are open.
    """
    above, below = (sorted(sign * k for k in values if sign * k > 0) for sign in (1, -1))
    bounds = {0} | {k * v for k, v in pairs(above, range(1, hi + 1))}
    bounds |= {m * u for m, u in pairs(below, range(1, -lo + 1))}
    boxes = []
    for bound in sorted(bounds)[:-1]:
        ours, theirs = _corners(above, hi, bound), _corners(below, -lo, bound)
        chosen = dict.fromkeys([*pairs(ours, (theirs[0], theirs[-1])), *pairs((ours[0], ours[-1]), theirs)])
        chosen |= dict.fromkeys((corner, _facing(theirs, corner)) for corner in ours)
        chosen |= dict.fromkeys((_facing(ours, corner), corner) for corner in theirs)
        for (k, v), (m, u) in chosen:
            tight = max(k * v, m * u) == bound  # else a smaller bound has this box too
            if tight and any(-m <= a <= k for a in values):
                boxes.append(((k, v), (m, u), bound))
    return tuple(boxes)


def _corners(sizes: list[int], top: int, bound: int) -> list[Corner]:
    """The largest (k, v), k = 0 or of the rising ``sizes``, 0 ≤ v ≤ top, with k·v ≤ bound; k rises."""
    largest = {top: 0}
    for k in sizes:
        largest[min(top, bound // k)] = k
    return [(k, v) for v, k in largest.items()]


def _facing(corners: list[Corner], corner: Corner) -> Corner:
    """The first of the corners on one side that is as large as one on the other side, or the last."""
    return next((c for c in corners if c[0] >= corner[0]), corners[-1])


def merge(
    bank: ClauseBank,
    a: Order,
    b: Order,
    thresholds: Ints,
    *,
    up: npt.NDArray[np.bool_],
    down: npt.NDArray[np.bool_],
    out: Literals | None = None,
) -> Literals:
    """(R, T) literals [a + b ≥ t] of two batches, for T rising thresholds.

    ``up`` and ``down`` (T,) say at which thresholds a true, or a false, sum literal has to be derived.
    ``out`` (R, T) gives literals (constants included) to use for the sum instead of new ones.
    """
    total = out
    if out is None:
        fixed_a, fixed_b = _fixed(a), _fixed(b)
        mixed = ~(fixed_a | fixed_b)
        out = np.empty((len(a.lits), len(thresholds)), dtype=np.int32)
        out[mixed] = _sum_literals(bank, a.take(mixed), b.take(mixed), thresholds)
        for fixed, of, other in ((fixed_a, a, b), (fixed_b & ~fixed_a, b, a)):
            _shift(out, fixed, of, other, thresholds)
        a, b, total = a.take(mixed), b.take(mixed), out[mixed]
    assert total is not None
    chain = total[:, 1:] != total[:, :-1]
    bank.add(-total[:, 1:][chain], total[:, :-1][chain])
    _merge_clauses(bank, a, b, thresholds[up], total[:, up])
    less, not_total = 1 - thresholds[::-1], -total[:, ::-1]  # -a - b ≥ 1 - t iff not a + b ≥ t
    _merge_clauses(bank, a.negated(), b.negated(), less[down[::-1]], not_total[:, down[::-1]])
    return out


def _fixed(a: Order) -> npt.NDArray[np.bool_]:
    """Rows that can take only one value."""
    return np.asarray((np.abs(a.lits) == TRUE).all(axis=1))


def _shift(out: Literals, rows: npt.NDArray[np.bool_], fixed: Order, other: Order, thresholds: Ints) -> None:
    """Where one summand is a known value, the sum is the other one moved: no new literal is needed."""
    value = fixed.lo + (fixed.lits == TRUE).sum(axis=1)
    for v in np.unique(value[rows]):
        here = rows & (value == v)
        out[here] = other.take(here).reaching(thresholds - v)


def _support(a: Order) -> npt.NDArray[np.bool_]:
    """(R, hi-lo+1) which values each row can take: those where [v ≥ t] and [v ≥ t+1] differ."""
    lits = a.at_least(a.lo, a.hi + 1)
    return np.asarray(lits[:, :-1] != lits[:, 1:])


def _sum_literals(bank: ClauseBank, a: Order, b: Order, thresholds: Ints) -> Literals:
    """New literals [a + b ≥ t], shared between thresholds t that no sum separates."""
    in_a, in_b = _support(a), _support(b)
    n, span = len(in_a), in_a.shape[1] + in_b.shape[1] - 1
    possible = np.zeros((n, span), dtype=bool)
    for i in range(in_a.shape[1]):
        possible[:, i : i + in_b.shape[1]] |= in_a[:, i : i + 1] & in_b
    values = np.where(possible, np.arange(span), _FAR)
    following = np.minimum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    t = thresholds - (a.lo + b.lo)
    at = np.where(t < span, following[:, np.clip(t, 0, span - 1)], _FAR)
    lowest = following[:, :1]
    lits = np.where(at == _FAR, FALSE, np.where(at <= lowest, TRUE, 0)).astype(np.int32)
    new = lits == 0
    new[:, 1:] &= at[:, 1:] != at[:, :-1]
    ids = bank.fresh_where(new, np.zeros_like(lits))
    return np.where(lits == 0, np.maximum.accumulate(ids, axis=1), lits)


def _merge_clauses(bank: ClauseBank, a: Order, b: Order, thresholds: Ints, sums: Literals) -> None:
    """A ≥ i and b ≥ j imply a + b ≥ the last threshold ≤ i + j, for the pairs that no other one covers."""
    if not len(thresholds) or not len(a.lits):
        return
    lits_a, lits_b = a.at_least(a.lo, a.hi + 1), b.at_least(b.lo, b.hi + 1)
    ends_a, ends_b = lits_a[:, :-1] != lits_a[:, 1:], lits_b[:, :-1] != lits_b[:, 1:]
    before_a, before_b = _below(lits_a, a.lo), _below(lits_b, b.lo)
    j = np.arange(b.lo, b.hi + 1)
    slots = np.searchsorted(thresholds, np.arange(a.lo + b.lo, a.hi + b.hi + 1), side="right") - 1
    blocks = []
    for i in range(a.lo, a.hi + 1):
        slot = slots[i - a.lo : i - a.lo + len(j)]
        columns = np.flatnonzero(slot >= 0)
        rows = np.flatnonzero(ends_a[:, i - a.lo])
        if not len(columns) or not len(rows):
            continue
        columns_b = columns if len(columns) < len(j) else slice(None)
        reached = thresholds[slot[columns_b]]
        pair = ends_b[:, columns_b] & (before_b[:, columns_b] < reached - i)
        pair &= before_a[:, i - a.lo, None] < reached - j[columns_b]
        if len(rows) < len(pair):
            pair = pair[rows]
        r, c = np.nonzero(pair)
        r = rows[r]
        column = columns[c]
        blocks.append(np.stack([-lits_a[r, i - a.lo], -lits_b[r, column], sums[r, slot[column]]], axis=1))
    if blocks:
        bank.add_block(np.concatenate(blocks))


def _below(lits: Literals, lo: int) -> npt.NDArray[np.int64]:
    """For each row and value, the next smaller value with a literal of its own; far below if none."""
    n, width = lits.shape[0], lits.shape[1] - 1
    starts = np.zeros((n, width), dtype=bool)
    starts[:, 1:] = lits[:, 1:-1] != lits[:, :-2]
    begin = np.where(starts, np.arange(lo, lo + width), -_FAR)
    return np.maximum.accumulate(begin, axis=1) - 1
