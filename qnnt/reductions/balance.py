"""3-SAT to (3,B2)-SAT, in which every literal occurs exactly twice (Berman, Karpinski and Scott 2003).

**Enforcer.** S(l1, l2, l3) = (l1 ∨ ¬a ∨ b)(l2 ∨ ¬b ∨ c)(l3 ∨ a ∨ ¬c)(a ∨ b ∨ c)(¬a ∨ ¬b ∨ ¬c) with fresh
a, b, c, each of which occurs twice either way, can be satisfied by a choice of a, b, c iff l1 ∨ l2 ∨ l3:
if all three are false the first clauses say a → b → c → a, against the last two; (a, b, c) = (1, 0, 0) serves
for l1, (0, 1, 0) for l2 and (0, 0, 1) for l3. A literal may be given to it twice.

**Construction.** A variable whose literals occur twice each is kept, one that does not occur is left out. Any
other one, with p positive and q negative occurrences, becomes p + q copies in a cycle, in this order:

* if p, q ≥ 1: p-1 copies for a positive occurrence each, one for both a positive and a negative occurrence,
  q-1 for a negative occurrence each, one *free* copy without an occurrence;
* otherwise one copy for each occurrence.

For each copy u and its successor w the enforcer S(¬u, ¬u, w) or S(¬u, w, w) says u → w. A copy lacks, in its
own role of w, one positive literal (positive, both) or two (negative, free), and in the role of u one
negative literal (both, negative) or two (positive, free). In every pair of neighbours these add up to three,
so one enforcer a link closes all gaps.

**⇒** Copies take the value of their variable; (a, b, c) = (¬u, 0, w). **⇐** A cycle of implications makes
the copies equal; a variable takes the value of its first copy, and *false* if it does not occur.
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

    ``clauses`` (m, 3) are the source's, over copies. Links run from ``tail`` to ``head``, both numbers of
    copies; ``twice`` says which of the two the enforcer has twice (True: the tail).
    """

    first: Integers
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
        values[occurs] = solution[plan.first[:-1][occurs] - 1]
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
    counts = source.occurrences
    total = counts.sum(axis=1)
    copied = (counts != 2).any(axis=1)
    first = 1 + np.concatenate([[0], np.cumsum(np.where(copied, total, 1))])
    variable, negative = np.abs(clauses.values) - 1, clauses.values < 0
    shared = negative & (counts[variable, 0] > 0)
    rank = _rank(variable, negative)
    # A negative occurrence shares the last copy of the positive ones: hence one step back.
    copy = first[variable] + np.where(copied[variable], rank - shared, 0)
    literals = np.where(negative, -copy, copy)
    position = np.arange(int(first[-1]) - 1)
    owner = np.repeat(np.arange(len(total)), np.diff(first))
    linked = copied[owner]
    position, owner = position[linked], owner[linked]
    offset, p = position + 1 - first[owner], counts[owner, 0]
    last = total[owner] - 1
    head = np.where(offset == last, first[owner], position + 2)
    both = (p > 0) & (counts[owner, 1] > 0)
    twice = (offset < p - both) | (both & (offset == last))
    return _Plan(first, literals.reshape(-1, 3), position + 1, head, twice)


def _rank(variable: Integers, negative: Booleans) -> Integers:
    """The number of each occurrence among those of its variable, the positive ones first."""
    order = np.lexsort((negative, variable))
    ordered = variable[order]
    starts = np.searchsorted(ordered, ordered)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - starts
    return rank


BALANCE = Reduction(apply, plant)
