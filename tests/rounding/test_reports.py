"""Reports of what has no finite score."""

from __future__ import annotations

import json

import numpy as np
import onnx
from onnx_models import build, node

from qnnt.cli.output import finite


def test_numbers_that_json_has_not_are_none():
    document = {"a": [np.float64("inf"), (1.5, float("nan"))], "b": {"c": -np.inf, "d": "inf", "e": True}}
    assert finite(document) == {"a": [None, [1.5, None]], "b": {"c": None, "d": "inf", "e": True}}


def test_an_infinite_score_is_missing_in_the_report_and_the_rest_is_there(qnnt, tmp_path):
    """Every output is the logarithm of 0."""
    nodes = [node("MatMul", "x w", "h"), node("Relu", "h", "r"), node("Log", "r", "y")]
    weights = -np.ones((4, 3), np.float32)
    onnx.save(build(nodes, {"w": weights}, {"x": ["N", 4]}, {"y": ["N", 3]}), tmp_path / "m.onnx")
    X = np.random.default_rng(0).random((12, 4)).astype(np.float32)
    for name, values in (("x", X), ("t", X + 1), ("y", X[:, :3])):
        np.save(tmp_path / f"{name}.npy", values)
    options = ("--calibration", tmp_path / "x.npy", "--eval", tmp_path / "t.npy", tmp_path / "y.npy")
    options += ("--backend", "nearest", "--report", tmp_path / "r.json")
    run = qnnt("round", tmp_path / "m.onnx", *options)
    assert (run.status, run.err) == (0, "")
    assert "mean squared error  inf before, inf after, on 12 inputs" in run.out
    about = json.loads((tmp_path / "r.json").read_text())
    assert about["evaluation"] == {
        "inputs": 12,
        "measure": "mean squared error",
        "before": None,
        "after": None,
    }
    assert about["layers"][0]["rows"] == 3
    assert (
        json.loads(qnnt("round", tmp_path / "m.onnx", *options, "--json").out)["evaluation"]["after"] is None
    )
