"""``qnnt round --certificates`` and ``qnnt check-bounds``: bounds written, confirmed, and tampered with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qnnt.rounding import DenseModel

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS = (EXAMPLES / "digits.npz", "--calibration", EXAMPLES / "digits-calibration.npy")


def test_certificates_are_written_and_checked(qnnt, tmp_path):
    file, rng = tmp_path / "c.npz", np.random.default_rng(0)
    weights, biases = [rng.normal(size=(6, 9)), rng.normal(size=(3, 6))], [np.zeros(6), np.zeros(3)]
    DenseModel.from_arrays(weights, biases, ["relu", "identity"]).save(tmp_path / "m.npz")
    np.save(tmp_path / "x.npy", rng.random((40, 9)))
    run = qnnt(
        *("round", tmp_path / "m.npz", "--calibration", tmp_path / "x.npy"),
        *("--certificates", file, "--report", tmp_path / "r.json"),
    )
    assert (run.status, run.err) == (0, "")
    assert str(file) in run.out
    about = json.loads((tmp_path / "r.json").read_text())
    check = qnnt("check-bounds", file, "--json")
    assert (check.status, check.err) == (0, "")
    layers = json.loads(check.out)["layers"]
    assert [len(layer["rows"]) for layer in layers] == [6, 3]
    for layer, told in zip(layers, about["layers"], strict=True):
        assert layer["failed"] == 0
        assert layer["cost"] == pytest.approx(told["cost"], rel=1e-9)
        assert layer["lower_bound"] == pytest.approx(told["lower_bound"], rel=1e-12)
        assert 0 < layer["confirmed_bound"] <= layer["cost"] * (1 + 1e-9)
        assert layer["confirmed_share"] == layer["confirmed_bound"] / layer["cost"]
    text = qnnt("check-bounds", file)
    assert text.status == 0
    assert "proved by search, which no certificate covers" in text.out

    with np.load(file) as arrays:
        tampered = dict(arrays)
    tampered["cost_0"][[3, 5]] *= 0.9
    np.savez(file, **tampered)
    check = qnnt("check-bounds", file)
    assert check.status == 1
    assert "FAILED layer 0, neuron 3: the integers cost" in check.out
    assert "FAILED layer 0, neuron 5: " in check.out


def test_certificates_need_codes_in_the_range_and_a_file_of_their_own(qnnt, tmp_path):
    for words, message in [
        (("--certificates", tmp_path / "c.npz", "--clip", "after"), "--certificates: needs --clip fix"),
        (("--certificates", tmp_path / "c.json"), "c.json: must be named *.npz"),
        (("--certificates", tmp_path / "c.npz", "-o", tmp_path / "c.npz"), "is named twice"),
    ]:
        run = qnnt("round", *DIGITS, "--backend", "nearest", *words)
        assert run.status == 2
        assert message in run.err


def test_rounders_that_prove_nothing_have_nothing_to_confirm(qnnt, tmp_path):
    file = tmp_path / "c.npz"
    assert qnnt("round", *DIGITS, "--backend", "nearest", "--certificates", file).status == 0
    run = qnnt("check-bounds", file, "--json")
    assert run.status == 0
    assert [layer["no bound"] for layer in json.loads(run.out)["layers"]] == [24, 10]


def test_a_file_that_holds_no_certificates_is_refused(qnnt):
    run = qnnt("check-bounds", EXAMPLES / "digits.npz")
    assert (run.status, run.out) == (2, "")
    assert 'format: must be "qnnt-bound-certificates"' in run.err
