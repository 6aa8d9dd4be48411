"""Small sources of the hardness proofs, and all of their solutions."""

from __future__ import annotations

from itertools import chain, combinations, product

import numpy as np
from hypothesis import strategies as st

from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet


def solutions(source):
    """Every solution, straight from the definition."""
    if isinstance(source, Cnf):
        candidates = (np.array(v, dtype=bool) for v in product([False, True], repeat=source.n_variables))
        clauses = source.clauses.rows()
        return [
            v for v in candidates if all(any(v[abs(x) - 1] == (x > 0) for x in clause) for clause in clauses)
        ]
    sets = [set(row) for row in source.sets.rows()]
    if isinstance(source, HittingSet):
        chosen = subsets(source.n_elements, source.size)
        return [np.array(c, dtype=np.int64) for c in chosen if all(s & set(c) for s in sets)]
    everything = list(range(source.n_elements))
    chosen = subsets(len(sets), len(sets))
    return [
        np.array(c, dtype=np.int64) for c in chosen if sorted(e for j in c for e in sets[j]) == everything
    ]


def subsets(n, most):
    return chain.from_iterable(combinations(range(n), r) for r in range(min(n, most) + 1))


@st.composite
def formulas(draw, max_variables=4, max_clauses=9, lengths=st.sampled_from([3, 3, 3, 2, 1, 0, 4, 5, 6])):
    """Formulas with repeated literals, tautologies, empty clauses and unused variables."""
    n = draw(st.integers(0, max_variables))
    m = draw(st.integers(0, max_clauses))
    literal = st.integers(1, max(n, 1)).flatmap(lambda v: st.sampled_from([v, -v]))
    size = lengths if n else st.just(0)
    return Cnf.of([[draw(literal) for _ in range(draw(size))] for _ in range(m)], n)


@st.composite
def balanced_formulas(draw, max_variables=4):
    """(3,B2)-SAT: the literals, each twice, dealt to clauses of three; a literal may meet itself."""
    n = 3 * draw(st.integers(1, max(1, max_variables // 3)))
    literals = draw(st.permutations([s * v for v in range(1, n + 1) for s in (1, 1, -1, -1)]))
    return Cnf.of([literals[i : i + 3] for i in range(0, 4 * n, 3)], n)


@st.composite
def set_lists(draw, max_elements=5, max_sets=5):
    n = draw(st.integers(0, max_elements))
    row = st.sets(st.integers(0, n - 1)) if n else st.just(set())
    return n, draw(st.lists(row, max_size=max_sets))


@st.composite
def exact_covers(draw):
    n, sets = draw(set_lists(max_sets=6))
    return ExactCover.of(sets, n)


@st.composite
def hitting_sets(draw, max_size=3):
    n, sets = draw(set_lists())
    return HittingSet.of(sets, n, draw(st.integers(0, max_size)))
