"""The loops of the proof checker: unit propagation over clauses with two watched literals.

Every function runs as plain Python on lists and, compiled, on arrays of numpy. A literal is
2·variable + sign.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Store(NamedTuple):
    """Clauses and an assignment.

    Clause c has the literals ``lits[start[c]]`` to ``lits[start[c + 1] - 1]``; it counts if ``active[c]``.
    Its first two literals are watched: node 2·c + s is its watch s, ``head[l]`` the first node that watches
    literal l, ``following[n]`` the one after node n. ``value[l]`` is 1 if l is true, -1 if it is false, else
    0; the true ones stand on the ``trail``.
    """

    lits: Any
    start: Any
    head: Any
    following: Any
    value: Any
    trail: Any
    active: Any


def propagate(store: Store, queue: int, size: int) -> tuple[int, bool]:
    """Assign what follows from the literals ``trail[queue:size]``: (new size, whether a clause is false)."""
    lits, start, head, following, value, trail, active = store
    while queue < size:
        false = trail[queue] ^ 1
        queue += 1
        node, before = head[false], -1
        while node >= 0:
            after = following[node]
            c, slot = node >> 1, node & 1
            begin = start[c]
            moved = not active[c]
            if not moved:
                other = lits[begin + 1 - slot]
                if value[other] != 1:
                    for k in range(begin + 2, start[c + 1]):
                        if value[lits[k]] != -1:
                            lits[begin + slot], lits[k] = lits[k], lits[begin + slot]
                            moved = True
                            break
                    if not moved:
                        if value[other] == -1:
                            return size, True
                        value[other], value[other ^ 1] = 1, -1
                        trail[size] = other
                        size += 1
            if moved:
                if before < 0:
                    head[false] = after
                else:
                    following[before] = after
                if active[c]:
                    watched = lits[begin + slot]
                    following[node] = head[watched]
                    head[watched] = node
            else:
                before = node
            node = after
    return size, False


def deny(store: Store, begin: int, end: int, spared: int, size: int) -> tuple[int, bool]:
    """Assign the literals from ``begin`` to ``end`` false, but one: (new size, whether one is true)."""
    lits, value, trail = store.lits, store.value, store.trail
    for k in range(begin, end):
        literal = lits[k]
        if literal == spared:
            continue
        if value[literal] == 1:
            return size, True
        if value[literal] == 0:
            value[literal], value[literal ^ 1] = -1, 1
            trail[size] = literal ^ 1
            size += 1
    return size, False


def undo(store: Store, size: int, until: int) -> int:
    """Take back all but the first ``until`` literals of the trail, and return that number."""
    value, trail = store.value, store.trail
    for k in range(until, size):
        value[trail[k]], value[trail[k] ^ 1] = 0, 0
    return until


def attach(store: Store, c: int, size: int) -> tuple[int, bool]:
    """Add clause c for good: (new size, whether it is false). What follows from it is left to propagation."""
    lits, start, head, following, value, trail, active = store
    begin, end = start[c], start[c + 1]
    active[c] = True
    free = begin  # literals that are not false come first
    for k in range(begin, end):
        if value[lits[k]] != -1:
            lits[free], lits[k] = lits[k], lits[free]
            free += 1
            if free == begin + 2:
                break
    if end - begin >= 2:
        for slot in range(2):
            watched = lits[begin + slot]
            following[2 * c + slot] = head[watched]
            head[watched] = 2 * c + slot
    if free == begin:
        return size, True
    literal = lits[begin]
    if free == begin + 1 and value[literal] == 0:
        value[literal], value[literal ^ 1] = 1, -1
        trail[size] = literal
        size += 1
    return size, False


def follows(store: Store, c: int, fixed: int) -> bool:
    """Whether clause c may be added: its denial propagates to a contradiction (RUP), or it is a RAT.

    A RAT on its first literal: the same holds of its resolvents with all clauses that have the opposite one.
    """
    lits, start, active = store.lits, store.start, store.active
    begin, end = start[c], start[c + 1]
    size, contradiction = deny(store, begin, end, -1, fixed)
    if not contradiction:
        size, contradiction = propagate(store, fixed, size)
    if not contradiction and end > begin:
        contradiction = True
        opposite = lits[begin] ^ 1
        for e in range(c):
            has = False
            if active[e]:
                for k in range(start[e], start[e + 1]):
                    has = has or lits[k] == opposite
            if not has:
                continue
            deep, well = deny(store, start[e], start[e + 1], opposite, size)
            if not well:
                deep, well = propagate(store, size, deep)
            undo(store, deep, size)
            if not well:
                contradiction = False
                break
    undo(store, size, fixed)
    return bool(contradiction)


def replay(store: Store, given: int, todo: Any) -> tuple[int, int]:
    """Take in the ``given`` clauses, then the steps: (steps done, outcome).

    ``todo[i]`` is the clause that step i adds, or ~c for one that it deletes, if there is such a clause. The
    outcome is 1 at the first contradiction, 0 if a clause does not follow, and -1 if the steps end without a
    contradiction.
    """
    lits, start, value, active = store.lits, store.start, store.value, store.active
    size, contradiction = 0, False
    for c in range(given):
        size, contradiction = attach(store, c, size)
        if contradiction:
            return 0, 1
    size, contradiction = propagate(store, 0, size)
    if contradiction:
        return 0, 1
    for i in range(len(todo)):
        c = todo[i]
        if c < 0:
            if ~c >= len(active):
                continue
            begin, end = start[~c], start[~c + 1]
            true, rest = 0, 0
            for k in range(begin, end):
                true += value[lits[k]] == 1
                rest += value[lits[k]] == 0
            # A clause that fixes a literal stays, and so does the literal.
            active[~c] = true == 1 and rest == 0
            continue
        if not follows(store, c, size):
            return i, 0
        before = size
        size, contradiction = attach(store, c, size)
        if not contradiction:
            size, contradiction = propagate(store, before, size)
        if contradiction:
            return i + 1, 1
    return len(todo), -1


PARTS = (propagate, deny, undo, attach, follows)
"""What the loop calls."""
