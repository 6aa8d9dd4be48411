"""Dense networks from ONNX files: a chain of Gemm, or MatMul and Add, and activations.

A node that is none of these is an error that names it: nothing is taken for linear that may not be.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.exceptions import InputError, Unavailable
from qnnt.files.documents import located
from qnnt.files.onnx_folding import Folding
from qnnt.rounding.model import DenseModel
from qnnt.wording import count
from qnnt.workers.task import describe

if TYPE_CHECKING:
    import onnx

_ACTIVATIONS = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softmax": "softmax"}
_PASSING = ("Identity", "Dropout", "Flatten", "Reshape")  # taken where they change nothing

Array = npt.NDArray[Any]


def require_onnx() -> None:
    """Raise :class:`Unavailable`, saying what to install, unless onnx and onnxruntime are there."""
    for name in ("onnx", "onnxruntime"):
        state = Availability.of_package(name, name, "qnnt[onnx]")
        if not state.available:
            raise Unavailable(f"ONNX files: {state.reason}")


def read_onnx(path: str | Path) -> DenseModel:
    """The dense network in an ONNX file of one input and one output.

    The input is (N, f), or of more dimensions that a first ``Flatten`` or ``Reshape`` makes one. Nodes:
    ``Gemm``, ``MatMul`` and ``Add`` with constants, ``Relu``, ``Tanh``, ``Sigmoid``, a last ``Softmax``, and
    ``Flatten``, ``Reshape``, ``Identity`` or ``Dropout`` that change nothing; what depends on constants only
    is computed, within a budget (:mod:`qnnt.files.onnx_folding`).
    Raises :class:`InputError` naming the node otherwise, :class:`Unavailable` without onnx.
    """
    path = Path(path)
    model = load_onnx(path)
    with located(path):
        return _Chain(model).model()


def load_onnx(path: Path) -> onnx.ModelProto:
    """The model in a file, checked by onnx; :class:`InputError` naming the file, or :class:`Unavailable`."""
    require_onnx()
    import onnx

    with located(path):
        try:
            model = onnx.load(path)
            onnx.checker.check_model(model)
        except OSError as error:
            raise InputError("", f"cannot be read: {error.strerror or error}") from None
        except Exception as error:  # whatever protobuf and onnx raise
            first = str(error).strip().partition("\n")[0]
            raise InputError("", f"is not a valid ONNX model: {first}") from None
        return model


class _Chain:
    """Follows the graph from its input to its output, gathering layers."""

    def __init__(self, model: onnx.ModelProto) -> None:
        from onnx import numpy_helper

        self._graph, self._opsets = (
            model.graph,
            {o.domain or "ai.onnx": o.version for o in model.opset_import},
        )
        self._constants: dict[str, Array] = {}
        for tensor in self._graph.initializer:
            try:
                self._constants[tensor.name] = numpy_helper.to_array(tensor)
            except Exception as error:  # whatever onnx has against its type, its shape or its size
                what = f"is no array: {describe(error)}"
                raise InputError(f"initializer {tensor.name!r}", what) from None
        self._folding = Folding(self._opsets.get("ai.onnx", 1))
        self._weights: list[Array] = []
        self._biases: list[Array] = []
        self._activations: list[str] = []
        self._rank = 2  # of what is at the present place of the chain
        self._width: int | None = None  # values in one row of the input

    def model(self) -> DenseModel:
        graph = self._graph
        names = [i.name for i in graph.input if i.name not in self._constants]
        if len(names) != 1 or len(graph.output) != 1:
            raise InputError(
                "graph", f"has {len(names)} inputs and {len(graph.output)} outputs, not one of each"
            )
        at = names[0]
        self._rank, self._width = _shape(next(i for i in graph.input if i.name == at))
        for node in graph.node:  # in topological order, as ONNX demands
            if all(name in self._constants for name in node.input if name):
                self._fold(node)
            elif list(node.input).count(at) == 1:
                self._take(node, at)
                at = node.output[0]
            else:
                raise InputError(_place(node), "is not part of one chain from the input to the output")
        if at != graph.output[0].name:
            raise InputError("graph", f"ends in {at!r}, not in its output {graph.output[0].name!r}")
        if not self._weights:
            raise InputError("graph", "has no layer of weights")
        activations = [name or "identity" for name in self._activations]
        model = DenseModel.from_arrays(self._weights, self._biases, activations)
        if self._width not in (None, model.sizes[0]):
            what = f"has inputs of {self._width} values, but its first layer takes {model.sizes[0]}"
            raise InputError("graph", what)
        return model

    def _fold(self, node: onnx.NodeProto) -> None:
        """Compute a node whose inputs are all constants; its outputs are constants from then on."""
        if node.domain not in ("", "ai.onnx"):
            raise InputError(_place(node), f"{node.op_type} of {node.domain} is not known here")
        self._constants |= self._folding.outputs(node, _place(node), self._constants)

    def _take(self, node: onnx.NodeProto, at: str) -> None:
        kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        if self._rank != 2 and kind not in _PASSING:
            what = f"takes {at!r} of {count(self._rank, 'dimension')}, not one vector for each input"
            raise InputError(_place(node), what)
        if kind == "Gemm":
            self._gemm(node, at)
        elif kind == "MatMul":
            self._matmul(node, at)
        elif kind == "Add":
            self._add(node, at)
        elif kind in _ACTIVATIONS:
            self._activation(node, kind)
        elif kind in _PASSING:
            self._pass(node, kind)
        else:
            known = ", ".join(("Gemm", "MatMul", "Add", *_ACTIVATIONS, *_PASSING))
            raise InputError(_place(node), f"{kind} is not known here; a dense network has {known}")

    def _layer(self, node: onnx.NodeProto, weights: Array, bias: Array) -> None:
        if weights.ndim != 2:
            raise InputError(_place(node), f"the weights must be a matrix, not of shape {weights.shape}")
        self._weights.append(weights)
        self._biases.append(self._vector(node, bias, len(weights)))
        self._activations.append("")

    def _gemm(self, node: onnx.NodeProto, at: str) -> None:
        set_to = attributes(node)
        if node.input[0] != at or set_to.get("transA", 0):
            raise InputError(_place(node), "the data must be the first factor, not transposed")
        weights = self._constant(node, 1) * set_to.get("alpha", 1.0)
        bias = np.zeros(1)
        if len(node.input) > 2 and node.input[2]:
            bias = self._constant(node, 2) * set_to.get("beta", 1.0)
        self._layer(node, weights if set_to.get("transB", 0) else weights.T, bias)

    def _matmul(self, node: onnx.NodeProto, at: str) -> None:
        if node.input[0] != at:
            raise InputError(_place(node), "the data must be the first factor")
        self._layer(node, self._constant(node, 1).T, np.zeros(1))

    def _add(self, node: onnx.NodeProto, at: str) -> None:
        if not self._weights or self._activations[-1]:
            raise InputError(_place(node), "a bias is only added right after a product of weights")
        bias = self._constant(node, 1 if node.input[0] == at else 0)
        self._biases[-1] = self._biases[-1] + self._vector(node, bias, len(self._weights[-1]))

    def _activation(self, node: onnx.NodeProto, kind: str) -> None:
        if not self._weights or self._activations[-1]:
            raise InputError(_place(node), f"{kind} must come after a layer of weights")
        default = -1 if self._opsets["ai.onnx"] >= 13 else 1
        if kind == "Softmax" and attributes(node).get("axis", default) not in (-1, 1):
            raise InputError(_place(node), "Softmax must be over the outputs, axis 1")
        self._activations[-1] = _ACTIVATIONS[kind]

    def _pass(self, node: onnx.NodeProto, kind: str) -> None:
        set_to = attributes(node)
        if kind == "Flatten" and set_to.get("axis", 1) != 1:
            raise InputError(_place(node), f"Flatten must keep axis 0 apart, not axis {set_to['axis']}")
        if kind == "Dropout" and len(node.input) > 2 and node.input[2] and self._constant(node, 2):
            raise InputError(_place(node), "Dropout is in training mode")
        if kind == "Reshape":
            shape = np.atleast_1d(self._constant(node, 1)).astype(int).tolist()
            width = len(self._weights[-1]) if self._weights else self._width
            same = len(shape) == 2 and shape[0] == 0 and (width is None or shape[1] in (-1, width))
            if not same and shape != [-1, width]:
                raise InputError(_place(node), f"Reshape to {shape} does not keep one vector for each input")
        if kind in ("Flatten", "Reshape"):
            self._rank = 2

    def _constant(self, node: onnx.NodeProto, index: int) -> Array:
        name = node.input[index]
        if name not in self._constants:
            raise InputError(_place(node), f"its input {name!r} must be a constant")
        try:
            with np.errstate(all="ignore"):  # what is no number is found out later
                return self._constants[name].astype(np.float64)
        except (TypeError, ValueError):
            raise InputError(_place(node), f"its input {name!r} must be numbers") from None

    def _vector(self, node: onnx.NodeProto, bias: Array, n: int) -> Array:
        """The bias as (n,); it may come in shape (n,) or (1, n), or as one value for all."""
        if bias.ndim > 2 or (bias.ndim == 2 and len(bias) != 1) or bias.shape[-1:] not in ((), (1,), (n,)):
            raise InputError(_place(node), f"a bias of shape {bias.shape} does not fit {n} neurons")
        return np.broadcast_to(bias.reshape(-1), (n,))


def _shape(value: onnx.ValueInfoProto) -> tuple[int, int | None]:
    """The number of dimensions of an input, and of values in one row of it, if the file states that."""
    shape = value.type.tensor_type.shape.dim
    known = [d.dim_value for d in shape[1:] if d.HasField("dim_value")]
    return len(shape), math.prod(known) if shape and len(known) == len(shape) - 1 else None


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes of a node by name."""
    from onnx import helper

    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _place(node: onnx.NodeProto) -> str:
    return f"node {node.name or node.output[0]!r}"
