"""The best network that ignores its inputs: found at once, and never lost."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from brute_force import error
from faulty import Faulty
from hypothesis import given
from strategies import activations, instances

import qnnt
from qnnt.constant import best_constant


@given(instances(max_parameters=8, activation=activations))
def test_no_network_without_weights_is_nearer_to_the_goal(instance: qnnt.Instance) -> None:
    values = range(instance.domain.lo, instance.domain.hi + 1)
    zeros = [0] * (instance.architecture.n_parameters - instance.architecture.omega)
    outputs = product(values, repeat=instance.architecture.omega)
    errors = [error(instance, [*zeros, *biases]) for biases in outputs]
    network = best_constant(instance)
    assert not network.weights.any()
    distance = instance.goal.distance
    assert distance(error(instance, network.vector)) == min(map(distance, errors))


def test_a_large_domain_takes_no_time() -> None:
    domain = qnnt.Domain(2**20)
    data = qnnt.Dataset([[0], [1], [2]], [[5], [domain.hi], [domain.hi]])
    instance = qnnt.Instance(domain, qnnt.Architecture.dense([1, 1]), data)
    network = best_constant(instance)
    assert network.predict([[7]]).tolist() == [[5]]  # no bias leads to the highest value of an even domain


def test_none_right_may_be_the_goal() -> None:
    data = qnnt.Dataset([[0], [1]], [[0], [0]])
    instance = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), data, qnnt.Exactly(2))
    assert best_constant(instance).error(data) == 2


HUMP = qnnt.Instance(
    qnnt.Domain(3),
    qnnt.Architecture.dense([1, 1]),
    qnnt.Dataset([[0], [1], [-1]], [[1], [0], [0]], [2, 2, 2]),
    qnnt.Minimize(),
)


@pytest.mark.parametrize("isolate", [True, False])
@pytest.mark.parametrize("goal", [qnnt.Minimize(), qnnt.AtMost(1), qnnt.Exactly(3)])
def test_every_unknown_has_a_network(goal: qnnt.Goal, isolate: bool) -> None:
    result = qnnt.solve(HUMP, goal=goal, backend=Faulty("raise"), isolate=isolate)
    assert (result.status, result.errors, result.verified) == (qnnt.Status.UNKNOWN, 2, True)
    assert (result.backend, result.encoder) == ("faulty:raise", "direct")


@pytest.mark.parametrize("isolate", [True, False])
def test_what_it_decides_needs_no_run(isolate: bool) -> None:
    for goal in (qnnt.AtMost(2), qnnt.AtMost(6), qnnt.Exactly(4)):
        result = qnnt.solve(HUMP, goal=goal, backend=Faulty("raise"), isolate=isolate)
        assert (result.status, result.verified) == (qnnt.Status.SATISFIABLE, True)
        assert (result.backend, result.encoder, result.version) == ("constant", "none", None)
        assert set(result.statistics.seconds) == {"check", "total"}
    torn = qnnt.Dataset([[0], [0], [1]], [[1], [0], [0]])
    instance = qnnt.Instance(HUMP.domain, HUMP.architecture, torn, qnnt.Minimize())
    result = qnnt.solve(instance, backend=Faulty("raise"), isolate=isolate)
    assert (result.status, result.errors, result.lower_bound) == (qnnt.Status.OPTIMAL, 1, 1)
    assert np.array_equal(result.network.weights, [0])
