"""The proof checker: it takes what solvers prove, and nothing about a formula that has a model."""

from __future__ import annotations

from itertools import combinations, product

import dratify
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysat.solvers import Solver

from qnnt.backends.proving import PROVERS
from qnnt.files.drat import parse_drat
from qnnt.verify.drat import Checked, Clauses, _pays, check_drat

Rows = list[list[int]]


def clauses_of(rows: Rows) -> Clauses:
    starts = np.cumsum([0, *map(len, rows)])
    return Clauses(np.array([literal for row in rows for literal in row], dtype=np.int64), starts)


def checked(rows: Rows, proof: str) -> Checked:
    """The verdict, which has to be the same with and without a compiler."""
    steps = parse_drat(proof.encode())
    plain, fast = (check_drat(clauses_of(rows), steps, compile=compile) for compile in (False, True))
    assert plain == fast
    return plain


def has_model(rows: Rows) -> bool:
    variables = range(1, max((abs(literal) for row in rows for literal in row), default=0) + 1)
    return any(
        all(any((literal > 0) == values[abs(literal) - 1] for literal in row) for row in rows)
        for values in product([False, True], repeat=len(variables))
    )


def pigeons(holes: int) -> Rows:
    """More pigeons than holes: no model, and no short proof without further variables."""
    at = np.arange(1, (holes + 1) * holes + 1).reshape(holes + 1, holes)
    pairs = [[-int(a), -int(b)] for hole in at.T for a, b in combinations(hole, 2)]
    return [*at.tolist(), *pairs]


LITERALS = st.integers(1, 4).flatmap(lambda v: st.sampled_from([v, -v]))
ROWS = st.lists(st.lists(LITERALS, min_size=1, max_size=3, unique_by=abs), max_size=14)
STEPS = st.lists(
    st.tuples(st.booleans(), st.lists(LITERALS | st.just(5), min_size=1, max_size=3, unique_by=abs)),
    max_size=8,
)


@settings(max_examples=150)
@given(rows=ROWS, steps=STEPS, data=st.data())
def test_nothing_is_proved_of_a_formula_with_a_model(
    rows: Rows, steps: list[tuple[bool, list[int]]], data: st.DataObject
) -> None:
    lines = []
    for deletes, row in steps:
        gone = data.draw(st.sampled_from(rows)) if deletes and rows else row
        lines.append(f"{'d ' if deletes else ''}{' '.join(map(str, gone))} 0\n")
    proof = "".join([*lines, "0\n"])
    verdict = checked(rows, proof)
    if verdict.accepted:
        assert not has_model(rows)
        formula = dratify.parse_dimacs(
            f"p cnf 5 {len(rows)}\n" + "".join(f"{' '.join(map(str, row))} 0\n" for row in rows)
        )
        assert dratify.check_proof(formula, proof, engine="python").ok


@pytest.mark.parametrize("solver", PROVERS)
def test_takes_what_solvers_prove_and_no_more(solver: str) -> None:
    rows = pigeons(4)
    with Solver(name=solver, bootstrap_with=rows, with_proof=True) as proving:
        assert not proving.solve()
        proof = "\n".join([*proving.get_proof(), ""])
    assert checked(rows, proof).accepted
    for left_out in range(0, len(rows), 3):
        weaker = rows[:left_out] + rows[left_out + 1 :]
        assert not checked(weaker, proof).accepted


def test_a_wrong_proof_is_rejected_with_its_step() -> None:
    rows = [[1, 2], [-1, 2], [1, -2], [-1, -2]]
    assert checked(rows, "2 0\n0\n") == Checked(True, 1)
    assert checked(rows[:3], "2 0\n0\n").reason == "the proof ends without a contradiction"
    assert "step 2 does not follow: the clause -1" in checked(rows[:3], "2 0\n-1 0\n0\n").reason
    assert checked([[1], [-1]], "0\n") == Checked(True, 0)
    assert not checked([], "0\n").accepted
    # A clause that was deleted is no reason, unless it fixes a literal.
    assert not checked(rows, "d 1 2 0\nd -1 2 0\n2 0\n0\n").accepted
    assert checked([[1], [-1, 2], [-2, 3], [-3]], "d 1 0\n0\n").accepted
    assert checked(rows, "d 3 4 0\n2 0\n0\n").accepted
    assert checked(rows, "999999999 2 0\n2 0\n0\n").accepted  # a large number takes no space


def test_a_literal_may_stand_twice_in_a_clause() -> None:
    assert checked([[1, 1], [-1, -1]], "0\n").accepted
    assert checked([[1, 1, 2], [-1, 2, -1], [1, -2, 1], [-1, -2]], "2 2 0\n0\n").accepted
    assert not checked([[1, 1], [-1, 2, 2]], "0\n").accepted
    rows = [[1, 2, 2], [-1, 2], [1, -2], [-1, -2]]
    assert not checked(rows, "d 2 1 2 0\nd 2 -1 2 0\n2 0\n0\n").accepted
    assert checked([[1, 2], [-1, 2], [1, -2], [-1, -2]], "3 3 -1 3 0\n2 0\n0\n").accepted  # a RAT on 3


def test_what_is_compiled_depends_on_steps_and_clauses() -> None:
    assert [_pays(*size) for size in ((30, 1000), (5000, 10), (30, 100_000))] == [False, True, True]


def test_a_clause_may_define_a_new_variable() -> None:
    rows = [[1, 2], [-1, 2], [1, -2], [-1, -2]]
    definition = "3 -1 0\n3 -2 0\n-3 1 2 0\n"  # 3 is 1 or 2
    assert checked(rows, f"{definition}3 0\n2 0\n0\n").accepted
    # The pivot is the first literal: 3 occurs nowhere else, 4 does.
    open_rows = [[1, 2, 4], [-1, 2, 4], [1, -2, -4]]
    assert "step 1 does not follow" in checked(open_rows, "-4 3 0\n0\n").reason
    assert checked(open_rows, "3 -4 0\n0\n").reason == "the proof ends without a contradiction"
