"""Scales of blocks and zero points: against all choices, and in onnxruntime."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import attention, build, convolutional, images, node, sentences, weights

from qnnt.exceptions import InputError
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.grid import Storage
from qnnt.rounding import Scheme, round_graph
from qnnt.verify.onnx_graph import changes, replay_graph


@given(st.integers(0, 10**6), st.integers(1, 6), st.booleans(), st.sampled_from([2, 3, 4]))
def test_codes_cover_the_range_of_each_block(seed, block, asymmetric, bits):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(3, 5)) + rng.normal() * 2
    W[rng.random(3) < 0.2] = 0
    scheme = Scheme(bits, per="row")
    grid = Storage(scheme, block, asymmetric).grid(W)
    least, greatest = scheme.weight_range
    scale, zero = grid.scales(5), grid.zeros(5)
    assert grid.scale.shape == (3, -(-5 // min(block, 5)))
    assert ((zero >= least) & (zero <= greatest)).all()
    lo, hi = (least - zero) * scale, (greatest - zero) * scale
    # The symmetric range ends half a code before the least and greatest weight, the other one at most so.
    assert (lo - scale * (0.5 + 1e-6) <= W).all()
    assert (hi + scale * (0.5 + 1e-6) >= W).all()
    for i, j in itertools.product(range(3), range(5)):
        own = W[i, j - j % min(block, 5) :][: min(block, 5)]
        if asymmetric and own.any():
            assert scale[i, j] == pytest.approx((max(own.max(), 0) - min(own.min(), 0)) / (2**bits - 1))


@pytest.mark.parametrize(("bits", "tiny"), [(8, 6.9e-44), (4, 1e-45), (4, 0.0)])
def test_rows_too_small_for_a_scale_have_codes_of_zero(bits, tiny):
    W = weights(np.random.default_rng(0), 4, 3)
    W[:, 1] = np.float32(tiny)
    model = build([node("MatMul", "x w", "y")], {"w": W}, {"x": ["N", 4]}, {"y": ["N", 3]})
    X = np.random.default_rng(1).normal(size=(10, 4))
    for options in ({}, {"activations": "int8"}, {"block_size": 2} if bits == 4 else {}):
        codes = round_graph(model, X, bits=bits, backend="gptq", **options).layers[0].codes
        assert (codes.grid.scale[1] == 1).all()
        assert not codes.weights[1].any()
        assert codes.weights[0].any()
    # The least scale that there is cannot be made smaller.
    W[:, 1] = np.float32(1e-45) * 2 ** (bits - 1)
    model = build([node("MatMul", "x w", "y")], {"w": W}, {"x": ["N", 4]}, {"y": ["N", 3]})
    codes = round_graph(model, X, bits=bits, backend="gptq", search_scales=True).layers[0].codes
    assert (codes.grid.scale > 0).all()


@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_no_choice_costs_less_than_a_bound(seed, asymmetric, conv):
    """All codes of rows of four weights, in blocks of three and one, their costs output by output."""
    rng = np.random.default_rng(seed)
    W = weights(rng, 2, 4, 1) if conv else weights(rng, 4, 2)
    kind, shape = ("Conv", ["N", 4, 3]) if conv else ("MatMul", ["N", 4])
    model = build([node(kind, "x w", "y")], {"w": W}, {"x": shape}, {"y": [None] * len(shape)})
    X = rng.normal(size=(5, 4, 3) if conv else (15, 4)).astype(np.float32)
    options = {"block_size": 3, "asymmetric": asymmetric, "candidates": 4}
    rounded = round_graph(model, X, bits=2, backend="enumeration", **options)
    (layer,) = rounded.layers
    vectors = np.moveaxis(X, 1, -1).reshape(-1, 4).astype(float)
    rows = layer.layer.rows()
    scale, zero = layer.codes.grid.scales(4), layer.codes.grid.zeros(4)
    for i, row in enumerate(rows):
        box = [range(-2 - z, 2 - z) for z in zero[i]]
        best = min(
            float(((vectors @ (row - np.array(choice) * scale[i])) ** 2).mean())
            for choice in itertools.product(*box)
        )
        assert layer.rows.lower_bound[i] <= best * (1 + 1e-9) + 1e-12
        assert layer.rows.cost[i] == pytest.approx(best, rel=1e-6, abs=1e-9)
        assert layer.rows.proved[i]
        assert layer.gptq_cost[i] >= best * (1 - 1e-9) - 1e-12


def test_gptq_of_blocks_is_gptq_with_a_step_for_each_column():
    """One scale in all blocks: the same codes as with a scale for each row."""
    rng = np.random.default_rng(1)
    W = rng.choice([-1.0, 1.0], size=(12, 6)).astype(np.float32)
    W[:, 1] = rng.normal(size=12) / 3
    model = build([node("MatMul", "x w", "y")], {"w": W}, {"x": ["N", 12]}, {"y": ["N", 6]})
    X = rng.normal(size=(40, 12)).astype(np.float32)
    X[:, 3] += X[:, 5]
    plain, blocked = (round_graph(model, X, bits=3, backend="gptq", block_size=b) for b in (None, 4))
    same = (blocked.layers[0].codes.grid.scale == plain.layers[0].codes.grid.scale).all(axis=1)
    assert same.sum() == 5
    assert blocked.layers[0].gptq_cost[same] == pytest.approx(plain.layers[0].gptq_cost[same])
    assert blocked.layers[0].rows.cost[same] == pytest.approx(plain.layers[0].rows.cost[same])


@pytest.mark.parametrize(
    ("bits", "opset", "block", "asymmetric", "activations"),
    [
        (4, 21, 5, False, "float"),
        (4, 21, 5, True, "float"),
        (2, 25, 4, True, "float"),
        (3, 21, None, True, "float"),
        (8, 13, None, True, "float"),
        (4, 11, None, True, "float"),
        (4, 21, None, True, "int8"),
        (2, 25, None, True, "int8"),
        (8, 21, None, True, "int8"),
    ],
)
def test_onnxruntime_computes_the_same(tmp_path, bits, opset, block, asymmetric, activations):
    model, X = convolutional(opset=opset), images()
    options = {"block_size": block, "asymmetric": asymmetric, "activations": activations}
    rounded = round_graph(model, X, bits=bits, backend="gptq", **options)
    onnx.checker.check_model(rounded.model, full_check=True)
    rounded.save(tmp_path / "m.onnx")
    replay = replay_graph(tmp_path / "m.onnx", rounded, [{"x": X}])
    assert replay.same
    assert replay.integers == (0 if activations == "float" else replay.integers)
    layers = {"n_c0", "n_c1", "n_c2", "n_y", "n_z"}
    kept = {"w0", "w1", "w2", "w3", "w4"} | ({"b0", "b3"} if activations == "int8" else set())
    found = set(changes(model, rounded.model))
    assert layers <= found <= layers | kept | {n for n in found if n.startswith("b")}
    # The whole graph, by onnxruntime, with floats in place of the integers.
    if activations == "float":
        plain = Graph.copy_of(model)
        for layer in rounded.layers:
            held = next(t for t in plain.graph.initializer if t.name == layer.layer.weight)
            held.raw_data = layer.values.tobytes()
        ours, theirs = (next(g.run(["y", "z"], [{"x": X}])) for g in (Graph(rounded.model), plain))
        for a, b in zip(ours, theirs, strict=True):
            assert a == pytest.approx(b, rel=1e-4, abs=1e-5)
    held = {t.name: t for t in rounded.model.graph.initializer}
    for layer in rounded.layers:
        own = [t for name, t in held.items() if name.startswith(f"{layer.layer.weight}_")]
        parts = [t for t in own if t.name.rpartition("_")[2] in ("quantized", "scale", "point")]
        if activations == "float" and opset >= 13:
            assert layer.bytes[1] == sum(len(t.raw_data) for t in parts)


def test_blocks_and_zero_points_cost_less_and_products_have_them_on_either_side(tmp_path):
    model, feed = attention(), sentences(np.random.default_rng(5), 30, 6)
    ways = [
        {},
        {"block_size": 4},
        {"asymmetric": True},
        {"block_size": 4, "asymmetric": True},
    ]  # on one layer
    costs = []
    for options in ways:
        rounded = round_graph(model, feed, bits=3, backend="gptq", search_scales=True, **options)
        rounded.save(tmp_path / "m.onnx")
        assert replay_graph(tmp_path / "m.onnx", rounded, [feed]).same
        costs.append(rounded.layers[0].gptq_cost.sum())
    assert costs[2] < costs[0]
    assert costs[3] < min(costs[:3])
    about = rounded.report()["layers"][0]
    assert (about["scaling"], about["per"]) == ("asymmetric", "block of 4")


def test_what_does_not_go_together_is_named():
    model, X = convolutional(opset=17), images(5)
    for options, words in (
        ({"block_size": 4}, "block_size: needs opset 21, the model has 17"),
        ({"block_size": 0}, "block_size: a block has at least one weight"),
        ({"block_size": 4, "bits": 8}, "block_size: is for weights of at most 4 bits"),
        ({"block_size": 4, "activations": "int8"}, "block_size: is for float activations"),
        ({"block_size": 4, "scheme": Scheme(4)}, "block_size: a block is a part of a row"),
        (
            {"asymmetric": True, "activations": "int8", "form": "scaled"},
            "asymmetric: is not for the form scaled",
        ),
    ):
        with pytest.raises(InputError, match=words):
            round_graph(model, X, backend="nearest", **options)
