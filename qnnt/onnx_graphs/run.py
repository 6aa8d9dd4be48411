"""Rounding the layers of an ONNX graph, each on what the rounded ones before it give."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError, UnknownWord, require_word
from qnnt.files.onnx import require_onnx
from qnnt.files.onnx_qdq import FORMS
from qnnt.limits import Limit, Limits
from qnnt.onnx_graphs.feeds import Data, Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.journal import Journal, Noted
from qnnt.onnx_graphs.layers import (
    GraphLayer,
    Skipped,
    by_source,
    chosen_layers,
    find_layers,
    fold_batch_norms,
)
from qnnt.onnx_graphs.place import BY_OPERATOR, Codes, Placer, check_sums, smallest_codes
from qnnt.onnx_graphs.rounded import RoundedGraph, RoundedGraphLayer
from qnnt.onnx_graphs.statement import Statement, gptq_costs
from qnnt.onnx_graphs.unfold import Moments
from qnnt.rounders.base import BitsRounder, Rounder
from qnnt.rounding.problem import MOST_EXACT, Clip, GramProblem
from qnnt.rounding.rows import CtrlC
from qnnt.rounding.scheme import Affine, Scheme
from qnnt.rounding.search import Method, RowProgress, RowSearch, SearchedRows

if TYPE_CHECKING:
    import onnx

Reals = npt.NDArray[np.float64]
Activations = Literal["float", "int8"]
ROW_TIME = 0.2  # seconds for a row when no limit is given: graphs have thousands
CANDIDATES = 4  # for a weight: at few bits, GPTQ over all codes costs less than the best of floor and ceil


@dataclass(frozen=True)
class GraphProgress:
    """News of the layer ``name``, number ``layer`` of ``layers``, as :class:`RowProgress` of all its rows.

    ``share`` of all weights are in rows that are done.
    """

    layer: int
    layers: int
    name: str
    rows: RowProgress
    share: float


def round_graph(
    model: onnx.ModelProto | str | Path,
    data: Data | Feeds,
    *,
    bits: int | None = None,
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
    which GPTQ costs least. ``opset`` converts the model first, for types of few bits: INT4 needs 21, INT2
    needs 25. ``journal`` is a file in which finished layers are noted: the same call goes on from there,
    whatever ended it.

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
    if scheme is not None and bits is not None:
        raise InputError("bits", "give bits or a scheme, not both")
    scheme = scheme or Scheme(4 if bits is None else bits, per="row")
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
    if activations == "int8" and form == "exact":
        for layer in layers:
            check_sums(layer, smallest_codes(layer, scheme))
    run = _Run(
        by_source(layers),
        scheme,
        method,
        activations,
        feeds,
        start,
        progress,
        Placer(form),
        _Done(graph, ()),
        search_scales,
    )
    known = {
        "backend": repr(method.rounder) if is_dataclass(method.rounder) else method.rounder.name,
        "backend version": method.version,
        "scheme": repr(scheme),
        "activations": activations,
        "layers": [layer.output for layer in layers],
        "clip": clip,
        "candidates": method.candidates,
        "row_time": row_time,
        "seed": limits.seed,
        "search_scales": search_scales,
    }
    notes = nullcontext() if journal is None else Journal(Path(journal), graph.model, feeds, known)
    settings = {
        "backend": method.rounder.name,
        "version": method.version,
        "activations": activations,
        "form": form if activations == "int8" else None,
        "opset": graph.opset,
        "clip": clip,
        "candidates": method.candidates,
        "search_scales": search_scales,
        "limits": asdict(limits),
        "row_time": row_time,
        "calibration": feeds.about,
    }

    def finished() -> RoundedGraph:
        done = run.finished()
        sizes = size, done.graph.model.ByteSize()
        about = {**settings, "seconds": time.monotonic() - began}
        parts = tuple(skipped), tuple(layer.name for layer in excluded), tuple(folded)
        return RoundedGraph(done.graph.model, done.layers, *parts, sizes, about)

    with notes as run.journal:
        return run.ctrl_c.survived(finished)


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


@dataclass(frozen=True)
class _Done:
    """The graph as far as it is rounded, and the layers that are; ``begun`` is the work on the next ones."""

    graph: Graph
    layers: tuple[RoundedGraphLayer, ...]
    begun: _Begun | None = None


@dataclass(eq=False)
class _Begun:
    """Moments of the input that some layers share, by layer, with the input's code; searches by group."""

    inputs: Affine | None
    moments: dict[str, Moments]
    searches: dict[str, tuple[Statement, list[RowSearch]]] = field(default_factory=dict)


