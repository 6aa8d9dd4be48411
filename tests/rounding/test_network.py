"""Whole networks: layer after layer, evaluation in integers, files and reports."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.exceptions import InputError, UnknownWord
from qnnt.limits import Limit, Limits
from qnnt.rounders.lattice.beam import BeamRounder
from qnnt.rounding import write_onnx
from qnnt.rounding.calibration import draw_calibration
from qnnt.rounding.layer import round_layer
from qnnt.rounding.model import DenseModel, activate
from qnnt.rounding.network import RoundedNetwork, round_network
from qnnt.rounding.scheme import Scheme


def a_model(seed: int, sizes=(5, 4, 3), activations=("relu", "softmax")) -> tuple[DenseModel, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(n, f)) for f, n in itertools.pairwise(sizes)]
    model = DenseModel.from_arrays(weights, [rng.normal(size=n) for n in sizes[1:]], activations)
    return model, rng.normal(size=(30, sizes[0]))


def exact(layer, x: list[np.float32]) -> tuple[list[int], list[int]]:
    """Codes and sums of a layer for one input, in Python's integers; halves to even as ``round`` does."""
    scale, z = np.float32(layer.input_scale), layer.input_zero_point
    codes = [min(max(round(Fraction(float(v / scale))) + z, -128), 127) for v in x]
    rows = zip(layer.codes.tolist(), layer.bias_codes.tolist(), strict=True)
    return codes, [sum(w * (q - z) for w, q in zip(row, codes, strict=True)) + bias for row, bias in rows]


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 4, 8]), st.sampled_from(["tensor", "row"]))
def test_the_integers_are_those_of_plain_arithmetic(seed, bits, per):
    model, X = a_model(seed, (5, 4, 3, 2), ("relu", "identity", "relu"))
    rounded = round_network(model, X[:20], scheme=Scheme(bits, per=per), backend="nearest")
    trace = rounded.integers(X)
    for k, x in enumerate(X.astype(np.float32)):
        values = list(x)
        for layer, activation, (codes, sums) in zip(rounded.layers, rounded.activations, trace, strict=True):
            ours = exact(layer, values)
            assert (codes[k].tolist(), sums[k].tolist()) == ours
            y = np.array(ours[1]).astype(np.float32) * layer.bias_scale.astype(np.float32)
            values = list(np.maximum(y, 0) if activation == "relu" else y)


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 4]))
def test_each_layer_is_calibrated_on_what_the_rounded_ones_give(seed, bits):
    model, X = a_model(seed, (5, 4, 3, 2), ("relu", "tanh", "softmax"))
    rounded = round_network(model, X, bits=bits, backend="nearest")
    values = X
    for real, layer, activation in zip(model.layers, rounded.layers, rounded.activations, strict=True):
        alone = round_layer(real.weights, real.biases, values, bits=bits, backend="nearest")
        assert (alone.codes == layer.codes).all()
        assert (alone.bias_codes == layer.bias_codes).all()
        sums = (layer.inputs.codes(values) - layer.input_zero_point) @ layer.codes.T + layer.bias_codes
        values = activate(activation, sums.astype(np.float32) * layer.bias_scale.astype(np.float32))
    assert (values == rounded.predict(X)).all()


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 4, 8]))
def test_costs_on_the_calibration_data_are_the_reported_ones(seed, bits):
    model, X = a_model(seed)
    rounded = round_network(model, X, bits=bits, backend="nearest")
    for layer, costs in zip(rounded.layers, rounded.costs(model, X), strict=True):
        assert costs == pytest.approx(layer.cost, rel=1e-9, abs=1e-12)


def test_many_bits_change_little():
    model, X = a_model(0)
    rounded = round_network(model, X, bits=12, backend="nearest")
    assert rounded.predict(X) == pytest.approx(model.predict(X), abs=0.05)
    assert (rounded.classify(X) == model.classify(X)).mean() > 0.9


def test_bits_and_schemes_for_each_layer():
    model, X = a_model(0)
    rounded = round_network(model, X, bits=(2, 8), backend="nearest")
    assert [layer.scheme.bits for layer in rounded.layers] == [2, 8]
    schemes = [Scheme(3, "max"), Scheme(4, per="row")]
    rounded = round_network(model, X, scheme=schemes, backend="nearest")
    assert [layer.scheme for layer in rounded.layers] == schemes
    with pytest.raises(InputError, match="bits: one, or one for each of 2 layers"):
        round_network(model, X, bits=(2, 2, 2), backend="nearest")


def test_the_target_may_be_the_network():
    model, X = a_model(0)
    near, far = (round_network(model, X, bits=2, backend="nearest", target=t) for t in ("network", "layer"))
    assert (near.layers[1].codes == far.layers[1].codes).all()  # nearest rounding sees no target
    hidden = activate("relu", X @ model.layers[0].weights.T + model.layers[0].biases)
    goal = hidden @ model.layers[1].weights.T + model.layers[1].biases
    distance = ((near.preactivations(X) - goal) ** 2).mean(axis=0)
    assert near.layers[1].cost == pytest.approx(distance, rel=1e-4)
    assert near.settings["target"] == "network"


