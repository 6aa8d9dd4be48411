"""The clause encoder against all networks: not only whether there is one, but how many."""

from __future__ import annotations

import numpy as np
import pytest
from formulas import expect_distinct_variables, networks_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pysat.solvers import Solver
from strategies import activations, datasets, instances

import qnnt
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.backends.sat import as_model, load
from qnnt.encoders import sums
from qnnt.encoders.clauses import ClauseEncoder

pytestmark = pytest.mark.usefixtures("unaided")

SUMS = pytest.mark.parametrize("totalizer_worth", [sums.TOTALIZER_WORTH, 0], ids=["totalizers", "adders"])


@SUMS
@settings(max_examples=40)
@given(data=st.data())
def test_models_are_exactly_the_networks_that_meet_the_goal(
    data: st.DataObject, totalizer_worth: int
) -> None:
    instance = data.draw(instances(max_networks=700, activation=activations))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "TOTALIZER_WORTH", totalizer_worth)
        formula, lift = ClauseEncoder(symmetry=False).apply(instance)
    wanted = {
        tuple(vector)
        for block in parameter_blocks(instance)
        for vector, errors in zip(block.tolist(), count_errors(instance, block).tolist(), strict=True)
        if instance.goal.accepts(errors)
    }
    assert networks_of(formula, lift) == wanted


@SUMS
@settings(max_examples=40)
@given(data=st.data())
def test_ordering_twins_keeps_a_network_of_every_error(data: st.DataObject, totalizer_worth: int) -> None:
    instance = data.draw(instances(max_networks=700, min_points=2, activation=activations))
    keeps_every_error(instance, totalizer_worth)


@SUMS
@settings(max_examples=20)
@given(data=st.data())
def test_ordering_signed_twins_keeps_a_network_of_every_error(
    data: st.DataObject, totalizer_worth: int
) -> None:
    domain, architecture = qnnt.Domain(3), qnnt.Architecture.dense([1, 2, 1])
    shown = data.draw(activations(domain))
    dataset = data.draw(datasets(domain, 1, 1, 2, 4, shown.output))
    keeps_every_error(qnnt.Instance(domain, architecture, dataset, activation=shown), totalizer_worth)


def keeps_every_error(instance: qnnt.Instance, totalizer_worth: int) -> None:
    possible = {int(e) for block in parameter_blocks(instance) for e in count_errors(instance, block)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "TOTALIZER_WORTH", totalizer_worth)
        for errors in range(instance.dataset.total + 2):
            formula, lift = ClauseEncoder().apply(instance.with_goal(qnnt.Exactly(errors)))
            with Solver(name="glucose4") as solver:
                load(solver, formula.hard)
                assert solver.solve() == (errors in possible)
                if errors in possible:
                    network = lift(as_model(solver.get_model(), formula.n_variables))
                    assert network.error(instance.dataset) == errors


@SUMS
@given(data=st.data())
def test_formulas_are_in_competition_form(data: st.DataObject, totalizer_worth: int) -> None:
    instance = data.draw(instances(max_networks=10**6, max_parameters=20, activation=activations))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "TOTALIZER_WORTH", totalizer_worth)
        formula, _ = ClauseEncoder().apply(instance)
    expect_distinct_variables(formula.hard)
    for block in (*formula.hard, formula.soft.reshape(-1, 1)):
        assert np.abs(block).min(initial=1) >= 1
        assert np.abs(block).max(initial=1) <= formula.n_variables
    assert (formula.weights > 0).all()


@SUMS
def test_thresholds_that_no_pre_activation_comes_near(
    monkeypatch: pytest.MonkeyPatch, totalizer_worth: int
) -> None:
    monkeypatch.setattr(sums, "TOTALIZER_WORTH", totalizer_worth)
    architecture, dataset = qnnt.Architecture.dense([1, 1, 1]), qnnt.Dataset([[-1], [2]], [[1], [-1]])
    near = qnnt.Activation([0], [-1, 1])
    found = [
        networks_of(
            *ClauseEncoder().apply(qnnt.Instance(qnnt.Domain(5), architecture, dataset, activation=a))
        )
        for a in (near, *(qnnt.Activation([-far, 0, far], [-2, -1, 1, 2]) for far in (10**3, 10**12, 2**53)))
    ]
    assert found[0]
    assert found[1:] == found[:1] * 3


@pytest.mark.parametrize("far", [2**40 + 1, 2**53])
def test_a_threshold_that_is_never_reached_is_never_reached(far: int) -> None:
    architecture, dataset = qnnt.Architecture.dense([1, 1]), qnnt.Dataset([[0], [1]], [[0], [1]])
    for t, wrong in ((far, 1), (-far, 1)):
        instance = qnnt.Instance(
            qnnt.Domain(3), architecture, dataset, qnnt.Minimize(), activation=qnnt.Activation([t], [0, 1])
        )
        result = qnnt.solve(instance, backend="sat", isolate=False)
        assert (result.status, result.errors) == ("OPTIMAL", wrong)
        decided = qnnt.solve(instance, goal=qnnt.AtMost(0), backend="sat", isolate=False)
        assert decided.status == "UNSATISFIABLE"


def test_twins_are_ordered() -> None:
    instance = qnnt.Instance(
        qnnt.Domain(2), qnnt.Architecture.dense([1, 2, 1]), qnnt.Dataset([[1]], [[1]]), qnnt.Minimize()
    )
    free = networks_of(*ClauseEncoder(symmetry=False).apply(instance))
    kept = networks_of(*ClauseEncoder(symmetry=True).apply(instance))
    assert len(free) == 2**7
    # Two neurons of one weight and one bias each: 10 of their 16 pairs of values are in order.
    assert len(kept) == 10 * 2**3


def test_equal_inputs_share_their_block() -> None:
    architecture, domain = qnnt.Architecture.dense([2, 2, 1]), qnnt.Domain(3)
    once = qnnt.Dataset([[0, 1], [1, 1]], [[0], [1]])
    often = qnnt.Dataset([[0, 1], [1, 1]] * 50, [[0], [1]] * 50)
    sizes = [ClauseEncoder().apply(qnnt.Instance(domain, architecture, d))[0].sizes() for d in (once, often)]
    assert sizes[0] == sizes[1]
