"""Presolve steps against all networks: of the source, of the target, lifted and planted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import activations, datasets, goals, instances

import qnnt
from qnnt.arrows import counted
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.presolve import DEFAULT, ConstantOutputs, IdenticalOutputs, SilentNeurons
from qnnt.presolve.silent import silent_neurons
from qnnt.presolve.steps import Step


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    """Points are looked at two by two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qnnt.presolve.silent._BLOCK", 2)
        yield


@st.composite
def of_several_outputs(draw: st.DrawFn) -> qnnt.Instance:
    d, sizes = draw(st.sampled_from([(2, [1, 2]), (3, [1, 2]), (2, [1, 3]), (2, [2, 2]), (2, [1, 1, 2])]))
    domain, architecture = qnnt.Domain(d), qnnt.Architecture.dense(sizes)
    shown = draw(activations(domain))
    data = draw(datasets(domain, sizes[0], sizes[-1], min_points=1, output=shown.output))
    return qnnt.Instance(domain, architecture, data, draw(goals(data.total)), activation=shown)


@st.composite
def repetitive_instances(draw: st.DrawFn) -> qnnt.Instance:
    """Instances in which inputs are often 0, and outputs often constant or equal."""
    any_one = instances(max_networks=800, min_points=1, activation=activations)
    instance = draw(st.one_of(any_one, of_several_outputs()))
    x, y = instance.dataset.inputs.copy(), instance.dataset.labels.copy()
    x[:, sorted(draw(st.sets(st.integers(0, x.shape[1] - 1))))] = 0
    for j in range(y.shape[1]):
        kind = draw(st.sampled_from(["as it is", "constant", "copy", "nearly a copy"]))
        if kind == "constant":
            y[:, j] = draw(st.sampled_from(instance.activation.output.values))
        elif kind != "as it is":
            y[:, j] = y[:, 0]
        if kind == "nearly a copy":
            y[0, j] = draw(st.integers(instance.domain.lo, instance.domain.hi))
    goal = instance.goal
    data = qnnt.Dataset(x, y, instance.dataset.counts)
    return qnnt.Instance(instance.domain, instance.architecture, data, goal, activation=instance.activation)


def all_networks(instance: qnnt.Instance) -> tuple[np.ndarray, np.ndarray]:
    vectors = np.concatenate(list(parameter_blocks(instance)))
    return vectors, count_errors(instance, vectors)


