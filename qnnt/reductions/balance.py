"""3-SAT to (3,B2)-SAT, in which every literal occurs exactly twice (Berman, Karpinski and Scott 2003).

**Enforcer.** S(l1, l2, l3) = (l1 ∨ ¬a ∨ b)(l2 ∨ ¬b ∨ c)(l3 ∨ a ∨ ¬c)(a ∨ b ∨ c)(¬a ∨ ¬b ∨ ¬c) with fresh
a, b, c, each of which occurs twice either way, can be satisfied by a choice of a, b, c iff l1 ∨ l2 ∨ l3:
if all three are false the first clauses say a → b → c → a, against the last two; (a, b, c) = (1, 0, 0) serves
for l1, (0, 1, 0) for l2 and (0, 0, 1) for l3. A literal may be given to it twice.

**Construction.** A variable with p positive and q negative occurrences is copied. For some pairs of copies
the enforcer S(¬u, ¬u, w) or S(¬u, w, w) says u → w.

* If p, q ≥ 2, a *chain* of p + q - 3 copies, each of which implies the next. The first has two positive
  occurrences and the next p-2 have one each; the last of these, number p-1, is the *middle*. It has the
  first negative occurrence too, the q-2 after it have one each, and the last copy of all has one more. A
  link to or before the middle has its tail twice, as that has no negative occurrence; a later one has its
  head twice, as that has no positive one. With p = q = 2 the variable stays as it is.
* Otherwise a *cycle* of p + q copies. If p, q ≥ 1: p-1 for a positive occurrence each, one for both a
  positive and a negative one, q-1 for a negative one each, one *free* copy without; if not, one for each
  occurrence. A copy lacks, in its own role of w, one positive literal (positive, both) or two (negative,
  free), and in the role of u one negative literal (both, negative) or two (positive, free). In every pair
  of neighbours these add up to three, so one enforcer a link closes all gaps.

**⇒** Copies take the value of their variable; (a, b, c) = (¬u, 0, w).
**⇐** A variable takes the value of the middle of its chain or of the first copy of its cycle, and *false*
if it does not occur. In a chain, a positive occurrence that is true makes the middle true and a negative
one that is true makes it false, so a clause keeps its true literal; a cycle of implications makes all
copies equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnnt.exceptions import InputError
from qnnt.reductions.base import Lift, Reduction
from qnnt.reductions.sources.cnf import Assignment, Cnf
from qnnt.reductions.sources.ragged import Booleans, Integers, Ragged

# S(l1, l2, l3): the columns are l1, l2, l3, a, b, c and each row is a clause.
_ENFORCER = np.array(
    [[1, 0, 0, -1, 1, 0], [0, 1, 0, 0, -1, 1], [0, 0, 1, 1, 0, -1], [0, 0, 0, 1, 1, 1], [0, 0, 0, -1, -1, -1]]
)
_COLUMNS = np.array([np.flatnonzero(row) for row in _ENFORCER])
_SIGNS = np.take_along_axis(_ENFORCER, _COLUMNS, axis=1)


@dataclass(frozen=True)
class _Plan:
    """Who is copied how often: the copies of variable v + 1 are ``first[v]`` … ``first[v + 1] - 1``.

    ``value`` is the copy that the variable takes its value of. ``clauses`` (m, 3) are the source's, over
    copies. Links run from ``tail`` to ``head``, both numbers of copies; ``twice`` says which of the two the
    enforcer has twice (True: the tail).
    """

    first: Integers
    value: Integers
    clauses: Integers
    tail: Integers
    head: Integers
    twice: Booleans


def enforcer(literals: Integers, first: int) -> Integers:
    """The clauses (5r, 3) of S for each row of literals (r, 3), with fresh variables from ``first`` on."""
    rows = len(literals)
    fresh = first + np.arange(3 * rows).reshape(rows, 3)
    clauses: Integers = np.hstack([literals, fresh])[:, _COLUMNS] * _SIGNS
    return clauses.reshape(5 * rows, 3)


def apply(source: Cnf) -> tuple[Cnf, Lift[Assignment, Assignment]]:
    """The (3,B2) formula and its lift; raises :class:`InputError` unless the source is an exactly-3 CNF."""
    plan = _plan(source)
    links = np.column_stack([-plan.tail, np.where(plan.twice, -plan.tail, plan.head), plan.head])
    n_copies = int(plan.first[-1]) - 1
    clauses = np.vstack([plan.clauses, enforcer(links, n_copies + 1)])
    rows = Ragged(clauses.ravel(), 3 * np.arange(len(clauses) + 1))

    def lift(solution: Assignment) -> Assignment:
        occurs = np.diff(plan.first) > 0
        values = np.zeros(source.n_variables, dtype=np.bool_)
        values[occurs] = solution[plan.value[occurs] - 1]
        return values

    return Cnf(n_copies + 3 * len(links), rows), lift


def plant(source: Cnf, solution: Assignment) -> Assignment:
    """The assignment continued to copies and enforcers; raises :class:`InputError` if it is no solution."""
    if not source.accepts(solution):
        raise InputError("solution", "does not satisfy the formula")
    plan = _plan(source)
    copies = np.repeat(solution, np.diff(plan.first))
    of_link = copies[plan.tail - 1]
    fresh = np.column_stack([~of_link, np.zeros_like(of_link), of_link])
    return np.concatenate([copies, fresh.ravel()])


def _plan(source: Cnf) -> _Plan:
    clauses = source.clauses
    if not len(clauses) or (clauses.lengths != 3).any():
        raise InputError("clauses", "(3,B2)-SAT needs clauses of exactly three literals, and at least one")
    positive, negative = source.occurrences.T
    chain = (positive >= 2) & (negative >= 2)
    copies = positive + negative - 3 * chain
    first = 1 + np.concatenate([[0], np.cumsum(copies)])
    value = first[:-1] + np.where(chain, positive - 2, 0)

    variable, negated = np.abs(clauses.values) - 1, clauses.values < 0
    # The first negative occurrence shares a copy; in a chain, so do the first two and the last two of all.
    offset = _rank(variable, negated) - (negated & (positive > 0)[variable])
    offset = np.where(chain[variable], np.clip(offset - 1, 0, copies[variable] - 1), offset)
    literals = np.where(negated, -1, 1) * (first[variable] + offset)

    copy, owner = np.arange(1, first[-1]), np.repeat(np.arange(len(copies)), copies)
    offset, last = copy - first[owner], copies[owner] - 1
    both = (positive > 0) & (negative > 0)
    twice = np.where(
        chain[owner],
        copy < value[owner],
        (offset < (positive - both)[owner]) | (both[owner] & (offset == last)),
    )
    head = np.where(offset == last, first[owner], copy + 1)
    linked = ~chain[owner] | (offset < last)
    return _Plan(first, value, literals.reshape(-1, 3), copy[linked], head[linked], twice[linked])


def _rank(variable: Integers, negative: Booleans) -> Integers:
    """The number of each occurrence among those of its variable, the positive ones first."""
    order = np.lexsort((negative, variable))
    ordered = variable[order]
    starts = np.searchsorted(ordered, ordered)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - starts
    return rank


BALANCE = Reduction(apply, plant)
