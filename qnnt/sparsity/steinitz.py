"""Steinitz' lemma (paper, Lemma 2), constructive: an order of vectors in which all prefix sums are small.

By the proof of Grinberg and Sevast'yanov: from the last vector to the first, weights λ in [0, 1] on the k
vectors that are left, with Σ λ = k − p and Σ λ·x = 0, are moved to a vertex of this polytope. There at least
one λ is 0; its vector comes k-th. Of the vectors before it a sum of (1 − λ)·x is left, so of norm at most p.
All numbers are fractions, so the bound holds exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

Vector = tuple[int, ...]


def steinitz_order(vectors: Sequence[Vector], counts: Sequence[int]) -> list[int]:
    """An order of vectors of sum 0 whose prefix sums all have ∞-norm at most p times the largest.

    ``vectors`` are distinct, of p entries each, and ``counts`` says how often each occurs. Returns positions
    in ``vectors``, each as often as it counts. Equal vectors share one λ (their sum), so the time goes with
    the number of distinct ones. Raises ``ValueError`` if the vectors do not sum to 0.
    """
    p = len(vectors[0]) if vectors else 0
    for i in range(p):
        if sum(c * x[i] for c, x in zip(counts, vectors, strict=True)):
            raise ValueError("the vectors do not sum to 0")
    left, k = list(counts), sum(counts)
    # Row 0 keeps Σ λ, the others Σ λ·x.
    columns = [[1, *x] for x in vectors]
    weights = [Fraction(c * max(k - p, 0), max(k, 1)) for c in counts]
    backwards: list[int] = []
    while k > p:
        scale = Fraction(k - 1 - p, k - p)
        weights = _vertex([scale * w for w in weights], columns)
        last = next(i for i, w in enumerate(weights) if ceil(w) < left[i])
        left[last] -= 1
        backwards.append(last)
        k -= 1
    first = [i for i, c in enumerate(left) for _ in range(c)]
    return first + backwards[::-1]


def _vertex(weights: list[Fraction], columns: Sequence[Sequence[int]]) -> list[Fraction]:
    """Weights with the same column sum, at most as many of them no integer as a column has entries.

    No weight crosses an integer on the way.
    """
    broken = [i for i, w in enumerate(weights) if w.denominator > 1]
    rows = len(columns[0]) if columns else 0
    while len(broken) > rows:
        some = broken[: rows + 1]
        direction = _null_vector([columns[i] for i in some])
        steps = [
            ((ceil(weights[i]) if z > 0 else floor(weights[i])) - weights[i]) / z
            for i, z in zip(some, direction, strict=True)
            if z
        ]
        step = min(steps)
        for i, z in zip(some, direction, strict=True):
            weights[i] += step * z
        broken = [i for i in broken if weights[i].denominator > 1]
    return weights


def _null_vector(columns: Sequence[Sequence[int]]) -> list[Fraction]:
    """A combination of n + 1 columns of n entries, not all of its factors 0, that sums to 0."""
    n = len(columns) - 1
    rows = [[Fraction(column[i]) for column in columns] for i in range(n)]
    pivots: list[int] = []
    for j in range(n + 1):
        rank = len(pivots)
        pivot = next((i for i in range(rank, n) if rows[i][j]), None)
        if pivot is None:  # column j hangs on those before it
            found = [Fraction(0)] * (n + 1)
            found[j] = Fraction(1)
            for i, at in enumerate(pivots):
                found[at] = -rows[i][j]
            return found
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        rows[rank] = [x / rows[rank][j] for x in rows[rank]]
        for i in range(n):
            if i != rank and rows[i][j]:
                factor = rows[i][j]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[rank], strict=True)]
        pivots.append(j)
    raise AssertionError("n + 1 columns of n entries hang together")