def check_round_trip(step: Step, source: qnnt.Instance) -> int:
    """Hold a step against all networks; how many parameters it removed."""
    target, lift = step.apply(source)
    vectors, errors = all_networks(source)
    smaller, fewer = all_networks(target)
    lifted = np.array([lift(target.network(v)).vector for v in smaller])
    assert np.array_equal(count_errors(source, lifted), fewer)
    planted = np.array([lift.plant(source.network(v)).vector for v in vectors[:: 1 + len(vectors) // 500]])
    there, here = count_errors(target, planted), errors[:: 1 + len(vectors) // 500]
    if source.goal.exact or isinstance(step, SilentNeurons):
        assert set(fewer.tolist()) == set(errors.tolist())
        assert np.array_equal(there, here)
    else:
        assert fewer.min() == errors.min()
        assert (there <= here).all()
    assert target.goal == source.goal
    assert target.dataset.total == source.dataset.total
    removed = source.architecture.n_parameters - target.architecture.n_parameters
    assert counted(lift).get("parameters removed", 0) == removed
    return removed


@pytest.mark.parametrize("step", DEFAULT, ids=lambda step: type(step).__name__)
def test_a_step_against_all_networks(step: Step) -> None:
    seen = []

    @settings(max_examples=max(120, settings().max_examples))
    @given(repetitive_instances())
    def run(instance: qnnt.Instance) -> None:
        seen.append(check_round_trip(step, instance))

    run()
    assert sum(removed > 0 for removed in seen) > 5


@given(repetitive_instances(), st.data())
def test_the_answer_is_that_of_the_instance(instance: qnnt.Instance, data: st.DataObject) -> None:
    vectors, errors = all_networks(instance)
    start = data.draw(st.one_of(st.none(), st.integers(0, len(vectors) - 1)))
    known = None if start is None else instance.network(vectors[start])
    for goal in (qnnt.Minimize(), instance.goal):
        result = qnnt.solve(instance, goal=goal, backend="sat", start=known, isolate=False)
        if goal.minimizes:
            assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, errors.min())
        else:
            exists = any(goal.accepts(int(e)) for e in errors)
            assert result.status == ("SATISFIABLE" if exists else "UNSATISFIABLE")


@st.composite
def sleepy_instances(draw: st.DrawFn) -> qnnt.Instance:
    """Hidden neurons with a threshold that they hardly reach, or hardly stay below."""
    shapes = [(4, [1, 1, 1]), (3, [2, 1, 1]), (3, [1, 1, 1, 1])]
    d, sizes = draw(st.sampled_from(shapes))
    domain, architecture = qnnt.Domain(d), qnnt.Architecture.dense(sizes)
    reach = max(sizes[:-1]) * domain.hi**2 + domain.hi
    low, high = draw(st.sampled_from([(0, domain.hi), (domain.lo, 0), (-1, 1)]))
    t = draw(st.integers(-reach - 1, reach + 2))
    values = st.lists(st.integers(domain.lo, domain.hi), min_size=sizes[0], max_size=sizes[0])
    x = draw(st.lists(values, min_size=1, max_size=3))
    data = qnnt.Dataset(x, [[draw(st.sampled_from([0, 1]))] for _ in x])
    return qnnt.Instance(domain, architecture, data, activation=(qnnt.Activation([t], [low, high]), "step"))


def test_silent_is_what_no_network_wakes() -> None:
    seen = []

    @settings(max_examples=settings().max_examples * 3 // 2)
    @given(sleepy_instances())
    def run(instance: qnnt.Instance) -> None:
        vectors, _ = all_networks(instance)
        shown = [instance.network(v).activations(instance.dataset.inputs)[:-1] for v in vectors]
        truth = [~np.any([values[i] for values in shown], axis=(0, 1)) for i in range(len(shown[0]))]
        found = silent_neurons(instance)
        assert all((mine <= true).all() for mine, true in zip(found, truth, strict=True))
        # The first hidden layer knows its inputs, so nothing is missed.
        assert [layer.tolist() for layer in found[:2]] == [layer.tolist() for layer in truth[:2]]
        seen.append(found[1].any())
        check_round_trip(SilentNeurons(), instance)

    run()
    assert 3 < sum(seen) < len(seen) - 3


def dense(sizes: list[int], x: object, y: object, **others: object) -> qnnt.Instance:
    return qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense(sizes), qnnt.Dataset(x, y), **others)


def test_inputs_that_are_0_go_unless_nothing_is_left() -> None:
    target, _ = SilentNeurons().apply(dense([3, 2, 1], [[0, 1, 0], [0, -1, 0]], [[1], [0]]))
    assert target.architecture.layers[0] == ("x1",)
    assert target.dataset.inputs.tolist() == [[1], [-1]]
    target, _ = SilentNeurons().apply(dense([2, 1], [[0, 0]], [[1]]))
    assert target.architecture.layers[0] == ("x0",)


def test_a_neuron_that_never_wakes_goes_with_its_inputs() -> None:
    far = qnnt.Activation([100], [0, 1])
    architecture = qnnt.Architecture(
        [["a", "b"], ["h", "k"], ["y"]], [("a", "h"), ("b", "h"), ("b", "k"), ("h", "y"), ("k", "y")]
    )
    data = qnnt.Dataset([[1, 0], [1, 1]], [[1], [0]])
    instance = qnnt.Instance(qnnt.Domain(3), architecture, data, activation=(far, "relu"))
    assert [layer.tolist() for layer in silent_neurons(instance)] == [[False, False], [True, True]]
    target, _ = SilentNeurons().apply(instance)
    assert target.architecture.layers == (("a", "b"), ("h",), ("y",))
    near = qnnt.Instance(
        qnnt.Domain(3), architecture, data, activation=(qnnt.Activation([3], [0, 1]), "relu")
    )
    assert [layer.tolist() for layer in silent_neurons(near)] == [[False, False], [False, True]]
    target, _ = SilentNeurons().apply(near)
    assert target.architecture.layers == (("a", "b"), ("h",), ("y",))


def test_outputs_are_kept_under_an_exact_goal() -> None:
    labels = [[1, 1, 0], [0, 0, 0]]
    loose = dense([1, 3], [[1], [-1]], labels)
    exact = loose.with_goal(qnnt.Exactly(1))
    assert ConstantOutputs().apply(loose)[0].architecture.layers[-1] == ("y0", "y1")
    assert IdenticalOutputs().apply(loose)[0].architecture.layers[-1] == ("y0", "y2")
    for step in (ConstantOutputs(), IdenticalOutputs()):
        assert step.apply(exact)[0] is exact


def test_a_constant_that_no_bias_shows_is_learned() -> None:
    never = qnnt.Activation([2], [0, 1])
    instance = dense([1, 2], [[1], [-1]], [[1, 1], [1, 0]], activation=never)
    assert ConstantOutputs().apply(instance)[0] is instance


def test_what_was_removed_is_told() -> None:
    instance = dense([3, 2], [[0, 1, 0], [0, -1, 0]], [[1, 1], [0, 0]])
    result = qnnt.solve(instance, backend="sat", isolate=False)
    assert result.statistics.sizes["parameters removed"] == 6
    assert result.network.architecture == instance.architecture
    assert (
        "parameters removed"
        not in qnnt.solve(instance, backend="sat", isolate=False, presolve=()).statistics.sizes
    )


def test_equal_layers_of_a_deep_net_are_silent_where_the_first_is() -> None:
    chains = np.array([[2 * layer + i, 2 * layer + 2 + i] for layer in range(6) for i in range(2)])
    layers = [[f"{layer}.{i}" for i in range(2)] for layer in range(7)]
    architecture = qnnt.Architecture(layers, chains)
    data = qnnt.Dataset([[0, 1], [0, 0]], [[0, 1], [0, 0]])
    instance = qnnt.Instance(qnnt.Domain(2), architecture, data)
    assert [layer.tolist() for layer in silent_neurons(instance)] == [[True, False]] * 6


def test_layers_that_cross_are_not_those_before() -> None:
    """Two layers with equal intervals, and other arcs between them."""
    pairs = ["x0-a0", "x1-a1", "a0-b0", "a1-b1", "b0-c1", "b1-c0", "c0-y", "c1-y"]
    layers = [["x0", "x1"], ["a0", "a1"], ["b0", "b1"], ["c0", "c1"], ["y"]]
    architecture = qnnt.Architecture(layers, [tuple(pair.split("-")) for pair in pairs])
    data = qnnt.Dataset([[0, 1], [0, 0]], [[1], [0]])
    instance = qnnt.Instance(qnnt.Domain(2), architecture, data)
    assert [layer.tolist() for layer in silent_neurons(instance)] == 3 * [[True, False]] + [[False, True]]
    assert qnnt.solve(instance, backend="sat", isolate=False).status is qnnt.Status.SATISFIABLE


@pytest.mark.parametrize("awake", range(3))
def test_a_neuron_that_one_point_wakes_is_not_silent(awake: int) -> None:
    """A neuron shows 1 only where its input is not 0, which is so on one point, wherever that stands."""
    architecture = qnnt.Architecture(
        [["a", "b"], ["h", "k"], ["y"]], [("a", "h"), ("b", "k"), ("h", "y"), ("k", "y")]
    )
    inputs = [[int(b == awake - 1), b] for b in (-1, 0, 1)]
    data, near = qnnt.Dataset(inputs, [[0], [1], [0]]), qnnt.Activation([2], [0, 1])
    instance = qnnt.Instance(qnnt.Domain(3), architecture, data, activation=(near, "relu"))
    assert not any(layer.any() for layer in silent_neurons(instance))
