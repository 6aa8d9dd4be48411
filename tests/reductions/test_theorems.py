"""Theorems 1 to 4: yes iff yes, both directions of each proof, and the restrictions that each claims."""

from __future__ import annotations

from itertools import chain, combinations, combinations_with_replacement, product

import numpy as np
import pytest
from hard_sources import balanced_formulas, exact_covers, formulas, hitting_sets, solutions, subsets
from hypothesis import given, settings
from hypothesis import strategies as st

import qnnt
from qnnt.exceptions import InputError
from qnnt.reductions import balanced_sat, three_sat
from qnnt.reductions.catalogue import PROOFS
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet

pytestmark = pytest.mark.usefixtures("unaided")

THOROUGH = settings().max_examples >= 1000
MANY = settings(max_examples=3000 if THOROUGH else 60)
FEW = settings(max_examples=3000 if THOROUGH else 20)
FEWER = settings(max_examples=3000 if THOROUGH else 4)


def train(instance):
    """A network by the SAT backend, or None if it says that there is none."""
    result = qnnt.solve(instance, backend="sat:cadical153", isolate=False)
    assert result.status in (qnnt.Status.SATISFIABLE, qnnt.Status.UNSATISFIABLE)
    return result.network


def holds(reduction, source, most_plants=4):
    """Yes iff yes; every network lifts to a solution, every solution plants to a network."""
    instance, lift = reduction.apply(source)
    network, expected = train(instance), solutions(source)
    assert (network is not None) == bool(expected)
    if network is not None:
        assert source.accepts(lift(network))
    for solution in expected[:most_plants]:
        planted = reduction.plant(source, solution)
        assert planted.architecture == instance.architecture
        assert qnnt.check(instance, planted).meets_goal
        assert source.accepts(lift(planted))
    return instance


def degrees(instance):
    """The largest in-degree and the largest out-degree."""
    pairs = instance.architecture.arc_index
    return int(np.bincount(pairs[:, 1]).max()), int(np.bincount(pairs[:, 0]).max())


def restricted_1(instance, source):
    a, data = instance.architecture, instance.dataset
    assert (instance.domain.d, a.depth, a.omega, str(instance.goal)) == (2, 0, 1, "at-most:0")
    assert a.alpha == len(source.sets) + 3
    assert data.total == 2 * source.n_elements + 3


def restricted_2(instance, source):
    a, n, m = instance.architecture, source.n_variables, len(source.clauses)
    assert (instance.domain.d, a.depth, instance.dataset.total) == (2, 1, 4)
    assert str(instance.goal) == "at-most:0"
    assert [len(layer) for layer in a.layers] == [4 * n, 2 * n, n + m]


def restricted_3(instance, source):
    a, k = instance.architecture, source.size
    kept = len(np.unique(source.incidence.T, axis=0)) if source.n_elements and len(source.sets) else 1
    assert (instance.domain.d, a.depth, a.alpha, a.is_dense) == (2, 0, k + 1, True)
    assert a.omega == max(1, len(source.sets))
    assert instance.goal == qnnt.AtMost(k * (kept - 1))
    assert instance.dataset.total == k * kept + 1 + instance.goal.errors + 1


def restricted_4(instance):
    a, data = instance.architecture, instance.dataset
    assert (instance.domain.d, a.depth, a.alpha, data.total) == (2, 1, 2, 3)
    assert instance.goal == qnnt.AtMost(0)
    assert set(np.diff(a.connections[1].starts).tolist()) == {2, 3}


@MANY
@given(exact_covers())
def test_theorem_1(source):
    restricted_1(holds(PROOFS["exact-cover"].reduction, source), source)


@MANY
@given(st.one_of(balanced_formulas(), formulas(3, 5, st.integers(1, 3))))
def test_theorem_2(source):
    if not source.n_variables:
        with pytest.raises(InputError, match="needs a variable"):
            balanced_sat.apply(source)
        return
    instance = holds(balanced_sat.BALANCED_SAT, source)
    restricted_2(instance, source)
    if (source.occurrences == 2).all():
        assert max(degrees(instance)) <= 3


