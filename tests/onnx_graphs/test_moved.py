"""How much outputs move: against plain arithmetic, batch by batch and kept or not."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import build, convolutional, images, node, weights

import qnnt.onnx_graphs.moved as moved_module
from qnnt.files.onnx_qdq import storage
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.moved import BEYOND, Outputs, squared_distance, twin_moved
from qnnt.rounding import round_graph
from qnnt.verify.onnx_graph import replay_graph


def test_a_distance_is_that_by_the_variance_whatever_the_batches():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(2, 30, 3)) + 1e4
    expected = ((other - real) ** 2).mean() / real.var()
    for cut in (1, 7, 30):
        parts = [[a[i : i + cut]] for a in (real, other) for i in range(0, 30, cut)]
        half = len(parts) // 2
        assert squared_distance(parts[:half], parts[half:]) == pytest.approx(expected, rel=1e-9)


def test_outputs_that_are_no_plain_floats():
    ones, classes = np.ones((4, 2), np.float32), np.array([0, 1, 2, 3])
    assert squared_distance([[ones]], [[ones * 3]]) == 4  # always the same: the mean of the squares
    assert squared_distance([[classes]], [[np.array([0, 1, 5, 5])]]) == 0.5
    far = np.array([1.0, np.inf, 3.0])
    assert squared_distance([[far]], [[np.array([1.0, 7.0, 3.0])]]) == 0
    assert squared_distance([[far]], [[np.array([np.nan, 7.0, 3.0])]]) == BEYOND
    assert squared_distance([[far, ones]], [[np.array([np.nan, 7.0, 3.0]), ones]]) == BEYOND
    assert squared_distance([[classes]], [[classes[:2]]]) == BEYOND
    assert squared_distance([[classes], [classes]], [[classes], [classes[::-1].copy()]]) == 0.5


@pytest.mark.parametrize("most", [2**28, 100])
def test_a_rounded_graph_moves_as_far_as_onnxruntime_says(monkeypatch, most):
    monkeypatch.setattr(moved_module, "MOST_KEPT", most)
    model, X = convolutional(), images(50)
    graph = Graph(model)
    rounded = Graph(round_graph(model, X, bits=3, backend="gptq").model)
    outputs = Outputs(graph, Feeds.of(X, graph.inputs))
    found = [outputs.moved(rounded), outputs.moved(rounded)]
    before, after = (next(g.run(["y", "z"], [{"x": X}])) for g in (graph, rounded))
    expected = np.mean([((b - a) ** 2).mean() / a.var() for a, b in zip(before, after, strict=True)])
    # The last batch is filled up with rows from the beginning only where the model states their number.
    assert found == pytest.approx([expected] * 2, rel=1e-4)
    assert outputs.moved(graph) == 0


def test_the_report_has_each_layer_alone():
    model, X = convolutional(), images(20)
    graph = Graph(model)
    feeds = Feeds.of(X, graph.inputs)
    rounded = round_graph(model, X, bits=2, backend="gptq").with_moved(feeds, feeds)
    for layer in rounded.layers:
        alone = Graph.copy_of(model)
        name = next(n for n in alone.graph.node if n.name == layer.layer.name).input[1]
        new = next(t for t in alone.graph.initializer if t.name == name)
        new.raw_data = layer.values.tobytes()
        assert layer.moved == pytest.approx([Outputs(graph, feeds).moved(alone)] * 2, rel=1e-4)
        assert layer.as_dict()["moved_eval"] == layer.moved[1]


def test_floats_stay_floats_unless_onnxruntime_does_as_it_likes():
    """Its usual options quantise the inputs of such products to 8 bits, if it has the kernel."""
    rng = np.random.default_rng(0)
    W, X = weights(rng, 64, 32), rng.normal(size=(30, 64)).astype(np.float32)
    model = build([node("MatMul", "x w", "y")], {"w": W}, {"x": ["N", 64]}, {"y": ["N", 32]})
    rounded = round_graph(model, X, bits=4, backend="gptq")
    graph, values = Graph(rounded.model), rounded.layers[0].values
    (ours,) = next(graph.run(["y"], [{"x": X}]))
    (usual,) = next(graph.run(["y"], [{"x": X}], usual=True))
    assert ours == pytest.approx(X @ values, abs=1e-5)
    away = ((usual - ours) ** 2).mean() / ours.var()
    plain, moved = twin_moved(graph, {rounded.layers[0].placed.dequantised: values}, [{"x": X}])
    assert plain == pytest.approx(0, abs=1e-10)
    assert moved == pytest.approx(away, rel=1e-3, abs=1e-10)


@pytest.mark.parametrize("n", [8, 5, 6, 7])
@pytest.mark.parametrize("turned", [False, True])
def test_products_with_two_bits_are_those_of_floats(tmp_path, n, turned):
    """Some kernels of onnxruntime get INT2 wrong unless the number of columns is a multiple of four."""
    rng = np.random.default_rng(0)
    W, X = weights(rng, *((n, 16) if turned else (16, n))), rng.normal(size=(30, 16)).astype(np.float32)
    nodes = [node("Gemm", "x w", "y", transB=int(turned))]
    model = build(nodes, {"w": W}, {"x": ["N", 16]}, {"y": ["N", n]}, opset=25)
    rounded = round_graph(model, X, bits=2, backend="gptq")
    rounded.save(tmp_path / "m.onnx")
    replay = replay_graph(tmp_path / "m.onnx", rounded, [{"x": X}])
    assert replay.same
    assert replay.kernels_moved < 0.02  # inputs of 8 bits at most
    if turned or n == 8:
        assert rounded.layers[0].placed.kind == storage(np.array([-2]), 25)
    # What is wrong is seen: other integers in the file.
    held = next(t for t in rounded.model.graph.initializer if t.name.endswith("_quantized"))
    held.raw_data = held.raw_data[::-1]
    rounded.save(tmp_path / "m.onnx")
    replay = replay_graph(tmp_path / "m.onnx", rounded, [{"x": X}])
    assert not replay.same
    assert replay.outputs_differ > 0.01
