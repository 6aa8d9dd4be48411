"""Whether runs on one instance can all be right, among themselves and against the source of the instance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qnnt.exceptions import Unsupported
from qnnt.goals import Goal
from qnnt.limits import Limits, Status
from qnnt.pipeline import solve
from qnnt.reductions.catalogue import PROOFS, Source
from qnnt.reductions.sources.cnf import Assignment, Cnf
from qnnt.reductions.sources.sets import Chosen, ExactCover, HittingSet
from qnnt.result import Result
from qnnt.verify.replay import check

Solution = Assignment | Chosen


def disagreements(goal: Goal, results: Sequence[Result]) -> list[tuple[Result, Result, str]]:
    """Each run whose claim is refuted by a network of another: the two runs, and what is wrong.

    Every network of a result was replayed, so the claim is wrong: a lower bound above its error, or that no
    network meets the goal. Two optima that differ are the first of these.
    """
    found = []
    for claim in results:
        for witness in results:
            if witness.errors is None or witness is claim:
                continue
            network = f"{witness.backend} with {witness.encoder} has a network with {witness.errors} errors"
            if claim.status is Status.UNSATISFIABLE and goal.accepts(witness.errors):
                found.append((claim, witness, f"no network meets {goal}, but {network}"))
            elif (claim.lower_bound or 0) > witness.errors:
                found.append((claim, witness, f"at least {claim.lower_bound} errors, but {network}"))
    return found


def solve_source(source: Source) -> Solution | None:
    """A solution of a source by a solver of its own problem, or None if there is none.

    SAT by CaDiCaL, hitting sets of least size by PySAT's Hitman, exact covers by search for the element in
    the fewest sets (Knuth's algorithm X).
    """
    if isinstance(source, Cnf):
        return _assignment(source)
    return _hitting_set(source) if isinstance(source, HittingSet) else _exact_cover(source)


def source_disagreements(
    kind: str, source: Source, backends: Sequence[str], limits: Limits | None = None, *, isolate: bool = True
) -> list[str]:
    """What is wrong when a source is solved directly and as a trained instance of ``kind`` by each backend.

    A definite answer must be that of the source, its network must lift to a solution of the source, and a
    solution of the source must plant to a network that meets the goal. UNKNOWN is no disagreement, nor is a
    backend that declines the instance.
    """
    reduction = PROOFS[kind].reduction
    instance, lift = reduction.apply(source)
    solution, found = solve_source(source), []
    if solution is not None and not check(instance, reduction.plant(source, solution)).meets_goal:
        found.append("the planted network misses the goal")
    for backend in backends:
        try:
            result = solve(instance, backend=backend, limits=limits, isolate=isolate)
        except Unsupported:
            continue
        if result.status is Status.UNKNOWN:
            continue
        if (result.status is Status.UNSATISFIABLE) != (solution is None):
            exists = "no" if solution is None else "a"
            found.append(f"{backend} says {result.status}, but the source has {exists} solution")
        if result.network is not None and not source.accepts(lift(result.network)):
            found.append(f"the network of {backend} does not lift to a solution")
    return found


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

    def extend(left: int, chosen: list[int]) -> list[int] | None:
        if not left:
            return chosen
        fitting = [
            [j for j in candidates[e] if not masks[j] & ~left]
            for e in range(source.n_elements)
            if left >> e & 1
        ]
        for j in min(fitting, key=len):
            found = extend(left & ~masks[j], [*chosen, j])
            if found is not None:
                return found
        return None

    cover = extend((1 << source.n_elements) - 1, [])
    return None if cover is None else np.array(sorted(cover), dtype=np.int64)
