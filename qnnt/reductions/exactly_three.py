"""CNF to CNF with exactly three literals of three different variables in every clause (Karp 1972).

**Construction.** Repeated literals of a clause are merged and tautologies dropped. With fresh variables,

* a clause l1 ∨ … ∨ lk, k > 3, becomes (l1 ∨ l2 ∨ s1)(¬s1 ∨ l3 ∨ s2)…(¬s(k-3) ∨ l(k-1) ∨ lk);
* a clause with k < 3 literals becomes 2^(3-k) clauses, one for each choice of signs of 3-k fresh variables;
  the empty clause becomes all 8 clauses on three variables, which no assignment satisfies;
* a formula without clauses gets one, on three fresh variables, since no graph can be made of none.

**⇒** s(j) is true iff none of l1…l(j+1) is; any value serves the other fresh variables, here *true*.
**⇐** Leave out the fresh variables: if all li are false the chain forces s1, s2, … up to a false clause, and
among all choices of signs one clause has only false fresh literals.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from qnnt.exceptions import InputError
from qnnt.reductions.base import Lift, Reduction
from qnnt.reductions.sources.cnf import Assignment, Cnf

Clause = list[int]


def apply(source: Cnf) -> tuple[Cnf, Lift[Assignment, Assignment]]:
    """The exactly-3 formula, and the lift that leaves out its fresh variables."""
    clauses, _, n_variables = _expand(source)
    if not clauses:
        clauses, n_variables = [[n_variables + 1, n_variables + 2, n_variables + 3]], n_variables + 3
    return Cnf.of(clauses, n_variables), lambda solution: solution[: source.n_variables]


def plant(source: Cnf, solution: Assignment) -> Assignment:
    """The assignment continued to the fresh variables; raises :class:`InputError` if it is no solution."""
    if not source.accepts(solution):
        raise InputError("solution", "does not satisfy the formula")
    clauses, splits, n_variables = _expand(source)
    values = np.ones(n_variables if clauses else n_variables + 3, dtype=np.bool_)
    values[: source.n_variables] = solution
    for first, clause in splits:
        literals = np.array(clause)
        true = values[np.abs(literals) - 1] == (literals > 0)
        values[first - 1 : first + len(clause) - 4] = ~np.logical_or.accumulate(true)[1:-2]
    return values


def _expand(source: Cnf) -> tuple[list[Clause], list[tuple[int, Clause]], int]:
    """The new clauses, each split clause with its first fresh variable, and the number of variables."""
    clauses: list[Clause] = []
    splits: list[tuple[int, Clause]] = []
    last = source.n_variables
    for given in source.clauses.rows():
        clause = list(dict.fromkeys(given))
        if len({abs(literal) for literal in clause}) < len(clause):
            continue
        k = len(clause)
        if k > 3:
            splits.append((last + 1, clause))
            links = range(last + 1, last + k - 2)
            clauses.append([*clause[:2], links[0]])
            clauses += [[-s, clause[i], s + 1] for i, s in enumerate(links[:-1], start=2)]
            clauses.append([-links[-1], *clause[-2:]])
            last += k - 3
        else:
            fresh = range(last + 1, last + 4 - k)
            signs = product((1, -1), repeat=3 - k)
            clauses += [[*clause, *(s * f for s, f in zip(sign, fresh, strict=True))] for sign in signs]
            last += 3 - k
    return clauses, splits, last


EXACTLY_THREE = Reduction(apply, plant)
