"""Graphs rounded where they stand: costs by onnxruntime and brute force; all else to the bit."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import attention, build, convolutional, images, node, sentences, weights

from qnnt.exceptions import InputError, UnknownWord, Unsupported
from qnnt.files.onnx_qdq import STORED_BITS, storage
from qnnt.limits import Limit, Limits, Status
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.statement import Statement
from qnnt.rounding import Scheme, round_graph
from qnnt.verify.onnx_graph import changes, replay_graph

LINEAR = ("Gemm", "MatMul", "Conv")


def values(model, names, feed):
    return next(Graph(model).run(names, [feed]))


def test_a_cost_is_the_distance_of_outputs_in_onnxruntime():
    """Layer by layer: the real layer on the inputs that the rounded ones before it give."""
    model, X = convolutional(), images()
    rounded = round_graph(model, X, bits=3, backend="beam")
    assert [layer.layer.name for layer in rounded.layers] == ["n_c0", "n_c1", "n_c2", "n_y", "n_z"]
    for layer in rounded.layers:
        own = layer.layer
        source, now = values(rounded.model, [own.source, own.output], {"x": X})
        alone = Graph.copy_of(model)
        at = next(n for n in alone.graph.node if n.name == own.name)
        del alone.graph.node[:]
        alone.graph.node.append(at)
        alone.graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info(own.source, 1, None))
        (real,) = values(alone.model, [own.output], {own.source: source})
        distance = ((own.by_row(now).astype(float) - own.by_row(real)) ** 2).mean(axis=0)
        assert layer.rows.cost == pytest.approx(distance, rel=1e-3, abs=1e-9)
        assert (layer.rows.cost <= layer.rows.nearest_cost * (1 + 1e-9)).all()
        assert (layer.rows.lower_bound <= layer.rows.cost).all()
        assert layer.points == len(own.by_row(now))


@given(st.integers(0, 10**6), st.sampled_from([(2, 2), (2, 4), (3, 2)]), st.booleans())
def test_no_choice_costs_less_than_a_bound(seed, bits_and_candidates, int8):
    """Small convolutions against all choices, their costs computed output by output."""
    bits, candidates = bits_and_candidates
    rng = np.random.default_rng(seed)
    groups = int(rng.integers(1, 3))
    W, b = weights(rng, 2, 2, 2), weights(rng, 2)
    to = {"group": groups, "pads": [1, 0], "strides": [int(rng.integers(1, 3))]}
    model = build(
        [node("Conv", "x w b", "y", **to)], {"w": W, "b": b}, {"x": ["N", 2 * groups, 4]}, {"y": [None] * 3}
    )
    X = rng.normal(size=(3, 2 * groups, 4)).astype(np.float32)
    rounded = round_graph(
        model,
        X,
        bits=bits,
        backend="closest-vector",
        candidates=candidates,
        activations="int8" if int8 else "float",
        row_time=60.0,
    )
    (layer,) = rounded.layers
    own, codes = layer.layer, layer.codes
    stored = X if codes.inputs is None else codes.inputs.codes(X) - codes.inputs.zero_point
    vectors = np.concatenate(list(own.unfolding.blocks(stored)), axis=1).astype(float)
    rows, input_scale = own.rows(), 1.0 if codes.inputs is None else codes.inputs.scale
    least, most = layer.scheme.weight_range
    for i, row in enumerate(rows):
        seen = vectors[i // (len(rows) // groups)] * input_scale
        goal = seen @ row + (b[i] if int8 else 0)
        first = np.floor(row / codes.scale[i]).astype(int) - (candidates - 1) // 2
        first = np.clip(first, least, max(most - candidates + 1, least))
        box = [range(c, min(c + candidates - 1, most) + 1) for c in first]
        best = np.inf
        for choice in itertools.product(*box):
            left = goal - seen @ (np.array(choice) * codes.scale[i])
            if int8:
                unit = codes.scale[i] * input_scale
                real = b[i] / unit if candidates == 2 else left.mean() / unit
                for bias in (np.floor(real), np.floor(real) + 1):
                    best = min(best, float(((left - bias * unit) ** 2).mean()))
            else:
                best = min(best, float((left**2).mean()))
        assert layer.rows.lower_bound[i] <= best * (1 + 1e-9) + 1e-12
        assert layer.rows.cost[i] <= best * (1 + 1e-6) + 1e-9
        if layer.rows.row_status[i] is Status.OPTIMAL:
            assert layer.rows.cost[i] == pytest.approx(best, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(("bits", "opset"), [(2, 25), (4, 21), (4, 17), (8, 13), (3, 11)])
def test_weights_alone_leave_all_else_to_the_bit(tmp_path, bits, opset):
    model, X = convolutional(opset=opset), images()
    before = model.SerializeToString()
    rounded = round_graph(model, X, bits=bits, backend="nearest-plane")
    assert model.SerializeToString() == before
    onnx.checker.check_model(rounded.model, full_check=True)
    layers = {"n_c0", "n_c1", "n_c2", "n_y", "n_z"}
    assert set(changes(model, rounded.model)) == layers | {"w0", "w1", "w2", "w3", "w4"}
    for theirs in model.graph.node:
        ours = onnx.NodeProto()
        ours.CopyFrom(next(n for n in rounded.model.graph.node if n.name == theirs.name))
        if theirs.name in layers:  # but for the weights, they are the same node
            assert ours.input[1].endswith("_dequantized")
            ours.input[1] = theirs.input[1]
        assert ours == theirs
    rounded.save(tmp_path / "m.onnx")
    replay = replay_graph(tmp_path / "m.onnx", rounded, [{"x": X}])
    assert (replay.weights, replay.differing_weights) == (224, 0)
    assert {n.op_type for n in rounded.model.graph.node} - {n.op_type for n in model.graph.node} == (
        {"DequantizeLinear"} if opset >= 13 else {"Cast", "Mul"}
    )
    kinds = {layer.placed.kind for layer in rounded.layers}
    probe = np.array([-(2 ** (bits - 1))])
    assert kinds == {storage(probe, opset), storage(probe, opset, columns=2)}  # the MatMul has two
    for layer in rounded.layers:
        held = next(
            t for t in rounded.model.graph.initializer if t.name.startswith(f"{layer.layer.weight}_q")
        )
        size = -(-layer.layer.weights.size * STORED_BITS[layer.placed.kind] // 8)
        assert len(held.raw_data) == size
        assert layer.bytes[1] == size + 4 * layer.layer.n


@pytest.mark.parametrize("form", ["exact", "scaled"])
@pytest.mark.parametrize(("bits", "opset"), [(2, 25), (4, 21), (8, 13)])
def test_integers_of_weights_and_activations_are_those_of_onnxruntime(tmp_path, bits, opset, form):
    model, X = convolutional(opset=opset), images()
    rounded = round_graph(model, X, bits=bits, backend="beam", activations="int8", form=form)
    onnx.checker.check_model(rounded.model, full_check=True)
    rounded.save(tmp_path / "m.onnx")
    replay = replay_graph(tmp_path / "m.onnx", rounded, [{"x": X}, {"x": images(10, 2) * 3}])
    assert replay.same
    codes = 50 * (3 * 64 + 4 * 64 + 4 * 16 + 2 * 4)  # y and z share theirs, which are counted for each
    sums = 50 * (4 * 64 + 4 * 16 + 4 * 4 + 3 + 2)
    assert replay.integers == codes + (sums if form == "exact" else 0)
    before, after = (values(m, ["y", "z"], {"x": X}) for m in (model, rounded.model))
    near = {2: 0.5, 4: 0.1, 8: 0.01}[bits]
    for real, ours in zip(before, after, strict=True):
        assert ((real - ours) ** 2).mean() < near * real.var()
    others = {n.name for n in model.graph.node if n.op_type not in LINEAR}
    assert not others & set(changes(model, rounded.model))


@pytest.mark.parametrize("form", ["exact", "scaled"])
@pytest.mark.parametrize("open_axes", [[], ["P"], ["N", "P"]])
@pytest.mark.parametrize("inner", [False, True])
def test_a_constant_first_factor_takes_one_vector_or_many(tmp_path, form, open_axes, inner):
    rng, rest = np.random.default_rng(0), [5, 2][: len(open_axes)]
    shape, own = ([*lead[:-1], size, *lead[-1:]] for size, lead in ((4, open_axes), (4, rest)))
    nodes = [node("Relu", "x", "h"), node("MatMul", "w h", "y")] if inner else [node("MatMul", "w x", "y")]
    model = build(nodes, {"w": weights(rng, 3, 4)}, {"x": shape}, {"y": [None] * len(shape)})
    feeds = [{"x": rng.random(own).astype(np.float32)} for _ in range(10)]
    rounded = round_graph(model, feeds, bits=4, backend="gptq", activations="int8", form=form)
    assert len(set(rounded.layers[0].codes.unit)) == 3
    rounded.save(tmp_path / "m.onnx")
    assert replay_graph(tmp_path / "m.onnx", rounded, feeds).same
    for feed in feeds:
        (real,), (ours,) = (values(m, ["y"], feed) for m in (model, rounded.model))
        assert ours.shape == real.shape
        assert ours == pytest.approx(real, abs=0.2)


def test_attention_with_two_inputs_and_an_open_axis(tmp_path):
    """Eleven kinds of nodes, of which the products with constants are rounded and nothing else is touched."""
    model, rng = attention(), np.random.default_rng(3)
    feeds = [sentences(rng, 6, length) for length in (3, 5, 8)]
    rounded = round_graph(model, iter(feeds), bits=4, backend="beam")
    assert len({n.op_type for n in model.graph.node}) >= 8
    layers = ["n_q", "n_k", "n_v", "n_o", "n_y"]
    assert [layer.layer.name for layer in rounded.layers] == layers
    assert set(changes(model, rounded.model)) == {*layers, "wq", "wk", "wv", "wo", "w"}
    assert [layer.points for layer in rounded.layers] == [6 * 16] * 4 + [18]
    rounded.save(tmp_path / "m.onnx")
    saved = onnx.load(tmp_path / "m.onnx")
    for part in ("input", "output"):
        assert list(getattr(saved.graph, part)) == list(getattr(model.graph, part))
    assert saved.metadata_props == model.metadata_props
    assert replay_graph(tmp_path / "m.onnx", rounded, feeds).same
    fresh = sentences(rng, 2, 11)
    # Up to the first layer nothing changes at all; the outputs come near.
    assert (values(model, ["l"], fresh)[0] == values(saved, ["l"], fresh)[0]).all()
    for real, ours in zip(values(model, ["p", "s"], fresh), values(saved, ["p", "s"], fresh), strict=True):
        assert real.shape == ours.shape
        assert ((real - ours) ** 2).mean() < 0.05 * real.var()


def test_the_same_in_int8_with_an_excluded_layer(tmp_path):
    model, feed = attention(), sentences(np.random.default_rng(4), 8, 5)
    rounded = round_graph(model, feed, bits=8, backend="nearest", activations="int8", exclude=["n_o", "n_k"])
    assert rounded.excluded == ("n_k", "n_o")
    rounded.save(tmp_path / "m.onnx")
    replay = replay_graph(tmp_path / "m.onnx", rounded, [feed])
    assert replay.same
    # n_q and n_v share one QuantizeLinear, n_k keeps the float input.
    assert sum(n.op_type == "QuantizeLinear" for n in rounded.model.graph.node) == 2
    kept = next(n for n in rounded.model.graph.node if n.name == "n_k")
    assert kept == next(n for n in model.graph.node if n.name == "n_k")


def test_weights_that_others_take_too_stay_and_defaults_that_none_takes_go():
    rng = np.random.default_rng(0)
    nodes = [
        node("Gather", "w i", "e"),
        node("MatMul", "e w", "a"),
        node("MatMul", "e v", "b"),
        node("MatMul", "b v", "c"),
    ]
    constants = {"w": weights(rng, 4, 4), "v": weights(rng, 4, 4), "i": np.array([0, 1, 3])}
    model = build(nodes, constants, {"x": [1]}, {"a": [3, 4], "c": [3, 4]})
    model.graph.node.append(node("Identity", "x", "out"))
    model.graph.output.append(onnx.helper.make_tensor_value_info("out", 1, [1]))
    for name in "wv":  # as old exporters do, initializers are inputs with a default
        model.graph.input.append(onnx.helper.make_tensor_value_info(name, 1, [4, 4]))
    with pytest.raises(InputError, match="has no Gemm, MatMul or Conv"):
        round_graph(model, {"x": np.ones(1)})  # all of it is constant
    model.graph.node[0].input[1] = "x_i"
    model.graph.node.insert(0, onnx.helper.make_node("Cast", ["x"], ["x_i"], to=7))
    rounded = round_graph(model, {"x": np.array([2.0])}, backend="nearest")
    assert [la.layer.name for la in rounded.layers] == ["n_a", "n_b", "n_c"]
    assert {t.name for t in rounded.model.graph.initializer} >= {
        "w",
        "w_quantized",
        "v_quantized",
        "v_quantized_2",
    }
    assert "v" not in {t.name for t in rounded.model.graph.initializer}
    assert [value.name for value in rounded.model.graph.input] == ["x", "w"]
    assert len(values(rounded.model, ["a", "c"], {"x": np.array([2.0], np.float32)})) == 2


def test_a_model_that_was_rounded_holds_nothing_more_to_round():
    model, X = convolutional(), images()
    rounded = round_graph(model, X, backend="nearest")
    with pytest.raises(InputError, match="to round: 'n_c0' its weights are integers already"):
        round_graph(rounded.model, X)


def test_batch_normalization_folded_and_a_newer_opset():
    model, X = convolutional(opset=17), images()
    rounded = round_graph(model, X, bits=4, backend="nearest-plane", fold_batch_norm=True, opset=21)
    assert rounded.folded == ("n_n0",)
    assert {layer.placed.kind for layer in rounded.layers} == {"INT4"}
    assert all(after < before for before, after in (layer.bytes for layer in rounded.layers))
    for real, ours in zip(*(values(m, ["y", "z"], {"x": X}) for m in (model, rounded.model)), strict=True):
        assert ((real - ours) ** 2).mean() < 0.2 * real.var()


def test_the_order_of_threads_changes_nothing():
    model, X = convolutional(), images()
    one, two = (round_graph(model, X, backend="beam", limits=Limits(threads=t, seed=1)) for t in (1, 2))
    assert one.model == two.model


def test_ctrl_c_keeps_the_finished_layers_and_the_model_is_whole(monkeypatch):
    model, X = convolutional(), images()
    plain = round_graph(model, X, bits=3, backend="beam")
    real, calls = Statement.gptq_costs, []

    def pressed(statement):
        calls.append(statement)
        if len(calls) == 2:  # the second layer is done, but not placed
            raise KeyboardInterrupt
        return real(statement)

    monkeypatch.setattr(Statement, "gptq_costs", pressed)
    rounded = round_graph(model, X, bits=3, backend="beam")
    assert rounded.limit is Limit.INTERRUPT
    assert len(rounded.layers) == 5
    assert (rounded.layers[0].codes.weights == plain.layers[0].codes.weights).all()
    assert rounded.layers[1].rows.row_limits == (None,) * 4
    for layer in rounded.layers[2:]:
        done = [limit is None for limit in layer.rows.row_limits]
        assert done == layer.rows.proved.tolist()  # a row that costs nothing
        assert (layer.rows.cost <= layer.rows.nearest_cost).all()
    onnx.checker.check_model(rounded.model, full_check=True)


def test_a_time_limit_leaves_no_layer_out():
    rounded = round_graph(convolutional(), images(), limits=Limits(time=1e-6))
    assert rounded.limit is Limit.TIME
    assert [len(layer.rows.cost) for layer in rounded.layers] == [4, 4, 4, 3, 2]


def test_sums_that_a_float_does_not_hold():
    rng = np.random.default_rng(0)
    W = np.full((1, 600, 1), 1, np.float32)
    model = build([node("Conv", "x w", "y")], {"w": W}, {"x": ["N", 600, 3]}, {"y": [None] * 3})
    X = rng.random((4, 600, 3))
    with pytest.raises(Unsupported, match=r"layer 'n_y': a sum could reach .* take the form scaled"):
        round_graph(model, X, bits=8, backend="nearest", activations="int8")
    assert round_graph(model, X, bits=8, backend="nearest", activations="int8", form="scaled").layers


def test_mistakes_are_named():
    model, X = convolutional(), images(3)
    nothing = build([node("Relu", "x", "y")], {}, {"x": ["N", 2]}, {"y": ["N", 2]})
    with pytest.raises(InputError, match="graph: has no Gemm, MatMul or Conv with constant float weights"):
        round_graph(nothing, np.ones((2, 2)))
    with pytest.raises(InputError, match=r"layer 'n_y': onnxruntime cannot run it"):
        round_graph(unknown(), np.ones((2, 2)))
    with pytest.raises(InputError, match="exclude: leaves no layer"):
        round_graph(model, X, exclude=["*"])
    with pytest.raises(InputError, match="activations: int8 needs opset 13, the model has 11"):
        round_graph(convolutional(opset=11), X, activations="int8")
    with pytest.raises(InputError, match="opset: onnx cannot convert"):
        round_graph(model, X, opset=9999)
    with pytest.raises(InputError, match="bits or a scheme"):
        round_graph(model, X, bits=3, scheme=Scheme(3))
    with pytest.raises(UnknownWord, match="no activations 'frob'"):
        round_graph(model, X, activations="frob")


def unknown():
    """A model with a node that onnxruntime does not know."""
    model = build(
        [node("Relu", "x", "h"), node("MatMul", "h w", "y")],
        {"w": np.ones((2, 2), np.float32)},
        {"x": ["N", 2]},
        {"y": ["N", 2]},
    )
    model.graph.node[0].domain = "some.where"
    model.opset_import.append(onnx.helper.make_opsetid("some.where", 1))
    return model


def test_progress_comes_to_all_weights():
    heard = []
    round_graph(convolutional(), images(), backend="nearest-plane", progress=heard.append)
    assert [news.layer for news in heard] == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 3 + [4] * 2
    assert [news.share for news in heard] == sorted(news.share for news in heard)
    assert heard[-1].share == 1
    assert all(news.layers == 5 for news in heard)
    last = [news.rows for news in heard if news.layer == 1][-1]  # of two groups
    assert (last.done, last.total, last.neuron) == (4, 4, 3)


@pytest.mark.parametrize("per", ["row", "tensor"])
@pytest.mark.parametrize("activations", ["float", "int8"])
def test_searched_scales_cost_gptq_no_more_than_those_of_the_range(tmp_path, per, activations):
    model, X = convolutional(), images()
    options = {"scheme": Scheme(2, per=per), "backend": "gptq", "activations": activations}
    plain = round_graph(model, X, **options)
    searched = round_graph(model, X, **options, search_scales=True)
    first, better = plain.layers[0], searched.layers[0]  # those after it have other inputs
    assert better.rows.cost.sum() < first.rows.cost.sum()
    if per == "row":
        assert (better.rows.cost <= first.rows.cost * (1 + 1e-9)).all()
    for ours, theirs in zip(searched.layers, plain.layers, strict=True):
        ratio = ours.codes.scale / theirs.codes.scale
        assert ((ratio <= 1 + 1e-6) & (ratio >= 0.4 - 1e-6)).all()
        if per == "tensor":
            assert len(set(ours.codes.scale.tolist())) == 1
    searched.save(tmp_path / "m.onnx")
    assert replay_graph(tmp_path / "m.onnx", searched, [{"x": X}]).same
