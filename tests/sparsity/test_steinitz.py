"""Steinitz' lemma: the order is one, and its prefix sums are as small as the lemma says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.sparsity.steinitz import steinitz_order


@st.composite
def balanced(draw):
    """Distinct vectors and how often each occurs, of sum 0."""
    p, m = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    vector = st.tuples(*[st.integers(-m, m)] * p)
    vectors = draw(st.lists(vector, max_size=25))
    rest = -np.array(vectors, dtype=int).reshape(-1, p).sum(axis=0)
    while rest.any():
        step = np.clip(rest, -m, m)
        vectors.append(tuple(step.tolist()))
        rest -= step
    counts = Counter(vectors)
    return list(counts), list(counts.values())


@given(balanced())
def test_prefix_sums_are_small(case):
    vectors, counts = case
    order = steinitz_order(vectors, counts)
    assert Counter(order) == Counter(dict(enumerate(counts)))
    if not order:
        return
    steps = np.array([vectors[i] for i in order])
    sums = np.cumsum(steps, axis=0)
    assert not sums[-1].any()
    assert np.abs(sums).max() <= steps.shape[1] * np.abs(steps).max()


def test_the_order_matters():
    """As given the prefix sums reach 30, in Steinitz' order 1."""
    order = steinitz_order([(1,), (-1,)], [30, 30])
    assert np.abs(np.cumsum(np.array([1, -1])[order])).max() == 1


def test_the_sum_must_be_0():
    with pytest.raises(ValueError, match="sum to 0"):
        steinitz_order([(1, 0), (0, 1)], [1, 1])
