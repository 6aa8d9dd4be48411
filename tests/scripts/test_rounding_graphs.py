from __future__ import annotations

import numpy as np
import onnx
import pytest

from qnnt.availability import Availability
from qnnt.cli.program import run
from qnnt.exceptions import WrongAnswer
from qnnt.rounding import round_graph


@pytest.fixture
def graphs(script):
    return script("rounding_graphs")


def test_a_table_of_rounders_on_digits(graphs, capfd, tmp_path):
    options = ("--bits", "4,2", "--backends", "nearest,adaround,gptq", "--train", "300", "--epochs", "1")
    assert run(graphs.app, "rounding_graphs", [str(tmp_path), *options, "--calibration", "60"]) == 0
    table = (tmp_path / "table.md").read_text()
    assert capfd.readouterr().out.strip() == table.strip()
    lines = [line.split(" | ") for line in table.splitlines() if line.startswith(("| 4 ", "| 2 "))]
    with_adaround = graphs.AdaRound().availability().available
    assert len(lines) == (10 if with_adaround else 8)
    for line in lines:
        assert 0 < float(line[3]) <= 1
        assert (line[2] == "nearest") == (float(line[5]) == 1)
    network = onnx.load(tmp_path / "real.onnx")
    kinds = [node.op_type for node in network.graph.node]
    assert (kinds.count("Conv"), kinds.count("BatchNormalization")) == (4, 4)
    groups = [a.i for node in network.graph.node for a in node.attribute if a.name == "group"]
    assert max(groups) > 1


def test_a_rounder_that_is_left_out_is_told(graphs, capfd, tmp_path, monkeypatch):
    absent = Availability(False, reason="not installed")
    monkeypatch.setattr(graphs.AdaRound, "availability", lambda _: absent)
    options = ("--bits", "2", "--backends", "adaround,nearest", "--train", "50", "--epochs", "1")
    assert run(graphs.app, "rounding_graphs", [str(tmp_path), *options, "--calibration", "20"]) == 0
    assert "adaround at 2 bits is left out: not installed" in capfd.readouterr().err


def test_a_change_beside_the_layers_is_found(graphs, tmp_path):
    network = graphs.SmallCnn(0, 8)
    images = np.random.default_rng(0).random((9, 1, 8, 8)).astype(np.float32)
    model = network.onnx(opset=25)
    feeds = graphs.Feeds.of(images, graphs.Graph(model).inputs)
    rounded = round_graph(model, feeds, backend="nearest")
    graphs.check(model, rounded, tmp_path / "m.onnx", feeds)
    next(node for node in rounded.model.graph.node if node.name == "n_flat").doc_string = "another"
    with pytest.raises(WrongAnswer, match="changed beside the layers: n_flat"):
        graphs.check(model, rounded, tmp_path / "m.onnx", feeds)


def test_the_training_learns(graphs):
    digits = graphs.digits()
    network = graphs.SmallCnn(0, 8)
    network.train(digits.train[:600], digits.train_classes[:600], epochs=2, seed=0)
    model = graphs.Graph(network.onnx(opset=25))
    found = graphs.scores(model, graphs.Feeds.of(digits.test, model.inputs))
    assert (found.argmax(axis=1) == digits.test_classes).mean() > 0.4
