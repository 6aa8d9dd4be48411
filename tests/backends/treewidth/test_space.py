"""Gates: clipped sums show what the sums show, whatever the thresholds, the arcs and the types."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, domains

import qnnt
from qnnt.activation import Activation, Activations, relu
from qnnt.backends.treewidth.space import Gate, Space

ARCS = st.integers(1, 4)


@st.composite
def gates(draw, arcs):
    """The gate of an output above a hidden layer, and what one arc into it can add."""
    domain = draw(domains())
    pair = draw(activations(domain))
    space = Space(qnnt.Architecture.dense([1, 1, 1]), domain, (pair.hidden, pair.output))
    weights = range(domain.lo, domain.hi + 1)
    return space.gate(1, arcs), sorted({w * value for w in weights for value in pair.hidden.values})


def add(draw, gate, shares, sums, missing, arcs):
    """Sums (n,) after so many more arcs, as they are and clipped at each one."""
    plain, clipped = sums
    for _ in range(arcs):
        missing -= 1
        share = np.array(draw(st.lists(st.sampled_from(shares), min_size=len(plain), max_size=len(plain))))
        plain, clipped = plain + share, clipped + share.astype(clipped.dtype)
        gate.clip(clipped, *gate.coming(missing))
    return (plain, clipped), missing


@given(st.data(), ARCS, st.integers(0, 3))
def test_two_clipped_sums_add_up_to_one_that_shows_the_same(data, left, right):
    """Arcs are worked in from two sides, the sums joined, and the arcs still missing follow."""
    after = data.draw(st.integers(0, 2))
    arcs = left + right + after
    gate, shares = data.draw(gates(arcs))
    nothing = np.zeros(5, dtype=np.int64), np.zeros(5, dtype=np.min_scalar_type(-gate.largest(arcs) - 1))
    one, _ = add(data.draw, gate, shares, nothing, arcs, left)
    other, _ = add(data.draw, gate, shares, nothing, arcs, right)
    joined = one[0] + other[0], one[1] + other[1]
    gate.clip(joined[1], *gate.coming(after))
    (plain, clipped), missing = add(data.draw, gate, shares, joined, after, after)
    assert missing == 0
    assert clipped.max() - clipped.min() < gate.clipped(0)
    for bias in range(gate.domain.lo, gate.domain.hi + 1):
        expected = gate.activation.levels(plain - bias)
        assert gate.levels(clipped - np.array(bias, dtype=clipped.dtype)).tolist() == expected.tolist()
        assert gate.levels(plain - bias).tolist() == expected.tolist()


@pytest.mark.parametrize("d", range(1, 6))
@pytest.mark.parametrize("arcs", [2, 3])
@pytest.mark.parametrize("missing", [0, 2])
def test_where_relu_is_clipped(d, arcs, missing):
    """A sum up to lo − r·hi² shows 0, one from 2·hi − r·lo·hi shows hi."""
    domain = qnnt.Domain(d)
    lo, hi = domain.lo, domain.hi
    gate = Space(qnnt.Architecture.dense([1, 1, 1]), domain, Activations.of("relu", domain).each(1)).gate(
        1, arcs
    )
    sums = np.arange(-200, 201)
    gate.clip(sums, *gate.coming(missing))
    assert (sums.min(), sums.max()) == (lo - missing * hi**2, 2 * hi - missing * lo * hi)
    assert gate.clipped(missing) == sums.max() - sums.min() + 1
    assert gate.base == hi + 1


def test_thresholds_out_of_reach_count_for_nothing():
    gate = Gate.of(qnnt.Domain(3), Activation((-(2**53), 2**53), (-1, 0, 1)), -1, 1, arcs=4)
    sums = np.arange(-4, 5, dtype=np.int8)
    gate.clip(sums, *gate.coming(3))
    assert gate.clipped(3) == 1
    assert sums.tolist() == [0] * 9
    assert gate.levels(sums).tolist() == [1] * 9


def test_huge_domains_take_no_memory():
    domain = qnnt.Domain(10**6)
    gate = Gate.of(domain, relu(domain), -(10**11), 10**11, arcs=2)
    assert isinstance(gate.thresholds, range)
    assert gate.levels(np.array([-5, 7, 10**7])).tolist() == [0, 7, 500_000]


def test_every_sum_less_a_bias_shows_a_level_of_the_activation():
    domain = qnnt.Domain(5)
    for activation in (Activation((-7, 0, 9), (-2, -1, 1, 2)), Activation((-4, 0, 4), (-2, 0, 1, 2))):
        gate = Gate.of(domain, activation, -4, 4, arcs=1)
        z = np.array([a - b for a, b in product(range(-4, 5), range(-2, 3))], dtype=np.int16)
        assert gate.levels(z).tolist() == activation.levels(z.astype(np.int64)).tolist()
