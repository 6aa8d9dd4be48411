"""ONNX files in: what is read computes what onnxruntime does; what is no dense network is named."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from qnnt.availability import Availability
from qnnt.exceptions import InputError, Unavailable
from qnnt.files import onnx_folding
from qnnt.files.onnx import read_onnx
from qnnt.rounding.model import DenseModel

ACTIVATIONS = ("Relu", "Tanh", "Sigmoid", "Softmax", None)


def save(path, nodes, constants, inputs=("x",), outputs=None, width=None, shape=None):
    """A model of float inputs (N, f), or of another shape, and outputs."""
    outputs = outputs or [nodes[-1].output[0]]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(i, TensorProto.FLOAT, shape or ["N", width]) for i in inputs],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, ["N", None]) for o in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    onnx.save(model, path)
    return path


def layer(draw, i, rng, f, n, at):
    """Nodes and constants of a layer in one of the ways that exporters write it."""
    w, b, y = rng.normal(size=(f, n)).astype(np.float32), rng.normal(size=n).astype(np.float32), f"y{i}"
    way = draw(
        st.sampled_from(
            ["gemm", "gemm transposed", "scaled gemm", "matmul", "matmul add", "add matmul", "folded"]
        )
    )
    gemm = lambda *inputs, **more: [helper.make_node("Gemm", [at, *inputs], [y], **more)]  # noqa: E731
    if way == "gemm":
        return y, gemm(f"w{i}", f"b{i}"), {f"w{i}": w, f"b{i}": b}
    if way == "gemm transposed":
        return y, gemm(f"w{i}", transB=1), {f"w{i}": w.T.copy()}
    if way == "scaled gemm":
        more = {"alpha": 0.5, "beta": 2.0}
        return y, gemm(f"w{i}", f"b{i}", **more), {f"w{i}": w, f"b{i}": b[None, :]}
    product = helper.make_node("MatMul", [at, f"w{i}"], [f"p{i}"])
    if way == "matmul":
        product.output[0] = y
        return y, [product], {f"w{i}": w}
    if way == "folded":  # weights that a Transpose makes of a constant
        turn = helper.make_node("Transpose", [f"t{i}"], [f"w{i}"], perm=[1, 0])
        product.output[0] = y
        return y, [turn, product], {f"t{i}": w.T.copy()}
    order = [f"p{i}", f"b{i}"] if way == "matmul add" else [f"b{i}", f"p{i}"]
    return y, [product, helper.make_node("Add", order, [y])], {f"w{i}": w, f"b{i}": b}


@given(st.data())
def test_what_is_read_computes_the_same(tmp_path_factory, data):
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    nodes, constants, at = [], {}, "x"
    if draw(st.booleans()):
        nodes.append(helper.make_node("Flatten", [at], ["flat"]))
        at = "flat"
    for i, (f, n) in enumerate(pairwise(sizes)):
        at, more, values = layer(draw, i, rng, f, n, at)
        nodes += more
        constants |= values
        last = i + 2 == len(sizes)
        kind = draw(st.sampled_from(ACTIVATIONS if last else [a for a in ACTIVATIONS if a != "Softmax"]))
        if kind is not None:
            nodes.append(helper.make_node(kind, [at], [f"a{i}"]))
            at = f"a{i}"
    path = save(tmp_path_factory.mktemp("onnx") / "m.onnx", nodes, constants)
    model = DenseModel.load(path)
    X = rng.normal(size=(5, sizes[0])).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert model.sizes == tuple(sizes)
    assert model.predict(X) == pytest.approx(session.run(None, {"x": X})[0], rel=1e-4, abs=1e-4)


W, B = np.ones((2, 2), dtype=np.float32), np.ones(2, dtype=np.float32)
LINEAR = helper.make_node("MatMul", ["x", "w"], ["y"], name="first")


def node(kind, inputs=("y",), output="z", **more):
    return helper.make_node(kind, list(inputs), [output], name=f"the {kind}", **more)


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([LINEAR, node("LeakyRelu")], "node 'the LeakyRelu': LeakyRelu is not known here"),
        ([LINEAR, node("Elu")], "node 'the Elu': Elu is not known here"),
        ([LINEAR, node("Clip")], "node 'the Clip'"),
        ([LINEAR, node("Mul", ["y", "b"])], "node 'the Mul'"),
        ([LINEAR, node("Mul", ["y", "y"])], "node 'the Mul': is not part of one chain"),
        ([LINEAR, node("Relu"), node("Add", ["z", "x"], "s")], "node 'the Add'"),
        ([LINEAR, node("Relu"), node("Add", ["z", "b"], "s")], "right after a product"),
        ([LINEAR, node("Relu"), node("Tanh", ["z"], "s")], "node 'the Tanh': Tanh must come after a layer"),
        ([node("Relu", ["x"])], "node 'the Relu': Relu must come after a layer"),
        ([node("Identity", ["x"])], "has no layer of weights"),
        ([LINEAR, node("Softmax", axis=0)], "node 'the Softmax': Softmax must be over the outputs"),
        ([node("Reshape", ["x", "two"]), LINEAR], r"node 'the Reshape': Reshape to \[-1, 2\] does not keep"),
        (
            [LINEAR, node("Softmax"), helper.make_node("MatMul", ["z", "w"], ["s"])],
            "softmax can only be the last",
        ),
        ([LINEAR, node("Flatten", axis=0)], "node 'the Flatten'"),
        ([LINEAR, node("Reshape", ["y", "flat"])], r"node 'the Reshape': Reshape to \[1, -1\]"),
        ([node("MatMul", ["w", "x"])], "node 'the MatMul': the data must be the first factor"),
        ([node("MatMul", ["x", "v"])], "node 'the MatMul': the weights must be a matrix"),
        ([node("Gemm", ["x", "w"], transA=1)], "node 'the Gemm': the data must be the first factor"),
        ([node("Gemm", ["w", "x"])], "node 'the Gemm': the data must be the first factor"),
        ([LINEAR, node("Add", ["y", "long"])], r"a bias of shape \(3,\) does not fit 2 neurons"),
        ([LINEAR, node("Add", ["y", "w"])], r"a bias of shape \(2, 2\) does not fit"),
    ],
)
def test_what_is_not_a_dense_network_is_named(tmp_path, nodes, words):
    constants = {"w": W, "b": B, "v": np.ones((2, 2, 2), np.float32), "long": np.ones(3, np.float32)}
    shapes = {"flat": np.array([1, -1]), "two": np.array([-1, 2])}
    path = save(tmp_path / "m.onnx", nodes, {**constants, **shapes})
    with pytest.raises(InputError, match=words) as caught:
        read_onnx(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_other_graphs_and_files(tmp_path):
    path = tmp_path / "m.onnx"
    two = [LINEAR, node("Relu")]
    with pytest.raises(InputError, match="has 2 inputs and 1 outputs"):
        read_onnx(save(path, two, {"w": W}, inputs=("x", "x2")))
    with pytest.raises(InputError, match="has 1 inputs and 2 outputs"):
        read_onnx(save(path, two, {"w": W}, outputs=["y", "z"]))
    with pytest.raises(InputError, match="has inputs of 4 values, but its first layer takes 2"):
        read_onnx(save(path, two, {"w": W}, width=4))
    with pytest.raises(InputError, match="ends in 'z', not in its output 'y'"):
        read_onnx(save(path, two, {"w": W}, outputs=["y"]))
    path.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="is not a valid ONNX model"):
        read_onnx(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_onnx(tmp_path / "none.onnx")


FLAT = helper.make_node("Flatten", ["x"], ["r"])
AFTER = helper.make_node("MatMul", ["r", "w"], ["y"], name="first")


@pytest.mark.parametrize("shape", [["N", "T", 2], ["N", 3, "T", 2], [2]])
def test_inputs_that_are_no_vectors(tmp_path, shape):
    """A softmax over axis 1 would be over something else than the outputs."""
    for nodes in ([LINEAR, node("Softmax", axis=1)], [helper.make_node("Identity", ["x"], ["r"]), AFTER]):
        path = save(tmp_path / "m.onnx", nodes, {"w": W}, shape=shape)
        with pytest.raises(InputError, match=f"node 'first': takes '[xr]' of {len(shape)} dimension"):
            read_onnx(path)


@pytest.mark.parametrize(
    ("to", "shape"), [([-1, 2], ["N", 2, 1]), ([0, 2], ["N", "C"]), ([0, -1], ["N", "C", 1])]
)
def test_inputs_are_made_vectors(tmp_path, to, shape):
    turn = helper.make_node("Reshape", ["x", "s"], ["r"])
    assert read_onnx(save(tmp_path / "m.onnx", [turn, AFTER], {"w": W, "s": np.array(to)}, shape=shape)).sizes
    assert read_onnx(save(tmp_path / "m.onnx", [FLAT, AFTER], {"w": W}, shape=shape)).sizes == (2, 2)
    with pytest.raises(InputError, match=r"Reshape to \[-1, 2\] does not keep one vector for each input"):
        read_onnx(save(tmp_path / "m.onnx", [turn, AFTER], {"w": W, "s": np.array([-1, 2])}, shape=["N", 4]))


def test_without_onnx_the_message_says_what_to_install(tmp_path, monkeypatch):
    missing = Availability(False, reason="package 'onnx' is missing: pip install 'qnnt[onnx]'")
    monkeypatch.setattr(Availability, "of_package", lambda *names: missing)
    with pytest.raises(
        Unavailable, match=r"ONNX files: package 'onnx' is missing: pip install 'qnnt\[onnx\]'"
    ):
        read_onnx(tmp_path / "m.onnx")


WEIGHTS = {"W": np.ones((2, 1), np.float32)}
PRODUCT = helper.make_node("MatMul", ["x", "V"], ["y"])


def body():
    """A loop's: it passes one value on."""
    ends = [("c", TensorProto.BOOL, []), ("v", TensorProto.FLOAT, [2, 1])]
    ins = [helper.make_tensor_value_info(*end) for end in [("i", TensorProto.INT64, []), *ends]]
    outs = [helper.make_tensor_value_info(f"{name}2", *end) for name, *end in ends]
    return helper.make_graph([helper.make_node("Identity", [n], [f"{n}2"]) for n in "cv"], "b", ins, outs)


