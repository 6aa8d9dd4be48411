"""ONNX files out: onnxruntime and the reference evaluator get the integers of our own evaluator."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from qnnt.exceptions import InputError, UnknownWord, Unsupported
from qnnt.files import onnx_qdq
from qnnt.files.onnx_qdq import write_onnx
from qnnt.rounding.model import DenseModel
from qnnt.rounding.network import RoundedNetwork, largest_sum, round_network
from qnnt.rounding.scheme import Affine, Scheme
from qnnt.verify.onnx_file import replay_onnx


class Unsigned(Scheme):
    """Inputs as uint8."""

    def inputs(self, X):
        code = super().inputs(X)
        return Affine(code.scale, code.zero_point + 128, 0, 255)


class Narrow(Scheme):
    """Inputs of four bits."""

    def inputs(self, X):
        return Affine(float(np.float32(np.abs(X).max() / 7)), 0, -8, 7)


def network(seed, sizes, activations, bits, per="tensor", spread=1.0, kind=Scheme):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(n, f)) * spread for f, n in itertools.pairwise(sizes)]
    model = DenseModel.from_arrays(weights, [rng.normal(size=n) for n in sizes[1:]], activations)
    X = rng.normal(size=(50, sizes[0]))
    return round_network(model, X, scheme=kind(bits, per=per), backend="nearest"), X


@given(
    st.integers(0, 2**32),
    st.lists(st.integers(1, 9), min_size=2, max_size=4),
    st.data(),
    st.sampled_from([1, 2, 3, 4, 5, 8, 12]),
    st.sampled_from(["tensor", "row"]),
    st.sampled_from([Scheme, Unsigned]),
)
def test_the_integers_are_the_same(tmp_path_factory, seed, sizes, data, bits, per, kind):
    names = ["relu", "identity", "tanh", "sigmoid"]
    activations = [data.draw(st.sampled_from(names)) for _ in sizes[2:]]
    activations.append(data.draw(st.sampled_from([*names, "softmax"])))
    rounded, _ = network(seed, sizes, activations, bits, per, kind=kind)
    assert {layer.input_range for layer in rounded.layers} == {(0, 255) if kind is Unsigned else (-128, 127)}
    X = np.random.default_rng(seed + 1).normal(size=(200, sizes[0])) * 2
    path = tmp_path_factory.mktemp("onnx") / "m.onnx"
    about = write_onnx(rounded, path)
    replay = replay_onnx(path, rounded, X)
    assert replay.same
    assert replay.integers == 200 * (sum(sizes[:-1]) + sum(sizes[1:]))
    smallest = next(name for name, b in (("INT2", 2), ("INT4", 4), ("INT8", 8), ("INT16", 16)) if b >= bits)
    assert all(int(kind[3:]) <= int(smallest[3:]) for kind in about["weights"])


def test_the_reference_evaluator_agrees_too(tmp_path):
    for bits in (1, 2, 4, 8):
        rounded, X = network(0, [6, 5, 3], ["relu", "identity"], bits)
        write_onnx(rounded, tmp_path / "m.onnx")
        theirs = ReferenceEvaluator(str(tmp_path / "m.onnx")).run(None, {"input": X.astype(np.float32)})[0]
        assert (theirs == rounded.predict(X)).all()


def test_a_wrong_weight_is_seen(tmp_path):
    rounded, X = network(0, [6, 5, 3], ["relu", "identity"], 4)
    write_onnx(rounded, tmp_path / "m.onnx")
    first = rounded.layers[0]
    codes = first.codes.copy()
    codes[0, 0] += 1
    other = replace(rounded, layers=(replace(first, codes=codes), *rounded.layers[1:]))
    replay = replay_onnx(tmp_path / "m.onnx", other, X)
    assert not replay.same
    assert replay.differing > 0
    assert replay.differing_outputs > 0


def test_sums_beyond_single_precision_and_saturating_kernels(tmp_path):
    """All weights and inputs at their ends, so that 16 and 24 bits overflow."""
    f = 1100
    model = DenseModel.from_arrays([np.ones((3, f)) * [[1], [-1], [1]]], [[0, 0, 0.1]], ["identity"])
    X = np.ones((4, f)) * [[1], [0.9], [0.1], [0]]
    rounded = round_network(model, X, scheme=Scheme(8, "max"), backend="nearest")
    assert largest_sum(rounded.layers[0]) > 2**24
    assert abs(rounded.integers(X)[0][1]).max() > 2**24
    assert write_onnx(rounded, tmp_path / "m.onnx")["sums"] == ["DOUBLE"]
    assert replay_onnx(tmp_path / "m.onnx", rounded, X).same


def test_biases_beyond_single_precision(tmp_path):
    for bias in (1e6, 1e9, 1e12):  # the last one is clipped at 2^31
        model, X = DenseModel.from_arrays([np.eye(3)], [[bias, bias / 3, -bias / 7]], ["relu"]), np.eye(3)
        rounded = round_network(model, X, scheme=Scheme(2), backend="nearest")
        assert np.abs(rounded.layers[0].bias_codes).max() > 2**24
        write_onnx(rounded, tmp_path / "m.onnx")
        assert replay_onnx(tmp_path / "m.onnx", rounded, X).same


@pytest.mark.parametrize("kind", ["INT2", "INT4"])
def test_an_older_onnxruntime_gets_a_larger_type(tmp_path, monkeypatch, kind):
    before = onnx_qdq.dequantises

    def older(name, **of):
        return int(name[3:]) > int(kind[3:]) and before(name, **of)

    monkeypatch.setattr(onnx_qdq, "dequantises", older)
    rounded, X = network(0, [6, 3], ["relu"], int(kind[3:]))
    about = write_onnx(rounded, tmp_path / "m.onnx")
    assert about["weights"] == [{"INT2": "INT4", "INT4": "INT8"}[kind]]
    assert about["opset"] == 21
    assert replay_onnx(tmp_path / "m.onnx", rounded, X).same


def test_the_file_says_what_is_stored(tmp_path):
    rounded, _ = network(0, [6, 5, 3], ["relu", "softmax"], 3, per="row")
    about = write_onnx(rounded, tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    stored = {t.name: t for t in model.graph.initializer}
    for i, layer in enumerate(rounded.layers):
        weights = stored[f"layer{i}_weights"]
        assert onnx.TensorProto.DataType.Name(weights.data_type) == about["weights"][i] == "INT4"
        assert (onnx.numpy_helper.to_array(weights).astype(int) == layer.codes).all()
        biases = stored[f"layer{i}_biases"]
        assert biases.data_type == onnx.TensorProto.INT32
        assert (onnx.numpy_helper.to_array(biases) == layer.bias_codes).all()
    assert about == {"form": "exact", "opset": 21, "weights": ["INT4"] * 2, "sums": ["FLOAT"] * 2}


def test_the_scaled_form_has_the_true_scales(tmp_path):
    for per in ("tensor", "row"):
        rounded, X = network(3, [6, 5, 3], ["relu", "identity"], 4, per=per)
        write_onnx(rounded, tmp_path / "m.onnx", "scaled")
        session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
        outputs = session.run(None, {"input": X.astype(np.float32)})[0]
        step = float(rounded.layers[1].bias_scale.max()) * 128  # an input one code off
        assert np.abs(outputs - rounded.predict(X)).max() <= step
        stored = {
            t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(tmp_path / "m.onnx").graph.initializer
        }
        assert np.allclose(stored["layer0_weight_scale"], rounded.layers[0].weight_scale)
        assert stored["layer0_weight_scale"].ndim == (per == "row")
        assert replay_onnx(tmp_path / "m.onnx", rounded, X).differing < 5


def test_what_cannot_be_written(tmp_path):
    rounded, _ = network(0, [6, 3], ["relu"], 4)
    with pytest.raises(UnknownWord, match="no ONNX form 'frob'; there are: exact, scaled"):
        write_onnx(rounded, tmp_path / "m.onnx", "frob")
    with pytest.raises(InputError, match="cannot be written"):
        write_onnx(rounded, tmp_path / "no" / "m.onnx")
    wide = replace(rounded.layers[0], codes=rounded.layers[0].codes * 2**16)
    with pytest.raises(Unsupported, match="at most 16 bits"):
        write_onnx(RoundedNetwork((wide,), ("relu",)), tmp_path / "m.onnx")
    large = replace(rounded.layers[0], bias_codes=rounded.layers[0].bias_codes + 2**31)
    with pytest.raises(Unsupported, match="biases as int32"):
        write_onnx(RoundedNetwork((large,), ("relu",)), tmp_path / "m.onnx")


def test_inputs_of_four_bits_are_computed_but_not_written(tmp_path):
    rounded, X = network(0, [6, 5, 3], ["relu", "identity"], 4, kind=Narrow)
    assert [layer.input_range for layer in rounded.layers] == [(-8, 7)] * 2
    trace = [codes for codes, _ in rounded.integers(3 * X)]
    assert [(codes.min(), codes.max()) for codes in trace] == [(-8, 7), (0, 7)]
    with pytest.raises(Unsupported, match=r"inputs as int8 or uint8, not in -8\.\.7 around 0"):
        write_onnx(rounded, tmp_path / "m.onnx")
    rounded.save(tmp_path / "m.npz")
    again = RoundedNetwork.load(tmp_path / "m.npz")
    assert again.report()["layers"][0]["input_range"] == [-8, 7]
    assert (again.predict(3 * X) == rounded.predict(3 * X)).all()
