"""Random sources whose answer is known: by a planted solution, by a reason against one, or by a solver.

The same arguments give the same source. Sizes are ``n``: variables of a formula, elements of a set system.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np

from qnnt.exceptions import InputError
from qnnt.reductions.sources.cnf import Assignment, Cnf
from qnnt.reductions.sources.ragged import Integers, Ragged
from qnnt.reductions.sources.sets import Chosen, ExactCover, HittingSet

THRESHOLD = 4.26
"""Clauses per variable at which a random 3-CNF is satisfiable about as often as not."""


def _generator(n: int, least: int, seed: int) -> np.random.Generator:
    if n < least:
        raise InputError("size", f"must be at least {least}, not {n}")
    if seed < 0:
        raise InputError("seed", f"must be at least 0, not {seed}")
    return np.random.Generator(np.random.PCG64(seed))


def threshold_formula(n: int, seed: int, ratio: float = THRESHOLD) -> Cnf:
    """round(ratio·n) clauses of three different variables (n ≥ 3) and random signs, each alike probable."""
    rng = _generator(n, 3, seed)
    return _cnf(n, _triples(rng, n, round(ratio * n)) * rng.choice([-1, 1], size=(round(ratio * n), 3)))


def planted_formula(n: int, seed: int, ratio: float = THRESHOLD) -> tuple[Cnf, Assignment]:
    """Like :func:`threshold_formula`, but of the clauses that a random assignment satisfies; with it."""
    rng = _generator(n, 3, seed)
    assignment = rng.random(n) < 0.5
    variables = _triples(rng, n, round(ratio * n))
    # Seven of the eight signs of a clause are allowed: a number 1…7 tells which literals are true.
    true = rng.integers(1, 8, size=len(variables))[:, None] >> np.arange(3) & 1 == 1
    return _cnf(n, np.where(assignment[variables - 1] == true, variables, -variables)), assignment


def balanced_formula(n: int, seed: int) -> Cnf:
    """A random formula of (3,B2)-SAT: each literal of n = 3, 6, 9, … variables twice, in 4n/3 clauses."""
    rng = _generator(n, 3, seed)
    if n % 3:
        raise InputError("size", f"must be a multiple of 3, for 4n/3 clauses, not {n}")
    numbers = np.arange(1, n + 1)
    clauses = rng.permutation(np.concatenate([numbers, numbers, -numbers, -numbers])).reshape(-1, 3)
    while True:
        ordered = np.sort(np.abs(clauses), axis=1)
        bad = np.flatnonzero((np.diff(ordered, axis=1) == 0).any(axis=1))
        if not len(bad):
            return _cnf(n, clauses)
        dealt = np.union1d(bad, rng.choice(len(clauses), size=min(len(clauses), len(bad) + 3), replace=False))
        clauses[dealt] = rng.permutation(clauses[dealt].ravel()).reshape(-1, 3)


def planted_exact_cover(n: int, seed: int, decoys: float = 2.0) -> tuple[ExactCover, Chosen]:
    """A random partition of n ≥ 3 elements into sets of two to four, and ``decoys`` times as many like it."""
    rng = _generator(n, 3, seed)
    parts = _partition(rng, n)
    lengths = [len(part) for part in parts]
    extra = [
        rng.choice(n, size=rng.choice(lengths), replace=False) for _ in range(round(decoys * len(parts)))
    ]
    sets = [part.tolist() for part in [*parts, *extra]]
    order = rng.permutation(len(sets))
    chosen = np.sort(np.argsort(order)[: len(parts)])
    return ExactCover.of([sets[i] for i in order], n), chosen


def infeasible_exact_cover(n: int, seed: int, decoys: float = 2.0) -> ExactCover:
    """Sets of three of n ≥ 4 elements without an exact cover, by a hidden invariant.

    Elements get weights modulo 3 that add up to 1, and each set's add up to 0: so do those of disjoint sets.
    There are as many sets as ``decoys`` covers and one would have; every element that can be is in one.
    """
    rng = _generator(n, 4, seed)
    weights = rng.integers(3, size=n)
    weights[:4] = [0, 1, 2, 0]  # so that every element is in a set of weight 0
    weights[3] = (1 - weights.sum()) % 3
    order = rng.permutation(n)
    weights = weights[np.argsort(order)]
    triples = np.array(list(combinations(range(n), 3))) if n <= 40 else _distinct_triples(rng, n, 400 * n)
    triples = rng.permutation(triples[weights[triples].sum(axis=1) % 3 == 0])
    first = np.unique(triples, return_index=True)[1] // 3
    kept = np.union1d(first, np.arange(min(len(triples), round((1 + decoys) * n / 3))))
    return ExactCover.of(triples[kept].tolist(), n)


def planted_hitting_set(n: int, seed: int, size: int, sets: int) -> tuple[HittingSet, Chosen]:
    """``sets`` sets over n elements of which ``size`` random ones hit all, and no fewer do.

    As many sets are disjoint, each with one of the planted elements; hence the optimum is ``size``.
    """
    rng = _generator(n, 1, seed)
    if not 1 <= size <= min(n, sets):
        raise InputError("size", f"must lie between 1 and the {n} elements and {sets} sets, not {size}")
    order = rng.permutation(n)
    planted, rest = order[:size], order[size:]
    share = np.array_split(rest, size)
    rows = [[int(u), *part[: rng.integers(1, 4)].tolist()] for u, part in zip(planted, share, strict=True)]
    for _ in range(sets - size):
        more = rng.choice(n, size=min(n, int(rng.integers(1, 4))), replace=False)
        rows.append([int(rng.choice(planted)), *more.tolist()])
    return HittingSet.of([rows[i] for i in rng.permutation(sets)], n, size), np.sort(planted)


def random_hitting_set(n: int, seed: int, sets: int) -> HittingSet:
    """``sets`` random sets of three of n ≥ 3 elements, to be hit by any number of elements."""
    return HittingSet.of((_triples(_generator(n, 3, seed), n, sets) - 1).tolist(), n, n)


def _cnf(n: int, clauses: Integers) -> Cnf:
    return Cnf(n, Ragged(clauses.ravel().astype(np.int64), 3 * np.arange(len(clauses) + 1)))


def _triples(rng: np.random.Generator, n: int, count: int) -> Integers:
    """(count, 3) different numbers of 1…n in each row."""
    first, second, third = (rng.integers(n - i, size=count) for i in range(3))
    second += second >= first
    low, high = np.minimum(first, second), np.maximum(first, second)
    third += third >= low
    third += third >= high
    return np.column_stack([first, second, third]) + 1


def _distinct_triples(rng: np.random.Generator, n: int, count: int) -> Integers:
    return np.unique(np.sort(_triples(rng, n, count) - 1, axis=1), axis=0)


def _partition(rng: np.random.Generator, n: int) -> list[Integers]:
    cuts, order = [0], rng.permutation(n)
    while cuts[-1] < n:
        left = n - cuts[-1]
        cuts.append(n if left <= 4 else cuts[-1] + int(rng.integers(2, min(4, left - 2) + 1)))
    return [order[a:b] for a, b in pairwise(cuts)]