def test_constants_are_computed_whatever_the_node(tmp_path):
    loop = helper.make_node("Loop", ["n", "t", "W"], ["V"], body=body())
    constants = {**WEIGHTS, "n": np.int64(3), "t": np.array(True)}
    assert read_onnx(save(tmp_path / "m.onnx", [loop, PRODUCT], constants)).sizes == (2, 1)
    double = helper.make_node("Mul", ["W", "W"], ["V"])
    assert read_onnx(save(tmp_path / "m.onnx", [double, PRODUCT], WEIGHTS)).sizes == (2, 1)


def test_computing_constants_has_a_budget(tmp_path, monkeypatch):
    """A loop without end, an array of terabytes, one of megabytes, and doublings of doublings."""
    monkeypatch.setattr(onnx_folding, "SECONDS", 1.0)
    monkeypatch.setenv("QNNT_MOST_MIB", "4")
    loop = helper.make_node("Loop", ["n", "t", "W"], ["V"], body=body())
    doublings = [
        helper.make_node("Concat", [f"W{i}" if i else "W"] * 2, [f"W{i + 1}"], axis=0) for i in range(40)
    ] + [helper.make_node("MatMul", ["x", "W40"], ["y"])]
    shaped = helper.make_node("ConstantOfShape", ["s"], ["V"])
    cases = [
        (
            [loop, PRODUCT],
            {"n": np.int64(2**60), "t": np.array(True)},
            "all constants of a file have 1 seconds",
        ),
        ([shaped, PRODUCT], {"s": np.array([2**20, 2**25])}, "out of memory"),
        ([shaped, PRODUCT], {"s": np.array([2**10, 2**12])}, "they take 16 MiB, more than 4"),
        (doublings, {}, "the constants of the file that are computed take at least [0-9]+ MiB, more than 4"),
    ]
    for nodes, constants, words in cases:
        with pytest.raises(InputError, match=f"m.onnx: node '[VW].*{words}"):
            read_onnx(save(tmp_path / "m.onnx", nodes, {**WEIGHTS, **constants}))
