"""What a search looks up: half-spaces, variables in groups, and which completions of a group surely pay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from qnnt.backends.neuron.loops import WORDS, Groups
from qnnt.backends.neuron.problem import FAR, Ints, Problem
from qnnt.domain import Domain

Words = npt.NDArray[np.uint64]

Mask = npt.NDArray[np.bool_]
Reals = npt.NDArray[np.float64]

_MOST_EXCHANGED = 20_000_000  # values in all exchanges of two columns
_CALL = 20  # words that could be counted in the time that a look-up takes besides
_SAMPLED = 100_000  # half-spaces times samples
_DEEP = 100  # variables; d to this power is still a floating-point number
_MOST_BITS = 1 << 18  # words of a table for one group, so that it stays in the cache
_MOST_DOTS = 1 << 22  # completions times half-spaces of one group


@dataclass(frozen=True, eq=False)
class Tables:
    """A problem as a search sees it.

    Every end of a term is a half-space: its sum, the pre-activation or its negative, is at most a number. A
    term with one end is paid in its half-space, a term with two ends in the intersection of a pair. Variables
    are ordered, and cut into groups; with all groups up to g decided, the sum cannot pass what it is plus the
    most that the others can add, so a half-space may be known to hold: such terms are surely paid.

    ``order`` (m + 1,) holds the parameters in the order of the search, ``completions`` for each group the
    values (c, size) that its variables can take together. ``bits`` are all rows of all groups.
    ``term_rows`` and ``prices`` belong to the terms: numbers of half-spaces, or of pairs behind them.
    """

    problem: Problem
    order: Ints
    completions: tuple[Ints, ...]
    groups: Groups
    bits: Words
    halves: int
    term_rows: Ints
    prices: Ints

    @classmethod
    def of(cls, problem: Problem, most: int) -> Tables:
        """Choose the order and the groups, for a search up to ``most``, and make the tables."""
        below, above = problem.first <= -FAR, problem.last >= FAR
        single, both = below | above, ~(below | above)
        sign = np.where(below, 1, -1)
        order, classes = ordered(problem)
        columns = problem.columns[order]
        two = columns[:, both]
        rows = np.hstack([(columns * sign)[:, single], np.stack([two, -two], axis=2).reshape(len(order), -1)])
        two_ends = np.stack([problem.last[both], -problem.first[both]], axis=1).ravel()
        ends = np.concatenate([np.where(below, problem.last, -problem.first)[single], two_ends])
        ends = np.clip(ends, -problem.reach - 1, problem.reach + 1)
        singles, pairs, halves = int(single.sum()), int(both.sum()), len(ends)
        term_rows = np.concatenate([np.arange(singles), halves + np.arange(pairs)])
        prices = np.concatenate([problem.price[single], problem.price[both]])

        def weighed(held: Mask) -> Ints:
            paid = np.hstack([held[:, :singles], held[:, singles::2] & held[:, singles + 1 :: 2]])
            return np.asarray(paid @ prices, dtype=np.int64)

        nodes = survivors(problem.domain, rows, ends, weighed, most)
        sizes = group_sizes(problem.domain, nodes, halves)
        made = _Groups(problem.domain, rows, ends, pairs, classes, sizes)
        groups = made.groups(singles)
        return cls(
            problem,
            order,
            tuple(made.completions),
            groups,
            np.concatenate(made.bits),
            halves,
            term_rows,
            prices,
        )


def ordered(problem: Problem) -> tuple[Ints, Ints]:
    """The parameters in the order of the search, and the class of each in that order.

    The bias comes first, as it moves every pre-activation; then the weights, those that move the most first.
    Parameters of one class are interchangeable and stand together: see :func:`interchangeable`.
    """
    moved = np.abs(problem.columns) @ np.ones(len(problem.price), dtype=np.int64)
    classes = interchangeable(problem)
    bias = np.arange(len(moved)) == len(moved) - 1
    order = np.lexsort((classes, -moved, ~bias))
    return order, classes[order]


def interchangeable(problem: Problem) -> Ints:
    """(m + 1,) the first parameter of each one's class: exchanging two of a class changes no term.

    Exchanges of a first with two others generate that of those two, so any order of a class can be had. If
    there is too much to compare, each parameter is a class of its own.
    """
    ends = np.column_stack([problem.first, problem.last, problem.price])
    inputs, classes = problem.inputs, np.arange(problem.inputs.shape[1] + 1)

    def terms(x: Ints) -> bytes:
        rows = np.column_stack([x, ends])
        return bytes(rows[np.lexsort(rows.T)].tobytes())

    if inputs.size * inputs.shape[1] > _MOST_EXCHANGED:
        return classes
    as_it_is = terms(inputs)
    firsts: dict[bytes, list[int]] = {}
    for k in range(inputs.shape[1]):
        column = np.column_stack([inputs[:, k], ends])
        alike = firsts.setdefault(column[np.lexsort(column.T)].tobytes(), [])
        for first in alike:
            exchanged = inputs.copy()
            exchanged[:, [first, k]] = inputs[:, [k, first]]
            if terms(exchanged) == as_it_is:
                classes[k] = first
                break
        else:
            alike.append(k)
    return classes


class _Groups:
    """Makes the tables, group by group."""

    def __init__(
        self, domain: Domain, rows: Ints, ends: Ints, pairs: int, classes: Ints, sizes: list[int]
    ) -> None:
        self._pairs = pairs
        self.completions: list[Ints] = []
        self.bits: list[Words] = []
        self._dots: list[npt.NDArray[np.int32]] = []
        self._lanes: list[Words] = []
        self._zeros: list[int] = []
        self._words: list[int] = []
        self._size = 0
        self._rows_of: list[tuple[Ints, Ints, Ints, Ints]] = []
        end = 0
        for size in sizes:
            own, rest = rows[end : end + size], rows[end + size :]
            most = np.maximum(rest * domain.lo, rest * domain.hi).sum(axis=0)
            self._add(domain, own, ends - most, classes[end : end + size])
            end += size

    def _add(self, domain: Domain, rows: Ints, rest: Ints, classes: Ints) -> None:
        completions = np.array(
            list(product(range(domain.lo, domain.hi + 1), repeat=len(rows))), dtype=np.int64
        )
        words = -(-len(completions) // 64)
        same = classes[1:] == classes[:-1]
        falling = completions[:, :-1] >= completions[:, 1:]
        self.completions.append(completions)
        self._words.append(words)
        self._lanes.append(packed((falling | ~same).all(axis=1)[None], WORDS).ravel())
        self._zeros.append(self._size)
        self._keep(np.zeros(words * (1 + self._pairs), dtype=np.uint64))
        patterns, which = np.unique(rows.T, axis=0, return_inverse=True)
        dots = completions @ patterns.T
        least, greatest = dots.min(axis=0) - 1, dots.max(axis=0)
        bases = np.empty(len(patterns), dtype=np.int64)
        for p, (a, b) in enumerate(zip(least.tolist(), greatest.tolist(), strict=True)):
            bases[p] = self._size - words * a
            self._keep(packed(dots[:, p] <= np.arange(a, b + 1)[:, None], words).ravel())
        which = which.ravel()
        self._dots.append(dots[:, which].astype(np.int32).ravel())
        self._rows_of.append((rest, least[which], greatest[which], bases[which]))

    def _keep(self, words: Words) -> None:
        self.bits.append(words)
        self._size += len(words)

    def groups(self, singles: int) -> Groups:
        """The tables as the loops take them."""
        rests, least, greatest, bases = (np.stack(each) for each in zip(*self._rows_of, strict=True))
        starts = np.cumsum([0, *map(len, self._dots)])[:-1]
        return Groups(
            rests.astype(np.int32),
            least.astype(np.int32),
            greatest.astype(np.int32),
            bases,
            np.array(self._words),
            np.stack(self._lanes),
            np.array(self._zeros),
            np.concatenate(self._dots),
            starts.astype(np.int64),
            singles,
            self._pairs,
        )


def group_sizes(domain: Domain, surviving: Reals, halves: int) -> list[int]:
    """How many variables each group takes, so that the fewest words are looked up.

    ``surviving`` (m + 1,) is the expected number of nodes behind each of the m variables. A group costs its
    tables for each node before it.
    """
    m = len(surviving) - 1
    cost, sizes = np.full(m + 1, np.inf), np.zeros(m + 1, dtype=np.int64)
    cost[m] = 0.0
    for k in range(m - 1, -1, -1):
        for size in range(1, m - k + 1):
            completions = domain.d**size
            rows = min(completions, halves) * (2 * size * domain.hi**2 + 2)
            words = -(-completions // 64)
            too_large = words > WORDS or rows * words > _MOST_BITS or completions * halves > _MOST_DOTS
            if size > 1 and too_large:
                break
            least = surviving[k] * (_CALL + words) + cost[k + size]
            if least < cost[k]:
                cost[k], sizes[k] = least, size
    chosen, k = [], 0
    while k < m:
        chosen.append(int(sizes[k]))
        k += chosen[-1]
    return chosen


def survivors(domain: Domain, rows: Ints, ends: Ints, weighed: Callable[[Mask], Ints], most: int) -> Reals:
    """(m + 1,) how many ways to decide the first variables surely pay at most ``most``, as samples tell."""
    m, halves = rows.shape
    samples = int(np.clip(_SAMPLED // halves, 20, 2000)) if halves else 1
    values = np.random.default_rng(0).integers(domain.lo, domain.hi + 1, size=(samples, m))
    sums = np.zeros((samples, halves), dtype=np.int64)
    rest = np.maximum(rows * domain.lo, rows * domain.hi).sum(axis=0)
    expected = np.ones(m + 1)
    for k in range(m):
        sums += values[:, k, None] * rows[k]
        rest -= np.maximum(rows[k] * domain.lo, rows[k] * domain.hi)
        share = (weighed(sums + rest <= ends) <= most).mean()
        expected[k + 1] = float(domain.d) ** min(k + 1, _DEEP) * max(share, 0.5 / samples)
    return expected


def packed(bits: npt.NDArray[np.bool_], words: int) -> Words:
    """Rows of bits (n, ≤ 64 · words) as words (n, words), the first bit the lowest."""
    wide = np.zeros((len(bits), 64 * words), dtype=bool)
    wide[:, : bits.shape[1]] = bits
    return np.packbits(wide, axis=1, bitorder="little").view("<u8").astype(np.uint64)
