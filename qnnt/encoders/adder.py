"""Sums in binary: full adders over columns of bits (Eén and Sörensson 2006), compared with known thresholds.

Linear in the number of bits where a totalizer is quadratic in the range, at the price of weaker propagation.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def used_bits(values: Sequence[int]) -> list[int]:
    """The exponents of the bits that some value - values[0] has; the values rise."""
    union = int(np.bitwise_or.reduce(np.asarray(values) - values[0]))
    return [e for e in range(union.bit_length()) if union >> e & 1]


def to_binary(bank: ClauseBank, order: Order, values: Sequence[int]) -> Bits:
    """New bits of integers - values[0]; ``values`` are all that an integer of the batch can be, rising."""
    exponents = used_bits(values)
    bits = bank.fresh(len(order.lits), len(exponents))
    for value in values:
        lits = order.at_least(value, value + 1)
        other = np.where(lits[:, 0] == lits[:, 1], TRUE, lits[:, 1])  # equal where a row skips this value
        for column, e in enumerate(exponents):
            bit = bits[:, column] if (value - values[0]) >> e & 1 else -bits[:, column]
            bank.add(-lits[:, 0], other, bit)
    return Bits(np.full(len(bits), values[0]), [(e, bits[:, column]) for column, e in enumerate(exponents)])


def known_multiple(number: Bits, factors: Ints) -> Bits:
    """The products of R integers with R known factors."""
    all_ones = number.offset + sum(1 << e for e, _ in number.bits)
    offset = factors * np.where(factors >= 0, number.offset, all_ones)
    size, terms = np.abs(factors), []
    for i in range(int(size.max(initial=0)).bit_length()):
        has = (size >> i & 1).astype(bool)
        for e, bit in number.bits:
            lits = np.where(factors > 0, bit, -bit)
            terms.append((i + e, np.where(has, lits, FALSE).astype(np.int32)))
    return Bits(offset, terms)


def binary_product(bank: ClauseBank, weight: Bits, act: Bits) -> Bits:
    """The products of R weights u + W with R activations o + A, bit by bit: W·A + u·A + o·(u + W)."""
    offset, terms = np.zeros_like(weight.offset), []
    for i, a in act.bits:
        for e, w in weight.bits:
            both = bank.fresh(len(a))
            bank.add(-both, a)
            bank.add(-both, w)
            bank.add(both, -a, -w)
            terms.append((i + e, both))
        known = known_multiple(Bits(np.zeros_like(weight.offset), [(i, a)]), weight.offset)
        offset, terms = offset + known.offset, terms + known.bits
    known = known_multiple(weight, act.offset)
    terms = [(e, lits) for e, lits in terms + known.bits if (lits != FALSE).any()]
    return Bits(offset + known.offset, terms)


def binary_product_size(weights: Sequence[int], acts: Sequence[int]) -> int:
    """How many bits are added up for a product, by the rising values of its factors."""
    width, k = len(used_bits(weights)), len(used_bits(acts))
    return k * width + k * abs(weights[0]).bit_count() + width * abs(acts[0]).bit_count()


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
    thresholds: Ints,
    out: Literals,
    *,
    up: npt.NDArray[np.bool_],
    down: npt.NDArray[np.bool_],
) -> None:
    """Tie ``out`` (R, T) to [offset + Σ 2^e·bits ≥ t] for T thresholds; ``up``, ``down`` (T,) as for sums."""
    exponent = np.arange(bits.shape[1])
    largest = (1 << bits.shape[1]) - 1
    for i, threshold in enumerate(thresholds):
        least = threshold - offset
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
