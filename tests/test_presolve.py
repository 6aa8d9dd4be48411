"""Presolve steps before an encoder: the answer is that of the source, whatever the steps are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from presolving import DropZeroInputs, MergeRows
from strategies import instances

import qnnt
from qnnt import registry
from qnnt.arrows import Chain, planted
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.job import Job
from qnnt.workers.task import run_here

pytestmark = pytest.mark.usefixtures("unaided")

STEPS = (MergeRows(), DropZeroInputs())


def with_zero_input(instance: qnnt.Instance) -> qnnt.Instance:
    """The same instance whose first input is 0 on all points."""
    data = instance.dataset
    x = data.inputs.copy()
    x[:, 0] = 0
    dataset = qnnt.Dataset(x, data.labels, data.counts)
    return qnnt.Instance(instance.domain, instance.architecture, dataset, instance.goal)


EXAMPLE = qnnt.Instance(
    qnnt.Domain(3),
    qnnt.Architecture.dense([3, 2, 1]),
    qnnt.Dataset(
        [[0, 1, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]], [[1], [1], [0], [0], [0], [0]]
    ),
    qnnt.Minimize(),
)


def test_the_steps_make_something_smaller() -> None:
    target, _ = Chain(*STEPS).apply(EXAMPLE)
    assert (len(target.dataset), target.architecture.alpha) == (5, 2)
    assert target.dataset.total == EXAMPLE.dataset.total


@pytest.mark.parametrize("isolate", [True, False])
@pytest.mark.parametrize("steps", [STEPS, STEPS[::-1], STEPS[:1], STEPS[1:], ()])
def test_a_chain_is_solved_and_lifted(steps: tuple[object, ...], isolate: bool) -> None:
    for backend in ("sat", "maxsat", "treewidth"):
        result = qnnt.solve(EXAMPLE, backend=backend, presolve=steps, isolate=isolate)
        assert (result.status, result.errors, result.lower_bound) == (qnnt.Status.OPTIMAL, 1, 1)
        assert result.network.architecture == EXAMPLE.architecture
        if DropZeroInputs() in steps:
            dropped = [a == "x2" for a, _ in EXAMPLE.architecture.arcs]
            assert not result.network.weights[dropped].any()
    impossible = qnnt.solve(EXAMPLE, goal=qnnt.AtMost(0), backend="sat", presolve=steps, isolate=isolate)
    assert impossible.status is qnnt.Status.UNSATISFIABLE


@settings(max_examples=30)
@given(instances(max_networks=500, min_points=2), st.sampled_from(["sat", "maxsat", "treewidth"]), st.data())
def test_a_chain_agrees_with_all_networks(instance: qnnt.Instance, backend: str, data: st.DataObject) -> None:
    instance = with_zero_input(instance)
    vectors = np.concatenate(list(parameter_blocks(instance)))
    errors = count_errors(instance, vectors)
    any_one = data.draw(st.integers(0, len(vectors) - 1))
    for goal in (qnnt.Minimize(), instance.goal):
        for start in (None, instance.network(vectors[any_one])):
            result = qnnt.solve(
                instance, goal=goal, backend=backend, presolve=STEPS, start=start, isolate=False
            )
            if goal.minimizes:
                assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, errors.min())
            else:
                exists = any(goal.accepts(int(e)) for e in errors)
                assert result.status == ("SATISFIABLE" if exists else "UNSATISFIABLE")


def test_a_start_goes_all_the_way_if_each_step_knows_how() -> None:
    network = EXAMPLE.network(np.arange(EXAMPLE.architecture.n_parameters) % 3 - 1)
    encoder = registry.encoder("direct")
    _, lift = Chain(DropZeroInputs(), encoder).apply(EXAMPLE)
    variables, values = planted(lift, network)
    assert len(values) == len(variables) == EXAMPLE.architecture.n_parameters - 2
    assert np.array_equal(
        lift(values).predict(EXAMPLE.dataset.inputs), network.predict(EXAMPLE.dataset.inputs)
    )
    _, lift = Chain(MergeRows(), encoder).apply(EXAMPLE)
    assert planted(lift, network) is None  # its lift is a bare function


def test_a_job_needs_no_more_than_an_arrow() -> None:
    chain = Chain(DropZeroInputs(), registry.encoder("clauses"))
    ended = run_here(Job(EXAMPLE, chain, registry.backend("sat"), qnnt.Limits()), lambda event: None)
    assert ended.answer is not None
    assert (ended.answer.status, ended.answer.cost) == (qnnt.Status.OPTIMAL, 1)
    assert EXAMPLE.network(ended.answer.vector).error(EXAMPLE.dataset) == 1
