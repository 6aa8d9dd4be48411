"""Activations as step functions, against the definition."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt import Activation, Architecture, Dataset, Domain, InputError, Instance, Network, UnknownWord, check
from qnnt.activation import Activations, parse_activation, relu, sign, step

rising = st.sets(st.integers(-12, 12), max_size=5).map(sorted)


@given(rising, st.data())
def test_levels_and_values_are_those_of_the_definition(thresholds, data):
    k = len(thresholds) + 1
    values = sorted(data.draw(st.sets(st.integers(-9, 9), min_size=k, max_size=k)))
    activation = Activation(thresholds, values)
    z = np.arange(-15, 16).reshape(1, -1)
    expected = [sum(t <= x for t in thresholds) for x in range(-15, 16)]
    assert activation.levels(z).tolist() == [expected]
    assert activation(z).tolist() == [[values[j] for j in expected]]
    assert activation.levels_of(np.arange(-9, 10)).tolist() == [
        values.index(v) if v in values else -1 for v in range(-9, 10)
    ]
    assert (activation.top, activation.lowest, activation.highest) == (k - 1, values[0], values[-1])
    assert np.cumsum([values[0], *activation.steps]).tolist() == values
    assert pickle.loads(pickle.dumps(activation)) == activation


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 10])
def test_relu_is_the_paper_s(d):
    hi = Domain(d).hi
    assert relu(Domain(d))(np.arange(-20, 21)).tolist() == [min(max(z, 0), hi) for z in range(-20, 21)]


def test_the_named_ones():
    assert sign(Domain(3))(np.array([-5, -1, 0, 7])).tolist() == [-1, -1, 1, 1]
    assert step(Domain(3))(np.array([-5, 0, 1, 7])).tolist() == [0, 0, 1, 1]
    assert step(Domain(2)) == relu(Domain(2))
    assert step(Domain(4)) != relu(Domain(4))


def test_a_large_domain_takes_no_memory():
    activation = relu(Domain(10**15))
    assert activation(np.array([-1, 3, 10**15])).tolist() == [0, 3, 5 * 10**14]


def test_thresholds_beyond_64_bits_are_refused():
    """Taken as they are, they would wrap: −5 would be above 2^63."""
    for far in (2**53 + 1, 2**60, 2**63, 10**30, -(10**30)):
        with pytest.raises(InputError, match=r"activation\.thresholds: must lie within"):
            Activation([far], (0, 1))
    far = Activation([-(2**53), 2**53], (-1, 0, 1))
    assert far(np.array([-(2**53) - 1, 0, 2**53])).tolist() == [-1, 0, 1]


def test_the_name_is_that_of_the_function(tmp_path):
    """A name is kept where it tells the function, so that a file says what the instance is."""
    data, architecture = Dataset([[0]], [[0]]), Architecture.dense([1, 1])

    def written(said):
        instance = Instance(Domain(7), architecture, data, activation=said)
        instance.save(tmp_path / "i.json")
        assert Instance.load(tmp_path / "i.json").activation == instance.activation
        return instance.activation.document

    assert written(relu(Domain(4))) == {"thresholds": [1, 2], "values": [0, 1, 2]}
    assert written(replace(relu(Domain(7)), name="mine")) == "relu"
    assert written(Activation([0], [-1, 1])) == "sign"
    assert written(Activation([5], [-1, 1], name="sign")) == {"thresholds": [5], "values": [-1, 1]}
    assert written((relu(Domain(7)), replace(relu(Domain(7)), name=""))) == "relu"


def test_many_steps_are_told_by_the_ends():
    assert relu(Domain(100)).meaning == "0 below 1, 1 from 1 on, 2 from 2 on, …, 50 from 50 on"


def test_what_is_no_activation():
    with pytest.raises(InputError, match="must be a name or an Activation, not None"):
        Activations.of(("sign", None), Domain(3))


def test_parsing():
    domain = Domain(3)
    assert Activations.of(parse_activation("sign"), domain) == Activations(sign(domain), sign(domain))
    assert Activations.of(parse_activation("sign, step"), domain) == Activations(sign(domain), step(domain))
    with pytest.raises(UnknownWord, match="no activation 'tanh'; there are: relu, sign, step"):
        Activations.of(parse_activation("sign,tanh"), domain)
    with pytest.raises(InputError, match="sign has the value -1, which is not in Z_2"):
        Activations.of(parse_activation("sign"), Domain(2))


def test_in_words():
    assert str(Activations.of("sign", Domain(3))) == "sign"
    assert str(Activations.of(("sign", "step"), Domain(3))) == "sign, outputs step"
    assert sign(Domain(3)).meaning == "-1 below 0, 1 from 0 on"
    assert str(Activation((0, 5), (0, 1, 4))) == "[0 below 0, 1 from 0 on, 4 from 5 on]"
    assert str(Activation((), (1,))) == "[always 1]"


def test_replay_and_network_agree_on_mixed_activations():
    rng = np.random.default_rng(5)
    architecture, domain = Architecture.dense([3, 4, 2, 2]), Domain(5)
    data = Dataset(rng.integers(-2, 3, (50, 3)), rng.integers(-2, 3, (50, 2)))
    for hidden, output in (("sign", "relu"), ("step", "sign"), (Activation((-4, 1), (-1, 0, 2)), "relu")):
        instance = Instance(domain, architecture, data, activation=(hidden, output))
        network = instance.network(rng.integers(-2, 3, architecture.n_parameters))
        replayed = check(instance, network)
        assert (replayed.outputs == network.predict(data.inputs)).all()
        assert replayed.errors == network.error(data)
        other = Network.from_vector(architecture, domain, network.vector)
        with pytest.raises(InputError, match="has the activation relu"):
            check(instance, other)


def test_labels_that_no_output_shows_are_unavoidable_errors():
    data = Dataset([[0], [0], [1]], [[0], [-1], [1]], [5, 1, 1])
    instance = Instance(Domain(3), Architecture.dense([1, 1]), data, activation="sign")
    assert instance.choices.unavoidable == 5
    assert instance.choices.labels.tolist() == [[-1], [1]]
    assert instance.choices.levels.tolist() == [[0], [1]]
