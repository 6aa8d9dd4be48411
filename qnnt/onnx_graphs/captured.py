"""What reaches a layer: onnxruntime runs the graph up to its input, of which moments are summed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError, UnknownWord
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.layers import GraphLayer
from qnnt.onnx_graphs.unfold import Moments
from qnnt.rounding.problem import MOST_EXACT
from qnnt.rounding.scheme import Affine, Scheme


@dataclass(frozen=True, eq=False)
class Captured:
    """The input that some layers share: its code ``inputs``, None for floats, and moments by layer output."""

    inputs: Affine | None
    moments: dict[str, Moments]

    @classmethod
    def of(
        cls, graph: Graph, feeds: Feeds, layers: Sequence[GraphLayer], scheme: Scheme | None, threads: int
    ) -> Captured:
        """Run a graph up to the input of layers that have the same one.

        With a ``scheme`` inputs are stored as it says, without as floats.
        """
        source, code = layers[0].source, None
        if scheme is not None:
            least, greatest = 0.0, 0.0
            for X in _values(graph, feeds, source, threads):
                if X.size:
                    least, greatest = min(least, float(X.min())), max(greatest, float(X.max()))
            code = scheme.inputs(np.array([[least, greatest]]))
        found: dict[Any, Moments] = {}
        by_layer = {}
        for layer in layers:
            bias = code is not None and bool(layer.bias)
            key = layer.unfolding, layer.shape[1], bias
            found.setdefault(key, Moments(layer.unfolding, layer.shape[1], bias=bias))
            by_layer[layer.output] = found[key]
        for X in _values(graph, feeds, source, threads):
            stored = X if code is None else code.codes(X) - code.zero_point
            for moments in found.values():
                moments.add(stored)
        for moments in found.values():
            if not moments.points:
                raise InputError("", "has no inputs on the calibration data")
            if code is not None and float(moments.finished().max()) >= MOST_EXACT:
                raise InputError("", "sums of products of its codes are beyond what a double holds exactly")
        return cls(code, by_layer)


def _values(graph: Graph, feeds: Feeds, name: str, threads: int) -> Iterator[npt.NDArray[Any]]:
    if any(name == own.name for own in graph.inputs):
        yield from (feed[name] for feed in feeds)
    else:
        yield from (values[0] for values in graph.run([name], feeds, threads))


def with_flat(graph: Graph, feeds: Feeds, layer: GraphLayer) -> GraphLayer:
    """A layer that knows whether its source is one vector, as the first feed has it.

    Only a MatMul whose first factor is constant takes one otherwise than it takes many.
    """
    if layer.kind != "MatMul" or layer.slot != 0:
        return layer
    with at_layer(layer):
        return replace(layer, flat=next(_values(graph, feeds, layer.source, 1)).ndim == 1)


@contextmanager
def at_layer(layer: GraphLayer) -> Iterator[None]:
    """Whatever is wrong inside is wrong with this layer."""
    try:
        yield
    except UnknownWord:
        raise
    except InputError as error:
        raise InputError(
            f"layer {layer.name!r}" + (f".{error.place}" if error.place else ""), error.message
        ) from None
