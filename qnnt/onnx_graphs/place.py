"""Rounded layers put into an ONNX graph, each where it stands; no other node is touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import Unsupported
from qnnt.files.onnx_qdq import STORED_BITS, packed, short, storage, zero_point
from qnnt.rounding.scheme import Affine, Scheme

if TYPE_CHECKING:
    import onnx

    from qnnt.onnx_graphs.graph import Graph
    from qnnt.onnx_graphs.layers import GraphLayer

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BY_OPERATOR = 13  # the opset since which DequantizeLinear has a scale for each row
_WIDE = 21  # and since which it takes INT16
OLDEST_IR = {"INT4": 10, "INT2": 13}  # versions of the format
FLOAT_SUMS, DOUBLE_SUMS = 2**24, 2**53


@dataclass(frozen=True, eq=False)
class Codes:
    """The integers of a layer: ``weights`` (n, f) with scales ``scale`` (n,).

    Where inputs are integers too, ``inputs`` says how, ``unit`` (n,) is what 1 in a sum is worth at the
    output, and ``biases`` (n,) are added to the sums; None for a layer that adds none.
    """

    weights: Ints
    scale: Reals
    inputs: Affine | None = None
    unit: Reals | None = None
    biases: Ints | None = None

    def values(self, layer: GraphLayer) -> npt.NDArray[np.float32]:
        """What the weights stand for, in the shape of the layer's tensor: to the bit what a file computes."""
        scale = self.scale.astype(np.float32).reshape(-1, 1)
        values: npt.NDArray[np.float32] = layer.stored(self.weights.astype(np.float32) * scale)
        return values

    @property
    def largest_sum(self) -> int:
        """A bound on |Σ code·(input − zero point) + bias|, and on every part of that sum."""
        assert self.inputs is not None
        z = self.inputs.zero_point
        reach = max(abs(self.inputs.lo - z), abs(self.inputs.hi - z))
        biases = 0 if self.biases is None else np.abs(self.biases)
        return int((np.abs(self.weights).sum(axis=1) * reach + biases).max())


@dataclass(frozen=True)
class Placed:
    """Where a layer's integers are in the file: tensors by what they hold, and how big they are."""

    kind: str
    dequantised: str
    bytes: int
    quantised_inputs: str = ""
    sums: str = ""


