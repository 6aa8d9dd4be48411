"""ONNX models to round: what to build them with, and one with attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
Shape = Sequence[int | str | None]


def build(
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, Any],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    *,
    opset: int = 21,
    types: Mapping[str, int] | None = None,
) -> onnx.ModelProto:
    """A checked model of float inputs and outputs, unless ``types`` says otherwise."""
    info = helper.make_tensor_value_info
    kinds = types or {}
    graph = helper.make_graph(
        list(nodes),
        "g",
        [info(name, kinds.get(name, FLOAT), shape) for name, shape in inputs.items()],
        [info(name, kinds.get(name, FLOAT), shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="qnnt")
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    helper.set_model_props(model, {"author": "somebody"})
    onnx.checker.check_model(model, full_check=True)
    return model


def weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Float weights, such that outputs are about as large as inputs."""
    return (rng.normal(size=shape) / np.sqrt(max(np.prod(shape[1:]), 1))).astype(np.float32)


def node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """A node named like its output; ``inputs`` are words."""
    return helper.make_node(kind, inputs.split(), [output], name=f"n_{output}", **attributes)


def attention(seed: int = 0, opset: int = 21) -> onnx.ModelProto:
    """Token numbers (N, T) and a mask (N, T, T), T open: an encoder's block of eleven kinds of nodes."""
    rng, d, heads = np.random.default_rng(seed), 8, 2
    nodes = [
        node("Gather", "words tokens", "e"),
        node("LayerNormalization", "e ln_g ln_b", "l"),
        node("MatMul", "l wq", "q"),
        node("MatMul", "l wk", "k"),
        node("MatMul", "l wv", "v"),
    ]
    for name, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        nodes += [
            node("Reshape", f"{name} split", f"{name}s"),
            node("Transpose", f"{name}s", f"{name}t", perm=order),
        ]
    nodes += [
        node("MatMul", "qt kt", "scores"),
        node("Mul", "scores half", "scaled"),
        node("Unsqueeze", "mask one", "m"),
        node("Add", "scaled m", "masked"),
        node("Softmax", "masked", "a", axis=-1),
        node("MatMul", "a vt", "mixed"),
        node("Transpose", "mixed", "back", perm=[0, 2, 1, 3]),
        node("Reshape", "back join", "joined"),
        node("MatMul", "joined wo", "o"),
        node("Add", "o bo", "ob"),
        node("Add", "e ob", "s"),
        node("ReduceMean", "s one", "pooled", keepdims=0),
        node("Gemm", "pooled w b", "y"),
        node("Sigmoid", "y", "p"),
    ]
    constants = {
        "words": weights(rng, 20, d) * np.float32(3),
        "ln_g": weights(rng, d) + 1,
        "ln_b": weights(rng, d),
        **{name: weights(rng, d, d) for name in ("wq", "wk", "wv", "wo")},
        "bo": weights(rng, d),
        "w": weights(rng, d, 3),
        "b": weights(rng, 3),
        "split": np.array([0, 0, heads, d // heads]),
        "join": np.array([0, 0, d]),
        "half": np.float32(0.5),
        "one": np.array([1]),
    }
    shapes = {"tokens": ["N", "T"], "mask": ["N", "T", "T"]}
    return build(
        nodes, constants, shapes, {"p": ["N", 3], "s": ["N", "T", d]}, opset=opset, types={"tokens": INT64}
    )


def sentences(rng: np.random.Generator, n: int, length: int) -> dict[str, np.ndarray]:
    """Inputs of :func:`attention`."""
    mask = np.where(rng.random((n, length, length)) < 0.2, -5.0, 0.0)
    return {"tokens": rng.integers(0, 20, (n, length)), "mask": mask.astype(np.float32)}
