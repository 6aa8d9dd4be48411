from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.activation import Activation
from qnnt.architecture import Architecture
from qnnt.exceptions import InputError
from qnnt.files.networks import network_document
from qnnt.generate.teacher import teacher_instance
from qnnt.goals import AtMost, Minimize
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.rowcodes import distinct_rows


def teacher_of(instance: Instance) -> Network:
    """The planted network, over the instance's own architecture."""
    document = instance.meta["teacher"]
    weights = [weight for _, _, weight in document["weights"]]
    network = Network(instance.architecture, instance.domain, weights, list(document["biases"].values()))
    assert network_document(network) == document
    return network


@given(
    st.integers(2, 6),
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    st.integers(1, 60),
    st.floats(0, 1),
    st.integers(0, 5),
)
def test_the_teacher_meets_the_goal(d: int, layers: list[int], points: int, noise: float, seed: int) -> None:
    instance = teacher_instance(d, layers, points, noise, seed)
    data = instance.dataset
    assert instance.dataset.total == points
    assert instance.meta["changed"] == instance.meta["teacher_errors"] == round(noise * points)
    assert instance.goal == AtMost(round(noise * points))
    assert teacher_of(instance).error(data) == round(noise * points)
    assert data.labels.min() >= 0
    inputs, of_row = distinct_rows(data.inputs)
    assert len(inputs) == min(points, d ** layers[0])
    assert np.ptp(np.bincount(of_row)) <= 1


def test_repeats_from_its_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        teacher_instance(3, [4, 2, 1], 20, 0.2, seed).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()
    assert Instance.load(tmp_path / "a").meta == teacher_instance(3, [4, 2, 1], 20, 0.2, 7).meta


@pytest.mark.parametrize("seed", range(5))
def test_outputs_vary(seed: int) -> None:
    labels = teacher_instance(3, [6, 4, 4, 1], 50, seed=seed).dataset.labels
    assert 0.2 < labels.mean() < 0.8


def test_many_inputs_stay_distinct_and_in_the_domain() -> None:
    inputs = teacher_instance(5, [100, 2, 1], 500).dataset.inputs
    assert len(distinct_rows(inputs)[0]) == 500
    assert set(np.unique(inputs)) == {-2, -1, 0, 1, 2}


def test_student_and_goal_as_asked() -> None:
    instance = teacher_instance(3, [4, 3, 1], 10, student_layers=[4, 2, 2, 1], goal=Minimize())
    assert [len(layer) for layer in instance.architecture.layers] == [4, 2, 2, 1]
    assert instance.goal == Minimize()
    assert instance.meta["layers"] == [4, 3, 1]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"d": 1}, "d: must be at least 2 (the only output in Z_1 is 0) and below 2^27, not 1"),
        ({"layers": [3]}, "layers: layer sizes must be two or more positive numbers, not [3]"),
        ({"points": 0}, "points: must be at least 1, not 0"),
        ({"noise": 1.5}, "noise: must be a share between 0 and 1, not 1.5"),
        ({"noise": float("nan")}, "noise: must be a share between 0 and 1, not nan"),
        ({"seed": -1}, "seed: must be at least 0, not -1"),
        ({"student_layers": [3, 1]}, "student_layers: must have as many inputs and outputs as the teacher"),
        ({"student_layers": []}, "layers: layer sizes must be two or more positive numbers, not []"),
    ],
)
def test_arguments_that_make_no_sense(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as error:
        teacher_instance(**({"d": 3, "layers": [2, 1], "points": 4} | changes))
    assert str(error.value) == expected


@pytest.mark.parametrize("activation", ["sign", "step", ("sign", "relu")])
def test_a_teacher_of_any_activation_meets_its_goal(activation):
    instance = teacher_instance(3, [4, 3, 2], 30, noise=0.2, seed=3, activation=activation)
    document = instance.meta["teacher"]
    weights = [w for _, _, w in document["weights"]]
    network = instance.network(np.array([*weights, *document["biases"].values()]))
    assert document["activation"] == instance.activation.document
    assert network.error(instance.dataset) == instance.meta["changed"] == 6
    assert instance.choices.unavoidable == 0


def test_an_output_that_shows_one_value_cannot_be_changed():
    constant = Activation((), (1,))
    assert (teacher_instance(3, [2, 1], 5, activation=("relu", constant)).dataset.labels == 1).all()
    with pytest.raises(InputError, match="noise: no output can be changed: it is always 1"):
        teacher_instance(3, [2, 1], 5, noise=0.5, activation=("relu", constant))


def test_a_teacher_may_have_any_architecture() -> None:
    sparse = Architecture([["a", "b"], ["h", "i"], ["y"]], [("a", "h"), ("b", "i"), ("h", "y"), ("i", "y")])
    instance = teacher_instance(3, sparse, 9, seed=1)
    assert instance.architecture == sparse
    assert instance.meta["layers"] == [2, 2, 1]
    assert (teacher_of(instance).predict(instance.dataset.inputs) == instance.dataset.labels).all()
    assert teacher_instance(
        3, sparse, 9, seed=1, student_layers=[2, 3, 1]
    ).architecture == Architecture.dense([2, 3, 1])
