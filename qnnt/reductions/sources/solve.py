"""Solutions of the sources by solvers of their own problems."""

from __future__ import annotations

import numpy as np

from qnnt.reductions.sources.cnf import Assignment, Cnf
from qnnt.reductions.sources.sets import Chosen, ExactCover, HittingSet

Source = Cnf | ExactCover | HittingSet
Solution = Assignment | Chosen


def solve_source(source: Source) -> Solution | None:
    """A solution of a source by a solver of its own problem, or None if there is none.

    SAT by CaDiCaL, hitting sets of least size by PySAT's Hitman, exact covers by search for the element in
    the fewest sets (Knuth's algorithm X).
    """
    if isinstance(source, Cnf):
        return _assignment(source)
    return _hitting_set(source) if isinstance(source, HittingSet) else _exact_cover(source)


def _assignment(source: Cnf) -> Assignment | None:
    from pysat.solvers import Solver

    with Solver("cadical195") as solver:
        for clause in source.clauses.rows():
            if not clause:
                return None
            solver.add_clause(clause)
        if not solver.solve():
            return None
        values = np.zeros(source.n_variables, dtype=np.bool_)
        model = np.array(solver.get_model(), dtype=np.int64)
    true = model[(model > 0) & (model <= source.n_variables)]
    values[true - 1] = True
    return values


def _hitting_set(source: HittingSet) -> Chosen | None:
    from pysat.examples.hitman import Hitman

    sets = source.sets.rows()
    if not all(sets):
        return None
    with Hitman(bootstrap_with=sets, htype="sorted") as hitman:
        smallest = hitman.get() if sets else []
    return None if len(smallest) > source.size else np.array(sorted(smallest), dtype=np.int64)


def _exact_cover(source: ExactCover) -> Chosen | None:
    masks = [sum(1 << e for e in row) for row in source.sets.rows()]
    # A set without elements covers nothing: it is never needed.
    candidates = [
        [j for j, mask in enumerate(masks) if mask >> element & 1] for element in range(source.n_elements)
    ]

    left_and_chosen = [((1 << source.n_elements) - 1, tuple[int, ...]())]
    while left_and_chosen:
        left, chosen = left_and_chosen.pop()
        if not left:
            return np.array(sorted(chosen), dtype=np.int64)
        fitting = [
            [j for j in candidates[e] if not masks[j] & ~left]
            for e in range(source.n_elements)
            if left >> e & 1
        ]
        fewest = min(fitting, key=len)
        left_and_chosen += [(left & ~masks[j], (*chosen, j)) for j in reversed(fewest)]
    return None
