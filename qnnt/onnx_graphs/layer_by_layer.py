"""The layers of a graph rounded one after another, each on what the rounded ones before it give."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from qnnt.limits import Limit, Limits, Status
from qnnt.onnx_graphs.captured import Captured, at_layer
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.grid import Storage
from qnnt.onnx_graphs.journal import Journal, Noted
from qnnt.onnx_graphs.layers import GraphLayer
from qnnt.onnx_graphs.place import Codes, Placer
from qnnt.onnx_graphs.progress import GraphProgress, LayerProgress
from qnnt.onnx_graphs.rounded import RoundedGraphLayer
from qnnt.onnx_graphs.statement import Statement
from qnnt.rounding.rows import CtrlC
from qnnt.rounding.search import Method, RowSearch, SearchedRows


@dataclass(frozen=True)
class Done:
    """The graph as far as it is rounded, and the layers that are; ``begun`` is the work on the next ones."""

    graph: Graph
    layers: tuple[RoundedGraphLayer, ...]
    begun: _Begun | None = None


@dataclass(eq=False)
class _Searching:
    """A layer at work: what came of its first problems, and the search of the next one."""

    statement: Statement
    found: list[SearchedRows] = field(default_factory=list)
    search: RowSearch | None = None


@dataclass(frozen=True, eq=False)
class _Begun:
    """The input that some layers share, and the searches of these by layer output."""

    captured: Captured
    searching: dict[str, _Searching] = field(default_factory=dict)


class LayerByLayer:
    """The rounding of a graph, source after source; what is done stays when Ctrl-C is pressed.

    ``sources`` are layers that share an input, ``storages`` tells by output how their weights are stored.
    With ``int8`` their inputs become integers, too. The time limit counts from ``start``.
    """

    def __init__(
        self,
        sources: Sequence[Sequence[GraphLayer]],
        storages: Mapping[str, Storage],
        method: Method,
        int8: bool,
        feeds: Feeds,
        start: float,
        progress: Callable[[GraphProgress], None] | None,
        placer: Placer,
        graph: Graph,
        search_scales: bool = False,
        journal: Journal | None = None,
    ) -> None:
        self._sources, self._storages, self._method, self._int8 = sources, storages, method, int8
        self._feeds, self._start, self._progress, self._placer = feeds, start, progress, placer
        self._search_scales, self._journal = search_scales, journal
        self._done, self._ctrl_c = Done(graph, ()), CtrlC()
        self._cut_short = False

    def result(self) -> Done:
        """Round all layers; a second KeyboardInterrupt is raised."""
        return self._ctrl_c.survived(self._finished)

    def _finished(self) -> Done:
        """Round what is not rounded yet."""
        for layers in self._sources:
            for layer in layers:
                if layer.output not in {r.layer.output for r in self._done.layers}:
                    with at_layer(layer):
                        self._round(layer, layers)
        return self._done

    def _round(self, layer: GraphLayer, shared: Sequence[GraphLayer]) -> None:
        begun = self._done.begun
        noted = None if self._journal is None else self._journal.noted(layer)
        storage = self._storages[layer.output]
        if noted is None:
            began = time.monotonic()
            if begun is None or layer.output not in begun.captured.moments:
                scheme, threads = storage.scheme if self._int8 else None, self._method.limits.threads
                begun = _Begun(Captured.of(self._done.graph, self._feeds, shared, scheme, threads))
                self._done = replace(self._done, begun=begun)
            rows, statement = self._searched(layer, begun)
            noted = Noted(
                rows,
                statement.grid,
                statement.gptq_costs(),
                statement.points,
                statement.inputs,
                time.monotonic() - began,
            )
            # What comes after a layer that is to be searched again depends on what comes of it then.
            self._cut_short = self._cut_short or self._unfinished(rows)
            if self._journal is not None and not self._cut_short:
                self._journal.note(layer, noted)
        codes = Codes.of(layer, noted.rows.codes, noted.grid, noted.inputs)
        graph = Graph.copy_of(self._done.graph.model)
        placed = self._placer.place(graph, layer, codes)
        rounded = RoundedGraphLayer(
            layer, codes, placed, noted.rows, noted.gptq_cost, noted.points, noted.seconds, storage
        )
        self._done = Done(graph, (*self._done.layers, rounded), begun)

    def _unfinished(self, rows: SearchedRows) -> bool:
        """Whether rows of a layer would be searched further by another run: with more time, or no failure."""
        limit = self._method.limits.time
        late = limit is not None and time.monotonic() - self._start >= limit
        # A row ends by its own time as it should; Ctrl-C, the memory limit and failures are the others.
        ends = zip(rows.row_status, rows.row_limits, strict=True)
        return late or any(s is Status.UNKNOWN and end is not Limit.TIME for s, end in ends)

    def _searched(self, layer: GraphLayer, begun: _Begun) -> tuple[SearchedRows, Statement]:
        """The rows of a layer, problem after problem."""
        if layer.output not in begun.searching:
            moments, storage = begun.captured.moments[layer.output], self._storages[layer.output]
            grams, points = moments.finished(), moments.points
            statement = Statement.of(layer, grams, points, begun.captured.inputs, storage, self._method)
            if self._search_scales:
                statement = statement.with_best_scales()
            begun.searching[layer.output] = _Searching(statement)
        work = begun.searching[layer.output]
        hear = self._layer_progress(layer)
        if hear is not None:
            for rows in work.found:
                hear.next(rows)
        for k in range(len(work.found), work.statement.count):
            if work.search is None:
                method = replace(self._method, limits=self._share(layer, k / work.statement.count))
                problem = partial(work.statement.problem, k)
                work.search = RowSearch(problem, method, time.monotonic(), self._ctrl_c)
            rows = work.search.result(hear)
            work.search = None  # its matrices may be large
            work.found.append(rows)
            if hear is not None:
                hear.next(rows)
        return SearchedRows.joined(work.found), work.statement

    def _share(self, layer: GraphLayer, done: float) -> Limits:
        """What is left of the time, by the share of the next problem's weights in those still to do.

        ``done`` is the share of the layer's own ones that are.
        """
        limits = self._method.limits
        if limits.time is None:
            return limits
        rounded = {r.layer.output for r in self._done.layers}
        left = sum(la.weights.size for layers in self._sources for la in layers if la.output not in rounded)
        own = layer.weights.size / self._count(layer)
        time_left = limits.time - (time.monotonic() - self._start)
        share = own / max(left - done * layer.weights.size, own)
        return replace(limits, time=max(time_left * share, 1e-3))

    def _count(self, layer: GraphLayer) -> int:
        """The number of problems of a layer."""
        assert self._done.begun is not None
        return self._done.begun.searching[layer.output].statement.count

    def _layer_progress(self, layer: GraphLayer) -> LayerProgress | None:
        if self._progress is None:
            return None
        layers = [la for of_source in self._sources for la in of_source]
        before = sum(r.layer.weights.size for r in self._done.layers)
        place = len(self._done.layers), len(layers)
        return LayerProgress(self._progress, layer, place, before, sum(la.weights.size for la in layers))