@pytest.mark.parametrize(
    ("X", "options", "words"),
    [
        (np.zeros((0, 5)), {}, "needs at least one"),
        (np.zeros((3, 4)), {}, "have 4 columns, but the model takes 5"),
        (np.ones((3, 5)), {"candidates": 1}, r"layers\[0\].candidates"),
        (np.ones((3, 5)), {"bits": 77}, "bits: a weight has 1 to 16 bits"),
    ],
)
def test_mistakes(X, options, words):
    with pytest.raises(InputError, match=words):
        round_network(a_model(0)[0], X, **{"backend": "nearest", **options})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "moon"}, "no target 'moon'; there are: layer, network"),
        ({"clip": "never"}, "no clip 'never'; there are: fix, after"),
        ({"backend": "frob"}, "no rounding backend 'frob'; there are: annealing, "),
        ({"backend": "beam:frob"}, "no beam variant 'frob'; there is none"),
    ],
)
def test_unknown_words(options, words):
    with pytest.raises(UnknownWord, match=f"{words}"):
        round_network(a_model(0)[0], np.ones((3, 5)), **options)


def test_limits_carry_the_seed():
    model, X = a_model(0)
    limits = Limits(time=90, memory=4000, threads=2, seed=7)
    rounded = round_network(model, X, backend="annealing", limits=limits)
    assert rounded.report()["limits"] == {"time": 90, "memory": 4000, "threads": 2, "seed": 7}
    assert rounded.settings["version"].startswith("dwave-samplers ")
    assert rounded.limit is None
    for layer in rounded.layers:
        assert (layer.limits, layer.version) == (limits, rounded.settings["version"])


def test_a_rounder_serves_as_well_as_its_name():
    model, X = a_model(0)
    named = round_network(model, X, backend="beam")
    rounded = round_network(model, X, backend=BeamRounder(beams=64))
    assert rounded.settings["backend"] == "beam"
    for one, other in zip(named.layers, rounded.layers, strict=True):
        assert (one.codes == other.codes).all()


def test_a_time_limit_is_told():
    model, X = a_model(0)
    rounded = round_network(model, X, limits=Limits(time=1e-6))
    assert rounded.limit is Limit.TIME
    assert rounded.report()["limit"] == "time"
    assert {row["limit"] for layer in rounded.report()["layers"] for row in layer["rows"]} == {"time"}


def test_bits_and_a_scheme_are_one_too_many():
    model, X = a_model(0)
    with pytest.raises(InputError, match="bits: give bits or a scheme, not both"):
        round_network(model, X, bits=3, scheme=Scheme(2), backend="nearest")


def test_no_file_of_another_format_under_a_name(tmp_path):
    model, X = a_model(0)
    rounded = round_network(model, X, backend="nearest")
    with pytest.raises(InputError, match=r"x.onnx: must be named \*.npz; .*write_onnx"):
        rounded.save(tmp_path / "x.onnx")
    with pytest.raises(InputError, match=r"x.txt: must be named \*.npz"):
        rounded.save(tmp_path / "x.txt")
    assert list(tmp_path.iterdir()) == []
    write_onnx(rounded, tmp_path / "x.onnx")


def test_files_hold_the_same_network(tmp_path):
    model, X = a_model(0)
    model = DenseModel(model.layers, np.array(["a", "b", "c"]))
    limits = Limits(time=30, threads=1)
    rounded = round_network(
        model,
        draw_calibration(X, count=20, seed=3),
        scheme=Scheme(2, per="row"),
        backend="nearest",
        limits=limits,
    )
    rounded.save(tmp_path / "r.npz")
    again = RoundedNetwork.load(tmp_path / "r.npz")
    assert again.report() == rounded.report()
    assert (again.classify(X) == rounded.classify(X)).all()
    assert (again.preactivations(X) == rounded.preactivations(X)).all()
    for one, other in zip(rounded.layers, again.layers, strict=True):
        for name in ("scheme", "limits", "version", "row_status", "row_limits", "reasons", "input_range"):
            assert getattr(one, name) == getattr(other, name)
    np.savez(tmp_path / "x.npz", about="{}")
    for path in ("x.npz", "none.npz"):
        with pytest.raises(InputError, match=path):
            RoundedNetwork.load(tmp_path / path)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda about: about["layers"][1]["scheme"].update(bits=99), "layers[1]"),
        (lambda about: about["layers"][1]["scheme"].update(scaling="wild"), "layers[1]"),
        (lambda about: about["layers"][0]["limits"].update(threads=0), "layers[0]"),
    ],
)
def test_a_file_with_something_wrong_names_the_layer(tmp_path, change, place):
    with pytest.raises(InputError, match="is not a complete qnnt-rounded-network file") as caught:
        RoundedNetwork.load(changed(tmp_path, lambda about, arrays: change(about)))
    assert caught.value.place == f"{tmp_path}/r.npz: {place}"


