"""Order-encoded sums and products against integer arithmetic, value by value."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from formulas import expect_distinct_variables
from hypothesis import given
from hypothesis import strategies as st
from pysat.solvers import Solver

from qnnt.encoders.clausebank import TRUE, ClauseBank
from qnnt.encoders.order import Order, constant, merge, product, scaled, showing
from qnnt.exceptions import Unsupported

pytestmark = pytest.mark.usefixtures("unaided")


def variable(bank: ClauseBank, support: list[int], lo: int, hi: int) -> Order:
    """One integer over exactly the values of ``support``, within the range [lo, hi]."""
    values = sorted(support)
    lits = bank.fresh(len(values) - 1)
    bank.add(-lits[1:], lits[:-1])
    above = [int(np.searchsorted(values, t)) for t in range(lo + 1, hi + 1)]
    row = [TRUE if i == 0 else -TRUE if i == len(values) else int(lits[i - 1]) for i in above]
    return Order(lo, np.array([row], dtype=np.int32).reshape(1, hi - lo))


def solver(bank: ClauseBank) -> Solver:
    return Solver(name="glucose4", bootstrap_with=[c for b in bank.clauses for c in b.tolist()])


def equals(order: Order, value: int) -> list[int]:
    lits = order.at_least(value, value + 1)[0]
    return [int(lits[0]), -int(lits[1])]


DIRECTIONS = [("up",), ("down",), ("up", "down")]
supports = st.lists(st.integers(-4, 5), min_size=1, max_size=6, unique=True)


thresholds_and_flags = st.lists(
    st.tuples(st.integers(-10, 14), st.booleans(), st.booleans()), min_size=1, unique_by=lambda row: row[0]
).map(sorted)


@given(supports, supports, thresholds_and_flags, st.booleans())
def test_merged_sum_is_the_sum_at_every_asked_threshold(
    left: list[int], right: list[int], asked: list[tuple[int, bool, bool]], given_out: bool
) -> None:
    bank = ClauseBank()
    a, b = variable(bank, left, -4, 5), variable(bank, right, -4, 5)
    thresholds, up, down = (np.array(column) for column in zip(*asked, strict=True))
    out = bank.fresh(1, len(asked)) if given_out else None
    total = merge(bank, a, b, thresholds, up=up, down=down, out=out)
    expect_distinct_variables(bank.clauses)
    with solver(bank) as sat:
        for x, y in itertools.product(left, right):
            for (t, forced_up, forced_down), lit in zip(asked, total[0].tolist(), strict=True):
                state = [*equals(a, x), *equals(b, y)]
                true = lit if x + y >= t else -lit
                assert sat.solve(assumptions=[*state, true])
                if forced_up if x + y >= t else forced_down:
                    assert not sat.solve(assumptions=[*state, -true])


@given(supports, supports, st.sets(st.integers(-10, 14), min_size=1))
def test_a_merged_sum_has_no_literal_for_thresholds_that_nobody_asked_for(
    left: list[int], right: list[int], asked: set[int]
) -> None:
    bank = ClauseBank()
    a, b = variable(bank, left, -4, 5), variable(bank, right, -4, 5)
    before, thresholds = bank.n_variables, np.array(sorted(asked))
    both = np.ones(len(thresholds), dtype=bool)
    merge(bank, a, b, thresholds, up=both, down=both)
    sums = {x + y for x, y in itertools.product(left, right)}
    told_apart = {frozenset(s for s in sums if s >= t) for t in asked} - {frozenset(), frozenset(sums)}
    assert bank.n_variables - before <= len(told_apart)


@given(supports, supports, thresholds_and_flags)
def test_no_clause_about_a_merged_sum_follows_from_the_others(
    left: list[int], right: list[int], asked: list[tuple[int, bool, bool]]
) -> None:
    bank = ClauseBank()
    a, b = variable(bank, left, -4, 5), variable(bank, right, -4, 5)
    before, summands = len(bank.clauses), bank.n_variables
    thresholds, up, down = (np.array(column) for column in zip(*asked, strict=True))
    merge(bank, a, b, thresholds, up=up, down=down)
    blocks = bank.clauses[:before], bank.clauses[before:]
    old, new = ([clause for block in part for clause in block.tolist()] for part in blocks)
    for i, clause in enumerate(new):
        if all(abs(lit) > summands for lit in clause):
            continue  # sum literals among themselves
        with Solver(name="glucose4", bootstrap_with=old + new[:i] + new[i + 1 :]) as sat:
            assert sat.solve(assumptions=[-lit for lit in clause])


def check_product(
    w: Order, p: Order, bank: ClauseBank, acts: Order, values: list[int], flags: tuple[str, ...]
) -> None:
    expect_distinct_variables(bank.clauses)
    with solver(bank) as sat:
        for x, y in itertools.product(range(w.lo, w.hi + 1), values):
            state = [*equals(w, x), *equals(acts, y)]
            assert sat.solve(assumptions=state)
            for t in range(p.lo, p.hi + 2):
                true = int(p.at_least(t, t)[0, 0]) * (1 if x * y >= t else -1)
                assert sat.solve(assumptions=[*state, true])
                if ("up" if x * y >= t else "down") in flags:
                    assert not sat.solve(assumptions=[*state, -true])


def factors(lo: int, hi: int, values: list[int], kept: list[int], bank: ClauseBank) -> tuple[Order, Order]:
    """A weight of [lo, hi], and an activation of ``values`` that is one of those ``kept`` in this row."""
    w = variable(bank, list(range(lo, hi + 1)), lo, hi)
    lits = bank.fresh(len(kept) - 1)
    bank.add(-lits[1:], lits[:-1])
    above = [sum(k < v for k in kept) for v in values[1:]]  # [a ≥ v] is the literal of the next value kept
    row = [TRUE if i == 0 else -TRUE if i == len(kept) else int(lits[i - 1]) for i in above]
    return w, showing(np.array([row], dtype=np.int32).reshape(1, len(values) - 1), values)


@pytest.mark.parametrize("d", range(1, 8))
@pytest.mark.parametrize("flags", DIRECTIONS, ids=" ".join)
def test_product_of_a_weight_and_an_activation_of_relu(d: int, flags: tuple[str, ...]) -> None:
    lo, hi, bank = -((d - 1) // 2), d // 2, ClauseBank()
    values = list(range(hi + 1))
    w, a = factors(lo, hi, values, values, bank)
    p = product(bank, w, a, values, up="up" in flags, down="down" in flags)
    check_product(w, p, bank, a, values, flags)


@pytest.mark.parametrize("d", range(1, 6))
def test_product_with_every_set_of_values(d: int) -> None:
    """Signed ones among them, and rows that cannot take all values."""
    lo, hi = -((d - 1) // 2), d // 2
    for size in range(1, d + 1):
        for shown in itertools.combinations(range(lo, hi + 1), size):
            for kept in {shown, shown[::2], shown[-1:], shown[:1] + shown[-1:]}:
                bank, values, rows = ClauseBank(), list(shown), sorted(set(kept))
                w, a = factors(lo, hi, values, rows, bank)
                p = product(bank, w, a, values, up=True, down=True)
                assert (p.lo, p.hi) == tuple(f(x * y for x in (lo, hi) for y in shown) for f in (min, max))
                check_product(w, p, bank, a, rows, ("up", "down"))


@given(
    st.integers(-5, 0),
    st.integers(0, 5),
    st.sets(st.integers(-6, 6), min_size=1).map(sorted),
    st.sampled_from(DIRECTIONS),
    st.data(),
)
def test_product_of_any_weight_and_any_values(
    lo: int, hi: int, values: list[int], flags: tuple[str, ...], data: st.DataObject
) -> None:
    bank = ClauseBank()
    kept = data.draw(st.sets(st.sampled_from(values), min_size=1).map(sorted))
    w, a = factors(lo, hi, values, kept, bank)
    p = product(bank, w, a, values, up="up" in flags, down="down" in flags)
    check_product(w, p, bank, a, kept, flags)


@pytest.mark.parametrize("values", [[-1, 1], [-1, 0, 1], [-2, 3], [0, 2], [-2, -1], [0, 1, 2, 3]], ids=str)
def test_unit_propagation_bounds_a_product_as_tightly_as_its_factors_allow(values: list[int]) -> None:
    bank = ClauseBank()
    w, a = factors(-3, 4, values, values, bank)
    p = product(bank, w, a, values, up=True, down=True)
    spans = [list(itertools.combinations_with_replacement(v, 2)) for v in (range(-3, 5), values)]
    with solver(bank) as sat:
        for (w0, w1), (a0, a1) in itertools.product(*spans):
            state = [int(x.at_least(t, t)[0, 0]) for x, t in ((w, w0), (a, a0))]
            state += [-int(x.at_least(t, t)[0, 0]) for x, t in ((w, w1 + 1), (a, a1 + 1))]
            consistent, known = sat.propagate(assumptions=state)
            ends = [x * y for x in (w0, w1) for y in (a0, a1)]
            assert consistent
            for t, truth in ((min(ends), 1), (max(ends) + 1, -1)):
                lit = truth * int(p.at_least(t, t)[0, 0])
                assert lit == TRUE or lit in known


@pytest.mark.parametrize("d", range(3, 11))
def test_unit_propagation_bounds_a_product_while_signs_are_open(d: int) -> None:
    lo, hi, bank = -((d - 1) // 2), d // 2, ClauseBank()
    values = list(range(lo, -lo + 1))
    w, a = factors(lo, hi, values, values, bank)
    p = product(bank, w, a, values, up=True, down=True)
    with solver(bank) as sat:
        for v, k in itertools.product(range(hi + 1), range(-lo + 1)):
            state = [int(w.at_least(-v, -v)[0, 0]), int(a.at_least(-k, -k)[0, 0])]
            state += [-int(w.at_least(v + 1, v + 1)[0, 0]), -int(a.at_least(k + 1, k + 1)[0, 0])]
            consistent, known = sat.propagate(assumptions=state)
            assert consistent
            for lit in (int(p.at_least(-k * v, -k * v)[0, 0]), -int(p.at_least(k * v + 1, k * v + 1)[0, 0])):
                assert lit == TRUE or lit in known


@given(supports, st.lists(st.integers(-3, 3), min_size=1, max_size=4))
def test_scaled_is_the_product_with_a_known_factor(values: list[int], factors: list[int]) -> None:
    bank = ClauseBank()
    w = variable(bank, values, -4, 5)
    rows = scaled(w.take(np.zeros(len(factors), dtype=np.int64)), np.array(factors), -15, 15)
    with solver(bank) as sat:
        for x, (row, factor) in itertools.product(values, enumerate(factors)):
            for t in range(-15, 17):
                lit = int(rows.at_least(t, t)[row, 0])
                assert sat.solve(assumptions=[*equals(w, x), lit]) == (x * factor >= t)


def test_adding_a_known_value_makes_no_variables() -> None:
    bank = ClauseBank()
    a = variable(bank, [0, 1, 2], 0, 2)
    before = bank.n_variables
    both = np.ones(3, dtype=bool)
    total = merge(bank, a, constant(3, 1), np.array([3, 4, 5]), up=both, down=both)
    assert bank.n_variables == before
    assert total.tolist() == a.at_least(0, 2).tolist()


def test_more_variables_than_literals_can_name_are_declined() -> None:
    bank = ClauseBank()
    bank.n_variables = 2**31 - 3
    assert bank.fresh(1, 2).tolist() == [[2**31 - 2, 2**31 - 1]]
    with pytest.raises(Unsupported, match="at most 2,147,483,647 variables"):
        bank.fresh(1)
    with pytest.raises(Unsupported):
        bank.fresh(2**32, 2**32)