@dataclass
class _Run:
    """The rounding of a graph, source after source; what is ``done`` stays when Ctrl-C is pressed."""

    sources: list[list[GraphLayer]]
    scheme: Scheme
    method: Method
    activations: Activations
    feeds: Feeds
    start: float
    progress: Callable[[GraphProgress], None] | None
    placer: Placer
    done: _Done
    search_scales: bool = False
    journal: Journal | None = None
    ctrl_c: CtrlC = field(default_factory=CtrlC)

    def finished(self) -> _Done:
        """Round what is not rounded yet."""
        for layers in self.sources:
            for layer in layers:
                if layer.output not in {r.layer.output for r in self.done.layers}:
                    with _at(layer):
                        self._round(layer, layers)
        return self.done

    def _round(self, layer: GraphLayer, shared: list[GraphLayer]) -> None:
        begun = self.done.begun
        noted = None if self.journal is None else self.journal.layers.get(layer.output)
        if noted is None:
            began = time.monotonic()
            if begun is None or layer.output not in begun.moments:
                begun = self._captured(shared)
                self.done = replace(self.done, begun=begun)
            rows, statement = self._searched(layer, begun)
            scale, gptq, points = statement.scale, gptq_costs(statement), statement.points
            noted = Noted(rows, scale, gptq, points, begun.inputs, time.monotonic() - began)
            if self.journal is not None and not self._cut_short(rows):
                self.journal.note(layer, noted)
        codes = self._codes(layer, noted)
        graph = Graph.copy_of(self.done.graph.model)
        placed = self.placer.place(graph, layer, codes)
        rounded = RoundedGraphLayer(
            layer, codes, placed, noted.rows, noted.gptq_cost, noted.points, noted.seconds, self.scheme
        )
        self.done = _Done(graph, (*self.done.layers, rounded), begun)

    def _cut_short(self, rows: SearchedRows) -> bool:
        """Whether rows of a layer would be searched for longer if there were more time for all."""
        limit = self.method.limits.time
        late = limit is not None and time.monotonic() - self.start >= limit
        return late or Limit.INTERRUPT in rows.row_limits

    def _codes(self, layer: GraphLayer, noted: Noted) -> Codes:
        """The integers of a layer."""
        chosen, scale, code, f = noted.rows.codes, noted.scale, noted.inputs, layer.shape[1]
        biases = chosen[:, f] if chosen.shape[1] > f else None
        unit = None if code is None else scale * code.scale * layer.factor
        return Codes(chosen[:, :f], scale, code, unit, biases)

    def _captured(self, layers: list[GraphLayer]) -> _Begun:
        """Run the graph up to the input of some layers, which is the same, and sum its moments."""
        source, code = layers[0].source, None
        if self.activations == "int8":
            least, greatest = 0.0, 0.0
            for X in self._values(source):
                if X.size:
                    least, greatest = min(least, float(X.min())), max(greatest, float(X.max()))
            code = self.scheme.inputs(np.array([[least, greatest]]))
        found: dict[Any, Moments] = {}
        by_layer = {}
        for layer in layers:
            bias = code is not None and bool(layer.bias)
            key = layer.unfolding, layer.shape[1], bias
            found.setdefault(key, Moments(layer.unfolding, layer.shape[1], bias=bias))
            by_layer[layer.output] = found[key]
        for X in self._values(source):
            stored = X if code is None else code.codes(X) - code.zero_point
            for moments in found.values():
                moments.add(stored)
        for moments in found.values():
            if not moments.points:
                raise InputError("", "has no inputs on the calibration data")
            if code is not None and float(moments.finished().max()) >= MOST_EXACT:
                raise InputError("", "sums of products of its codes are beyond what a double holds exactly")
        return _Begun(code, by_layer)

    def _values(self, name: str) -> Iterator[npt.NDArray[Any]]:
        graph = self.done.graph
        if any(name == own.name for own in graph.inputs):
            yield from (feed[name] for feed in self.feeds)
        else:
            yield from (values[0] for values in graph.run([name], self.feeds, self.method.limits.threads))

    def _searched(self, layer: GraphLayer, begun: _Begun) -> tuple[SearchedRows, Statement]:
        """The rows of all groups of a layer."""
        if layer.output not in begun.searches:
            moments = begun.moments[layer.output]
            grams, points = moments.finished(), moments.points
            statement = Statement.of(layer, grams, points, begun.inputs, self.scheme, self.method)
            if self.search_scales:
                statement = statement.with_best_scales()
            begun.searches[layer.output] = statement, []
        statement, searches = begun.searches[layer.output]
        hear = _Rows(self, layer) if self.progress is not None else None
        parts = []
        for j, problem in enumerate(statement.problems()):
            if j == len(searches):
                method = replace(self.method, limits=self._share(layer, j))
                searches.append(RowSearch(partial(_same, problem), method, time.monotonic(), self.ctrl_c))
            parts.append(searches[j].result(hear))
            if hear is not None:
                hear.next(parts[-1])
        return SearchedRows.joined(parts), statement

    def _share(self, layer: GraphLayer, group: int) -> Limits:
        """What is left of the time, by the share of this group's weights in those still to do."""
        limits = self.method.limits
        if limits.time is None:
            return limits
        done = {r.layer.output for r in self.done.layers}
        left = sum(la.weights.size for layers in self.sources for la in layers if la.output not in done)
        own = layer.weights.size / layer.unfolding.groups
        time_left = limits.time - (time.monotonic() - self.start)
        return replace(limits, time=max(time_left * own / max(left - group * own, own), 1e-3))