@FEWER
@given(formulas(2, 2))
def test_theorem_2_from_any_formula(source):
    instance = holds(PROOFS["balanced-sat"].reduction, source, most_plants=1)
    assert degrees(instance) == (3, 3)
    assert instance.dataset.total == 4


@MANY
@given(hitting_sets())
def test_theorem_3(source):
    restricted_3(holds(PROOFS["hitting-set"].reduction, source), source)


@FEW
@given(formulas())
def test_theorem_4(source):
    restricted_4(holds(PROOFS["three-sat"].reduction, source))


def families(n, most_sets):
    """Every multiset of subsets of n elements, of at most so many sets."""
    sets = [list(s) for s in subsets(n, n)]
    return chain.from_iterable(combinations_with_replacement(sets, r) for r in range(most_sets + 1))


def small_families(most_sets):
    """Families of at most 3 elements and so many sets; thoroughly, 4 sets, and 4 elements and 3 sets."""
    for n, most in [*((n, 4 if THOROUGH else most_sets) for n in range(4)), *([(4, 3)] if THOROUGH else [])]:
        yield from ((sets, n) for sets in families(n, most))


def test_every_small_exact_cover():
    for sets, n in small_families(2):
        source = ExactCover.of(sets, n)
        restricted_1(holds(PROOFS["exact-cover"].reduction, source), source)


def test_every_small_hitting_set():
    for (sets, n), k in product(small_families(2), range(4 if THOROUGH else 3)):
        source = HittingSet.of(sets, n, k)
        restricted_3(holds(PROOFS["hitting-set"].reduction, source), source)


def small_formulas():
    """Formulas over 2 variables of at most 2 clauses of at most 2 literals; thoroughly, 3 of at most 3.

    And every formula of clauses of the same three variables.
    """
    literals, size = [1, -1, 2, -2], 3 if THOROUGH else 2
    clauses = [c for r in range(size + 1) for c in combinations_with_replacement(literals, r)]
    yield from ((formula, 2) for r in range(size + 1) for formula in combinations(clauses, r))
    over_three = list(product([1, -1], [2, -2], [3, -3]))
    for r in range(9 if THOROUGH else 2):
        yield from ((formula, 3) for formula in combinations(over_three, r))


def test_every_small_formula():
    for formula, n in small_formulas():
        source = Cnf.of(formula, n)
        restricted_4(holds(PROOFS["three-sat"].reduction, source))
        if all(formula) and (len(formula) < 2 or THOROUGH):
            restricted_2(holds(balanced_sat.BALANCED_SAT, source), source)


def test_more_elements_than_there_are_are_as_good_as_all():
    for k in (3, 5):
        for sets, answer in (([[0], [1], [2]], True), ([[0], []], False)):
            source = HittingSet.of(sets, 3, k)
            restricted_3(holds(PROOFS["hitting-set"].reduction, source), source)
            assert bool(solutions(source)) == answer


@pytest.mark.parametrize("theorem", [three_sat, balanced_sat])
def test_a_clause_without_literals_needs_the_normal_form(theorem):
    with pytest.raises(InputError, match="exactly_three"):
        theorem.apply(Cnf.of([[1], []]))


@pytest.mark.parametrize(
    ("kind", "source", "wrong"),
    [
        ("three-sat", Cnf.of([[1, 2]]), np.array([False, False])),
        ("three-sat", Cnf.of([[1, 2]]), np.array([True])),
        ("balanced-sat", Cnf.of([[1, 2]]), np.array([False, False])),
        ("exact-cover", ExactCover.of([[0], [0, 1]], 2), np.array([0, 1])),
        ("exact-cover", ExactCover.of([[0], [0, 1]], 2), np.array([5])),
        ("hitting-set", HittingSet.of([[0], [1]], 2, 1), np.array([0, 1])),
        ("hitting-set", HittingSet.of([[0], [1]], 2, 1), np.array([0])),
    ],
)
def test_only_a_solution_is_planted(kind, source, wrong):
    with pytest.raises(InputError, match="solution"):
        PROOFS[kind].reduction.plant(source, wrong)
