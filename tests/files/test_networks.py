import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import architectures, domains, networks

from qnnt.architecture import Architecture
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.files.networks import network_document
from qnnt.network import Network

DOCUMENT = {
    "format": "qnnt-network",
    "version": 1,
    "d": 3,
    "layers": [["x0", "x1"], ["h 0"], ["y0"]],
    "weights": [["h 0", "y0", 1], ["x1", "h 0", -1], ["x0", "h 0", 0]],
    "biases": {"y0": 1, "h 0": 0},
}


@st.composite
def any_networks(draw: st.DrawFn) -> Network:
    return draw(networks(draw(domains()), draw(architectures(names=st.text()))))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@pytest.mark.parametrize("name", ["net.json", "net.json.gz"])
@given(network=any_networks())
def test_round_trip_and_equal_bytes(folder: Path, name: str, network: Network) -> None:
    path, again = folder / name, folder / f"again-{name}"
    network.save(path)
    loaded = Network.load(path)
    assert loaded == network
    loaded.save(again)
    assert path.read_bytes() == again.read_bytes()


def test_reads_weights_and_biases_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    network = Network.load(path)
    assert network.architecture.arcs == (("x0", "h 0"), ("x1", "h 0"), ("h 0", "y0"))
    assert network.weights.tolist() == [0, -1, 1]
    assert network.biases.tolist() == [0, 1]


def test_the_encoding_of_a_table_is_kept_since_version_3(tmp_path: Path) -> None:
    path, encoding = tmp_path / "net.json", {"columns": [{"column": "a"}], "targets": []}
    Network(Architecture.dense([2, 1]), Domain(3), [1, -1], [0], encoding=encoding).save(path)
    assert Network.load(path).encoding == encoding
    text = path.read_text(encoding="utf-8").replace('"version": 3', '"version": 2')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="encoding: is not a known key"):
        Network.load(path)


def test_document_and_its_text(tmp_path: Path) -> None:
    network = Network(Architecture.dense([2, 1]), Domain(3), [1, -1], [0])
    expected = {
        "format": "qnnt-network",
        "version": 3,
        "d": 3,
        "activation": "relu",
        "layers": [["x0", "x1"], ["y0"]],
        "weights": [["x0", "y0", 1], ["x1", "y0", -1]],
        "biases": {"y0": 0},
    }
    assert network_document(network) == expected
    path = tmp_path / "net.json"
    network.save(path)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == expected
    assert '  ["x0", "y0", 1],\n  ["x1", "y0", -1]\n' in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format": "qnnt-instance"}, 'format: must be "qnnt-network", not "qnnt-instance"'),
        ({"d": 0}, "d: must be at least 1, not 0"),
        ({"weights": {}}, "weights: must be a list, not {}"),
        ({"weights": [["x0", "h 0"]]}, "weights[0]: has 2 items, not 3"),
        ({"weights": [["x0", "h 0", 1, 1]]}, "weights[0]: has 4 items, not 3"),
        ({"weights": [["x0", "h 0", 0.5]]}, "weights[0][2]: must be an integer, not 0.5"),
        ({"weights": [["x0", "h 0", True]]}, "weights[0][2]: must be an integer, not true"),
        ({"weights": [["x0", "zz", 1]]}, "weights[0]: unknown neuron 'zz'"),
        (
            {"weights": [["x0", "y0", 1]]},
            "weights[0]: arc 'x0' → 'y0' goes from layer 0 to layer 2; arcs go from",
        ),
        (
            {"weights": [*DOCUMENT["weights"], ["x0", "h 0", 1]]},
            "weights[3]: arc 'x0' → 'h 0' is given twice",
        ),
        (
            {"weights": DOCUMENT["weights"][:2]},
            "layers[0][0]: neuron 'x0' has no out-arc; sinks belong in the",
        ),
        (
            {"weights": [["h 0", "y0", 7], *DOCUMENT["weights"][1:]]},
            "weights[0][2]: value 7 is not in Z_3 = {-1..",
        ),
        ({"biases": []}, "biases: must be an object, not []"),
        ({"biases": {"y0": 1}}, "biases: neuron 'h 0' has none"),
        ({"biases": {"y0": 1, "h 0": 0, "x1": 0}}, "biases.x1: 'x1' is an input, which has no bias"),
        ({"biases": {"y0": 1, "h 0": 0, "zz": 0}}, "biases.zz: 'zz' is not a neuron"),
        ({"biases": {"y0": 1, "h 0": 2}}, "biases['h 0']: value 2 is not in Z_3 = {-1..1}"),
        ({"biases": {"y0": 1, "h 0": None}}, "biases['h 0']: must be an integer, not null"),
        ({"meta": {}}, "meta: is not a known key"),
    ],
)
def test_names_the_place(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(DOCUMENT | changes), encoding="utf-8")
    with pytest.raises(InputError) as error:
        Network.load(path)
    assert str(error.value).startswith(f"{path}: {expected}")


def test_a_bias_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(DOCUMENT).replace('"y0": 1', '"y0": 1, "y0": 0'), encoding="utf-8")
    with pytest.raises(InputError) as error:
        Network.load(path)
    assert str(error.value) == f"{path}: biases.y0: is given twice"
