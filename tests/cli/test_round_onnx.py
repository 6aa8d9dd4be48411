"""``qnnt round`` of ONNX models: files in and out, the report, and mistakes."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx_models import attention, convolutional, sentences

from qnnt.onnx_graphs.graph import Graph
from qnnt.verify.onnx_graph import changes


@pytest.fixture
def files(tmp_path):
    """A convolutional model with data, and one with two inputs."""
    rng = np.random.default_rng(0)
    onnx.save(convolutional(), tmp_path / "c.onnx")
    onnx.save(attention(), tmp_path / "a.onnx")
    np.save(tmp_path / "x.npy", rng.random((40, 3, 8, 8)))
    np.save(tmp_path / "flat.npy", rng.random((5, 7)))
    np.savez(tmp_path / "s.npz", **sentences(rng, 12, 4))
    test = rng.random((50, 3, 8, 8)).astype(np.float32)
    np.save(tmp_path / "t.npy", test)
    outputs = next(Graph(convolutional()).run(["y"], [{"x": test}]))[0]
    sigmoids = next(Graph(attention()).run(["p"], [dict(np.load(tmp_path / "s.npz"))]))[0]
    np.save(tmp_path / "p.npy", sigmoids)
    np.save(tmp_path / "y.npy", outputs.argmax(axis=1))
    np.save(tmp_path / "v.npy", outputs)
    return tmp_path


def test_the_same_graph_comes_out_and_the_report_says_what_it_is_worth(qnnt, files):
    out, report = files / "o.onnx", files / "r.json"
    options = ("--calibration", files / "x.npy", "--bits", 4, "--eval", files / "t.npy", files / "y.npy")
    run = qnnt("round", files / "c.onnx", *options, "--backend", "beam", "-o", out, "--report", report)
    assert (run.status, run.err) == (0, "")
    assert "weights int4, symmetric, one scale per row; activations float" in run.out
    assert "0 of 224 weights differ" in run.out
    assert "Conv in 2 groups" in run.out
    about = json.loads(report.read_text())
    assert about["evaluation"]["before"] == 1.0
    assert about["evaluation"]["measure"] == "accuracy"
    assert about["bytes_after"] == out.stat().st_size
    assert [layer["name"] for layer in about["layers"]] == ["n_c0", "n_c1", "n_c2", "n_y", "n_z"]
    for layer in about["layers"]:
        assert layer["lower_bound"] <= layer["cost"] <= layer["nearest_cost"]
        assert (layer["stored"], len(layer["row_details"])) == ("INT4", layer["rows"])
    left = {"n_c0", "n_c1", "n_c2", "n_y", "n_z", "w0", "w1", "w2", "w3", "w4"}
    assert set(changes(onnx.load(files / "c.onnx"), onnx.load(out))) == left


def test_two_inputs_integers_and_chosen_layers(qnnt, files):
    out = files / "o.onnx"
    options = ("--calibration", files / "s.npz", "--activations", "int8", "--bits", 8, "--backend", "gptq")
    chosen = ("--include", "n_?", "--exclude", "n_o", "--calibration-size", 10, "-o", out)
    run = qnnt("round", files / "a.onnx", *options, *chosen, "--json")
    assert (run.status, run.err) == (0, "")
    about = json.loads(run.out)
    assert about["excluded"] == ["n_o"]
    assert about["calibration"]["size"] == 10
    replay = about["output"]["replay"]
    assert (replay["differing"], replay["differing_weights"]) == (0, 0)
    assert replay["integers"] == 10 * (3 * 4 * 8 * 2 + 8 + 3)
    assert all(layer["cost"] == pytest.approx(layer["gptq_cost"]) for layer in about["layers"])


def test_values_are_scored_by_their_distance(qnnt, files):
    options = ("--calibration", files / "x.npy", "--backend", "nearest", "--json")
    run = qnnt("round", files / "c.onnx", *options, "--eval", files / "t.npy", files / "v.npy")
    about = json.loads(run.out)["evaluation"]
    assert about["measure"] == "mean squared error"
    assert pytest.approx(about["before"], abs=1e-12) == 0
    assert about["after"] > 1e-9


def test_bits_for_each_layer_under_a_budget(qnnt, files):
    out = files / "o.onnx"
    options = ("--calibration", files / "x.npy", "--bits", "auto", "--opset", 25, "--backend", "gptq")
    run = qnnt("round", files / "c.onnx", *options, "--budget", "2kB", "-o", out)
    assert (run.status, run.err) == (0, "")
    assert out.stat().st_size <= 2000
    assert "of 2,000 bytes (the smallest file: 1," in run.out
    table = run.out.partition("\n  outputs move by")[2].splitlines()
    assert table[0].split() == ["int2", "int4", "int8"]
    assert [line.count("*") for line in table[1:6]] == [1] * 5
    run = qnnt("round", files / "c.onnx", *options, "--budget", "1.5MB", "--json")
    about = json.loads(run.out)
    assert about["allocation"]["budget"] == 1_500_000
    assert [layer["bits"] for layer in about["allocation"]["layers"]] == [8] * 5
    assert all(layer["moved"] < 1e-4 for layer in about["layers"])


def test_blocks_zero_points_and_what_onnxruntime_does_with_them(qnnt, files):
    out = files / "o.onnx"
    options = ("--calibration", files / "s.npz", "--eval", files / "s.npz", files / "p.npy")
    options += ("--block-size", 3, "--asymmetric", "--backend", "gptq", "-o", out)
    run = qnnt("round", files / "a.onnx", *options, "--allow-overlap")
    assert (run.status, run.err) == (0, "")
    assert "weights int4, asymmetric, one scale per block of 3" in run.out
    assert "0 of 280 weights differ" in run.out
    assert "outputs move  on test data" in run.out
    held = {node.op_type for node in onnx.load(out).graph.node if "block_size" in str(node.attribute)}
    assert held == {"DequantizeLinear"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["c.onnx", "x.npy", "--bits", "auto"], "budget: is missing: with auto bits"),
        (["c.onnx", "x.npy", "--budget", "1MB"], "budget: is for bits that are allocated: take auto"),
        (["c.onnx", "x.npy", "--bits", "auto", "--budget", "5e3"], "--budget: must be a size such as 1.5MB"),
        (
            ["c.onnx", "x.npy", "--bits", "auto", "--budget", "0kB"],
            "--budget: must be at least one byte",
        ),
        (
            ["c.onnx", "x.npy", "--bits", "auto", "--budget", "1kB"],
            "1,000 bytes are too few: the smallest",
        ),
        (["c.onnx", "x.npy", "--bits", "many"], "--bits: must be a number, auto or auto:2,4,8, not 'many'"),
        (["c.onnx", "x.npy", "--block-size", "16", "--bits", "8"], "block_size: is for weights of at most 4"),
        (["c.onnx", "x.npy", "-o", "o.npz"], "o.npz: must be named *.onnx: an ONNX model stays one"),
        (
            ["c.onnx", "flat.npy"],
            "flat.npy: calibration: array 'x' has shape (5, 7), the model's input (?, ",
        ),
        (["a.onnx", "x.npy"], "x.npy: calibration: is one array, but the model has inputs 'tokens', 'mask'"),
        (["c.onnx", "x.npy", "--include", "frob*"], "include: 'frob*' fits none of the layers n_c0, n_c1"),
        (["c.onnx", "x.npy", "--target", "network"], "--target: network is for dense networks"),
        (["c.onnx", "x.npy", "--activations", "frob"], "no activations 'frob'; there are: float, int8"),
        (["c.onnx", "x.npy", "--bits", "17"], "--bits: a weight has 1 to 16 bits"),
        (["c.onnx", "x.npy", "--eval", "t.npy", "x.npy"], "--eval: y: has 40 rows, the first output has 50"),
        (["c.onnx", "none.npy"], "none.npy: cannot be read"),
        (["none.onnx", "x.npy"], "none.onnx: cannot be read"),
        (["c.onnx", "x.npy", "-o", "c.onnx"], "is named twice"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(qnnt, files, arguments, words):
    model, data, *rest = (str(files / a) if "." in a and "*" not in a else a for a in arguments)
    before = {path: path.read_bytes() for path in files.iterdir()}
    run = qnnt("round", model, "--calibration", data, "--backend", "nearest", *rest)
    assert (run.status, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert words in run.err
    assert before == {path: path.read_bytes() for path in files.iterdir()}
