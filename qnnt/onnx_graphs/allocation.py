"""How many bits each layer gets, so that the file fits into a budget and the outputs move least.

Each layer is rounded alone to each number of bits, by GPTQ on what reaches it in the real graph, and the
graph is run: how much its outputs move is what the choice costs. The distances of several layers are taken to
add up. Which choice each layer gets is then a multiple-choice knapsack, which is solved exactly.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qnnt.exceptions import InputError, Unsupported
from qnnt.onnx_graphs.captured import Captured, at_layer
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.grid import Storage
from qnnt.onnx_graphs.knapsack import cheapest
from qnnt.onnx_graphs.layers import GraphLayer, by_source
from qnnt.onnx_graphs.moved import BEYOND, Outputs
from qnnt.onnx_graphs.place import Codes, Placer, stored_bytes
from qnnt.onnx_graphs.progress import GraphProgress
from qnnt.onnx_graphs.statement import Statement
from qnnt.rounders.gptq import gptq_planes
from qnnt.rounders.planes import Planes
from qnnt.rounding.scheme import MOST_BITS
from qnnt.rounding.search import Method

AUTO = "auto"
BITS = 2, 4, 8  # the widest weights of each type; 3 bits are stored as 4
_SPARE = 16  # bytes of a layer that lengths of lengths may need
_MENTIONS = 16  # at most, of the names that are made of that of a tensor
_SPARE_SUMS = 512  # and nodes that make sums exact, which a layer may need or not


@dataclass(frozen=True)
class Choice:
    """A layer in ``bits``: ``bytes`` more in the file than real weights (fewer, if negative).

    ``moved`` is how much the outputs move, on the calibration data. An ``estimated`` one was not measured,
    for want of time: it is the layer's own relative cost.
    """

    bits: int
    bytes: int
    moved: float
    estimated: bool


@dataclass(frozen=True)
class Allocation:
    """The ``choices`` of each layer by its output, and the number of ``bits`` that each gets.

    The file has at most ``size`` bytes, of ``budget``, and could have ``smallest``. ``proved`` tells that no
    other allocation that fits moves the outputs less, by the sum over the layers.
    """

    choices: Mapping[str, tuple[Choice, ...]]
    bits: Mapping[str, int]
    budget: int
    size: int
    smallest: int
    proved: bool

    def as_dict(self, names: Mapping[str, str]) -> dict[str, Any]:
        """What a report says of it; ``names`` are those of the layers by their outputs."""
        return {
            "budget": self.budget,
            "at_most": self.size,
            "smallest": self.smallest,
            "proved": self.proved,
            "layers": [
                {"name": names[output], "bits": self.bits[output], "choices": [asdict(c) for c in choices]}
                for output, choices in self.choices.items()
            ],
        }


def bits_of(text: str) -> tuple[int, ...]:
    """The numbers of bits to choose from: ``auto`` or ``auto:2,3,8``; raises :class:`InputError`."""
    word, colon, listed = text.partition(":")
    if word != AUTO:
        raise InputError("bits", f"must be a number, {AUTO} or {AUTO}:2,4,8, not {text!r}")
    if not colon:
        return BITS
    numbers = listed.split(",")
    if not all(n.strip().isascii() and n.strip().isdecimal() and len(n) < 9 for n in numbers):
        raise InputError("bits", f"must be numbers such as {AUTO}:2,4,8, not {text!r}")
    found = tuple(sorted({int(n) for n in numbers}))
    if not 1 <= found[0] <= found[-1] <= MOST_BITS:
        raise InputError("bits", f"a weight has 1 to {MOST_BITS} bits, not {listed}")
    return found


def allocated(
    size: int, choices: Mapping[str, tuple[Choice, ...]], budget: int, hint: str = ""
) -> Allocation:
    """The choice of each layer; ``size`` is that of the real file, less what only all layers together free.

    Raises :class:`InputError` for a budget that no allocation keeps; a ``hint`` is added to it.
    """
    sizes = [[choice.bytes for choice in of_layer] for of_layer in choices.values()]
    costs = [[choice.moved for choice in of_layer] for of_layer in choices.values()]
    smallest = size + sum(min(of_layer) for of_layer in sizes)
    if budget < smallest:
        raise InputError("budget", f"{budget:,} bytes are too few: the smallest file has {smallest:,}{hint}")
    picked, proved = cheapest(sizes, costs, budget - size)
    bits = {output: of_layer[k].bits for (output, of_layer), k in zip(choices.items(), picked, strict=True)}
    total = size + sum(of_layer[k] for of_layer, k in zip(sizes, picked, strict=True))
    return Allocation(choices, bits, budget, total, smallest, proved)


@dataclass(frozen=True, eq=False)
class Measuring:
    """What each number of bits does to each layer of a ``real`` graph.

    Once ``deadline`` (of ``time.monotonic()``) has passed the network is run no more: its outputs are taken
    to move by what the layer's own ones move.
    """

    real: Graph
    feeds: Feeds
    bits: Sequence[int]
    storage: Storage
    method: Method
    form: str
    int8: bool
    search_scales: bool = False
    deadline: float = math.inf
    progress: Callable[[GraphProgress], None] | None = None

    def choices(
        self,
        layers: Sequence[GraphLayer],
        known: Mapping[str, tuple[Choice, ...]],
        note: Callable[[GraphLayer, tuple[Choice, ...]], None],
    ) -> dict[str, tuple[Choice, ...]]:
        """The choices of all layers by output, in their order.

        Those that are ``known`` already are not measured; all others are given to ``note``. Raises
        :class:`Unsupported` for a layer that the form exact cannot hold in any number of bits.
        """
        threads = self.method.limits.threads
        outputs, size = Outputs(self.real, self.feeds, threads), self.real.model.ByteSize()
        found, done = dict(known), 0
        for of_source in by_source(layers):
            left = [layer for layer in of_source if layer.output not in found]
            scheme = self.storage.scheme if self.int8 else None
            for layer in left:
                with at_layer(layer):
                    if layer is left[0]:
                        captured = Captured.of(self.real, self.feeds, left, scheme, threads)
                    moments = captured.moments[layer.output]
                    planes = [gptq_planes(gram) for gram in moments.finished()]
                    made, refusal = [], None
                    for i, bits in enumerate(self.bits):
                        try:
                            made.append(self._choice(layer, captured, bits, planes, outputs, size))
                        except Unsupported as error:  # sums that would not be exact: no choice
                            refusal = error
                        self._tell(layer, len(layers), done + (i + 1) / len(self.bits))
                    if refusal is not None and not made:
                        raise refusal
                found[layer.output] = tuple(made)
                note(layer, found[layer.output])
                done += 1
            done += len(of_source) - len(left)
        return {layer.output: found[layer.output] for layer in layers}

    def freed_together(self, layers: Sequence[GraphLayer]) -> int:
        """How many bytes of weights go with all the layers that take them, and with none of these alone.

        Less the numbers in the names of what takes their place.
        """
        tensors = [layer.weight for layer in layers]
        tensors += [layer.bias for layer in layers if self.int8 and layer.bias]
        takers = Counter(tensors).values()
        numbers = sum(_MENTIONS * k * len(f"_{k}") for k in takers if k > 1)
        return self._freed(layers) - sum(self._freed([layer]) for layer in layers) - numbers

    def _freed(self, layers: Sequence[GraphLayer]) -> int:
        """How many bytes of the real graph nothing takes any more once layers have integers."""
        graph, names = Graph.copy_of(self.real.model), list[str]()
        producers = graph.producers()
        for layer in layers:
            node = graph.graph.node[producers[layer.output]]
            names += [node.input[layer.slot], *(node.input[2:] if self.int8 else [])]
            node.input[layer.slot] = layer.source
            if self.int8:
                del node.input[2:]
        before = graph.graph.ByteSize()
        graph.sweep(name for name in names if name)
        return int(before - graph.graph.ByteSize())

    def _choice(
        self,
        layer: GraphLayer,
        captured: Captured,
        bits: int,
        planes: list[Planes],
        outputs: Outputs,
        size: int,
    ) -> Choice:
        """Round the layer alone, put it into a copy of the graph, and run that."""
        moments, storage = captured.moments[layer.output], self.storage.of_bits(bits)
        grams = moments.finished()
        statement = Statement.of(layer, grams, moments.points, captured.inputs, storage, self.method)
        if self.search_scales:
            statement = statement.with_best_scales(planes)
        codes = Codes.of(layer, statement.gptq_codes(planes), statement.grid, captured.inputs)
        graph = Graph.copy_of(self.real.model)
        placer = Placer(self.form)
        placed = placer.place(graph, layer, codes)
        # Other codes of these bits may need a wider type than those of GPTQ, and a scale for each row.
        ends = np.array(storage.scheme.weight_range)
        kind = placer.kind(graph, layer, codes.grid, ends, int8=self.int8)
        more = stored_bytes(layer, codes.grid, kind, whole=True) - placed.bytes
        more += graph.model.ByteSize() - size + _SPARE + _SPARE_SUMS * self.int8
        if time.monotonic() > self.deadline:
            return Choice(bits, more, _relative_cost(layer, statement, planes), estimated=True)
        return Choice(bits, more, outputs.moved(graph), estimated=False)

    def _tell(self, layer: GraphLayer, layers: int, done: float) -> None:
        if self.progress is not None:
            at = min(math.ceil(done), layers) - 1
            self.progress(GraphProgress(at, layers, layer.name, None, done / layers))


def _relative_cost(layer: GraphLayer, statement: Statement, planes: list[Planes]) -> float:
    """What GPTQ costs in all rows, by the mean square of the layer's own outputs."""
    W, each = layer.rows(), layer.n // len(statement.grams)
    f = W.shape[1]
    squares = sum(
        float(((rows @ gram[:f, :f]) * rows).sum())
        for gram, rows in zip(statement.grams, W.reshape(-1, each, f), strict=True)
    )
    unit = 1.0 if statement.inputs is None else statement.inputs.scale
    square = squares * (unit * layer.factor) ** 2 / statement.points
    share = float(statement.gptq_costs(planes).sum()) / square if square > 0 else 0.0
    return share if share < BEYOND else BEYOND  # not finite, perhaps