class _Rows:
    """Tells the progress of a layer, whose groups are searched one after another."""

    def __init__(self, run: _Run, layer: GraphLayer) -> None:
        self._run, self._layer = run, layer
        self._done, self._cost, self._nearest = 0, 0.0, 0.0

    def __call__(self, news: RowProgress) -> None:
        run, layer = self._run, self._layer
        whole = RowProgress(
            self._done + news.neuron,
            self._done + news.done,
            layer.n,
            self._cost + news.cost,
            self._nearest + news.nearest_cost,
            news.proved,
        )
        layers = [la for of_source in run.sources for la in of_source]
        done = sum(r.layer.weights.size for r in run.done.layers)
        done += layer.weights.size * whole.done // whole.total
        share = done / sum(la.weights.size for la in layers)
        assert run.progress is not None
        run.progress(GraphProgress(len(run.done.layers), len(layers), layer.name, whole, share))

    def next(self, rows: SearchedRows) -> None:
        """A group is done."""
        self._done += len(rows.codes)
        self._cost += float(rows.cost.sum())
        self._nearest += float(rows.nearest_cost.sum())


def _same(problem: GramProblem) -> GramProblem:
    return problem


@contextmanager
def _at(layer: GraphLayer) -> Iterator[None]:
    """Whatever is wrong inside is wrong with this layer."""
    try:
        yield
    except UnknownWord:
        raise
    except InputError as error:
        raise InputError(
            f"layer {layer.name!r}" + (f".{error.place}" if error.place else ""), error.message
        ) from None
