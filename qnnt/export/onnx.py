"""A network as an ONNX model of 64-bit integers, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qnnt.activation import Activation
from qnnt.exceptions import InputError
from qnnt.export.notes import clips, matrix
from qnnt.files.documents import located
from qnnt.files.networks import network_document, network_of
from qnnt.files.onnx import load_onnx, require_onnx
from qnnt.files.writing import write_bytes
from qnnt.network import Network

if TYPE_CHECKING:
    import onnx

_KEY = "qnnt-network"
_OPSET = 17  # GreaterOrEqual and Clip of integers, and old enough for any onnxruntime of the last years
_IR = 8


def onnx_model(network: Network) -> onnx.ModelProto:
    """A model with an input ``inputs`` (n, α) and an output ``outputs`` (n, ω), both of int64.

    The network file is in the model's metadata. Raises :class:`Unavailable` without onnx.
    """
    require_onnx()
    from onnx import TensorProto, helper

    builder, architecture = _Builder(), network.architecture
    at = "inputs"
    activations = network.activation.each(architecture.depth)
    for i, (connection, activation) in enumerate(zip(architecture.connections, activations, strict=True)):
        last = i == architecture.depth
        product = builder.node("MatMul", at, builder.constant(f"weights{i}", matrix(network, connection).T))
        biases = builder.constant(f"biases{i}", network.biases[connection.biases])
        sums = builder.node("Sub", product, biases)
        at = builder.activation(sums, activation, i, "outputs" if last else f"values{i}")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n", size])
        for name, size in (("inputs", architecture.alpha), ("outputs", architecture.omega))
    ]
    graph = helper.make_graph(builder.nodes, "qnnt", ends[:1], ends[1:], builder.constants)
    opset = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=_IR, producer_name="qnnt")
    helper.set_model_props(model, {_KEY: json.dumps(network_document(network), ensure_ascii=False)})
    return model


def write_onnx_network(network: Network, path: str | Path) -> None:
    """Write the model; raises :class:`InputError` if the file cannot be written."""
    write_bytes(Path(path), onnx_model(network).SerializeToString())


def read_onnx_network(path: str | Path) -> Network:
    """The network in a file that :func:`write_onnx_network` wrote.

    Raises :class:`InputError` for another file, or if its graph is not the one of the network in it.
    """
    path = Path(path)
    model = load_onnx(path)
    with located(path):
        said = {entry.key: entry.value for entry in model.metadata_props}.get(_KEY)
        if said is None:
            raise InputError("metadata", f"has no {_KEY}: the file is not an exported network")
        network = network_of(said)
        if onnx_model(network).graph != model.graph:
            raise InputError("graph", "is not that of the network in the metadata: one of them was changed")
        return network


class _Builder:
    """Gathers nodes and constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        array = np.ascontiguousarray(values, dtype=np.int64)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        name = output or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def activation(self, sums: str, activation: Activation, i: int, output: str) -> str:
        """The values of a layer; Σ of the steps whose thresholds are reached, unless it clips."""
        from onnx import TensorProto

        ends = clips(activation)
        if ends is not None:
            low, high = (
                self.constant(f"{word}{i}", end) for word, end in zip(("low", "high"), ends, strict=True)
            )
            return self.node("Clip", sums, low, high, output=output)
        lowest = self.constant(f"lowest{i}", activation.lowest)
        last = self.constant(f"last{i}", [-1])
        apart = self.node("Unsqueeze", sums, last)
        thresholds = self.constant(f"thresholds{i}", list(activation.thresholds))
        reached = self.node("Cast", self.node("GreaterOrEqual", apart, thresholds), to=TensorProto.INT64)
        steps = self.constant(f"steps{i}", np.array(activation.steps)[:, None])
        total = self.node("Squeeze", self.node("MatMul", reached, steps), last)
        return self.node("Add", total, lowest, output=output)
