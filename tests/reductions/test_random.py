"""Random sources have the answer that they claim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.exceptions import InputError
from qnnt.reductions.balance import BALANCE
from qnnt.reductions.sources import random
from qnnt.reductions.sources.sets import ExactCover, HittingSet
from qnnt.reductions.sources.solve import solve_source

SEEDS = st.integers(0, 2**31)


@given(st.integers(3, 60), SEEDS)
def test_planted_formula(n, seed):
    formula, assignment = random.planted_formula(n, seed)
    assert formula.accepts(assignment)
    assert len(formula.clauses) == round(4.26 * n)
    assert all(len({abs(x) for x in clause}) == 3 for clause in formula.clauses.rows())
    assert random.planted_formula(n, seed)[0] == formula


@given(st.integers(3, 30), SEEDS)
def test_threshold_formula(n, seed):
    formula = random.threshold_formula(n, seed)
    assert (formula.n_variables, len(formula.clauses)) == (n, round(4.26 * n))
    assert all(len({abs(x) for x in clause}) == 3 for clause in formula.clauses.rows())


@given(st.integers(1, 20), SEEDS)
def test_balanced_formula(n, seed):
    formula = random.balanced_formula(3 * n, seed)
    assert (formula.occurrences == 2).all()
    assert BALANCE.apply(formula)[0] == formula


@given(st.integers(3, 40), SEEDS)
def test_planted_exact_cover(n, seed):
    source, cover = random.planted_exact_cover(n, seed)
    assert source.accepts(cover)
    assert solve_source(source) is not None


@given(st.integers(4, 14), SEEDS)
def test_infeasible_exact_cover(n, seed):
    source = random.infeasible_exact_cover(n, seed)
    assert solve_source(source) is None
    assert source.incidence.any(axis=0).mean() > 0.5


def test_an_exact_cover_of_many_sets():
    assert len(solve_source(ExactCover.of([[element] for element in range(1100)], 1100))) == 1100


def test_a_large_infeasible_exact_cover():
    source = random.infeasible_exact_cover(60, 1)
    assert source.incidence.any(axis=0).all()
    assert (source.sets.lengths == 3).all()


@given(st.integers(2, 15), st.integers(1, 4), st.integers(4, 20), SEEDS)
def test_planted_hitting_set(n, size, sets, seed):
    size = min(n, size)
    source, chosen = random.planted_hitting_set(n, seed, size, sets)
    assert source.accepts(chosen)
    assert len(source.sets) == sets
    assert solve_source(HittingSet(n, source.sets, size - 1)) is None


@given(st.integers(3, 20), st.integers(0, 30), SEEDS)
def test_random_hitting_set(n, sets, seed):
    source = random.random_hitting_set(n, seed, sets)
    assert (source.n_elements, source.size) == (n, n)
    rows = source.sets.rows()
    assert len(rows) == sets
    assert all(len(set(row)) == 3 for row in rows)
    assert all(0 <= element < n for row in rows for element in row)
    assert source.accepts(np.arange(n))


def test_seeds_differ():
    assert random.threshold_formula(20, 1) != random.threshold_formula(20, 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: random.threshold_formula(2, 0),
        lambda: random.balanced_formula(4, 0),
        lambda: random.planted_formula(5, -1),
        lambda: random.planted_exact_cover(2, 0),
        lambda: random.infeasible_exact_cover(3, 0),
        lambda: random.planted_hitting_set(5, 0, 6, 9),
        lambda: random.planted_hitting_set(5, 0, 0, 9),
        lambda: random.random_hitting_set(2, 0, 3),
    ],
)
def test_sizes_that_make_no_sense(make):
    with pytest.raises(InputError):
        make()


def test_clauses_are_uniform():
    formula = random.threshold_formula(4, 0, ratio=5000)
    _, counts = np.unique(np.sort(formula.clauses.values.reshape(-1, 3), axis=1), axis=0, return_counts=True)
    assert len(counts) == 4 * 8
    assert counts.min() > 500
