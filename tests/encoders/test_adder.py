"""Binary sums of products against integer arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from formulas import expect_distinct_variables
from hypothesis import given
from hypothesis import strategies as st
from pysat.solvers import Solver

from qnnt.encoders.adder import (
    Bits,
    add_up,
    binary_product,
    binary_product_size,
    compare,
    known_multiple,
    to_binary,
)
from qnnt.encoders.clausebank import TRUE, ClauseBank
from qnnt.encoders.order import Order, showing

pytestmark = pytest.mark.usefixtures("unaided")

supports = st.sets(st.integers(-7, 7), min_size=1).map(sorted)


def integer(bank: ClauseBank, values: list[int]) -> Order:
    lits = bank.fresh(1, len(values) - 1)
    bank.add(-lits[:, 1:], lits[:, :-1])
    return showing(lits, values)


def expect(
    bank: ClauseBank, number: Bits, inputs: list[tuple[Order, list[int]]], value: Callable[..., int]
) -> None:
    """The number is the given function of its inputs."""
    expect_distinct_variables(bank.clauses)
    offset, bits = add_up(bank, [number])
    combinations = list(itertools.product(*[values for _, values in inputs]))
    thresholds = np.array(sorted({value(*x) + more for x in combinations for more in (0, 1)}))
    out, both = bank.fresh(1, len(thresholds)), np.ones(len(thresholds), dtype=bool)
    compare(bank, offset, bits, thresholds, out, up=both, down=both)
    with Solver(name="glucose4", bootstrap_with=[c for b in bank.clauses for c in b.tolist()]) as sat:
        for x in combinations:
            state = []
            for (order, _), v in zip(inputs, x, strict=True):
                lits = order.at_least(v, v + 1)[0].tolist()
                state += [lits[0], -lits[1]]
            true = [
                lit if value(*x) >= t else -lit for t, lit in zip(thresholds, out[0].tolist(), strict=True)
            ]
            assert sat.solve(assumptions=state + true)
            assert not any(sat.solve(assumptions=[*state, -lit]) for lit in true)


@given(supports, supports)
def test_product_of_signed_numbers(weights: list[int], acts: list[int]) -> None:
    bank = ClauseBank()
    w, a = integer(bank, weights), integer(bank, acts)
    bits = binary_product(bank, to_binary(bank, w, weights), to_binary(bank, a, acts))
    assert len(bits.bits) == binary_product_size(weights, acts)
    expect(bank, bits, [(w, weights), (a, acts)], lambda x, y: x * y)


@given(supports, st.integers(-9, 9))
def test_known_multiple(values: list[int], factor: int) -> None:
    bank = ClauseBank()
    v = integer(bank, values)
    number = known_multiple(to_binary(bank, v, values), np.array([factor]))
    expect(bank, number, [(v, values)], lambda x: x * factor)


@pytest.mark.parametrize("values", [[-1, 1], [-4, 0, 4]])
def test_bits_that_no_value_has_are_not_made(values: list[int]) -> None:
    bank = ClauseBank()
    bits = to_binary(bank, integer(bank, values), values)
    assert len(bits.bits) == len(values) - 1


def test_a_row_that_skips_a_value_makes_no_tautology() -> None:
    bank = ClauseBank()
    lit = int(bank.fresh(1)[0])
    order = Order(0, np.array([[lit, lit], [TRUE, lit]], dtype=np.int32))  # 0 or 2, and 1 or 2
    to_binary(bank, order, [0, 1, 2])
    expect_distinct_variables(bank.clauses)
