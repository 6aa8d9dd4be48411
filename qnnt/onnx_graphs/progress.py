"""News of a rounding: which layer, which rows, and how much of the whole is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qnnt.onnx_graphs.layers import GraphLayer
from qnnt.rounding.search import RowProgress, SearchedRows


@dataclass(frozen=True)
class GraphProgress:
    """News of the layer ``name``, number ``layer`` of ``layers``, as :class:`RowProgress` of all its rows.

    ``share`` of all weights are in rows that are done. Without ``rows`` it is measured what numbers of bits
    do to the layer, and ``share`` of that is done.
    """

    layer: int
    layers: int
    name: str
    rows: RowProgress | None
    share: float


class LayerProgress:
    """Makes news of a layer of news of its parts, which are searched one after another.

    The layer is number ``number`` of ``layers``; ``before`` of all ``weights`` are in layers that are done.
    """

    def __init__(
        self,
        tell: Callable[[GraphProgress], None],
        layer: GraphLayer,
        place: tuple[int, int],
        before: int,
        weights: int,
    ) -> None:
        self._tell, self._layer, self._place = tell, layer, place
        self._before, self._weights = before, weights
        self._done, self._cost, self._nearest = 0, 0.0, 0.0

    def __call__(self, news: RowProgress) -> None:
        """A row is done."""
        layer = self._layer
        whole = RowProgress(
            self._done + news.neuron,
            self._done + news.done,
            layer.n,
            self._cost + news.cost,
            self._nearest + news.nearest_cost,
            news.proved,
        )
        done = self._before + layer.weights.size * whole.done // whole.total
        self._tell(GraphProgress(*self._place, layer.name, whole, done / self._weights))

    def next(self, rows: SearchedRows) -> None:
        """A part is done."""
        self._done += len(rows.codes)
        self._cost += float(rows.cost.sum())
        self._nearest += float(rows.nearest_cost.sum())
