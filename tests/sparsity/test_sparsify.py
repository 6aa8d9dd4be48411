"""Lemma 1: the same activations on the data, in-degrees within the bound, and the fewest arcs."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, architectures, datasets, domains, networks

import qnnt
from qnnt.activation import Activation
from qnnt.architecture import Architecture
from qnnt.exceptions import InputError, UnknownWord
from qnnt.rowcodes import distinct_rows
from qnnt.sparsity import lemma1
from qnnt.sparsity.lemma1 import in_degree_bound, non_zero_in_degrees, sparsify


@st.composite
def trained(draw, max_parameters=24):
    domain = draw(domains())
    architecture = draw(architectures(max_parameters))
    vector = draw(networks(domain, architecture)).vector
    encoding = draw(st.sampled_from([None, {"columns": [], "targets": []}]))
    network = qnnt.Network.from_vector(architecture, domain, vector, draw(activations(domain)), encoding)
    return network, draw(datasets(domain, architecture.alpha, architecture.omega))


def alike(a, b, dataset):
    values = zip(a.activations(dataset.inputs), b.activations(dataset.inputs), strict=True)
    return all((x == y).all() for x, y in values)


@pytest.mark.parametrize("method", ["steinitz", "minimum"])
@given(case=trained())
def test_the_same_behaviour_with_fewer_arcs(method, case):
    network, dataset = case
    sparse = sparsify(network, dataset, method)
    assert alike(network, sparse, dataset)
    assert sparse.activation == network.activation
    assert sparse.encoding == network.encoding
    assert (non_zero_in_degrees(sparse) <= non_zero_in_degrees(network)).all()
    p = len(distinct_rows(dataset.inputs)[0])
    assert non_zero_in_degrees(sparse).max() <= in_degree_bound(network.domain.d, p)
    if method == "steinitz":
        assert (sparse.biases == network.biases).all()
        assert ((sparse.weights == network.weights) | (sparse.weights == 0)).all()


def fan(d, weights, bias, inputs, activation="relu"):
    """One neuron on all inputs."""
    architecture = Architecture.dense([len(weights), 1])
    network = qnnt.Network(architecture, qnnt.Domain(d), np.array(weights), np.array([bias]), activation)
    return network, qnnt.Dataset(np.array(inputs), np.zeros((len(inputs), 1), dtype=int))


def tight_bound(network, dataset):
    """(2·p·m + 1)^p − 1 for the one neuron of a fan."""
    inputs = distinct_rows(dataset.inputs)[0]
    sent = np.abs(inputs * network.weights).max()
    bias, activation = network.biases[0], network.activation.output
    numbers = sorted(range(-2 * sent * len(network.weights), 2 * sent * len(network.weights) + 1), key=abs)
    reached = {}  # the number nearest to 0 that shows a value
    for number, value in zip(numbers, activation(np.array(numbers) - bias).tolist(), strict=True):
        reached.setdefault(value, abs(number))
    p = len(inputs)
    largest = max(reached[value] for value in activation(inputs @ network.weights - bias).tolist())
    return (2 * p * max(sent, largest, 1) + 1) ** p - 1


FAR = 10**9
FANS = ["relu", Activation((1, 2), (-1, 0, 1)), Activation((-FAR, 1, 2), (-1, 0, 1, 2))]


@pytest.mark.parametrize("activation", FANS, ids=str)
@given(
    st.integers(1, 2),
    st.sampled_from([4, 5]),
    st.integers(-1, 2),
    st.integers(0, 2**32),
    st.integers(30, 100),
)
def test_a_large_fan_is_cut_to_the_bound(activation, p, d, bias, seed, n):
    """Sums in the middle of the range, where no arc can go by itself: only equal prefix sums help."""
    numbers = np.random.default_rng(seed)
    domain = qnnt.Domain(d)
    inputs = numbers.integers(domain.lo, domain.hi + 1, (p, n))
    weights = numbers.choice([w for w in range(domain.lo, domain.hi + 1) if w], n)
    total = inputs @ weights
    for row in range(p):  # bring each pre-activation to 1 by inputs of its own
        missing = 1 + bias - int(total[row])
        sign = int(np.sign(missing))
        more = np.zeros((p, abs(missing)), dtype=int)
        more[row] = sign
        inputs, weights = np.hstack([inputs, more]), np.append(weights, np.ones(more.shape[1], dtype=int))
    network, dataset = fan(d, weights, bias, inputs, activation)
    before = non_zero_in_degrees(network)[0]
    sparse = sparsify(network, dataset)
    after = non_zero_in_degrees(sparse)[0]
    assert alike(network, sparse, dataset)
    assert after <= max(1, tight_bound(network, dataset)) < in_degree_bound(d, p)
    assert after <= before


@pytest.mark.parametrize("activation", FANS, ids=str)
def test_steinitz_is_needed_and_used(monkeypatch, activation):
    """50 times +1 and 49 times −1, twice: no arc can go alone, most go between equal prefix sums."""
    row = np.array([1] * 50 + [-1] * 49)
    rows = np.vstack([row, np.roll(row, 25)])
    network, dataset = fan(5, [1] * 99, 0, rows, activation)
    calls = []
    used = lemma1.steinitz_order
    monkeypatch.setattr(lemma1, "steinitz_order", lambda *a: calls.append(a) or used(*a))
    sparse = sparsify(network, dataset)
    assert len(calls) == 1
    assert alike(network, sparse, dataset)
    assert non_zero_in_degrees(sparse)[0] <= tight_bound(network, dataset) == 24


def fewest(domain, activation, inputs, values):
    """By all weights and biases of one neuron."""
    z = range(domain.lo, domain.hi + 1)
    return min(
        np.count_nonzero(w)
        for w in product(z, repeat=inputs.shape[1])
        for b in z
        if (activation(inputs @ np.array(w) - b) == values).all()
    )


@given(domains(3), st.integers(1, 4), st.data())
def test_the_minimum_is_the_minimum(domain, n, data):
    architecture = Architecture.dense([n, 1])
    vector = data.draw(networks(domain, architecture)).vector
    network = qnnt.Network.from_vector(architecture, domain, vector, data.draw(activations(domain)))
    dataset = data.draw(datasets(domain, n, 1))
    sparse = sparsify(network, dataset, "minimum")
    inputs = distinct_rows(dataset.inputs)[0].reshape(-1, n)
    expected = fewest(domain, network.activation.output, inputs, network.predict(inputs)[:, 0])
    assert non_zero_in_degrees(sparse)[0] == expected


def test_the_minimum_is_not_claimed_without_proof():
    numbers = random.Random(1)
    n, p = 60, 12
    inputs = [[numbers.randint(-7, 8) for _ in range(n)] for _ in range(p)]
    network, dataset = fan(16, [numbers.randint(-7, 8) for _ in range(n)], 0, inputs)
    with pytest.raises(qnnt.Unsupported, match=r"neuron 'y0': the fewest arcs, .* are not proved"):
        sparsify(network, dataset, "minimum", seconds=1e-6)


@pytest.mark.parametrize("method", ["steinitz", "minimum"])
@pytest.mark.parametrize("seconds", [-1, 0, float("nan")])
def test_seconds_that_are_no_limit(method, seconds):
    with pytest.raises(ValueError, match="a time limit is a positive number"):
        sparsify(*fan(3, [1, -1], 0, [[0, 1]]), method, seconds=seconds)


def test_no_data_no_arcs():
    network, _ = fan(3, [1, -1, 1], 0, [[0, 0, 0]])
    nothing = qnnt.Dataset(np.zeros((0, 3), dtype=int), np.zeros((0, 1), dtype=int))
    assert not qnnt.sparsify(network, nothing).weights.any()


def test_what_does_not_fit():
    network, dataset = fan(3, [1, -1], 0, [[0, 1]])
    with pytest.raises(UnknownWord, match="no method 'best'"):
        sparsify(network, dataset, "best")
    with pytest.raises(InputError, match="has 3 values, the network 2 inputs"):
        sparsify(network, qnnt.Dataset(np.zeros((1, 3), dtype=int), np.zeros((1, 1), dtype=int)))


@pytest.mark.parametrize("method", ["steinitz", "minimum"])
def test_what_never_changes_needs_no_arc(method):
    for far in (Activation((FAR,), (0, 1)), Activation((-FAR,), (0, 1)), Activation((), (1,))):
        network, dataset = fan(3, [1, -1, 1], 1, [[1, 0, 1], [0, 1, 1]], far)
        assert not sparsify(network, dataset, method).weights.any()


def test_the_bound_as_printed():
    assert in_degree_bound(2, 1) == 2 * 9 + 1
    assert in_degree_bound(3, 2) == 2 * 37**2 + 1
