"""The backend, the paper's dynamic program, all networks and a SAT solver on the same tiny instances."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import activations, instances

import qnnt
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.backends.treewidth import layered
from qnnt.verify.treewidth_dp import train

pytestmark = pytest.mark.usefixtures("unaided")


def answers(instance, bound, bags_only):
    """Every goal with that bound: the instance that asks for it, and what the backend says."""
    for goal in (qnnt.AtMost(bound), qnnt.Exactly(bound), qnnt.Minimize()):
        asked = instance.with_goal(goal)
        with patch.object(layered, "applies", (lambda _: False) if bags_only else layered.applies):
            yield asked, qnnt.solve(asked, backend="treewidth", isolate=False)


@settings(max_examples=max(10, settings().max_examples // 2))
@given(instances(max_networks=400, max_points=4, activation=activations), st.data(), st.booleans())
def test_any_activation_by_layers_by_bags_by_the_paper_and_by_enumeration(instance, data, bags_only):
    every = {int(e) for block in parameter_blocks(instance) for e in np.unique(count_errors(instance, block))}
    bound = data.draw(st.integers(0, instance.dataset.total))
    for asked, result in answers(instance, bound, bags_only):
        goal = asked.goal
        exists = any(map(goal.accepts, every))
        assert train(asked).possible == exists
        assert bool(result.network) == exists
        if goal.minimizes:
            assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, min(every))
        else:
            assert (result.status is qnnt.Status.SATISFIABLE) == exists
            assert (result.status is qnnt.Status.UNSATISFIABLE) != exists


@given(instances(max_networks=400, max_points=4), st.data(), st.booleans())
def test_four_ways_agree_on_every_goal(instance, data, bags_only):
    every = {int(e) for block in parameter_blocks(instance) for e in np.unique(count_errors(instance, block))}
    bound = data.draw(st.integers(0, instance.dataset.total))
    for asked, result in answers(instance, bound, bags_only):
        goal = asked.goal
        sat = qnnt.solve(asked, backend="maxsat" if goal.minimizes else "sat:cadical153", isolate=False)
        exists = any(map(goal.accepts, every))
        assert train(asked).possible == exists
        assert result.status == sat.status
        if goal.minimizes:
            assert result.errors == sat.errors == min(every)
        else:
            assert (result.status is qnnt.Status.SATISFIABLE) == exists