class Placer:
    """Puts layers into a graph. ``form`` is that of weights and activations, exact or scaled."""

    def __init__(self, form: str = "exact") -> None:
        self._form = form
        self._inputs_of: dict[str, tuple[str, str]] = {}

    def place(self, graph: Graph, layer: GraphLayer, codes: Codes) -> Placed:
        """Replace the weights of a layer by integers, and its inputs, too, if they have a code.

        Raises :class:`Unsupported` where sums cannot be exact.
        """
        self._graph = graph
        at = graph.producers()[layer.output]
        node = graph.graph.node[at]
        replaced = [node.input[layer.slot], *node.input[2:]]
        exact = codes.inputs is not None and self._form == "exact"
        # onnxruntime makes QLinearConv of the form scaled, which takes no fewer than 8 bits.
        packs = codes.inputs is None or exact or layer.kind != "Conv"
        kind = storage(codes.weights, graph.opset if packs else BY_OPERATOR)
        scale = np.ones(layer.n) if exact else codes.scale
        new, weights = self._dequantised(layer, codes.weights, scale, kind)
        node.input[layer.slot] = weights
        quantised = sums = ""
        after: list[onnx.NodeProto] = []
        if codes.inputs is not None:
            more, quantised, values = self._inputs(layer.source, codes.inputs, exact=exact)
            new += more
            node.input[1 - layer.slot] = values
            wide = exact and self._wide(layer, codes, kind)
            new += self._bias(node, layer, codes, exact=exact, wide=wide)
            if exact:
                before, after, sums = self._sums(node, layer, codes, wide=wide)
                new += before
        for i, value in enumerate(new):
            graph.graph.node.insert(at + i, value)
        for i, value in enumerate(after):
            graph.graph.node.insert(at + len(new) + 1 + i, value)
        graph.sweep(name for name in replaced if name)
        if STORED_BITS[kind] < 8:  # types that older versions of the format do not have
            graph.model.ir_version = max(graph.model.ir_version, OLDEST_IR[kind])
        scales = 1 if short(codes.scale).ndim == 0 else layer.n
        size = -(-codes.weights.size * STORED_BITS[kind] // 8) + 4 * scales
        return Placed(kind, weights, size, quantised, sums)

    def _dequantised(
        self, layer: GraphLayer, codes: Ints, scale: Reals, kind: str
    ) -> tuple[list[onnx.NodeProto], str]:
        """Nodes that make the weights of integers, and the tensor that they make."""
        graph, name = self._graph, layer.weight
        integers = graph.add_constant(f"{name}_quantized", packed(layer.stored(codes), kind))
        scales, output = short(scale), graph.fresh(f"{name}_dequantized")
        if graph.opset >= (BY_OPERATOR if kind != "INT16" else _WIDE):
            axis = {"axis": layer.axis} if scales.ndim else {}
            s = graph.add_constant(f"{name}_scale", scales)
            return [self._node("DequantizeLinear", [integers, s], output, **axis)], output
        if scales.ndim:  # an older opset has no scale for each row: the same numbers by a product
            scales = scales.reshape([-1 if i == layer.axis else 1 for i in range(layer.weights.ndim)])
        s, real = graph.add_constant(f"{name}_scale", scales), graph.fresh(f"{name}_cast")
        cast = self._node("Cast", [integers], real, to=1)
        return [cast, self._node("Mul", [real, s], output)], output

    def _inputs(self, source: str, code: Affine, *, exact: bool) -> tuple[list[onnx.NodeProto], str, str]:
        """Nodes that quantise an input and give it back, the integers, and what comes back.

        Layers that take the same input share them.
        """
        graph, zero = self._graph, zero_point(code)
        shared = self._inputs_of.get(source)
        if shared is not None and shared[0] in graph.producers():
            return [], *shared
        scale = graph.add_constant(f"{source}_scale", np.asarray(np.float32(code.scale)))
        z = graph.add_constant(f"{source}_zero_point", np.asarray(zero))
        quantised, values = graph.fresh(f"{source}_quantized"), graph.fresh(f"{source}_dequantized")
        one = graph.add_constant(f"{source}_one", np.asarray(np.float32(1))) if exact else scale
        new = [
            self._node("QuantizeLinear", [source, scale, z], quantised),
            self._node("DequantizeLinear", [quantised, one, z], values),
        ]
        self._inputs_of[source] = quantised, values
        return new, quantised, values

    def _bias(
        self, node: onnx.NodeProto, layer: GraphLayer, codes: Codes, *, exact: bool, wide: bool
    ) -> list[onnx.NodeProto]:
        """Nodes that make the bias of integers; Gemm's own factors are taken out, or set to fit."""
        kept = [a for a in node.attribute if a.name not in ("alpha", "beta")]
        if node.op_type == "Gemm":
            del node.attribute[:]
            node.attribute.extend(kept)
            if not exact and layer.factor != 1.0:
                node.attribute.extend(_floats(alpha=layer.factor, beta=layer.factor))
        if codes.biases is None:
            return []
        graph = self._graph
        biases = codes.biases.reshape(-1, 1) if layer.slot == 0 else codes.biases
        integers = graph.add_constant(f"{layer.bias}_quantized", biases.astype(np.int32))
        output = graph.fresh(f"{layer.bias}_dequantized")
        del node.input[2:]
        node.input.append(output)
        if wide:
            return [self._node("Cast", [integers], output, to=11)]
        assert codes.unit is not None
        unit = np.ones(layer.n) if exact else codes.unit / layer.factor
        scales = short(unit)
        s = graph.add_constant(f"{layer.bias}_scale", scales)
        axis = {"axis": 0} if scales.ndim else {}
        return [self._node("DequantizeLinear", [integers, s], output, **axis)]

    def _wide(self, layer: GraphLayer, codes: Codes, kind: str) -> bool:
        """Whether the sums of a layer are to be doubles; see :mod:`qnnt.files.onnx_qdq`."""
        check_sums(layer, codes)
        wide = kind in ("INT8", "INT16") and layer.kind != "Conv"
        return wide or codes.largest_sum >= FLOAT_SUMS

    def _sums(
        self, node: onnx.NodeProto, layer: GraphLayer, codes: Codes, *, wide: bool
    ) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto], str]:
        """Nodes before and after the layer that make its sums exact and scale them; the sums' tensor."""
        graph = self._graph
        before: list[onnx.NodeProto] = []
        after: list[onnx.NodeProto] = []
        sums = graph.fresh(f"{layer.output}_sums")
        product = sums
        if wide:
            for i, name in enumerate(list(node.input[:2])):  # the bias is a double already
                double = graph.fresh(f"{name}_double")
                before.append(self._node("Cast", [name], double, to=11))
                node.input[i] = double
            product = graph.fresh(f"{layer.output}_double")
            after.append(self._node("Cast", [product], sums, to=1))
        node.output[0] = product
        assert codes.unit is not None
        unit = short(codes.unit)
        if unit.ndim and layer.kind == "Conv":
            unit = unit.reshape(-1, *[1] * (layer.weights.ndim - 2))
        elif unit.ndim and layer.slot == 0:
            unit = unit.reshape(-1, 1)
        s = graph.add_constant(f"{layer.output}_scale", unit)
        after.append(self._node("Mul", [sums, s], layer.output))
        return before, after, sums

    def _node(self, operator: str, inputs: list[str], output: str, **to: Any) -> onnx.NodeProto:
        from onnx import helper

        return helper.make_node(operator, inputs, [output], name=self._graph.fresh(output), **to)


def check_sums(layer: GraphLayer, codes: Codes) -> None:
    """Raise :class:`Unsupported` if a sum could be an integer that the form exact cannot hold."""
    bound, conv = codes.largest_sum, layer.kind == "Conv"
    if bound >= (FLOAT_SUMS if conv else DOUBLE_SUMS):
        holds = "float holds exactly, and Conv has no double" if conv else "double holds exactly"
        raise Unsupported(
            f"layer {layer.name!r}: a sum could reach {bound:,}, beyond what a {holds}; "
            "take the form scaled, fewer bits, or leave the layer out"
        )


def smallest_codes(layer: GraphLayer, scheme: Scheme) -> Codes:
    """Codes whose largest sum is hardly above that of any rounding: weights towards 0, inputs around 0."""
    W = layer.rows()
    scale = np.broadcast_to(scheme.weight_scale(W), len(W)).astype(np.float64)
    return Codes(np.trunc(W / scale[:, None]).astype(np.int64), scale, Affine(1.0, 0))


def _floats(**values: float) -> list[onnx.AttributeProto]:
    from onnx import helper

    return [helper.make_attribute(name, value) for name, value in values.items()]
