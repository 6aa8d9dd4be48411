"""``qnnt round``: files in and out, the report, mistakes, and the end by Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from qnnt.limits import Limits
from qnnt.rounding.model import DenseModel
from qnnt.rounding.network import RoundedNetwork
from qnnt.rounding.rows import RowRuns

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL = EXAMPLES / "digits.npz"
CALIBRATION, TEST, LABELS = (EXAMPLES / f"digits-{name}.npy" for name in ("calibration", "test", "labels"))
PLAIN = (MODEL, "--calibration", CALIBRATION, "--backend", "nearest")


def test_an_onnx_file_that_onnxruntime_runs(qnnt, tmp_path):
    out, report = tmp_path / "d.onnx", tmp_path / "r.json"
    run = qnnt("round", *PLAIN, "--bits", 4, "--eval", TEST, LABELS, "-o", out, "--report", report, "--json")
    assert (run.status, run.err) == (0, "")
    about = json.loads(run.out)
    assert json.loads(report.read_text()) == about
    assert about["model"]["sizes"] == [64, 24, 10]
    assert about["calibration"] == {"size": 200, "of": 200, "seed": 0, "left_out": 0}
    assert about["output"]["weights"] == ["INT4", "INT4"]
    replay = about["output"]["replay"]
    assert (replay["inputs"], replay["differing"], replay["differing_outputs"]) == (397, 0, 0)
    assert [len(layer["rows"]) for layer in about["layers"]] == [24, 10]

    X, y = np.load(TEST), np.load(LABELS)
    test = about["evaluation"]
    assert (test["measure"], test["inputs"]) == ("accuracy", 397)
    assert test["before"] == (DenseModel.load(MODEL).classify(X) == y).mean()
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"input": X.astype(np.float32)})[0]
    assert test["after"] == (outputs.argmax(axis=1) == y).mean()


def test_a_network_file_and_a_drawn_calibration(qnnt, tmp_path):
    out = tmp_path / "d.npz"
    run = qnnt("round", *PLAIN, "--bits", 3, "--calibration-size", 50, "--seed", 7, "--per", "row", "-o", out)
    assert run.status == 0
    assert "50 of 200 inputs, seed 7" in run.out
    assert "int3, symmetric, one scale per row" in run.out
    network = RoundedNetwork.load(out)
    assert network.sizes == (64, 24, 10)
    assert network.settings["calibration"]["seed"] == 7
    again = qnnt(
        "round", *PLAIN, "--bits", 3, "--calibration-share", 0.25, "--seed", 7, "--per", "row", "--json"
    )
    report = json.loads(again.out)
    assert report["layers"][0]["cost"] == network.report()["layers"][0]["cost"]


def test_a_time_limit_counts_from_the_start_and_leaves_no_row_out(qnnt, tmp_path):
    run = qnnt("round", *PLAIN[:3], "--time-limit", "1e-6", "--json", "-o", tmp_path / "d.onnx")
    assert (run.status, run.err) == (0, "")
    about = json.loads(run.out)
    assert (about["backend"], about["limits"]["time"]) == ("closest-vector", 1e-6)
    assert about["output"]["replay"]["differing"] == 0
    rows = [row for layer in about["layers"] for row in layer["rows"]]
    assert len(rows) == 34
    for row in rows:
        assert (row["proved"], row["reason"]) == (False, "the time limit was reached")
        assert 0 == row["lower_bound"] <= row["cost"] <= row["nearest_cost"]
    for layer in about["layers"]:
        assert layer["cost"] < 0.6 * layer["nearest_cost"]  # by nearest plane


def test_what_is_written_can_not_be_read_as_a_real_network(qnnt, tmp_path):
    assert qnnt("round", *PLAIN, "-o", tmp_path / "d.onnx").status == 0
    run = qnnt("round", tmp_path / "d.onnx", *PLAIN[1:])
    assert run.status == 2
    assert "graph: has no Gemm, MatMul or Conv with constant float weights to round" in run.err


def test_calibration_on_test_data_must_be_asked_for(qnnt):
    both = (MODEL, "--calibration", TEST, "--eval", TEST, LABELS, "--backend", "nearest")
    run = qnnt("round", *both)
    assert run.status == 2
    assert "every row is in the test data too" in run.err
    assert "397 of 397 inputs" in qnnt("round", *both, "--allow-overlap").out


def test_a_file_that_differs_is_a_failure(qnnt, tmp_path, monkeypatch):
    from qnnt.verify import onnx_file

    before = onnx_file.replay_onnx

    def lie(path, network, X):
        return onnx_file.OnnxReplay(**{**before(path, network, X).as_dict(), "differing": 3})

    monkeypatch.setattr(onnx_file, "replay_onnx", lie)
    run = qnnt("round", *PLAIN, "-o", tmp_path / "d.onnx")
    assert run.status == 1
    assert "3 of" in run.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{model}"], "--calibration"),
        (["{tmp}/no.npz", "--calibration", "{data}"], "no.npz: cannot be read"),
        (["{model}", "--calibration", "{tmp}/no.npy"], "no.npy: cannot be read"),
        (["{model}", "--calibration", "{model}"], "must be a .npy file, not a .npz file"),
        (["{model}", "--calibration", "{labels}"], "have 1 columns, but the model takes 64"),
        (["{data}", "--calibration", "{data}"], "must be a .npz file"),
        (["{model}", "--calibration", "{nan}"], "nan.npy: inputs: must be finite"),
        (["{plain}", "--bits", "0"], "--bits: a weight has 1 to 16 bits"),
        (["{plain}", "--scaling", "frob"], "no scaling 'frob'; there are: symmetric, max"),
        (["{plain}", "--per", "frob"], "no scale per 'frob'; there are: tensor, row"),
        (["{plain}", "--clip", "frob"], "no clip 'frob'; there are: fix, after"),
        (["{plain}", "--target", "frob"], "no target 'frob'; there are: layer, network"),
        (["{plain}", "--candidates", "1"], "candidates: 2 to 65536"),
        (["{plain}", "--calibration-size", "201"], "can be 1 to 200 rows"),
        (["{plain}", "--calibration-share", "2"], "share lies in"),
        (["{plain}", "--backend", "frob"], "no rounding backend 'frob'"),
        (["{plain}", "--time-limit", "0"], "time limit"),
        (["{plain}", "--row-time", "0"], "row_time: a positive number"),
        (["{plain}", "--row-time", "inf"], "row_time: a positive number of seconds up to a million, not inf"),
        (["{plain}", "--candidates", "65537"], "candidates: 2 to 65536 integers"),
        (["{model}", "--calibration", "{huge}"], "layers[0].X: their range is beyond single precision"),
        (["{model}", "--calibration", "{large}"], "layers[1].X: entry (0, "),
        (["{plain}", "-o", "{tmp}/x.npz", "--report", "{tmp}/x.npz"], "x.npz: is named twice"),
        (["{plain}", "--threads", "0"], "at least one thread"),
        (["{plain}", "--memory-limit", "0"], "memory limit"),
        (["{plain}", "-o", "{tmp}/x.txt"], "must be named *.onnx or *.npz"),
        (["{plain}", "-o", "{tmp}/no/x.onnx"], "no folder"),
        (
            ["{plain}", "-o", "{tmp}/x.onnx", "--form", "frob"],
            "no ONNX form 'frob'; there are: exact, scaled",
        ),
        (["{plain}", "-o", "{tmp}/x.npz", "--form", "frob"], "no ONNX form 'frob'; there are: exact, scaled"),
        (["{plain}", "--allow-overlap"], "--allow-overlap: is for test data: give --eval, too"),
        (["{plain}", "--include", "x"], "--include: is for ONNX models; this is a dense network"),
        (["{plain}", "--fold-batch-norm"], "--fold-batch-norm: is for ONNX models"),
        (["{plain}", "--activations", "float"], "--activations: must be int8 for a dense network"),
        (["{plain}", "--report", "{tmp}"], "folder"),
        (["{plain}", "--eval", "{data}"], "--eval"),
        (["{plain}", "--eval", "{data}", "{labels}", "--allow-overlap"], "y: has 397 rows, X has 200"),
        (["{tmp}/m.onnx", "--calibration", "{data}"], "is not a valid ONNX model"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(qnnt, tmp_path, arguments, words):
    np.save(tmp_path / "nan.npy", np.full((2, 64), np.nan))
    np.save(tmp_path / "huge.npy", np.load(CALIBRATION) * 1e300)
    np.save(tmp_path / "large.npy", np.load(CALIBRATION) / 16 * 3e38)
    (tmp_path / "m.onnx").write_text("nonsense")
    places = {
        "model": MODEL,
        "data": CALIBRATION,
        "labels": LABELS,
        "tmp": tmp_path,
        **{name: tmp_path / f"{name}.npy" for name in ("nan", "huge", "large")},
    }
    before = set(tmp_path.iterdir())
    words_given = [w for a in arguments for w in (PLAIN if a == "{plain}" else [a.format(**places)])]
    run = qnnt("round", *words_given)
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith("qnnt: error: ")
    assert run.err.count("\n") == 1
    assert words in run.err
    assert set(tmp_path.iterdir()) == before


def test_what_is_read_is_not_written(qnnt, tmp_path):
    model, data = tmp_path / "m.npz", tmp_path / "X.npy"
    shutil.copy(MODEL, model)
    shutil.copy(CALIBRATION, data)
    (tmp_path / "link.npz").symlink_to(model)
    before = {path: path.read_bytes() for path in (model, data)}
    for option, path in (("-o", model), ("-o", tmp_path / "link.npz"), ("--report", data)):
        run = qnnt("round", model, "--calibration", data, "--backend", "nearest", option, path)
        assert (run.status, run.out) == (2, "")
        assert run.err == f"qnnt: error: {path}: is named twice: what is written needs a name of its own\n"
    assert before == {path: path.read_bytes() for path in before}


def interrupt(*arguments, **options):
    raise KeyboardInterrupt


def test_ctrl_c_before_the_search_leaves_nothing(qnnt, tmp_path, monkeypatch):
    monkeypatch.setattr(DenseModel, "load", interrupt)
    run = qnnt("round", *PLAIN, "-o", tmp_path / "d.onnx")
    assert (run.status, run.out, run.err) == (130, "", "")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_writes_a_whole_network(qnnt, tmp_path, monkeypatch):
    """The search of the second layer is interrupted: its neurons are rounded by nearest plane."""
    before, layers = RowRuns.ended, []

    def ended(runs):
        layers.append(runs)
        return interrupt() if len(layers) == 2 else before(runs)

    monkeypatch.setattr(RowRuns, "ended", ended)
    out, report = tmp_path / "d.onnx", tmp_path / "r.json"
    run = qnnt("round", *PLAIN[:3], "--backend", "beam", "-o", out, "--report", report, "--json")
    assert (run.status, run.err) == (3, "interrupted: 10 of 34 neurons not searched to the end\n")
    about = json.loads(run.out)
    assert json.loads(report.read_text()) == about
    assert about["limit"] == "interrupt"
    assert about["output"]["replay"]["differing"] == 0
    first, second = (layer["rows"] for layer in about["layers"])
    assert {(row["status"], row["limit"]) for row in first} == {("SATISFIABLE", None)}
    for row in second:
        assert (row["status"], row["limit"], row["reason"]) == ("UNKNOWN", "interrupt", "interrupted")
        assert 0 == row["lower_bound"] <= row["cost"] <= row["nearest_cost"]


def test_limits_and_versions_are_reported(qnnt, tmp_path):
    options = ("--memory-limit", 4000, "--seed", 5, "--threads", 2, "--row-time", 60)
    run = qnnt("round", *PLAIN[:3], "--backend", "beam", *options, "-o", tmp_path / "d.npz", "--json")
    assert (run.status, run.err) == (0, "")
    about = json.loads(run.out)
    assert about["limits"] == {"time": None, "memory": 4000, "threads": 2, "seed": 5}
    assert about["version"].startswith("numba ")
    assert about["limit"] is None
    network = RoundedNetwork.load(tmp_path / "d.npz")
    assert network.layers[0].limits == Limits(None, 4000, 2, 5)
    assert network.layers[0].version == about["version"]


def test_progress_and_ctrl_c_on_a_terminal(tmp_path):
    rng = np.random.default_rng(0)
    model = DenseModel.from_arrays([rng.normal(size=(2000, 100))], [rng.normal(size=2000)], ["relu"])
    model.save(tmp_path / "m.npz")
    np.save(tmp_path / "X.npy", rng.normal(size=(200, 100)))
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "qnnt", "round", "m.npz", "--calibration", "X.npy", "-o", "out.npz"]
    command += ["--backend", "annealing"]  # more rows than it does in minutes
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, env=environment, cwd=tmp_path
    ) as run:
        os.close(theirs)
        shown = b""
        while b" of 2000 rows" not in shown:
            shown += os.read(ours, 4096)
        run.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # what Linux makes of a terminal that nobody writes to any more
            while more := os.read(ours, 4096):  # else a full terminal would hold the program up
                shown += more
        out = run.stdout.read()
    os.close(ours)
    assert run.returncode == 3
    assert b"annealing" in out
    layer = RoundedNetwork.load(tmp_path / "out.npz").layers[0]
    done = layer.row_limits.count(None)
    assert 1 <= done < 2000
    assert b"layer 1 of 1" in shown
    assert f"interrupted: {2000 - done:,} of 2,000 neurons".encode() in shown
    assert b"Traceback" not in shown
