"""The compiled loops: bits of many completions counted at once, a search over groups of weights, a climb.

Python does the rest. What numba compiles here takes a few seconds once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qnnt.compiled import compiled

WORDS = 12  # the most words of a group's completions, 64 in each
BATCH = 7  # rows that are added up at a time
GROUP, NODES = 0, 1  # places in the state of a search
DONE, MORE, FOUND = 0, 1, 2
_P1, _P2, _P3, _P4, _P6, _P7 = (np.uint64(planes * WORDS) for planes in (1, 2, 3, 4, 6, 7))


class Groups(NamedTuple):
    """What never changes in a search: see :class:`~qnnt.backends.neuron.tables.Tables`.

    G groups of variables, the last one complete; h half-spaces. Completion c of group g adds
    ``dots[dots_begin[g] + c · h + i]`` to the sum of half-space i. It is surely in the half-space
    from group g on if that is at most ``rests[g, i]`` less the sum so far; clipped to ``least[g, i]`` …
    ``greatest[g, i]``, times the number of words, this leads from ``bases[g, i]`` to the row of those
    completions in ``bits``.
    """

    rests: Any  # (G, h) int32
    least: Any  # (G, h) int32
    greatest: Any  # (G, h) int32
    bases: Any  # (G, h)
    words: Any  # (G,)
    lanes: Any  # (G, WORDS) uint64: the completions that are tried
    zeros: Any  # (G,) where a row of zeros begins; rows for pairs follow
    dots: Any  # int32
    dots_begin: Any  # (G,)
    singles: int  # half-spaces that are a term; pairs of them follow
    pairs: int


class Sum(NamedTuple):
    """What is counted, and up to where: prices in binary, so many terms of one bit after another.

    Batch b adds the rows ``terms[7b]`` … ``terms[7b + 6]``, each 2^``shifts[b]`` times.
    """

    terms: Any
    shifts: Any
    most: int
    places: int  # binary digits of a counter: enough for most + 1, and 3 more than any shift
    exact: bool  # nothing less will do


class State(NamedTuple):
    """Where a search stands, and room to work."""

    place: Any  # (2,) the group; nodes so far
    sums: Any  # (G, h) int32
    masks: Any  # (G + 1, WORDS) uint64: completions left to try; the last row is room
    chosen: Any  # (G,) the completion under way
    rows: Any  # (h + pairs + 1,)
    picked: Any  # (terms,)
    planes: Any  # ((2 · places + 2) · WORDS,) uint64
    bits: Any  # uint64: all rows


@compiled()
def within(
    goal: Any, most: int, picked: Any, bits: Any, lanes: Any, words: int, planes: Any, left: Any
) -> bool:
    """Which of the completions ``lanes`` pay at most ``most``, in ``left``; false if none.

    ``picked`` tells where the row of each term of ``goal`` begins in ``bits``.

    Digit j of the counters, one for each completion, is plane 2j; plane 2j + 1 is what is carried to it. The
    counters start at 2^places − 1 − ``most``, so that what is too much carries out of the last digit.
    Indices are unsigned: then LLVM works on several words at once.
    """
    shifts, places = goal.shifts, goal.places
    full, none, n = ~np.uint64(0), np.uint64(0), np.uint64(words)
    for j in range(places):
        begin = none if j < 63 and (most >> j) & 1 else full
        p = np.uint64(j) * _P2
        for w in range(n):
            planes[p + w] = begin
    for w in range(n):
        left[w] = lanes[w]
    end = np.uint64(places) * _P2
    for b in range(len(shifts)):
        i = b * BATCH
        r0, r1, r2, r3 = picked[i], picked[i + 1], picked[i + 2], picked[i + 3]
        r4, r5, r6 = picked[i + 4], picked[i + 5], picked[i + 6]
        p = np.uint64(shifts[b]) * _P2
        for w in range(n):  # full adders make a number of three bits out of seven, and add it
            x, y, z = bits[r0 + w], bits[r1 + w], bits[r2 + w]
            t = x ^ y
            one, two = t ^ z, (x & y) | (t & z)
            x, y = bits[r3 + w], bits[r4 + w]
            t = x ^ y
            z = (x & y) | (t & one)
            one ^= t
            x, y = bits[r5 + w], bits[r6 + w]
            t = x ^ y
            y = (x & y) | (t & one)
            one ^= t
            t = two ^ z
            four = (two & z) | (t & y)
            two = t ^ y
            x = planes[p + w]
            planes[p + w] = x ^ one
            z = x & one
            x = planes[p + _P2 + w]
            t = x ^ two
            planes[p + _P2 + w] = t ^ z
            z = (x & two) | (t & z)
            x = planes[p + _P4 + w]
            t = x ^ four
            planes[p + _P4 + w] = t ^ z
            planes[p + _P7 + w] = (x & four) | (t & z)
        p += _P6
        while p < end:
            for w in range(n):
                x, z = planes[p + w], planes[p + _P1 + w]
                planes[p + w] = x ^ z
                planes[p + _P3 + w] = x & z
            p += _P2
        some = none
        for w in range(n):
            left[w] &= ~planes[end + _P1 + w]
            some |= left[w]
        if some == none:
            return False
    return True


@compiled()
def enter(g: int, groups: Any, goal: Any, state: Any) -> None:
    """Put into ``masks[g]`` the completions of group g that may lead to what is asked, given ``sums[g]``."""
    words, sums, mask, rows = groups.words[g], state.sums[g], state.masks[g], state.rows
    rest, base, least, greatest = groups.rests[g], groups.bases[g], groups.least[g], groups.greatest[g]
    h, singles, zeros = len(sums), groups.singles, groups.zeros[g]
    for i in range(h):
        rows[i] = np.uint64(base[i] + words * min(max(rest[i] - sums[i], least[i]), greatest[i]))
    for j in range(groups.pairs):
        r, s, t = rows[singles + 2 * j], rows[singles + 2 * j + 1], np.uint64(zeros + words * (1 + j))
        for w in range(np.uint64(words)):
            state.bits[t + w] = state.bits[r + w] & state.bits[s + w]
        rows[h + j] = t
    rows[h + groups.pairs] = np.uint64(zeros)
    for i in range(len(goal.terms)):
        state.picked[i] = rows[goal.terms[i]]
    some = within(goal, goal.most, state.picked, state.bits, groups.lanes[g], words, state.planes, mask)
    if not some:
        for w in range(words):
            mask[w] = np.uint64(0)
    elif goal.exact and goal.most > 0 and g == len(groups.words) - 1:
        less = state.masks[g + 1]
        if within(goal, goal.most - 1, state.picked, state.bits, groups.lanes[g], words, state.planes, less):
            for w in range(words):
                mask[w] &= ~less[w]


@compiled()
def advance(groups: Any, goal: Any, state: Any, nodes: int) -> int:
    """Go on with a search for so many nodes: DONE, MORE, or FOUND with completions in the last mask."""
    none, one = np.uint64(0), np.uint64(1)
    last, g, end = len(groups.words) - 1, state.place[GROUP], state.place[NODES] + nodes
    while g >= 0:
        w = 0
        while w < groups.words[g] and state.masks[g, w] == none:
            w += 1
        if w == groups.words[g]:
            g -= 1
            continue
        if g == last or state.place[NODES] >= end:
            state.place[GROUP] = g
            return FOUND if g == last else MORE
        state.place[NODES] += 1
        mask = state.masks[g, w]
        state.masks[g, w] = mask & (mask - one)
        mask &= ~mask + one  # its lowest bit
        c = 64 * w
        half = 32
        while half:
            if mask >> np.uint64(half):
                mask >>= np.uint64(half)
                c += half
            half //= 2
        state.chosen[g] = c
        here, there = state.sums[g], state.sums[g + 1]
        first = groups.dots_begin[g] + c * len(here)
        for i in range(len(here)):
            there[i] = here[i] + groups.dots[first + i]
        g += 1
        enter(g, groups, goal, state)
    state.place[GROUP] = g
    return DONE


@compiled()
def mixed(seed: Any) -> Any:
    """The next of the numbers that Marsaglia's xorshift makes of a seed that is not 0."""
    seed ^= seed << np.uint64(13)
    seed ^= seed >> np.uint64(7)
    return seed ^ (seed << np.uint64(17))


