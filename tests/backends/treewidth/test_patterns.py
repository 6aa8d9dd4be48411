"""Goals on the error: patterns of labels learned, in one and several outputs, against all networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import activations, instances

import qnnt
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.goals import AtMost, Exactly, Minimize

pytestmark = pytest.mark.usefixtures("unaided")

MANY = max(10, settings().max_examples // 3)


@settings(max_examples=MANY)
@given(instances(max_networks=5000, min_points=2, activation=activations))
def test_every_goal_at_every_bound(instance):
    errors = {
        int(e) for block in parameter_blocks(instance) for e in np.unique(count_errors(instance, block))
    }
    total = instance.dataset.total
    best = qnnt.solve(instance, goal=Minimize(), backend="treewidth", isolate=False)
    assert (best.status, best.errors, best.lower_bound) == (qnnt.Status.OPTIMAL, min(errors), min(errors))
    for bound in range(total + 2):
        for goal in (AtMost(bound), Exactly(bound)):
            result = qnnt.solve(instance, goal=goal, backend="treewidth", isolate=False)
            exists = any(goal.accepts(e) for e in errors)
            assert result.status is (qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE), goal


def test_a_label_given_up_must_be_wrong_for_an_exact_number():
    # Both outputs always show the same, so a point is wrong in both or in none.
    architecture = qnnt.Architecture([["x"], ["h"], ["y0", "y1"]], [("x", "h"), ("h", "y0"), ("h", "y1")])
    dataset = qnnt.Dataset([[0], [1]], [[0, 0], [0, 0]], [1, 2])
    instance = qnnt.Instance(qnnt.Domain(2), architecture, dataset)
    for errors, exists in ((0, True), (1, False), (2, True), (3, False), (4, False)):
        result = qnnt.solve(instance, goal=Exactly(errors), backend="treewidth", isolate=False)
        assert result.status is (qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE), errors


def test_outputs_without_hidden_layer_share_one_pattern():
    # Each output alone can learn all but one point; together they miss the same one.
    inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]
    xor = qnnt.Dataset(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
    instance = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 2]), xor)
    result = qnnt.solve(instance, goal=Minimize(), backend="treewidth", isolate=False)
    assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, 1)
    assert result.statistics.sizes["cores"] >= 1
