"""Activations in instance and network files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qnnt import Activation, Architecture, Dataset, Domain, InputError, Instance, Network

LATE = Activation((4,), (0, 2))


def instance(d, activation):
    return Instance(Domain(d), Architecture.dense([2, 1, 1]), Dataset([[0, 1]], [[1]]), activation=activation)


@pytest.mark.parametrize(
    ("d", "activation", "said"),
    [
        (3, "relu", "relu"),
        (3, "sign", "sign"),
        (2, "step", "step"),
        (3, ("sign", "step"), {"hidden": "sign", "output": "step"}),
        (5, Activation((-3, 0), (-2, 0, 2)), {"thresholds": [-3, 0], "values": [-2, 0, 2]}),
        (
            5,
            ("relu", LATE),
            {"hidden": "relu", "output": {"thresholds": [4], "values": [0, 2]}},
        ),
    ],
)
def test_files_name_the_activation(tmp_path, d, activation, said):
    one = instance(d, activation)
    one.save(tmp_path / "i.json")
    assert json.loads((tmp_path / "i.json").read_text())["activation"] == said
    again = Instance.load(tmp_path / "i.json")
    assert (again.activation, str(again.activation)) == (one.activation, str(one.activation))
    network = one.network(np.zeros(5, dtype=int))
    network.save(tmp_path / "n.json")
    assert Network.load(tmp_path / "n.json") == network


@pytest.mark.parametrize("kind", ["i", "n"])
def test_version_1_means_relu(tmp_path, kind):
    one = instance(3, "relu")
    one.save(tmp_path / "i.json")
    one.network(np.zeros(5, dtype=int)).save(tmp_path / "n.json")
    path = tmp_path / f"{kind}.json"
    document = json.loads(path.read_text())
    del document["activation"]
    document["version"] = 1
    path.write_text(json.dumps(document))
    assert (Instance if kind == "i" else Network).load(path).activation == one.activation
    path.write_text(json.dumps({**document, "activation": "sign"}))
    with pytest.raises(InputError, match="activation: is not a known key"):
        Instance.load(path) if kind == "i" else Network.load(path)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("tanh", "no activation 'tanh'; there are: relu, sign, step"),
        (3, "activation: must be a name"),
        ({"hidden": "relu"}, "activation: must be a name"),
        ({"hidden": "relu", "output": []}, "activation.output: must be a name"),
        ({"thresholds": 0, "values": []}, "activation.thresholds: must be a list"),
        ({"thresholds": [0], "values": [1]}, "activation.values: must be one more than thresholds"),
        ({"thresholds": [1, 1], "values": [0, 1, 2]}, "activation.thresholds: must rise"),
        ({"thresholds": [0.5], "values": [0, 1]}, "activation.thresholds: must be integers"),
        (
            {"hidden": {"thresholds": [1], "values": [1, 0]}, "output": "relu"},
            "activation.hidden.values: must rise",
        ),
        ({"thresholds": [0], "values": [0, 2]}, "has the value 2, which is not in Z_3"),
    ],
)
def test_mistakes_name_the_place(tmp_path, said, expected):
    path = tmp_path / "i.json"
    instance(3, "relu").save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "activation": said}))
    with pytest.raises(InputError) as caught:
        Instance.load(path)
    assert expected in str(caught.value)
