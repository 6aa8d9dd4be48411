"""The knapsack against all choices."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.onnx_graphs.knapsack import cheapest
from qnnt.onnx_graphs.moved import BEYOND

CHOICES = st.lists(st.tuples(st.integers(-5, 9), st.floats(0, 1e3) | st.just(BEYOND)), min_size=1, max_size=4)


def told(costs):
    """How many are beyond all numbers, and the sum of the others."""
    return sum(c >= BEYOND for c in costs), sum(c for c in costs if c < BEYOND)


@given(st.lists(CHOICES, min_size=1, max_size=4), st.integers(0, 25))
def test_no_choice_that_fits_costs_less(items, spare):
    sizes, costs = ([[part[k] for part in item] for item in items] for k in (0, 1))
    room = sum(min(item) for item in sizes) + spare
    picked, proved = cheapest(sizes, costs, room)
    assert proved
    assert sum(item[k] for item, k in zip(sizes, picked, strict=True)) <= room
    beyond, best = min(
        told([item[k][1] for item, k in zip(items, choice, strict=True)])
        for choice in itertools.product(*(range(len(item)) for item in items))
        if sum(item[k][0] for item, k in zip(items, choice, strict=True)) <= room
    )
    found = told([item[k] for item, k in zip(costs, picked, strict=True)])
    assert found[0] == beyond
    # Costs are rounded to 2^-40 of their greatest sum.
    scale = sum(max([c for c in item if c < BEYOND], default=0) for item in costs)
    assert found[1] <= best + len(items) * scale * 2**-40


def test_a_choice_beyond_all_numbers_leaves_the_others_apart():
    costs = [[BEYOND, 0.5, 0.1], [0.9, 0.2, 0.0], [0.8, 0.3, 0.05]]
    assert cheapest([[1, 2, 3]] * 3, costs, 9) == ([2, 2, 2], True)
    assert cheapest([[1, 2, 3]] * 3, costs, 6) == ([1, 1, 1], True)


def test_the_same_costs_give_the_same_choice():
    sizes, costs = [[10, 5, 1]] * 30, [[0.0, 1.0, 3.0]] * 30
    first, _ = cheapest(sizes, costs, 150)
    assert first == cheapest(sizes, costs, 150)[0]
    assert sum(costs[0][k] for k in first) == pytest.approx(30.0)
