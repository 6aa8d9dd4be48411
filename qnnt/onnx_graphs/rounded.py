"""What comes of rounding an ONNX graph: the model, and what is known of each layer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.limits import Limit
from qnnt.onnx_graphs.allocation import Allocation
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Graph
from qnnt.onnx_graphs.grid import Storage
from qnnt.onnx_graphs.layers import GraphLayer, Skipped
from qnnt.onnx_graphs.moved import Outputs
from qnnt.onnx_graphs.place import Codes, Placed, Placer
from qnnt.rounding.scheme import Scheme
from qnnt.rounding.search import SearchedRows, most_left

if TYPE_CHECKING:
    import onnx

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RoundedGraphLayer:
    """A layer, its ``codes``, where they are ``placed`` in the file, and what came of its ``rows``.

    Costs (n,) of a row are the mean squared distance of its outputs over ``points`` vectors of the
    calibration data: of what was chosen and of rounding to nearest in ``rows``, and of GPTQ in activation
    order over all codes in ``gptq_cost``. ``moved`` is how much the network's outputs move when this layer
    alone is rounded, on the calibration data and on test data, where it was measured.
    """

    layer: GraphLayer
    codes: Codes
    placed: Placed
    rows: SearchedRows
    gptq_cost: Reals
    points: int
    seconds: float
    storage: Storage
    moved: tuple[float, ...] = ()

    @property
    def scheme(self) -> Scheme:
        """The range of the codes."""
        return self.storage.scheme

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """What the weights have become, in the shape of the layer's tensor."""
        return self.codes.values(self.layer)

    @property
    def bytes(self) -> tuple[int, int]:
        """Of the weights: as floats, and as packed integers with their scales."""
        return self.layer.weights.nbytes, self.placed.bytes

    def as_dict(self) -> dict[str, Any]:
        """What a report says of it."""
        layer, rows, (before, after) = self.layer, self.rows, self.bytes
        about: dict[str, Any] = {
            "name": layer.name,
            "kind": layer.kind,
            "rows": layer.n,
            "inputs": layer.shape[1],
            "groups": layer.unfolding.groups,
            "points": self.points,
            **self.storage.as_dict(),
            "stored": self.placed.kind,
            "bytes_before": before,
            "bytes_after": after,
            "cost": float(rows.cost.sum()),
            "nearest_cost": float(rows.nearest_cost.sum()),
            "gptq_cost": float(self.gptq_cost.sum()),
            "lower_bound": float(rows.lower_bound.sum()),
            "most_left": most_left(rows.cost, rows.lower_bound),
            "proved": int(rows.proved.sum()),
            "seconds": self.seconds,
        }
        about |= dict(zip(("moved", "moved_eval"), self.moved, strict=False))
        if self.codes.inputs is not None:
            code = self.codes.inputs
            about |= {"input_scale": code.scale, "input_zero_point": code.zero_point}
        about["row_details"] = [self._row(i) for i in range(layer.n)]
        return about

    def _row(self, i: int) -> dict[str, Any]:
        rows, limit = self.rows, self.rows.row_limits[i]
        return {
            "row": i,
            "status": rows.row_status[i].value,
            "cost": float(rows.cost[i]),
            "nearest_cost": float(rows.nearest_cost[i]),
            "gptq_cost": float(self.gptq_cost[i]),
            "lower_bound": float(rows.lower_bound[i]),
            "proved": bool(rows.proved[i]),
            "limit": None if limit is None else limit.value,
            "reason": rows.reasons[i],
            "seconds": float(rows.row_seconds[i]),
        }


@dataclass(frozen=True, eq=False)
class RoundedGraph:
    """An ONNX ``model`` whose ``layers`` hold integers; all other nodes are those of the real model.

    ``skipped`` are nodes that could not be rounded, ``excluded`` the names of layers that were not to be,
    ``folded`` those of the BatchNormalization nodes that are gone. ``bytes`` are those of the model before
    and after. ``settings`` tells how it was made. ``real`` is the model before its layers were rounded, in
    the opset of the rounded one and with the folded nodes gone. ``allocation`` is that of the bits, if there
    was one.
    """

    model: onnx.ModelProto
    layers: tuple[RoundedGraphLayer, ...]
    skipped: tuple[Skipped, ...]
    excluded: tuple[str, ...]
    folded: tuple[str, ...]
    bytes: tuple[int, int]
    real: onnx.ModelProto
    settings: dict[str, Any] = field(default_factory=dict)
    allocation: Allocation | None = None

    @property
    def limit(self) -> Limit | None:
        """What cut the search of a row short: Ctrl-C if it did for one, else time or memory, else None."""
        met = {limit for layer in self.layers for limit in layer.rows.row_limits}
        return next((limit for limit in (Limit.INTERRUPT, Limit.TIME, Limit.MEMORY) if limit in met), None)

    def with_moved(self, *data: Feeds, threads: int = 1) -> RoundedGraph:
        """With how much the network's outputs move on each of the data when a layer alone is rounded."""
        real, form = Graph(self.real), self.settings.get("form") or "exact"
        outputs = [Outputs(real, feeds, threads) for feeds in data]
        layers = []
        for layer in self.layers:
            graph = Graph.copy_of(self.real)
            Placer(form).place(graph, layer.layer, layer.codes)
            moved = tuple(of_data.moved(graph) for of_data in outputs)
            layers.append(replace(layer, moved=moved))
        return replace(self, layers=tuple(layers))

    def save(self, path: str | Path) -> None:
        """Write the model; raises :class:`InputError` if it cannot be written."""
        Graph(self.model).save(Path(path))

    def report(self) -> dict[str, Any]:
        """What JSON reports hold: the settings, every layer and row, and what was left as it is."""
        names = {layer.layer.output: layer.layer.name for layer in self.layers}
        return {
            **self.settings,
            "limit": None if self.limit is None else self.limit.value,
            "bytes_before": self.bytes[0],
            "bytes_after": self.bytes[1],
            "allocation": None if self.allocation is None else self.allocation.as_dict(names),
            "layers": [layer.as_dict() for layer in self.layers],
            "skipped": [skipped.as_dict() for skipped in self.skipped],
            "excluded": list(self.excluded),
            "folded": list(self.folded),
        }
