"""How good a graph is on test data: accuracy for classes, the mean squared error for values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.onnx_graphs.feeds import Feeds
from qnnt.onnx_graphs.graph import Graph


@dataclass(frozen=True, eq=False)
class Score:
    """Test data with what the first output should be: classes (N,), or values of its shape.

    ``before`` is what the real model has.
    """

    feeds: Feeds
    y: npt.NDArray[Any]
    measure: str
    before: float

    @classmethod
    def of(cls, real: Graph, feeds: Feeds, y: npt.NDArray[Any]) -> Score:
        """Evaluate the real model; raises :class:`InputError` for labels that do not fit its outputs."""
        outputs = _outputs(real, feeds)
        if len(outputs) != len(y):
            raise InputError("--eval: y", f"has {len(y)} rows, the first output has {len(outputs)}")
        integers = y.ndim == 1 and y.dtype.kind in "iub"
        if integers and outputs.ndim > 1 and outputs.shape[1] > 1:
            if y.min() < 0 or y.max() >= outputs.shape[1]:
                raise InputError("--eval: y", f"must be classes 0 to {outputs.shape[1] - 1}")
            measure = "accuracy"
        else:
            if y.dtype.kind not in "iubf" or y.size != outputs.size:
                what = f"{y.dtype} of shape {y.shape} does not fit outputs of shape {outputs.shape}"
                raise InputError("--eval: y", what)
            measure = "mean squared error"
        return cls(feeds, y, measure, _value(measure, outputs, y))

    def after(self, rounded: Graph) -> float:
        """What a rounded model has."""
        return _value(self.measure, _outputs(rounded, self.feeds), self.y)

    def compared(self, rounded: Graph) -> dict[str, Any]:
        """What a report says of it."""
        after = self.after(rounded)
        return {"inputs": len(self.y), "measure": self.measure, "before": self.before, "after": after}


def _outputs(graph: Graph, feeds: Feeds) -> npt.NDArray[Any]:
    """The first output over all rows; rows that only fill the last batch are cut off."""
    name = graph.graph.output[0].name
    parts = [np.atleast_1d(value) for (value,) in graph.run([name], feeds)]
    if len({part.shape[1:] for part in parts}) > 1:
        raise InputError("--eval: X", "gives outputs of several shapes")
    values = np.concatenate(parts)
    return values[: feeds.about["size"]] if feeds.rows else values


def _value(measure: str, outputs: npt.NDArray[Any], y: npt.NDArray[Any]) -> float:
    if measure == "accuracy":
        classes = outputs.reshape(len(outputs), outputs.shape[1], -1).argmax(axis=1)
        return float((classes == y[:, None]).mean())
    return float(((outputs.astype(np.float64).ravel() - y.astype(np.float64).ravel()) ** 2).mean())
