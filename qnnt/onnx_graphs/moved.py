"""How much the outputs of a network move when layers of it are rounded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Feed, Graph

Values = list[npt.NDArray[Any]]

MOST_KEPT = 2**28  # bytes of outputs that are kept and not computed again
BEYOND = 1e30  # where an output is no number any more


class Outputs:
    """The outputs of a ``real`` graph on feeds, which those of other graphs are compared with.

    Outputs of floats count if there are any; else the others do, which move by the share of entries that
    differ.
    """

    def __init__(self, real: Graph, feeds: Feeds, threads: int = 1) -> None:
        self._real, self._feeds, self._threads = real, feeds, threads
        self._kept: list[Values] | None = None
        kinds = {
            v.name: v.type.tensor_type.elem_type for v in real.graph.output if v.type.HasField("tensor_type")
        }
        floats = [name for name, kind in kinds.items() if kind in (1, 10, 11)]  # float, float16, double
        self.names = floats or list(kinds)

    def moved(self, graph: Graph) -> float:
        """The squared distance of the outputs by their variance, on average over the outputs."""
        if not self.names:
            return 0.0
        return squared_distance(self._known(), graph.run(self.names, self._feeds, self._threads))

    def _known(self) -> Iterable[Values]:
        """The outputs of the real graph, batch by batch."""
        if self._kept is not None:
            return self._kept
        return self._computed()

    def _computed(self) -> Iterator[Values]:
        kept: list[Values] | None = []
        size = 0
        for values in self._real.run(self.names, self._feeds, self._threads):
            size += sum(value.nbytes for value in values)
            if size > MOST_KEPT:
                kept = None
            if kept is not None:
                kept.append(values)
            yield values
        self._kept = kept


def squared_distance(real: Iterable[Values], other: Iterable[Values]) -> float:
    """Σ (other − real)² / Σ (real − mean)² of each output, on average over the outputs.

    For an output that is always the same, the mean of the squares stands for their share. Entries that are
    not finite in the real output are left out. :data:`BEYOND` if one of the outputs is.
    """
    sums: list[_Sums] = []
    for ours, theirs in zip(real, other, strict=True):
        sums = sums or [_Sums(float(_finite(value).mean()) if _finite(value).size else 0.0) for value in ours]
        for total, a, b in zip(sums, ours, theirs, strict=True):
            total.add(a, b)
    shares = [total.share for total in sums]
    return BEYOND if BEYOND in shares else float(np.mean(shares)) if shares else 0.0


def twin_moved(
    graph: Graph, weights: Mapping[str, npt.NDArray[Any]], feeds: Iterable[Feed]
) -> tuple[float, float]:
    """How much the outputs of a graph differ from those with floats in place of tensors of ``weights``.

    First as onnxruntime computes it with floats, which are rounding errors if all is well; then with its
    usual options, with which it may store the inputs of a MatMul or Gemm in 8 bits.
    """
    from onnx import numpy_helper

    twin, batches = Graph.copy_of(graph.model), list(feeds)
    for name, values in weights.items():
        del twin.graph.node[twin.producers()[name]]
        twin.graph.initializer.append(numpy_helper.from_array(values, name))
    names = [value.name for value in graph.graph.output]
    plain, usual = (
        squared_distance(twin.run(names, batches), graph.run(names, batches, usual=usual))
        for usual in (False, True)
    )
    return plain, usual


class _Sums:
    """What is summed of an output; values are taken less ``shift``, lest digits be lost."""

    def __init__(self, shift: float) -> None:
        self._shift = shift
        self._count, self._sum, self._squares, self._distance = 0, 0.0, 0.0, 0.0
        self._whole = False

    def add(self, real: npt.NDArray[Any], other: npt.NDArray[Any]) -> None:
        if real.dtype.kind not in "fiub" or other.dtype.kind not in "fiub":
            return
        if real.shape != other.shape:  # their number depends on values
            self._count, self._distance = self._count + max(real.size, 1), math.inf
            return
        known = np.isfinite(real)
        a, b = real[known].astype(np.float64), other[known].astype(np.float64)
        away = (a != b).astype(np.float64) if real.dtype.kind in "iub" else (a - b) ** 2
        a -= self._shift
        self._count += a.size
        self._sum, self._squares = self._sum + float(a.sum()), self._squares + float((a**2).sum())
        self._distance += float(away.sum())
        self._whole = real.dtype.kind in "iub"

    @property
    def share(self) -> float:
        """The distance by the variance, or by the number of entries."""
        if not self._count:
            return 0.0
        variance = self._squares - self._sum**2 / self._count
        by = self._count if self._whole or variance <= 0 else variance
        share = self._distance / by
        return min(share, BEYOND) if np.isfinite(share) else BEYOND


def _finite(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if values.dtype.kind not in "fiub":
        return np.zeros(0)
    finite: npt.NDArray[np.float64] = values[np.isfinite(values)].astype(np.float64)
    return finite
