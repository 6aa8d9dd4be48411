"""The direct solvers of the sources, and what the comparison with trained instances finds."""

from __future__ import annotations

import numpy as np
import pytest
from hard_sources import exact_covers, formulas, hitting_sets, solutions
from hypothesis import given, settings
from hypothesis import strategies as st

import qnnt
from qnnt import registry
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet
from qnnt.reductions.sources.solve import solve_source
from qnnt.verify.agreement import source_disagreements

IN_PROCESS = ["sat:cadical195", "sat:glucose4", "maxsat"]
SOURCES = {
    "exact-cover": exact_covers(),
    "hitting-set": hitting_sets(),
    "three-sat": formulas(3, 4),
}


@given(st.one_of(exact_covers(), hitting_sets(), formulas()))
def test_direct_solvers_against_all_candidates(source):
    found, expected = solve_source(source), solutions(source)
    assert (found is not None) == bool(expected)
    assert found is None or any(np.array_equal(found, e) for e in expected) or source.accepts(found)


@given(st.one_of(exact_covers(), hitting_sets(), formulas()), st.data())
def test_what_is_accepted_is_what_solves(source, data):
    size = source.n_variables if isinstance(source, Cnf) else source.n_elements
    if isinstance(source, Cnf):
        candidate = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool)
    else:
        size = len(source.sets) if isinstance(source, ExactCover) else size
        chosen = data.draw(st.sets(st.integers(0, size - 1))) if size else set()
        candidate = np.array(sorted(chosen), dtype=np.int64)
    assert source.accepts(candidate) == any(np.array_equal(candidate, s) for s in solutions(source))


@pytest.mark.parametrize("kind", SOURCES)
def test_backends_agree_with_the_source(kind):
    @settings(max_examples=max(5, settings().max_examples // 12))
    @given(SOURCES[kind])
    def run(source):
        assert source_disagreements(kind, source, IN_PROCESS, isolate=False) == []

    run()


@pytest.mark.parametrize("kind", SOURCES)
def test_every_backend_agrees_with_the_source(kind):
    backends = [
        b.name for b in registry.backends() if b.name not in IN_PROCESS and b.availability().available
    ]
    backends = [name for name in backends if not name.startswith("sat:")]

    @settings(max_examples=max(3, settings().max_examples // 40))
    @given(SOURCES[kind])
    def run(source):
        assert source_disagreements(kind, source, backends, limits=qnnt.Limits(time=20)) == []

    run()


def test_the_printed_construction_is_found_out():
    source = HittingSet.of([[0], [1], [2]], 3, 2)
    found = source_disagreements("hitting-set-as-printed", source, ["sat:cadical195"], isolate=False)
    assert found == [
        "sat:cadical195 says SATISFIABLE, but the source has no solution",
        "the network of sat:cadical195 does not lift to a solution",
    ]
