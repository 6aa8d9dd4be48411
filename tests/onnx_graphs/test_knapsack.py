"""The knapsack against all choices."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.onnx_graphs.knapsack import cheapest

CHOICES = st.lists(st.tuples(st.integers(-5, 9), st.floats(0, 1e3) | st.just(1e30)), min_size=1, max_size=4)


@given(st.lists(CHOICES, min_size=1, max_size=4), st.integers(0, 25))
def test_no_choice_that_fits_costs_less(items, spare):
    sizes, costs = ([[part[k] for part in item] for item in items] for k in (0, 1))
    room = sum(min(item) for item in sizes) + spare
    picked, proved = cheapest(sizes, costs, room)
    assert proved
    assert sum(item[k] for item, k in zip(sizes, picked, strict=True)) <= room
    best = min(
        sum(item[k][1] for item, k in zip(items, choice, strict=True))
        for choice in itertools.product(*(range(len(item)) for item in items))
        if sum(item[k][0] for item, k in zip(items, choice, strict=True)) <= room
    )
    found = sum(item[k] for item, k in zip(costs, picked, strict=True))
    # Costs are rounded to 2^-40 of their greatest sum.
    assert found <= best + len(items) * sum(max(item) for item in costs) * 2**-40


def test_the_same_costs_give_the_same_choice():
    sizes, costs = [[10, 5, 1]] * 30, [[0.0, 1.0, 3.0]] * 30
    first, _ = cheapest(sizes, costs, 150)
    assert first == cheapest(sizes, costs, 150)[0]
    assert sum(costs[0][k] for k in first) == pytest.approx(30.0)
