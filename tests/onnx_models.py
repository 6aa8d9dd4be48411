"""Small ONNX models to round: a convolutional one, and those of the scripts."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx

_SPEC = importlib.util.spec_from_file_location(
    "graph_models", Path(__file__).parents[1] / "scripts" / "graph_models.py"
)
_MODELS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODELS)
attention, build, node, sentences, weights = (
    getattr(_MODELS, name) for name in ("attention", "build", "node", "sentences", "weights")
)


def convolutional(seed: int = 0, opset: int = 21) -> onnx.ModelProto:
    """Images (N, 3, 8, 8): three Conv, one grouped and one depthwise, BatchNormalization, Gemm, MatMul."""
    rng = np.random.default_rng(seed)
    nodes = [
        node("Conv", "x w0 b0", "c0", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c0 g h mean var", "n0"),
        node("Relu", "n0", "r0"),
        node("Conv", "r0 w1 b1", "c1", group=2, strides=[2, 2], auto_pad="SAME_UPPER"),
        node("Relu", "c1", "r1"),
        node("Conv", "r1 w2", "c2", group=4, dilations=[2, 1]),
        node("GlobalAveragePool", "c2", "p"),
        node("Flatten", "p", "f"),
        node("Gemm", "f w3 b3", "y", transB=1, alpha=0.5, beta=2.0),
        node("MatMul", "f w4", "z"),
    ]
    constants = {
        "w0": weights(rng, 4, 3, 3, 3),
        "b0": weights(rng, 4),
        "g": weights(rng, 4) + 1,
        "h": weights(rng, 4),
        "mean": weights(rng, 4),
        "var": np.abs(weights(rng, 4)) + np.float32(0.5),
        "w1": weights(rng, 4, 2, 3, 3),
        "b1": weights(rng, 4),
        "w2": weights(rng, 4, 1, 2, 3),
        "w3": weights(rng, 3, 4),
        "b3": weights(rng, 3),
        "w4": weights(rng, 4, 2),
    }
    ends = {"y": ["N", 3], "z": ["N", 2]}
    return build(nodes, constants, {"x": ["N", 3, 8, 8]}, ends, opset=opset)


def images(n: int = 40, seed: int = 1) -> np.ndarray:
    """Inputs of :func:`convolutional`, in squares of four equal pixels."""
    rng = np.random.default_rng(seed)
    return (rng.random((n, 3, 4, 4)).repeat(2, axis=2).repeat(2, axis=3) - 0.3).astype(np.float32)