def changed(folder, change):
    """The file of a network of two layers, after a change of what is no array and of the arrays."""
    model, X = a_model(0)
    round_network(model, X, backend="nearest").save(folder / "r.npz")
    with np.load(folder / "r.npz") as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"]))
    change(about, arrays)
    np.savez(folder / "r.npz", **{**arrays, "about": json.dumps(about)})
    return folder / "r.npz"


def array(name, make):
    return lambda about, arrays: arrays.update({name: make(arrays[name])})


def text(layer, **parts):
    return lambda about, arrays: about["layers"][layer].update(parts)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda about, arrays: about.pop("settings"), "settings"),
        (lambda about, arrays: about["layers"][0].pop("backend"), "layers[0].backend"),
        (lambda about, arrays: about["layers"][0]["scheme"].update(bits=2.5), "layers[0].scheme.bits"),
        (text(0, frob=1), "layers[0].frob"),
        (text(0, input_scale=float("nan")), "layers[0].input_scale"),
        (text(1, input_zero_point=999), "layers[1].input_zero_point"),
        (text(1, input_range=[3, 1]), "layers[1].input_range"),
        (text(0, row_status=["OPTIMAL"] * 4), "layers[0].row_status"),
        (text(0, reasons=["none"]), "layers[0].reasons"),
        (array("codes_0", lambda codes: codes + 100), "codes_0"),
        (array("codes_0", lambda codes: codes + 0.5), "codes_0"),
        (array("codes_0", lambda codes: codes[0]), "codes_0"),
        (array("codes_1", lambda codes: codes[:, 1:]), "layers[1]"),
        (array("codes_1", lambda codes: codes[:0]), "bias_codes_1"),
        (array("bias_codes_0", lambda codes: codes[1:]), "bias_codes_0"),
        (array("bias_codes_0", lambda codes: codes - 2**60), "bias_codes_0"),
        (array("weight_scale_0", lambda scale: scale * np.nan), "weight_scale_0"),
        (array("weight_scale_0", lambda scale: -scale), "weight_scale_0"),
        (array("weight_scale_0", lambda scale: 1e308 + 0 * scale), "bias_scale_0"),
        (array("bias_scale_1", lambda scale: 3 * scale), "bias_scale_1"),
        (array("lower_bound_1", lambda bound: bound + 1e9), "lower_bound_1"),
        (array("proved_0", lambda proved: ~proved), "proved_0"),
        (lambda about, arrays: arrays.pop("row_seconds_1"), "row_seconds_1"),
        (lambda about, arrays: arrays.update(labels=np.arange(5)), "labels"),
        (lambda about, arrays: about.update(activations=["frob", "relu"]), "layers[0].activation"),
        (lambda about, arrays: about.update(activations=["softmax", "relu"]), "layers[0]"),
        (lambda about, arrays: about.update(activations=["relu"]), "layers"),
        (lambda about, arrays: about.update(activations=[], layers=[]), "layers"),
    ],
)
def test_a_file_that_contradicts_itself_names_the_place(tmp_path, change, place):
    with pytest.raises(InputError) as caught:
        RoundedNetwork.load(changed(tmp_path, change))
    assert caught.value.place == f"{tmp_path}/r.npz: {place}"


def test_reports_tell_every_neuron():
    model, X = a_model(0)
    report = round_network(model, draw_calibration(X, count=20, seed=3), bits=2, backend="nearest").report()
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["calibration"] == {"size": 20, "of": 30, "seed": 3, "left_out": None}
    assert [(layer["neurons"], layer["inputs"]) for layer in report["layers"]] == [(4, 5), (3, 4)]
    for layer in report["layers"]:
        assert [row["neuron"] for row in layer["rows"]] == list(range(layer["neurons"]))
        assert layer["cost"] == pytest.approx(sum(row["cost"] for row in layer["rows"]))
        assert layer["most_left"] == 1  # rounding to nearest has no bound
        for row in layer["rows"]:
            assert row["lower_bound"] <= row["cost"] <= row["nearest_cost"]
            assert row["gap"] == row["cost"] - row["lower_bound"]


def test_limits_are_a_number_of_seconds_or_limits():
    model = DenseModel.from_arrays([np.ones((1, 2)) / 3], [np.zeros(1)], ["identity"])
    for limits in (60, Limits(time=60)):
        rounded = round_network(model, np.eye(2), backend="nearest", limits=limits)
        assert rounded.settings["limits"] == {"time": 60, "memory": None, "threads": 1, "seed": 0}
    for options, words in (
        ({"limits": "60"}, r"limits must be Limits or a number of seconds, not '60' \(str\)"),
        ({"backend": BeamRounder}, "backend must be the name of a rounder, or a rounder"),
        ({"backend": None}, "backend must be the name of a rounder, or a rounder"),
    ):
        with pytest.raises(TypeError, match=words):
            round_network(model, np.eye(2), **options)
