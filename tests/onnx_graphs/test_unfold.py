"""Convolutions as rows: windows times rows is what onnxruntime's Conv computes, block by block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from onnx_models import build, node

from qnnt.exceptions import InputError
from qnnt.onnx_graphs import unfold
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.layers import find_layers
from qnnt.onnx_graphs.unfold import Columns, Moments, Windows

small = st.integers(1, 3)


@given(st.data())
def test_rows_times_windows_is_the_convolution(data):
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    k, groups = draw(st.integers(1, 2)), draw(small)
    C, M = groups * draw(small), groups * draw(small)
    kernel, strides, dilations = ([draw(small) for _ in range(k)] for _ in range(3))
    sizes = [draw(st.integers(1, 7)) for _ in range(k)]
    how = draw(st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    to = {"kernel_shape": kernel, "strides": strides, "dilations": dilations, "group": groups}
    if how == "NOTSET":
        to["pads"] = [draw(st.integers(0, 2)) for _ in range(2 * k)]
        room = [s + to["pads"][i] + to["pads"][k + i] for i, s in enumerate(sizes)]
    else:
        to["auto_pad"] = how
        room = [99] * k if how != "VALID" else sizes
        assume(how == "VALID" or dilations == [1] * k)  # onnxruntime does not pad for more
    assume(all(d * (f - 1) + 1 <= r for d, f, r in zip(dilations, kernel, room, strict=True)))
    W = rng.integers(-3, 4, (M, C // groups, *kernel)).astype(np.float32)
    X = rng.integers(-3, 4, (3, C, *sizes)).astype(np.float32)
    graph = Graph(
        build([node("Conv", "x w", "y", **to)], {"w": W}, {"x": [None] * (k + 2)}, {"y": [None] * (k + 2)})
    )
    ((layer,), skipped) = find_layers(graph)
    assert skipped == []
    ((expected,),) = graph.run(["y"], [{"x": X}])
    before = unfold.BLOCK_BYTES
    try:
        unfold.BLOCK_BYTES = draw(
            st.sampled_from([8, 200, 3000, before])
        )  # a line of outputs, an image, more
        blocks = list(layer.unfolding.blocks(X))
    finally:
        unfold.BLOCK_BYTES = before
    vectors = np.concatenate(blocks, axis=1)
    rows = layer.rows().reshape(groups, M // groups, -1)
    sums = np.concatenate([v @ w.T for v, w in zip(vectors, rows, strict=True)], axis=1)
    assert (sums == layer.by_row(expected)).all()
    assert (layer.stored(layer.rows()) == W).all()


@given(st.integers(0, 10**6), st.booleans(), small)
def test_moments_are_sums_over_all_vectors(seed, bias, tensors):
    rng = np.random.default_rng(seed)
    windows = Windows(2, (2,), (1,), (1,), (1, 0))
    inputs = [rng.normal(size=(2, 4, 5)) for _ in range(tensors)]
    moments = Moments(windows, 4, bias=bias)
    for X in inputs:
        moments.add(X)
    vectors = np.concatenate([b for X in inputs for b in windows.blocks(X)], axis=1)
    if bias:
        vectors = np.concatenate([vectors, np.ones((*vectors.shape[:2], 1))], axis=2)
    assert moments.points == vectors.shape[1] == tensors * 2 * 5
    assert moments.finished() == pytest.approx(np.swapaxes(vectors, 1, 2) @ vectors)
    assert (moments.finished() == np.swapaxes(moments.finished(), 1, 2)).all()


def test_columns_of_any_number_of_axes(monkeypatch):
    X = np.arange(24.0).reshape(2, 3, 4)
    monkeypatch.setattr(unfold, "BLOCK_BYTES", 70)
    plain = list(Columns().blocks(X))
    assert max(block.shape[1] for block in plain) == 2
    assert (np.concatenate(plain, axis=1)[0] == X.reshape(6, 4)).all()
    turned = np.concatenate(list(Columns(transposed=True).blocks(X)), axis=1)[0]
    assert (turned == np.swapaxes(X, 1, 2).reshape(8, 3)).all()


def test_inputs_that_do_not_fit():
    with pytest.raises(InputError, match="has 3 dimensions, not 4"):
        next(Windows(1, (1, 1), (1, 1), (1, 1), (0,) * 4).blocks(np.zeros((1, 1, 1))))
    with pytest.raises(InputError, match="vectors of 3 values, not 4"):
        Moments(Columns(), 4).add(np.zeros((2, 3)))
    with pytest.raises(InputError, match="not finite"):
        Moments(Columns(), 1).add(np.array([[np.inf]]))
