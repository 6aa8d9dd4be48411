import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import architectures, datasets, domains, networks

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.network import Network


@st.composite
def networks_with_data(draw: st.DrawFn) -> tuple[Network, Dataset]:
    domain, architecture = draw(domains(9)), draw(architectures())
    data = datasets(domain, architecture.alpha, architecture.omega)
    return draw(networks(domain, architecture)), draw(data)


def by_definition(network: Network, x: list[int]) -> list[int]:
    layers = network.architecture.layers
    weight = dict(zip(network.architecture.arcs, network.weights.tolist(), strict=True))
    hidden = [name for layer in layers[1:] for name in layer]
    bias = dict(zip(hidden, network.biases.tolist(), strict=True))
    value = dict(zip(layers[0], x, strict=True))
    for name in hidden:
        total = (
            sum(w * value[source] for (source, target), w in weight.items() if target == name) - bias[name]
        )
        value[name] = min(max(total, 0), network.domain.d // 2)
    return [value[name] for name in layers[-1]]


@given(networks_with_data())
def test_predict_and_error_follow_the_definition(case: tuple[Network, Dataset]) -> None:
    network, data = case
    expected = [by_definition(network, x) for x in data.inputs.tolist()]
    assert network.predict(data.inputs).tolist() == expected
    wrong = [y != label for y, label in zip(expected, data.labels.tolist(), strict=True)]
    assert network.error(data) == sum(n for n, w in zip(data.counts.tolist(), wrong, strict=True) if w)
    values = network.activations(data.inputs)
    assert [v.shape for v in values] == [(len(data), len(layer)) for layer in network.architecture.layers]


def test_prediction_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    architecture, domain = Architecture.dense([3, 2, 2]), Domain(5)
    network = Network.from_vector(architecture, domain, rng.integers(-2, 3, architecture.n_parameters))
    inputs = rng.integers(-2, 3, (50, 3))
    whole = network.predict(inputs)
    monkeypatch.setattr("qnnt.network._BLOCK", 20)
    assert np.array_equal(network.predict(inputs), whole)


@given(networks_with_data())
def test_vector_round_trip(case: tuple[Network, Dataset]) -> None:
    network, _ = case
    again = Network.from_vector(network.architecture, network.domain, network.vector)
    assert again == network


def test_equality() -> None:
    architecture = Architecture.dense([1, 1])
    network = Network(architecture, Domain(3), [1], [0])
    assert network != Network(architecture, Domain(3), [1], [1])
    assert network != Network(architecture, Domain(5), [1], [0])
    assert (network == 1) is False


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([1], [0], "weights: (1,) does not fit the architecture's (2,)"),
        ([1, 2], [0], "weights[1]: value 2 is not in Z_3 = {-1..1}"),
        ([1, 1], [-2], "biases[0]: value -2 is not in Z_3 = {-1..1}"),
        ([0.9, 1.0], [0], "weights: must be integers, not float64"),
    ],
)
def test_rejects_parameters(weights: list[int], biases: list[int], message: str) -> None:
    with pytest.raises(InputError) as error:
        Network(Architecture.dense([2, 1]), Domain(3), weights, biases)
    assert str(error.value) == message


def test_rejects_inputs_of_another_width() -> None:
    network = Network(Architecture.dense([2, 1]), Domain(3), [0, 0], [0])
    with pytest.raises(InputError, match=r"inputs: shape \(1, 3\) is not \(n, 2\)"):
        network.predict([[0, 0, 0]])


@pytest.mark.parametrize("value", [1.0, np.float32(1), np.uint8(1), True])
def test_whole_numbers_of_any_type_are_inputs(value):
    network = Network(Architecture.dense([2, 1]), Domain(3), [1, -1], [0])
    assert network.predict([[value, 0]]).tolist() == network.predict([[1, 0]]).tolist() == [[1]]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([[0, 0], [0.5, 0]], r"inputs\[1\]\[0\]: must be an integer, not 0.5"),
        ([[float("nan"), 0]], r"inputs\[0\]\[0\]: must be an integer, not nan"),
        ([[float("inf"), 0]], r"inputs\[0\]\[0\]: must be an integer, not inf"),
        ([[0, 5]], r"inputs\[0\]\[1\]: value 5 is not in Z_3 = \{-1..1\}"),
        ([[0, -2.0]], r"inputs\[0\]\[1\]: value -2 is not in Z_3"),
        ([[0, 2**63]], r"inputs\[0\]\[1\]: must be an integer|value 9223372036854775808 is not in"),
        ([["0", "1"]], "inputs: must be integers, not <U1 such as '0'"),
        ([[0, None]], "inputs: must be integers, not object such as '0'"),
        ([[0, 1], [1]], "inputs: must be rows of the same length"),
    ],
)
def test_what_is_no_integer_of_the_domain_is_no_input(inputs, expected):
    network = Network(Architecture.dense([2, 1]), Domain(3), [1, -1], [0])
    for evaluate in (network.predict, network.activations, network.outputs):
        with pytest.raises(InputError, match=expected):
            evaluate(inputs)


def test_sums_that_are_too_large_to_be_exact() -> None:
    with pytest.raises(InputError, match=r"d: sums of 1 products over .* exceed exact arithmetic"):
        Network(Architecture.dense([1, 1]), Domain(2**40), [2**39], [0])