@compiled()
def climb(
    columns: Any,
    first: Any,
    last: Any,
    price: Any,
    lo: int,
    hi: int,
    low: int,
    high: int,
    steps: int,
    start: int,
    best: Any,
) -> None:
    """Change one variable at a time, from random starts, until the cost lies in ``low`` … ``high``.

    Each step makes the best change that is not barred, even for the worse, and bars the variable for a few
    steps. Of equal costs, one nearer to lower ones is taken: by how far pre-activations are from where they
    pay nothing. ``best`` (m,) gets the values that cost the least, or those that were asked for; the first
    start is 0 everywhere if ``start`` is 1.
    """
    m, n = columns.shape
    values, free, z = np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(n, np.int32)
    seed = mixed(mixed(np.uint64(start) * np.uint64(0x9E3779B97F4A7C15)))
    lowest, least, idle = np.int64(-1), np.int64(-1), 0
    for step in range(steps):
        begins = step == 0 or idle > 40 + m
        if begins:
            for i in range(n):
                z[i] = 0
            for k in range(m):
                seed = mixed(seed)
                draw = lo + np.int64((seed >> np.uint64(33)) % np.uint64(hi - lo + 1))
                values[k], free[k] = (0 if step == 0 and start == 1 else draw), 0
                factor = np.int32(values[k])
                for i in range(n):
                    z[i] += factor * columns[k, i]
            idle, least = 0, np.int64(-1)
        variable, value, cost, lack = -1, 0, np.int64(-1), np.int64(0)
        for k in range(m):
            if free[k] > step:
                continue
            column = columns[k]
            for v in range(lo, hi + 1):
                factor = np.int32(v - values[k])
                if factor == 0 and not begins:  # no change, but for a start
                    continue
                c, f = np.int64(0), np.int64(0)
                for i in range(n):
                    y = z[i] + factor * column[i]
                    c += price[i] if (first[i] <= y) & (y <= last[i]) else 0
                    f += min(max(min(y - first[i], last[i] - y) + 1, 0), 1000)
                if variable < 0 or c < cost or (c == cost and f < lack):
                    variable, value, cost, lack = k, v, c, f
        idle += 1
        if variable < 0:
            idle = 1000 + m
            continue
        factor = np.int32(value - values[variable])
        for i in range(n):
            z[i] += factor * columns[variable, i]
        values[variable] = value
        seed = mixed(seed)
        free[variable] = step + 2 + np.int64((seed >> np.uint64(33)) % np.uint64(4))
        if least < 0 or cost < least:
            least, idle = cost, 0
        if lowest < 0 or cost < lowest or low <= cost <= high:
            lowest = cost
            for k in range(m):
                best[k] = values[k]
            if low <= cost <= high:
                return
