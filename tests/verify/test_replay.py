"""The independent checker against the network's own evaluation, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import instances, networks

import qnnt


@given(st.data())
def test_replay_agrees_with_the_vectorised_evaluation(data: st.DataObject) -> None:
    instance = data.draw(instances(max_networks=10**9))
    network = data.draw(networks(instance.domain, instance.architecture))
    replayed = qnnt.check(instance, network)
    assert replayed.errors == network.error(instance.dataset)
    assert replayed.total == instance.dataset.total
    assert replayed.meets_goal == instance.goal.accepts(replayed.errors)
    if len(instance.dataset):
        assert (replayed.outputs == network.predict(instance.dataset.inputs)).all()


@pytest.mark.parametrize("d", [8, 18, 19, 20, 33])
def test_replay_agrees_at_every_threshold(d: int) -> None:
    """The pre-activations are all those of Z_d, and some beyond: few thresholds, and many."""
    domain, architecture = qnnt.Domain(d), qnnt.Architecture.dense([1, 1, 1])
    inputs = np.arange(domain.lo, domain.hi + 1)[:, None]
    instance = qnnt.Instance(domain, architecture, qnnt.Dataset(inputs, np.maximum(inputs, 0)))
    for bias in (-1, 0, 1):
        network = qnnt.Network(architecture, domain, np.array([1, 1]), np.array([bias, 0]))
        replayed = qnnt.check(instance, network)
        assert replayed.outputs.tolist() == np.clip(inputs - bias, 0, domain.hi).tolist()
        assert (replayed.outputs == network.predict(inputs)).all()


def test_errors_count_repetitions_and_name_rows() -> None:
    instance = qnnt.Instance(
        qnnt.Domain(4),
        qnnt.Architecture.dense([1, 1]),
        qnnt.Dataset([[-1], [1], [2], [2]], [[0], [1], [2], [-1]], [1, 1, 1, 5]),
    )
    network = qnnt.Network(instance.architecture, instance.domain, np.array([1]), np.array([0]))
    replayed = qnnt.check(instance, network)
    assert replayed.errors == 5  # a negative label is wrong in every network
    assert replayed.wrong.tolist() == [3]
    assert replayed.outputs.ravel().tolist() == [0, 1, 2, 2]


def test_a_network_of_another_shape_or_domain_is_refused() -> None:
    instance = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), qnnt.Dataset([[0]], [[0]]))
    zero = np.zeros(1, dtype=int)
    wide = qnnt.Network(qnnt.Architecture.dense([2, 1]), qnnt.Domain(3), np.zeros(2, dtype=int), zero)
    with pytest.raises(qnnt.InputError, match="architecture"):
        qnnt.check(instance, wide)
    other = qnnt.Network(instance.architecture, qnnt.Domain(5), zero, zero)
    with pytest.raises(qnnt.InputError, match="Z_5"):
        qnnt.check(instance, other)
