from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from qnnt.cli.program import run
from qnnt.rounding import Scheme, round_graph

TINY = ("--train", "200", "--epochs", "1", "--calibration", "30", "--bits", "2", "--steps", "20")


@pytest.fixture
def comparison(script):
    return script("rounding_peers")


@dataclass(frozen=True)
class Floor:
    """A library that is there, and rounds down."""

    package = module = "numpy"

    def codes(self, rows):
        return np.maximum(np.floor(rows.target), -2).astype(np.int64)


@dataclass(frozen=True)
class Absent(Floor):
    package = module = "no_such_library"


@dataclass(frozen=True)
class Wrong(Floor):
    def codes(self, rows):
        return super().codes(rows) - 5


def test_a_wrong_name_is_refused_before_anything_is_trained(comparison, capfd, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "_cnn", None)
    options = (*TINY, "--rounders", "gptq,nosuch", "--peers", "")
    assert run(comparison.app, "rounding_peers", [str(tmp_path / "out"), *options]) == 2
    assert "no rounding backend 'nosuch'" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def table(capfd):
    lines = [line.strip("| ").split(" | ") for line in capfd.readouterr().out.splitlines()[2:]]
    return {words[2]: words[3:] for words in lines}


def test_one_table_of_ours_and_theirs(comparison, capfd, tmp_path, monkeypatch):
    theirs = {"floor": Floor(), "absent": Absent(), "wrong": Wrong()}
    monkeypatch.setattr(comparison, "peers", lambda steps: theirs)
    options = (*TINY, "--rounders", "nearest,gptq", "--peers", ",".join(theirs))
    assert run(comparison.app, "rounding_peers", [str(tmp_path), *options]) == 0
    assert (tmp_path / "table.md").read_text().startswith("| network | bits | rounder | accuracy |")
    lines = table(capfd)
    assert list(lines) == ["real", "gptq", "nearest", "floor", "absent", "wrong"]
    ratio = {name: float(lines[name][2].split()[0]) for name in ("gptq", "nearest", "floor")}
    assert ratio["gptq"] == 1 < ratio["nearest"] < ratio["floor"]
    assert lines["absent"][0] == "not installed: `pip install no_such_library`"
    assert lines["wrong"][0] == "failed: ValueError: gave integers out of the range"


def test_a_model_by_its_path(comparison, capfd, tmp_path):
    """The first layer costs what ``round_graph`` says, which has the same inputs there."""
    model = comparison.trained(comparison.digits(), 200, 1, 0)
    images = comparison.digits().train[:20].reshape(20, 1, 8, 8)
    comparison.Graph(model).save(tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", images)
    words = [str(tmp_path), "--model", str(tmp_path / "m.onnx"), "--rounders", "nearest", "--bits", "3"]
    words += ["--baseline", "nearest", "--peers", ""]
    assert run(comparison.app, "rounding_peers", words) == 2
    assert "--calibrate: is needed with --model" in capfd.readouterr().err
    assert run(comparison.app, "rounding_peers", [*words, "--calibrate", str(tmp_path / "x.npy")]) == 0
    assert table(capfd)["nearest"][2] == "1.000 (1.00 to 1.00)"
    graph = comparison.Graph(model)
    feeds = comparison.Feeds.of(images, graph.inputs)
    first, *_ = comparison.find_layers(graph)[0]
    rows = comparison.problems(
        first, comparison.captured(graph, [first], feeds)[first.output], Scheme(3, per="row")
    )
    found, _ = comparison.rounded({first.output: rows}, lambda part: part.problem.nearest())
    expected = round_graph(model, feeds, bits=3, backend="nearest").layers[0].rows.cost.sum()
    assert comparison.layer_costs({first.output: rows}, found) == pytest.approx([expected])


@pytest.mark.parametrize(
    "name", ["onnxsim:gptq", "onnxsim:adaround", "brevitas:gptq", "brevitas:gpfq", "aimet:adaround"]
)
def test_each_library_is_better_than_rounding_to_nearest(comparison, name):
    peer = comparison.peers(100)[name]
    if not comparison.availability(peer).available:
        pytest.skip(f"{peer.package} is not installed")
    rng = np.random.default_rng(0)
    images = np.maximum(rng.normal(size=(40, 9, 6)) @ rng.normal(size=(6, 12)), 0).astype(np.float32)
    vectors, W, scheme = images.reshape(-1, 12).astype(float), rng.normal(size=(5, 12)), Scheme(4, per="row")
    scale = np.broadcast_to(scheme.weight_scale(W), 5)
    rows = comparison.Rows(W, scale, scheme, vectors.T @ vectors, len(vectors), images)
    costs = rows.problem.costs(comparison.searched(peer)(rows))
    assert costs.sum() < rows.problem.costs(rows.problem.nearest()).sum()
