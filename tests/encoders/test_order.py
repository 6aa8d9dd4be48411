"""Order-encoded sums and products against integer arithmetic, value by value."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysat.solvers import Solver

from qnnt.encoders.clausebank import TRUE, ClauseBank
from qnnt.encoders.order import Order, constant, merge, product, scaled


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


supports = st.lists(st.integers(-4, 5), min_size=1, max_size=6, unique=True)


@given(
    supports,
    supports,
    st.integers(-8, 8),
    st.integers(0, 6),
    st.sampled_from(["up", "down", "both"]),
    st.booleans(),
)
def test_merged_sum_is_the_sum_at_every_asked_threshold(
    left: list[int], right: list[int], first: int, more: int, direction: str, given_out: bool
) -> None:
    bank, last = ClauseBank(), first + more
    a, b = variable(bank, left, -4, 5), variable(bank, right, -4, 5)
    flags = {d: np.full(more + 1, direction in (d, "both")) for d in ("up", "down")}
    out = bank.fresh(1, more + 1) if given_out else None
    total = merge(bank, a, b, first, last, up=flags["up"], down=flags["down"], out=out)
    with solver(bank) as sat:
        for x, y in itertools.product(left, right):
            for t, lit in zip(range(first, last + 1), total.at_least(first, last)[0], strict=True):
                state = [*equals(a, x), *equals(b, y)]
                is_at_least = x + y >= t
                assert sat.solve(assumptions=[*state, int(lit) if is_at_least else -int(lit)])
                if flags["up" if is_at_least else "down"][0]:
                    assert not sat.solve(assumptions=[*state, -int(lit) if is_at_least else int(lit)])


@pytest.mark.parametrize("d", range(1, 8))
def test_product_of_a_weight_and_an_activation(d: int) -> None:
    lo, hi = -((d - 1) // 2), d // 2
    bank = ClauseBank()
    w = variable(bank, list(range(lo, hi + 1)), lo, hi)
    a = variable(bank, list(range(hi + 1)), 0, hi)
    p = product(bank, w, a.lits, up=True, down=True)
    with solver(bank) as sat:
        for x, y in itertools.product(range(lo, hi + 1), range(hi + 1)):
            state = [*equals(w, x), *equals(a, y)]
            for t in range(p.lo, p.hi + 2):
                lit = int(p.at_least(t, t)[0, 0])
                assert sat.solve(assumptions=[*state, lit]) == (x * y >= t)
                assert sat.solve(assumptions=[*state, -lit]) == (x * y < t)


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
    total = merge(bank, a, constant(3, 1), 3, 5, up=both, down=both)
    assert bank.n_variables == before
    assert total.at_least(4, 5).tolist() == a.at_least(1, 2).tolist()
