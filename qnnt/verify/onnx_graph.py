"""A rounded ONNX graph: run by onnxruntime, its integers compared; and what of the real graph changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.onnx_graphs.graph import Feed, Graph
from qnnt.onnx_graphs.moved import twin_moved

if TYPE_CHECKING:
    import onnx

    from qnnt.onnx_graphs.rounded import RoundedGraph, RoundedGraphLayer

Array = npt.NDArray[Any]
LAST_BITS = 1e-6  # squared distances below are those of sums of floats in another order


@dataclass(frozen=True)
class GraphReplay:
    """``weights`` that onnxruntime makes of the file's integers were compared with those that were chosen.

    So were ``integers``, the codes of inputs and the sums of layers, over the feeds, where both are integers.
    ``outputs_differ`` is how much the outputs differ on these feeds from those of a graph with floats in
    place of the integers, which are rounding errors; and ``kernels_moved`` how much when onnxruntime runs the
    file with its usual options: see :func:`qnnt.onnx_graphs.moved.twin_moved`.
    """

    weights: int
    differing_weights: int
    integers: int
    differing: int
    onnxruntime: str
    outputs_differ: float
    kernels_moved: float

    @property
    def same(self) -> bool:
        """Whether nothing differs, but for rounding errors of the outputs."""
        return self.differing_weights == self.differing == 0 and self.outputs_differ < LAST_BITS

    def as_dict(self) -> dict[str, Any]:
        """What a report says of it."""
        return asdict(self)


def replay_graph(path: str | Path, rounded: RoundedGraph, feeds: Iterable[Feed]) -> GraphReplay:
    """Run a file that ``rounded`` was saved to on some feeds; :class:`InputError` if it does not run."""
    import onnxruntime

    graph, feeds = Graph.load(path), list(feeds)
    weights = differing_weights = integers = differing = 0
    exact = rounded.settings.get("form") == "exact"
    for layer in rounded.layers:
        (found,) = next(graph.run([layer.placed.dequantised], [{}]))
        chosen = layer.layer.stored(layer.codes.weights).astype(np.float32) if exact else layer.values
        weights += chosen.size
        differing_weights += int((found != chosen).sum())
    watched = [layer for layer in rounded.layers if layer.codes.inputs is not None]
    if watched:
        tensors_of = [(la.layer.source, la.placed.quantised_inputs, la.placed.sums) for la in watched]
        names = list(dict.fromkeys(name for of_layer in tensors_of for name in of_layer if name))
        for values in graph.run(names, feeds, usual=True):
            tensors = dict(zip(names, values, strict=True))
            for layer in watched:
                for ours, theirs in _integers(layer, tensors):
                    integers += ours.size
                    differing += int((ours != theirs).sum()) if ours.shape == theirs.shape else ours.size
    moved = 0.0, 0.0
    if not any(layer.codes.inputs for layer in rounded.layers):  # else the sums were compared
        real = {layer.placed.dequantised: layer.values for layer in rounded.layers}
        moved = twin_moved(graph, real, feeds)
    return GraphReplay(weights, differing_weights, integers, differing, onnxruntime.__version__, *moved)


def _integers(layer: RoundedGraphLayer, tensors: dict[str, Array]) -> list[tuple[Array, Array]]:
    """Codes and sums of a layer: by plain arithmetic on integers, and as onnxruntime has them."""
    own, codes, placed = layer.layer, layer.codes, layer.placed
    assert codes.inputs is not None
    stored = codes.inputs.codes(tensors[own.source])
    pairs = [(stored, tensors[placed.quantised_inputs].astype(np.int64))]
    if placed.sums:
        groups = own.unfolding.groups
        rows = codes.weights.reshape(groups, own.n // groups, -1)
        blocks = own.unfolding.blocks(stored - codes.inputs.zero_point)
        parts = [np.concatenate([v @ w.T for v, w in zip(b, rows, strict=True)], axis=1) for b in blocks]
        sums = np.concatenate(parts) + (0 if codes.biases is None else codes.biases)
        # A sum of 2^24 or more is rounded when it becomes a float.
        pairs.append((sums.astype(np.float32), own.by_row(tensors[placed.sums])))
    return pairs


def changes(before: onnx.ModelProto, after: onnx.ModelProto) -> list[str]:
    """What of a real model is not to the bit in the rounded one, by name.

    Compared are all nodes and constants by name, inputs and outputs, metadata, versions and everything else
    of the model. What is new in the rounded one is no change.
    """
    found = []
    theirs = {output: node for node in after.graph.node for output in node.output if output}
    for node in before.graph.node:
        same = node.output and theirs.get(next(o for o in node.output if o))
        if same is None or same != node:
            found.append(node.name or node.output[0])
    known = {tensor.name: tensor for tensor in after.graph.initializer}
    found += [t.name for t in before.graph.initializer if known.get(t.name) != t]
    for part in ("input", "output", "value_info"):
        ours, others = (list(getattr(model.graph, part)) for model in (before, after))
        found += [part] if ours != others else []
    found += _rest(before, after)
    kept = [output for node in after.graph.node for output in node.output]
    order = [kept.index(n.output[0]) for n in before.graph.node if n.output and n.output[0] in kept]
    return found + (["order of the nodes"] if order != sorted(order) else [])


def _rest(before: onnx.ModelProto, after: onnx.ModelProto) -> list[str]:
    """Whatever is neither node, constant nor value."""
    import onnx

    bare = []
    for model in (before, after):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        for part in ("node", "initializer", "input", "output", "value_info"):
            copy.graph.ClearField(part)
        bare.append(copy)
    return [] if bare[0] == bare[1] else ["model"]
