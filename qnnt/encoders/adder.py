"""Sums in binary: full adders over columns of bits (Eén and Sörensson 2006), compared with known thresholds.

Linear in the number of bits where a totalizer is quadratic in the range, at the price of weaker propagation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.encoders.clausebank import FALSE, TRUE, ClauseBank, Literals
from qnnt.encoders.order import Order

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bits:
    """A batch of integers ``offset`` (R,) + Σ 2^e·lit, as pairs (e, lits (R,))."""

    offset: Ints
    bits: list[tuple[int, Literals]]

    def take(self, rows: Ints) -> Bits:
        """The batch of the given rows."""
        return Bits(self.offset[rows], [(e, lits[rows]) for e, lits in self.bits])


def to_binary(bank: ClauseBank, value: Order) -> Literals:
    """(R, k) new literals, the bits of value - lo, lowest first."""
    width = (value.hi - value.lo).bit_length()
    bits = bank.fresh(len(value.lits), width)
    for v in range(value.lo, value.hi + 1):
        lits = value.at_least(v, v + 1)
        for e in range(width):
            bit = bits[:, e] if (v - value.lo) >> e & 1 else -bits[:, e]
            bank.add(-lits[:, 0], lits[:, 1], bit)
    return bits


def known_multiple(lo: int, bits: Literals, factors: Ints) -> Bits:
    """The products of R integers lo + Σ 2^e·bits[:, e] with R known factors."""
    width = bits.shape[1]
    offset = np.where(factors >= 0, factors * lo, factors * (lo + (1 << width) - 1))
    size, terms = np.abs(factors), []
    for i in range(int(size.max(initial=0)).bit_length()):
        has = (size >> i & 1).astype(bool)
        for e in range(width):
            lits = np.where(factors > 0, bits[:, e], -bits[:, e])
            terms.append((i + e, np.where(has, lits, FALSE).astype(np.int32)))
    return Bits(offset, terms)


def binary_product(bank: ClauseBank, lo: int, weight: Literals, act: Literals) -> Bits:
    """The products of R weights lo + Σ 2^e·weight[:, e] with R activations of bits (R, k)."""
    offset, terms = 0, []
    for i in range(act.shape[1]):
        a = act[:, i]
        for e in range(weight.shape[1]):
            w, both = weight[:, e], bank.fresh(len(act))
            bank.add(-both, a)
            bank.add(-both, w)
            bank.add(both, -a, -w)
            terms.append((i + e, both))
        offset += lo << i  # lo·a = lo·(2^k - 1) + |lo|·Σ 2^i·¬a_i, as lo ≤ 0
        terms += [(i + e, -a) for e in range((-lo).bit_length()) if -lo >> e & 1]
    return Bits(np.full(len(act), offset, dtype=np.int64), terms)


def add_up(bank: ClauseBank, summands: list[Bits]) -> tuple[Ints, Literals]:
    """The sum as an offset (R,) and the bits (R, k) of what is beyond it, lowest first."""
    columns: dict[int, list[Literals]] = {}
    for summand in summands:
        for e, lits in summand.bits:
            columns.setdefault(e, []).append(lits)
    offset = np.sum([s.offset for s in summands], axis=0)
    rows, total, e = len(offset), [], 0
    while any(k >= e for k in columns):
        column = columns.pop(e, [])
        while len(column) > 1:
            a, b = column.pop(0), column.pop(0)
            c = column.pop(0) if column else np.full(rows, FALSE, dtype=np.int32)
            low, carry = full_adder(bank, a, b, c)
            column.append(low)
            columns.setdefault(e + 1, []).append(carry)
        total.append(column[0] if column else np.full(rows, FALSE, dtype=np.int32))
        e += 1
    return offset, np.stack(total, axis=1) if total else np.empty((rows, 0), dtype=np.int32)


def full_adder(bank: ClauseBank, a: Literals, b: Literals, c: Literals) -> tuple[Literals, Literals]:
    """New literals (R,) for a ⊕ b ⊕ c and for at least two of a, b, c."""
    low, carry = bank.fresh(len(a)), bank.fresh(len(a))
    for x, y, z in np.ndindex(2, 2, 2):
        state = [-lits if bit else lits for lits, bit in zip((a, b, c), (x, y, z), strict=True)]
        bank.add(*state, low if (x + y + z) % 2 else -low)
    for x, y in ((a, b), (a, c), (b, c)):
        bank.add(-x, -y, carry)
        bank.add(x, y, -carry)
    return low, carry


def compare(
    bank: ClauseBank,
    offset: Ints,
    bits: Literals,
    first: int,
    out: Literals,
    *,
    up: npt.NDArray[np.bool_],
    down: npt.NDArray[np.bool_],
) -> None:
    """Tie ``out`` (R, T) to offset + Σ 2^e·bits ≥ first, first + 1, …; ``up``, ``down`` (T,) as for sums."""
    exponent = np.arange(bits.shape[1])
    largest = (1 << bits.shape[1]) - 1
    for i in range(out.shape[1]):
        least = first + i - offset
        if down[i]:
            bank.add(np.where(least > largest, -out[:, i], TRUE))
            _at_least(bank, bits, least, -out[:, i], exponent)
        if up[i]:  # not (bits ≥ least) is: the complement is ≥ 2^k - least
            bank.add(np.where(least <= 0, out[:, i], TRUE))
            _at_least(bank, -bits, largest + 1 - least, out[:, i], exponent)


def _at_least(bank: ClauseBank, bits: Literals, least: Ints, unless: Literals, exponent: Ints) -> None:
    """Unless a literal holds, the bits make at least ``least`` (R,), for rows where 0 < least < 2^k."""
    rows = (least > 0) & (least < 1 << bits.shape[1])
    bits, least, unless = bits[rows], least[rows], unless[rows]
    one = (least[:, None] >> exponent & 1).astype(bool)
    for i in exponent:
        need = one[:, i]
        higher = np.where((exponent > i) & ~one, bits, FALSE)
        higher[:, i] = bits[:, i]
        bank.add_block(np.column_stack([unless, higher])[need].astype(np.int32))
