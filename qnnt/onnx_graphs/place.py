"""Rounded layers put into an ONNX graph, each where it stands; no other node is touched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import Unsupported
from qnnt.files.onnx_qdq import STORED_BITS, packed, short, storage, zero_point
from qnnt.onnx_graphs.grid import Grid, Storage
from qnnt.rounding.scheme import Affine

if TYPE_CHECKING:
    import onnx

    from qnnt.onnx_graphs.graph import Graph
    from qnnt.onnx_graphs.layers import GraphLayer

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BY_OPERATOR = 13  # the opset since which DequantizeLinear has a scale for each row
BY_BLOCK = 21  # and since which it has one for each block, and takes INT16
OLDEST_IR = {"INT4": 10, "INT2": 13}  # versions of the format
FLOAT_SUMS, DOUBLE_SUMS = 2**24, 2**53


@dataclass(frozen=True, eq=False)
class Codes:
    """The integers of a layer: ``weights`` (n, f), on a ``grid``.

    Where inputs are integers too, ``inputs`` says how, ``unit`` (n,) is what 1 in a sum is worth at the
    output, and ``biases`` (n,) are added to the sums; None for a layer that adds none.
    """

    weights: Ints
    grid: Grid
    inputs: Affine | None = None
    unit: Reals | None = None
    biases: Ints | None = None

    @classmethod
    def of(cls, layer: GraphLayer, chosen: Ints, grid: Grid, inputs: Affine | None) -> Codes:
        """Of what was chosen for a layer: (n, f), or (n, f + 1) with biases."""
        f = layer.shape[1]
        biases = chosen[:, f] if chosen.shape[1] > f else None
        unit = None if inputs is None else grid.scale[:, 0] * inputs.scale * layer.factor
        return cls(chosen[:, :f], grid, inputs, unit, biases)

    @property
    def scale(self) -> Reals:
        """(n,) the scale of each row; (n, b) where it has one for each block."""
        return self.grid.scale if self.grid.blocked else self.grid.scale[:, 0]

    def values(self, layer: GraphLayer) -> npt.NDArray[np.float32]:
        """What the weights stand for, in the shape of the layer's tensor: to the bit what a file computes."""
        scale = self.grid.scales(layer.shape[1]).astype(np.float32)
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
        grid = replace(codes.grid, scale=np.ones_like(codes.grid.scale)) if exact else codes.grid
        kind = self.kind(graph, layer, codes.grid, codes.weights, int8=codes.inputs is not None)
        new, weights = self._dequantised(layer, codes.weights, grid, kind)
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
        return Placed(kind, weights, stored_bytes(layer, codes.grid, kind), quantised, sums)

    def kind(self, graph: Graph, layer: GraphLayer, grid: Grid, codes: Ints, *, int8: bool) -> str:
        """The type that holds the codes (n, f) of a layer in this graph, or the ends of a range (2,)."""
        # onnxruntime makes QLinearConv of the form scaled, which takes no fewer than 8 bits.
        packs = not int8 or self._form == "exact" or layer.kind != "Conv"
        held = codes if codes.ndim == 1 else grid.stored(codes)
        if grid.zero is not None:
            held = np.concatenate([held.ravel(), grid.zero.ravel()])
        opset = graph.opset if packs else BY_OPERATOR
        columns = layer.n if layer.kind != "Conv" and layer.axis == 1 else None
        return storage(held, opset, blocked=grid.blocked, zero=grid.zero is not None, columns=columns)

    def _dequantised(
        self, layer: GraphLayer, codes: Ints, grid: Grid, kind: str
    ) -> tuple[list[onnx.NodeProto], str]:
        """Nodes that make the weights of integers, and the tensor that they make."""
        graph, name = self._graph, layer.weight
        output, stored = graph.fresh(f"{name}_dequantized"), grid.stored(codes)
        if grid.blocked:
            return self._in_blocks(layer, stored, grid, kind, output), output
        integers = graph.add_constant(f"{name}_quantized", packed(layer.stored(stored), kind))
        scales = grid.scale[:, 0].astype(np.float32)
        zero = None if grid.zero is None else packed(grid.zero[:, 0], kind)
        scales = short(grid.scale[:, 0]) if zero is None else scales
        if graph.opset >= (BY_OPERATOR if kind != "INT16" else BY_BLOCK):
            axis = {"axis": layer.axis} if scales.ndim else {}
            parts = [graph.add_constant(f"{name}_scale", scales)]
            parts += [] if zero is None else [graph.add_constant(f"{name}_zero_point", zero)]
            return [self._node("DequantizeLinear", [integers, *parts], output, **axis)], output
        # An older opset has no scale for each row: the same numbers by a difference and a product.
        shape = [-1 if i == layer.axis else 1 for i in range(layer.weights.ndim)]
        real = graph.fresh(f"{name}_cast")
        new = [self._node("Cast", [integers], real, to=1)]
        if zero is not None:
            z = graph.add_constant(f"{name}_zero_point", zero.astype(np.float32).reshape(shape))
            new.append(self._node("Sub", [real, z], graph.fresh(f"{name}_from_zero")))
            real = new[-1].output[0]
        s = graph.add_constant(f"{name}_scale", scales.reshape(shape) if scales.ndim else scales)
        return [*new, self._node("Mul", [real, s], output)], output

    def _in_blocks(
        self, layer: GraphLayer, stored: Ints, grid: Grid, kind: str, output: str
    ) -> list[onnx.NodeProto]:
        """A DequantizeLinear with a scale for each block; kernels become matrices (n, f), shaped after it."""
        graph, name = self._graph, layer.weight
        conv = layer.kind == "Conv"
        turned = layer.axis == 1 and not conv
        parts = [packed(stored, kind), grid.scale.astype(np.float32)]
        parts += [] if grid.zero is None else [packed(grid.zero, kind)]
        inputs = [
            graph.add_constant(f"{name}_{what}", part.T if turned else part)
            for what, part in zip(("quantized", "scale", "zero_point"), parts, strict=False)
        ]
        to = {"axis": 0 if turned else 1, "block_size": grid.block}
        if not conv:
            return [self._node("DequantizeLinear", inputs, output, **to)]
        flat = graph.fresh(f"{name}_rows")
        shape = graph.add_constant(f"{name}_shape", np.array(layer.weights.shape, np.int64))
        return [
            self._node("DequantizeLinear", inputs, flat, **to),
            self._node("Reshape", [flat, shape], output),
        ]

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
        elif unit.ndim and layer.slot == 0 and not layer.flat:
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


def smallest_codes(layer: GraphLayer, storage: Storage) -> Codes:
    """Codes whose largest sum is hardly above that of any rounding: weights towards 0, inputs around 0."""
    W = layer.rows()
    grid = storage.grid(W)
    return Codes(np.trunc(W / grid.scales(W.shape[1])).astype(np.int64), grid, Affine(1.0, 0))


def stored_bytes(layer: GraphLayer, grid: Grid, kind: str, *, whole: bool = False) -> int:
    """Of the integers of a layer in a type, with their scales and zero points.

    Rows of the same scale have one for all, unless the ``whole`` of them is to be counted.
    """
    one = not (whole or grid.blocked) and grid.zero is None and short(grid.scale[:, 0]).ndim == 0
    scales = 1 if one else grid.scale.size
    zeros = 0 if grid.zero is None else grid.zero.size
    return sum(-(-size * STORED_BITS[kind] // 8) for size in (layer.weights.size, zeros)) + 4 * scales


def _floats(**values: float) -> list[onnx.AttributeProto]:
    from onnx import helper

    return [helper.make_attribute(name, value) for name, value in values.items()]
