"""Layers found in a graph: what they compute as rows, which nodes they are, and BatchNormalization folded."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx_models import attention, build, convolutional, node, weights

from qnnt.exceptions import InputError
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.layers import chosen_layers, find_layers, fold_batch_norms


@given(
    st.integers(0, 10**6), st.sampled_from(["Gemm", "MatMul"]), st.booleans(), st.booleans(), st.booleans()
)
def test_a_product_is_its_rows_whichever_factor_is_constant(seed, kind, first, turn_a, turn_b):
    rng = np.random.default_rng(seed)
    gemm = kind == "Gemm"
    turn_a, turn_b = gemm and turn_a, gemm and turn_b
    n, f, p = 3, 4, 5
    A, B = rng.normal(size=(n, f)).astype(np.float32), rng.normal(size=(f, p)).astype(np.float32)
    A, B = A.T if turn_a else A, B.T if turn_b else B
    to = {"transA": int(turn_a), "transB": int(turn_b), "alpha": 0.5} if gemm else {}
    W, X = (A, B) if first else (B, A)
    model = build(
        [node(kind, "w x" if first else "x w", "y", **to)], {"w": W}, {"x": list(X.shape)}, {"y": [n, p]}
    )
    graph = Graph(model)
    ((layer,), _) = find_layers(graph)
    vectors = np.concatenate(list(layer.unfolding.blocks(X)), axis=1)[0]
    ((expected,),) = graph.run(["y"], [{"x": X}])
    assert layer.factor * (vectors @ layer.rows().T) == pytest.approx(layer.by_row(expected), abs=1e-5)
    assert (layer.stored(layer.rows()) == W).all()


def test_products_of_many_axes():
    rng = np.random.default_rng(0)
    first = weights(rng, 3, 4), weights(rng, 2, 4, 5), "w x"
    second = weights(rng, 4, 3), weights(rng, 2, 5, 4), "x w"
    for W, X, words in (first, second):
        model = build([node("MatMul", words, "y")], {"w": W}, {"x": list(X.shape)}, {"y": [None] * 3})
        ((layer,), _) = find_layers(Graph(model))
        ((expected,),) = Graph(model).run(["y"], [{"x": X}])
        vectors = np.concatenate(list(layer.unfolding.blocks(X)), axis=1)[0]
        assert vectors @ layer.rows().T == pytest.approx(layer.by_row(expected), abs=1e-5)


def test_layers_of_attention_are_the_products_with_constants():
    layers, skipped = find_layers(Graph(attention()))
    assert [layer.name for layer in layers] == ["n_q", "n_k", "n_v", "n_o", "n_y"]
    assert skipped == []


def test_what_looks_like_a_layer_and_is_none_is_named():
    rng = np.random.default_rng(0)
    inside = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["in"], name="hidden")],
        "body",
        [],
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, [None, None])],
    )
    nodes = [
        node("MatMul", "x w", "a"),
        node("MatMul", "x v", "b"),
        node("DequantizeLinear", "q s", "dq"),
        node("MatMul", "x dq", "c"),
        helper.make_node("If", ["flag"], ["d"], name="choice", then_branch=inside, else_branch=inside),
        node("MatMul", "x bad", "e"),
        node("Gemm", "x w", "f", alpha=0.0),
    ]
    constants = {
        "w": weights(rng, 2, 2),
        "v": weights(rng, 3, 2, 2),
        "q": np.ones((2, 2), np.int8),
        "s": np.float32(1),
        "flag": np.array(True),
        "bad": np.full((2, 2), np.nan, np.float32),
    }
    model = build(
        nodes,
        constants,
        {"x": ["N", 2]},
        {name: [3, "N", 2] if name == "b" else ["N", 2] for name in "abcdef"},
    )
    layers, skipped = find_layers(Graph(model))
    assert [layer.name for layer in layers] == ["n_a"]
    assert [(s.name, s.reason) for s in skipped] == [
        ("n_b", "its weights have 3 dimensions, not 2"),
        ("n_c", "its weights are integers already"),
        ("hidden", "is in a sub-graph of If 'choice'"),
        ("hidden", "is in a sub-graph of If 'choice'"),
        ("n_e", "has weights that are not finite"),
        ("n_f", "its alpha is 0"),
    ]


def test_weights_that_nodes_compute_of_constants():
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node(
            "Constant", [], ["t"], name="made", value=numpy_helper.from_array(weights(rng, 3, 2))
        ),
        node("Transpose", "t", "w", perm=[1, 0]),
        node("MatMul", "x w", "y"),
    ]
    graph = Graph(build(nodes, {}, {"x": ["N", 2]}, {"y": ["N", 3]}))
    ((layer,), _) = find_layers(graph)
    assert layer.shape == (3, 2)
    graph.sweep(["w"])
    assert len(graph.graph.node) == 3  # still in use
    graph.graph.node[2].input[1] = graph.add_constant("other", layer.weights)
    graph.sweep(["w"])
    assert [n.op_type for n in graph.graph.node] == ["MatMul"]


def test_patterns_choose_layers():
    layers, _ = find_layers(Graph(attention()))
    names = lambda include, exclude: [la.name for la in chosen_layers(layers, include, exclude)[0]]  # noqa: E731
    assert names([], []) == ["n_q", "n_k", "n_v", "n_o", "n_y"]
    assert names(["n_[qk]"], []) == ["n_q", "n_k"]
    assert names(["n_[qk]", "n_y"], ["n_k"]) == ["n_q", "n_y"]
    with pytest.raises(InputError, match="exclude: 'frob' fits none of the layers n_q, n_k"):
        names([], ["frob"])


def test_batch_normalization_is_folded_where_nothing_else_looks():
    model = convolutional()
    X = np.random.default_rng(1).normal(size=(3, 3, 8, 8)).astype(np.float32)
    folded = Graph.copy_of(model)
    assert fold_batch_norms(folded) == ["n_n0"]
    onnx.checker.check_model(folded.model, full_check=True)
    assert "BatchNormalization" not in {n.op_type for n in folded.graph.node}
    assert not {"w0", "b0", "g", "h", "mean", "var"} & {t.name for t in folded.graph.initializer}
    for before, after in zip(
        *(next(g.run(["y", "z"], [{"x": X}])) for g in (Graph(model), folded)), strict=True
    ):
        assert after == pytest.approx(before, abs=1e-5)
    watched = Graph.copy_of(model)
    watched.graph.output.append(helper.make_tensor_value_info("c0", TensorProto.FLOAT, ["N", 4, 8, 8]))
    assert fold_batch_norms(watched) == []
