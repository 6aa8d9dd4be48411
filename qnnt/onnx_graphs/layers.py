"""The layers of an ONNX graph: Gemm, MatMul and Conv with constant weights, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.files.onnx import attributes
from qnnt.onnx_graphs.graph import Graph, name_of, subgraphs, taken
from qnnt.onnx_graphs.unfold import Columns, Unfolding, Windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import onnx

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
KINDS = ("Gemm", "MatMul", "Conv")


@dataclass(frozen=True, eq=False)
class GraphLayer:
    """A node with weights: it takes vectors of the tensor ``source`` and multiplies them by rows.

    ``output`` is the tensor that it makes, and names the node for good. ``weight`` is the tensor of its
    weights, input ``slot`` of the node, with the values ``weights``; its axis ``axis`` tells the rows. Each
    of the groups of ``unfolding`` has as many rows. Products count ``factor`` times. ``bias`` is the tensor
    that is added by the node itself, with ``offset`` (n,) its values if it is a constant for each row.
    ``flat`` says that the source is known to be one vector, with no axis beside.
    """

    name: str
    kind: str
    output: str
    source: str
    weight: str
    slot: int
    weights: npt.NDArray[np.float32]
    axis: int
    unfolding: Unfolding
    factor: float = 1.0
    bias: str = ""
    offset: Reals | None = None
    flat: bool = False

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.weights.shape[self.axis])

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of weights in each."""
        return self.n, self.weights.size // self.n

    def rows(self) -> Reals:
        """(n, f) the weights, a row for each output channel."""
        return np.moveaxis(self.weights, self.axis, 0).reshape(self.n, -1).astype(np.float64)

    def stored(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Codes, or what they stand for, (n, f) in the shape of the weight tensor."""
        rest = [size for i, size in enumerate(self.weights.shape) if i != self.axis]
        return np.moveaxis(rows.reshape(self.n, *rest), 0, self.axis)

    def by_row(self, outputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(p, n) what the layer makes, a line for each vector of its input."""
        if self.kind == "Conv":
            outputs = np.moveaxis(outputs, 1, -1)
        elif self.slot == 0 and outputs.ndim > 1:
            outputs = np.swapaxes(outputs, -1, -2)
        return outputs.reshape(-1, self.n)


@dataclass(frozen=True)
class Skipped:
    """A node that could have been a layer, and why it is left as it is."""

    name: str
    kind: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """What a report says of it."""
        return {"name": self.name, "kind": self.kind, "reason": self.reason}


def find_layers(graph: Graph) -> tuple[list[GraphLayer], list[Skipped]]:
    """The layers of a graph in the order of its nodes, and what is no layer but looks like one.

    Two factors that both depend on the inputs, as in attention, are neither.
    """
    constants = graph.constants()
    found = [_slots(node, constants) for node in graph.graph.node]
    names = {node.input[slot] for node, slot in zip(graph.graph.node, found, strict=True) if slot is not None}
    biases = {
        n for node in graph.graph.node if node.op_type in KINDS for n in node.input[2:] if n in constants
    }
    values = graph.values(sorted(names | biases)) if names else {}
    quantised = _quantised(graph)
    layers, skipped = [], []
    for node, slot in zip(graph.graph.node, found, strict=True):
        for inner, kind in _inside(node):
            skipped.append(Skipped(inner, kind, f"is in a sub-graph of {node.op_type} {name_of(node)!r}"))
        if slot is None:
            continue
        try:
            layers.append(_layer(node, slot, values, quantised))
        except InputError as reason:
            skipped.append(Skipped(name_of(node), node.op_type, reason.message))
    for function in graph.model.functions:
        for node in function.node:
            if node.op_type in KINDS:
                skipped.append(Skipped(name_of(node), node.op_type, f"is in the function {function.name!r}"))
    return layers, skipped


def chosen_layers(
    layers: Sequence[GraphLayer], include: Sequence[str], exclude: Sequence[str]
) -> tuple[list[GraphLayer], list[GraphLayer]]:
    """Those that a pattern of ``include`` fits (all, if there is none) and none of ``exclude``; the others.

    Patterns are those of a shell: ``encoder.*``, ``/layer[12]/*``. Raises :class:`InputError` for one that
    fits no layer.
    """
    for option, patterns in (("include", include), ("exclude", exclude)):
        for pattern in patterns:
            if not any(fnmatchcase(layer.name, pattern) for layer in layers):
                listed = ", ".join(layer.name for layer in layers[:8]) + (", …" if len(layers) > 8 else "")
                raise InputError(option, f"{pattern!r} fits none of the layers {listed}")
    taken_in: list[GraphLayer] = []
    left: list[GraphLayer] = []
    for layer in layers:
        fits = not include or any(fnmatchcase(layer.name, pattern) for pattern in include)
        out = any(fnmatchcase(layer.name, pattern) for pattern in exclude)
        (taken_in if fits and not out else left).append(layer)
    return taken_in, left


def _slots(node: onnx.NodeProto, constants: set[str]) -> int | None:
    """Which input of a node holds its weights, if one does and the other depends on the inputs."""
    if node.op_type not in KINDS or node.domain not in ("", "ai.onnx") or len(node.input) < 2:
        return None
    fixed = [name in constants for name in node.input[:2]]
    if fixed == [False, True]:
        return 1
    return 0 if fixed == [True, False] and node.op_type != "Conv" else None


def _quantised(graph: Graph) -> set[str]:
    """Tensors that a DequantizeLinear makes, and what is made of them by passing on."""
    found: set[str] = set()
    for node in graph.graph.node:
        passes = node.op_type in ("Transpose", "Identity", "Reshape") and found & set(taken(node))
        if node.op_type == "DequantizeLinear" or passes:
            found |= set(node.output)
    return found


def _inside(node: onnx.NodeProto) -> Iterator[tuple[str, str]]:
    """Names and kinds of the nodes in sub-graphs that might be layers."""
    for graph in subgraphs(node):
        for inner in graph.node:
            if inner.op_type in KINDS:
                yield name_of(inner), inner.op_type
            yield from _inside(inner)


def _layer(node: onnx.NodeProto, slot: int, values: dict[str, Any], quantised: set[str]) -> GraphLayer:
    if node.input[slot] in quantised:
        raise InputError("", "its weights are integers already")
    weights = values[node.input[slot]]
    if weights.dtype != np.float32:
        raise InputError("", f"its weights are {weights.dtype}, not float32")
    if not weights.size:
        raise InputError("", "has no weights")
    if not np.isfinite(weights).all():
        raise InputError("", "has weights that are not finite")
    axis, unfolding, factor = _geometry(node, slot, weights.shape)
    bias = node.input[2] if len(node.input) > 2 else ""
    return GraphLayer(
        name=name_of(node),
        kind=node.op_type,
        output=node.output[0],
        source=node.input[1 - slot],
        weight=node.input[slot],
        slot=slot,
        weights=weights,
        axis=axis,
        unfolding=unfolding,
        factor=factor,
        bias=bias,
        offset=_offset(node, values.get(bias), weights.shape[axis], slot),
    )


def _geometry(node: onnx.NodeProto, slot: int, shape: tuple[int, ...]) -> tuple[int, Unfolding, float]:
    """The axis of the rows, the vectors that the rows are multiplied with, and how often products count."""
    to = attributes(node)
    if node.op_type == "Conv":
        k = len(shape) - 2
        ones = [1] * k
        windows = Windows(
            groups=to.get("group", 1),
            kernel=shape[2:],
            strides=tuple(to.get("strides", ones)),
            dilations=tuple(to.get("dilations", ones)),
            pads=tuple(to.get("pads", [0] * (2 * k))),
            auto_pad=to.get("auto_pad", b"NOTSET").decode(),
        )
        if k < 1 or shape[0] % windows.groups:
            raise InputError("", f"weights of shape {shape} make no convolution of {windows.groups} groups")
        return 0, windows, 1.0
    if len(shape) != 2:
        raise InputError("", f"its weights have {len(shape)} dimensions, not 2")
    turned = [bool(to.get(name, 0)) for name in ("transA", "transB")]
    # y = A·B: as the second factor (f, n) or turned, the weights meet rows of A; as the first, columns of B.
    axis = (0 if turned[1] else 1) if slot == 1 else (1 if turned[0] else 0)
    factor = float(to.get("alpha", 1.0))
    if not factor:
        raise InputError("", "its alpha is 0")
    return axis, Columns(turned[0] if slot == 1 else not turned[1]), factor


def _offset(node: onnx.NodeProto, bias: Any, n: int, slot: int) -> Reals | None:
    """(n,) what the node itself adds to each row, if that is a constant for each; Gemm's beta is counted."""
    if bias is None or bias.dtype != np.float32 or not np.isfinite(bias).all():
        return None
    if node.op_type == "Gemm":
        if bias.ndim > 2 or (slot == 0 and bias.size > 1):
            return None
        bias = bias * attributes(node).get("beta", 1.0)
        if bias.size not in (1, n) or (bias.ndim and bias.shape[-1] != bias.size):
            return None
    return np.broadcast_to(bias.reshape(-1), (n,)).astype(np.float64)


def fold_batch_norms(graph: Graph) -> list[str]:
    """Fold each BatchNormalization into the Conv before it, if nothing else takes what that makes.

    Returns the names of the nodes that are gone. The weights are multiplied in double precision.
    """
    gone: list[str] = []
    for name in [n.output[0] for n in graph.graph.node if n.op_type == "BatchNormalization"]:
        producers = graph.producers()
        norm = graph.graph.node[producers[name]]
        at = producers.get(norm.input[0])
        conv = None if at is None else graph.graph.node[at]
        outputs, to = [o for o in norm.output if o], attributes(norm)
        fits = conv is not None and conv.op_type == "Conv" and conv.domain in ("", "ai.onnx")
        if not fits or len(outputs) > 1 or to.get("training_mode", 0) or graph.uses()[norm.input[0]] > 1:
            continue
        assert conv is not None
        fixed, constants = [*conv.input[1:], *norm.input[1:]], graph.constants()
        if not all(n in constants for n in fixed if n):
            continue
        values = {n: v.astype(np.float64) for n, v in graph.values([n for n in fixed if n]).items()}
        scale, shift, mean, variance = (values[n] for n in norm.input[1:5])
        weights = values[conv.input[1]]
        bias = values[conv.input[2]] if len(conv.input) > 2 and conv.input[2] else np.zeros(len(weights))
        rate = scale / np.sqrt(variance + to.get("epsilon", 1e-5))
        folded = weights * rate.reshape(-1, *[1] * (weights.ndim - 1)), (bias - mean) * rate + shift
        kept = [
            graph.add_constant(f"{old}_folded", new.astype(np.float32))
            for old, new in zip((conv.input[1], norm.input[2]), folded, strict=True)
        ]
        del conv.input[1:]
        conv.input.extend(kept)
        inner = conv.output[0]
        conv.output[0] = norm.output[0]
        gone.append(name_of(norm))
        del graph.graph.node[producers[name]]
        for i in reversed([i for i, v in enumerate(graph.graph.value_info) if v.name == inner]):
            del graph.graph.value_info[i]
        graph.sweep(n for n in fixed if n)
    return gone


def by_source(layers: Iterable[GraphLayer]) -> list[list[GraphLayer]]:
    """Layers that take the same tensor, together, in the order of the first of each."""
    groups: dict[str, list[GraphLayer]] = {}
    for layer in layers:
        groups.setdefault(layer.source, []).append(layer)
    return list(groups.values())
