"""CNF to exactly-3 CNF to (3,B2)-SAT."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hard_sources import formulas, solutions
from hypothesis import given
from pysat.solvers import Cadical195

from qnnt.exceptions import InputError
from qnnt.reductions import balance, exactly_three
from qnnt.reductions.balance import BALANCE, enforcer
from qnnt.reductions.exactly_three import EXACTLY_THREE
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.solve import solve_source


def chained(*parts):
    """Enforcers one after another over shared literals below 100; fresh variables from 100 on."""
    rows, last = [], 99
    for part in parts:
        rows.append(enforcer(np.array([part]), last + 1))
        last += 3
    return np.vstack(rows)


def renumbered(clauses):
    values = np.unique(np.abs(clauses))
    return Cnf.of((np.sign(clauses) * (np.searchsorted(values, np.abs(clauses)) + 1)).tolist())


# S(x,x,y), S(¬x,¬x,y), S(¬y,z,z), S(¬y,¬z,¬z): unsatisfiable, 20 clauses on 15 variables.
UNSATISFIABLE = renumbered(chained([1, 1, 2], [-1, -1, 2], [-2, 3, 3], [-2, -3, -3]))


def exact(cnf):
    return (cnf.clauses.lengths == 3).all() and all(
        len({abs(x) for x in clause}) == 3 for clause in cnf.clauses.rows()
    )


@given(formulas(5, 12))
def test_exactly_three(source):
    target, lift = EXACTLY_THREE.apply(source)
    assert exact(target)
    expected, found = solutions(source), solve_source(target)
    assert (found is not None) == bool(expected)
    if found is not None:
        assert source.accepts(lift(found))
    for solution in expected:
        planted = EXACTLY_THREE.plant(source, solution)
        assert target.accepts(planted)
        assert np.array_equal(lift(planted), solution)


@given(formulas(5, 12))
def test_balanced(source):
    chain = EXACTLY_THREE.then(BALANCE)
    target, lift = chain.apply(source)
    assert exact(target)
    assert (target.occurrences == 2).all()
    expected, found = solutions(source), solve_source(target)
    assert (found is not None) == bool(expected)
    if found is not None:
        assert source.accepts(lift(found))
    for solution in expected:
        planted = chain.plant(source, solution)
        assert target.accepts(planted)
        assert source.accepts(lift(planted))


@given(formulas(4, 16))
def test_every_solution_of_a_balanced_formula_lifts(source):
    target, lift = EXACTLY_THREE.then(BALANCE).apply(source)
    with Cadical195(bootstrap_with=target.clauses.rows()) as solver:
        for model in islice(solver.enum_models(), 50):  # copies in a chain may differ
            assert source.accepts(lift(np.array(model) > 0))


@pytest.mark.parametrize("given", range(8))
def test_the_enforcer_is_satisfiable_iff_a_literal_is_true(given):
    clauses = [*enforcer(np.array([[1, 2, 3]]), 4).tolist()]
    signs = [[v if given >> (v - 1) & 1 else -v] for v in (1, 2, 3)]
    assert (solve_source(Cnf.of(clauses + signs)) is not None) == (given > 0)


def test_the_enforcer_uses_its_own_variables_twice_either_way():
    assert (Cnf.of(enforcer(np.array([[1, 2, 3]]), 4).tolist()).occurrences[3:] == 2).all()


def test_two_enforcers_force_a_literal_and_leave_its_negation_twice():
    forced = renumbered(chained([1, 1, 2], [-1, -1, 2]))
    assert all(solution[1] for solution in solutions(forced))
    assert forced.occurrences[:2].tolist() == [[2, 2], [2, 0]]


def test_the_unsatisfiable_formula_of_twenty_clauses():
    assert (UNSATISFIABLE.n_variables, len(UNSATISFIABLE.clauses)) == (15, 20)
    assert (UNSATISFIABLE.occurrences == 2).all()
    assert exact(UNSATISFIABLE)
    assert solve_source(UNSATISFIABLE) is None
    assert BALANCE.apply(UNSATISFIABLE)[0] == UNSATISFIABLE


@pytest.mark.parametrize("clauses", [[], [[1, 2]], [[1, 2, 3, 4]]])
def test_balance_takes_exactly_three_literals(clauses):
    with pytest.raises(InputError, match="exactly three"):
        balance.apply(Cnf.of(clauses))


def test_wrong_assignments_are_not_planted():
    source = Cnf.of([[1, 2, 3]])
    for step in (exactly_three, balance):
        with pytest.raises(InputError, match="satisfy"):
            step.plant(source, np.zeros(3, dtype=bool))


def test_degenerate_formulas():
    for source, answer in (([], True), ([[]], False), ([[1, -1]], True), ([[1, 1, 1], [-1]], False)):
        target, _ = EXACTLY_THREE.apply(Cnf.of(source))
        assert exact(target)
        assert (solve_source(target) is not None) == answer
