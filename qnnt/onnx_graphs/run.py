"""Rounding the layers of an ONNX graph where they stand."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from qnnt.exceptions import InputError, Unsupported, WrongAnswer, require_word
from qnnt.files.onnx import require_onnx
from qnnt.files.onnx_qdq import FORMS, dequantises
from qnnt.limits import Limits
from qnnt.onnx_graphs.allocation import Allocation, Choice, Measuring, allocated, bits_of
from qnnt.onnx_graphs.captured import with_flat
from qnnt.onnx_graphs.feeds import Data, Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.grid import BLOCK_BITS, Storage
from qnnt.onnx_graphs.journal import Journal
from qnnt.onnx_graphs.layer_by_layer import LayerByLayer
from qnnt.onnx_graphs.layers import (
    GraphLayer,
    Skipped,
    by_source,
    chosen_layers,
    find_layers,
    fold_batch_norms,
)
from qnnt.onnx_graphs.place import BY_BLOCK, BY_OPERATOR, Placer, check_sums, smallest_codes
from qnnt.onnx_graphs.progress import GraphProgress
from qnnt.onnx_graphs.rounded import RoundedGraph
from qnnt.rounders.base import BitsRounder, Rounder
from qnnt.rounding.problem import Clip
from qnnt.rounding.scheme import Scheme
from qnnt.rounding.search import Method

if TYPE_CHECKING:
    import onnx

Activations = Literal["float", "int8"]
ROW_TIME = 0.2  # seconds for a row when no limit is given: graphs have thousands
CANDIDATES = 4  # for a weight: at few bits, GPTQ over all codes costs less than the best of floor and ceil


def round_graph(
    model: onnx.ModelProto | str | Path,
    data: Data | Feeds,
    *,
    bits: int | str | None = None,
    budget: int | None = None,
    scheme: Scheme | None = None,
    backend: str | Rounder = "closest-vector",
    limits: Limits | float | None = None,
    row_time: float | None = None,
    clip: Clip = "fix",
    candidates: int | None = None,
    executor: Executor | None = None,
    activations: Activations = "float",
    form: str = "exact",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    fold_batch_norm: bool = False,
    search_scales: bool = False,
    block_size: int | None = None,
    asymmetric: bool = False,
    opset: int | None = None,
    journal: str | Path | None = None,
    progress: Callable[[GraphProgress], None] | None = None,
    start: float | None = None,
) -> RoundedGraph:
    """Round the layers of an ONNX model where they stand: Gemm, MatMul and Conv with constant weights.

    ``data`` are calibration data: an array, a mapping with one for each input of the model, an iterable of
    feeds, or onnxruntime's ``CalibrationDataReader``; see :meth:`Feeds.of`. Layers are rounded in the order
    of the graph, each on the inputs that the rounded ones before it give. A row is an output channel, and
    costs the mean squared distance of its outputs from those of the real weights on these inputs. ``bits`` (4
    if nothing is said) makes a :class:`Scheme` with a scale for each row; or give a ``scheme``.

    With ``activations="float"`` weights only become integers, which a DequantizeLinear turns into floats in
    front of the node; biases and all other nodes stay. With ``"int8"`` inputs and biases of the layers become
    integers, too, in the ``form`` exact or scaled (see :mod:`qnnt.files.onnx_qdq`).
    ``include`` and ``exclude`` are patterns of layer names. ``fold_batch_norm`` multiplies each
    BatchNormalization into the Conv before it. ``search_scales`` takes the multiple of each row's scale with
    which GPTQ costs least. ``block_size`` gives weights of up to 4 bits a scale for so many of a row each
    (opset 21), and ``asymmetric`` weights have zero points. ``bits="auto"`` finds bits for each layer, such
    that the model has at most ``budget`` bytes (see :mod:`qnnt.onnx_graphs.allocation`); they are 2, 4 or 8,
    or those of ``"auto:2,3,8"``. Half of a time limit may go by with that. ``opset`` converts the model
    first, for types of few bits: INT4 needs 21, INT2 needs 25. ``journal`` is a file in which finished layers
    are noted: the same call goes on from there, whatever ended it.

    Time, Ctrl-C and the rest are as for :func:`round_network`, except that ``row_time`` is
    :data:`ROW_TIME` if no limit is given, and ``candidates`` :data:`CANDIDATES` where the rounder takes more
    than two. Raises what :func:`round_layer` does; :class:`InputError` for a model that onnxruntime cannot
    run, that holds nothing to round, for data that do not fit, or for a journal of another run;
    :class:`Unsupported` where the form exact cannot be.
    """
    began = time.monotonic()
    start = began if start is None else start
    require_onnx()
    require_word("activations", activations, get_args(Activations))
    require_word("ONNX form", form, FORMS)
    storage, choices = _storage(bits, budget, scheme, block_size, asymmetric=asymmetric)
    limits = Limits.of(limits)
    if limits.time is None and row_time is None:
        row_time = ROW_TIME
    method = Method.of(
        backend, limits, row_time=row_time, clip=clip, candidates=candidates, executor=executor
    )
    if candidates is None and not isinstance(method.rounder, BitsRounder):
        method = replace(method, candidates=max(method.candidates, CANDIDATES))
    graph = Graph.load(model) if isinstance(model, str | Path) else Graph.copy_of(model)
    size = graph.model.ByteSize()
    graph = graph if opset is None else graph.converted(opset)
    if activations == "int8" and graph.opset < BY_OPERATOR:
        raise InputError("activations", f"int8 needs opset {BY_OPERATOR}, the model has {graph.opset}")
    feeds = data if isinstance(data, Feeds) else Feeds.of(data, graph.inputs)
    folded = fold_batch_norms(graph) if fold_batch_norm else []
    layers, skipped, excluded = _to_round(graph, include, exclude, activations)
    int8 = activations == "int8"
    if int8:
        layers = [with_flat(graph, feeds, layer) for layer in layers]
    least = storage.of_bits(choices[0]) if choices else storage
    for layer in layers:
        _check_storage(layer, least, graph, form if int8 else None)
    known = {
        "backend": repr(method.rounder) if is_dataclass(method.rounder) else method.rounder.name,
        "backend version": method.version,
        "scheme": repr(storage),
        "bits": list(choices),
        "budget": budget,
        "activations": activations,
        "form": form if int8 else None,
        "layers": [layer.output for layer in layers],
        "clip": clip,
        "candidates": method.candidates,
        "row_time": row_time,
        "seed": limits.seed,
        "search_scales": search_scales,
    }
    with ExitStack() as stack:
        notes = None
        if journal is not None:
            notes = stack.enter_context(Journal(Path(journal), graph.model, feeds, known))
        allocation = None
        if choices:
            assert budget is not None
            late = math.inf if limits.time is None else start + limits.time / 2
            measuring = Measuring(
                graph, feeds, choices, storage, method, form, int8, search_scales, late, progress
            )
            allocation = _allocated(measuring, layers, budget, notes)
        run = LayerByLayer(
            by_source(layers),
            {
                la.output: storage if not allocation else storage.of_bits(allocation.bits[la.output])
                for la in layers
            },
            method,
            int8,
            feeds,
            start,
            progress,
            Placer(form),
            graph,
            search_scales,
            notes,
        )
        done = run.result()
    sizes = size, done.graph.model.ByteSize()
    if allocation is not None and sizes[1] > allocation.budget:
        raise WrongAnswer(f"the model has {sizes[1]:,} bytes, more than its budget of {allocation.budget:,}")
    settings = {
        "backend": method.rounder.name,
        "version": method.version,
        "activations": activations,
        "form": form if int8 else None,
        "opset": graph.opset,
        "clip": clip,
        "candidates": method.candidates,
        "search_scales": search_scales,
        "limits": asdict(limits),
        "row_time": row_time,
        "calibration": feeds.about,
        "seconds": time.monotonic() - began,
    }
    parts = tuple(skipped), tuple(layer.name for layer in excluded), tuple(folded)
    return RoundedGraph(done.graph.model, done.layers, *parts, sizes, graph.model, settings, allocation)


def _storage(
    bits: int | str | None,
    budget: int | None,
    scheme: Scheme | None,
    block_size: int | None,
    *,
    asymmetric: bool,
) -> tuple[Storage, tuple[int, ...]]:
    """How weights are stored, and the numbers of bits to choose from, if they are allocated."""
    if scheme is not None and isinstance(bits, int):
        raise InputError("bits", "give bits or a scheme, not both")
    choices: tuple[int, ...] = ()
    if isinstance(bits, str):
        choices = bits_of(bits)
        if budget is None:
            raise InputError("budget", f"is missing: with {bits} bits, say how many bytes the model may have")
        first = BLOCK_BITS if block_size is not None else choices[0]
        bits = None if scheme is not None else first
    elif budget is not None:
        raise InputError("budget", "is for bits that are allocated: take auto")
    scheme = scheme or Scheme(4 if bits is None else bits, per="row")
    return Storage(scheme, block_size, asymmetric), choices


def _check_storage(layer: GraphLayer, storage: Storage, graph: Graph, form: str | None) -> None:
    """Raise :class:`InputError` or :class:`Unsupported` for what a file cannot hold; ``form`` is of int8."""
    if storage.block is not None:
        if form is not None:
            raise InputError("block_size", "is for float activations: sums of several scales are no integers")
        if graph.opset < BY_BLOCK:
            raise InputError("block_size", f"needs opset {BY_BLOCK}, the model has {graph.opset}")
        if not dequantises("INT8", blocked=True, zero=storage.asymmetric):
            raise Unsupported("the installed onnxruntime dequantises no weights in blocks")
    if storage.asymmetric and form == "scaled":
        raise InputError(
            "asymmetric", "is not for the form scaled: onnxruntime's QLinearConv has no zero points"
        )
    if form == "exact":
        check_sums(layer, smallest_codes(layer, storage))


def _allocated(
    measuring: Measuring, layers: list[GraphLayer], budget: int, notes: Journal | None
) -> Allocation:
    """Measure what is not in the journal, and choose; where layers are noted, the choice is theirs."""
    if notes is not None and notes.layers and notes.allocation is not None:
        return notes.allocation

    def note(layer: GraphLayer, choices: tuple[Choice, ...]) -> None:
        if notes is not None and not any(choice.estimated for choice in choices):
            notes.note_choices(layer, choices)

    known = {} if notes is None else notes.choices
    choices = measuring.choices(layers, known, note)
    opset = measuring.real.opset
    hint = "; opset 21 has INT4, 25 INT2" if opset < 21 else "; opset 25 has INT2" if opset < 25 else ""
    size = measuring.real.model.ByteSize() - measuring.freed_together(layers)
    allocation = allocated(size, choices, budget, hint)
    if notes is not None and allocation != notes.allocation:
        notes.note_allocation(allocation)
    return allocation


def _to_round(
    graph: Graph, include: Sequence[str], exclude: Sequence[str], activations: Activations
) -> tuple[list[GraphLayer], list[Skipped], list[GraphLayer]]:
    """The layers that are rounded, nodes that cannot be, and layers that are not to be."""
    layers, skipped = find_layers(graph)
    if activations == "int8":
        odd = [layer for layer in layers if layer.bias and layer.offset is None]
        layers = [layer for layer in layers if layer not in odd]
        skipped += [Skipped(la.name, la.kind, "adds what is no constant for each row") for la in odd]
    if not layers:
        why = f": {skipped[0].name!r} {skipped[0].reason}" if skipped else ""
        raise InputError("graph", f"has no Gemm, MatMul or Conv with constant float weights to round{why}")
    chosen, left = chosen_layers(layers, include, exclude)
    if not chosen:
        raise InputError("exclude" if exclude else "include", "leaves no layer to round")
    return chosen, skipped, left
