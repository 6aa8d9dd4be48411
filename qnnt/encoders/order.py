"""Order-encoded integers in batches: negation, products, and merged, clipped sums (generalised totalizer).

An integer v in [lo, hi] is the literals [v ≥ lo+1], …, [v ≥ hi]. A batch holds one integer per row; rows may
have fewer possible values than the common range: thresholds that a row cannot tell apart share one literal,
and impossible or certain ones are constants. Merging two batches makes one clause per pair of values that
matters, so sparse supports (products, scaled weights, constants) cost only what they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.encoders.clausebank import FALSE, TRUE, ClauseBank, Literals

_FAR = 1 << 40


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

    def negated(self) -> Order:
        """The batch of -v."""
        return Order(-self.hi, -self.lits[:, ::-1])

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Order:
        """The batch of the given rows."""
        return Order(self.lo, self.lits[rows])


def constant(value: int, rows: int) -> Order:
    """A batch of one known value."""
    return Order(value, np.empty((rows, 0), dtype=np.int32))


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


def product(bank: ClauseBank, weights: Order, acts: Literals, *, up: bool, down: bool) -> Order:
    """The products of R weights with R activations.

    ``acts`` (R, m) are the literals [activation ≥ 1] … [≥ m]. ``up`` asks for the clauses that force a
    product literal true, ``down`` for those that force one false.
    """
    rows, m = acts.shape
    lo, hi = min(0, weights.lo) * m, max(0, weights.hi) * m
    if lo == hi:
        return constant(0, rows)
    possible = np.unique(np.outer(np.arange(m + 1), np.arange(weights.lo, weights.hi + 1)))
    slot = np.searchsorted(possible, np.arange(lo + 1, hi + 1)) - 1
    lits = bank.fresh(rows, len(possible) - 1)
    bank.add(-lits[:, 1:], lits[:, :-1])
    result, a = Order(lo, lits[:, slot]), Order(0, acts)
    _product_clauses(bank, weights, a, result, up=up, down=down)
    _product_clauses(bank, weights.negated(), a, result.negated(), up=down, down=up)
    return result


def _product_clauses(bank: ClauseBank, w: Order, a: Order, p: Order, *, up: bool, down: bool) -> None:
    """The part of p = w·a about positive weights: nothing if w cannot be positive."""
    m, top = a.hi, w.hi
    if top <= 0:
        return
    big_a, big_w = a.at_least(1, m), w.at_least(1, top)
    big_p = p.at_least(1, m * top + 1)
    for k in range(1, m + 1):
        for v in range(1, top + 1):
            if up:
                bank.add(-big_a[:, k - 1], -big_w[:, v - 1], big_p[:, k * v - 1])
            if down and (k, v) != (m, top):  # a ≤ k and w ≤ v, hence p ≤ k·v
                more_a = big_a[:, k] if k < m else FALSE
                more_w = big_w[:, v] if v < top else FALSE
                bank.add(more_a, more_w, -big_p[:, k * v])
    if down:  # a ≤ 0 or w ≤ 0, hence p ≤ 0
        bank.add(big_a[:, 0], -big_p[:, 0])
        bank.add(big_w[:, 0], -big_p[:, 0])


def merge(
    bank: ClauseBank,
    a: Order,
    b: Order,
    first: int,
    last: int,
    *,
    up: npt.NDArray[np.bool_],
    down: npt.NDArray[np.bool_],
    out: Literals | None = None,
) -> Order:
    """The sums of two batches, known only at the thresholds first … last.

    ``up`` and ``down`` (T,) say at which thresholds a true, or a false, sum literal has to be derived.
    ``out`` (R, T) gives literals (constants included) to use for the sum instead of new ones.
    """
    if out is None:
        fixed_a, fixed_b = _fixed(a), _fixed(b)
        mixed = ~(fixed_a | fixed_b)
        out = np.empty((len(a.lits), last - first + 1), dtype=np.int32)
        out[mixed] = _sum_literals(bank, a.take(mixed), b.take(mixed), first, last)
        for fixed, of, other in ((fixed_a, a, b), (fixed_b & ~fixed_a, b, a)):
            _shift(out, fixed, of, other, first, last)
        a, b, total = a.take(mixed), b.take(mixed), Order(first - 1, out[mixed])
    else:
        total = Order(first - 1, out)
    chain = total.lits[:, 1:] != total.lits[:, :-1]
    bank.add(-total.lits[:, 1:][chain], total.lits[:, :-1][chain])
    _merge_clauses(bank, a, b, total, up)
    _merge_clauses(bank, a.negated(), b.negated(), total.negated(), down[::-1])
    return Order(first - 1, out)


def _fixed(a: Order) -> npt.NDArray[np.bool_]:
    """Rows that can take only one value."""
    return np.asarray((np.abs(a.lits) == TRUE).all(axis=1))


def _shift(
    out: Literals, rows: npt.NDArray[np.bool_], fixed: Order, other: Order, first: int, last: int
) -> None:
    """Where one summand is a known value, the sum is the other one moved: no new literal is needed."""
    value = fixed.lo + (fixed.lits == TRUE).sum(axis=1)
    for v in np.unique(value[rows]):
        here = rows & (value == v)
        out[here] = other.take(here).at_least(first - int(v), last - int(v))


def _support(a: Order) -> npt.NDArray[np.bool_]:
    """(R, hi-lo+1) which values each row can take: those where [v ≥ t] and [v ≥ t+1] differ."""
    lits = a.at_least(a.lo, a.hi + 1)
    return np.asarray(lits[:, :-1] != lits[:, 1:])


def _sum_literals(bank: ClauseBank, a: Order, b: Order, first: int, last: int) -> Literals:
    """New literals [a + b ≥ t], t = first … last, shared between thresholds that no sum separates."""
    in_a, in_b = _support(a), _support(b)
    n, span = len(in_a), in_a.shape[1] + in_b.shape[1] - 1
    possible = np.zeros((n, span), dtype=bool)
    for i in range(in_a.shape[1]):
        possible[:, i : i + in_b.shape[1]] |= in_a[:, i : i + 1] & in_b
    values = np.where(possible, np.arange(span), _FAR)
    following = np.minimum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    t = np.arange(first, last + 1) - (a.lo + b.lo)
    at = np.where(t < span, following[:, np.clip(t, 0, span - 1)], _FAR)
    lowest = following[:, :1]
    lits = np.where(at == _FAR, FALSE, np.where(at <= lowest, TRUE, 0)).astype(np.int32)
    new = lits == 0
    new[:, 1:] &= at[:, 1:] != at[:, :-1]
    ids = bank.fresh_where(new, np.zeros_like(lits))
    return np.where(lits == 0, np.maximum.accumulate(ids, axis=1), lits)


def _merge_clauses(bank: ClauseBank, a: Order, b: Order, s: Order, wanted: npt.NDArray[np.bool_]) -> None:
    """A ≥ i and b ≥ j imply s ≥ min(i + j, hi), for the pairs that no other one covers."""
    if not wanted.any() or not len(a.lits):
        return
    lits_a, lits_b = a.at_least(a.lo, a.hi + 1), b.at_least(b.lo, b.hi + 1)
    ends_a, ends_b = lits_a[:, :-1] != lits_a[:, 1:], lits_b[:, :-1] != lits_b[:, 1:]
    before_a, before_b = _below(lits_a, a.lo), _below(lits_b, b.lo)
    j = np.arange(b.lo, b.hi + 1)
    top, blocks = s.hi, []
    for i in range(a.lo, a.hi + 1):
        reached = np.minimum(i + j, top)
        useful = (reached > s.lo) & wanted[np.clip(reached - s.lo - 1, 0, len(wanted) - 1)]
        columns = np.flatnonzero(useful)
        rows = np.flatnonzero(ends_a[:, i - a.lo])
        if not len(columns) or not len(rows):
            continue
        columns_b = columns if len(columns) < len(j) else slice(None)
        pair = ends_b[:, columns_b] & (i + before_b[:, columns_b] < top)
        pair &= before_a[:, i - a.lo, None] + j[columns_b] < top
        if len(rows) < len(pair):
            pair = pair[rows]
        r, c = np.nonzero(pair)
        r = rows[r]
        column = columns[c]
        blocks.append(
            np.stack(
                [-lits_a[r, i - a.lo], -lits_b[r, column], s.lits[r, reached[column] - s.lo - 1]], axis=1
            )
        )
    if blocks:
        bank.add_block(np.concatenate(blocks))


def _below(lits: Literals, lo: int) -> npt.NDArray[np.int64]:
    """For each row and value, the next smaller value with a literal of its own; far below if none."""
    n, width = lits.shape[0], lits.shape[1] - 1
    starts = np.zeros((n, width), dtype=bool)
    starts[:, 1:] = lits[:, 1:-1] != lits[:, :-2]
    begin = np.where(starts, np.arange(lo, lo + width), -_FAR)
    return np.maximum.accumulate(begin, axis=1) - 1
