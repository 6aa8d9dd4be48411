"""A written ONNX file run by onnxruntime, held against the rounded network's own integers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.files.onnx import require_onnx

if TYPE_CHECKING:
    from qnnt.rounding.network import RoundedNetwork

# Exp differs between libraries in its last bits: a softmax has it in single precision, the others in double,
# of which what is next to 0 or 1 is left in single precision.
_TOLERANCES = {"softmax": 1e-5, "sigmoid": 1e-6, "tanh": 1e-6}
_SCALED = 1e-5


@dataclass(frozen=True)
class OnnxReplay:
    """``integers`` were compared (input codes and sums of every layer) over ``inputs`` rows.

    ``differing`` of them are not the same in onnxruntime; ``differing_outputs`` of the file's outputs, run
    as it is with the default options of onnxruntime, are not: to the bit, a softmax to 1e-5, sigmoid and tanh
    to 1e-6.
    """

    inputs: int
    integers: int
    differing: int
    differing_outputs: int
    onnxruntime: str

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.differing == self.differing_outputs == 0

    def as_dict(self) -> dict[str, Any]:
        """What a report says of it."""
        return asdict(self)


def replay_onnx(path: str | Path, network: RoundedNetwork, X: npt.ArrayLike) -> OnnxReplay:
    """Run the file on inputs X (N, f) and compare; :class:`Unavailable` without onnx and onnxruntime."""
    require_onnx()
    import onnx
    import onnxruntime

    values = np.asarray(X, dtype=np.float32)
    as_it_is = _run(Path(path).read_bytes(), ["output"], values)[0]
    model = onnx.load(path)
    exact = any(node.name == "layer0_sums" for node in model.graph.node)
    names = [
        n for i in range(len(network.layers)) for n in (f"layer{i}_inputs", _sums(model, i, exact=exact))
    ]
    present = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(n) for n in names if n not in present)
    found = _run(model.SerializeToString(), names, values)
    trace = network.integers(X)
    compared = differing = 0
    for i, (layer, (codes, sums)) in enumerate(zip(network.layers, trace, strict=True)):
        their_codes, their_sums = found[2 * i : 2 * i + 2]
        if not exact:
            their_sums = np.rint(their_sums.astype(np.float64) / layer.bias_scale)
        else:  # an integer of 2^24 or more is rounded when it becomes a float
            sums = sums.astype(np.float32)
        compared += codes.size + sums.size
        differing += int((their_codes != codes).sum() + (their_sums != sums).sum())
    ours = network.predict(X)
    tolerance = _TOLERANCES.get(network.activations[-1], 0.0) if exact else _SCALED
    unequal = ~np.isclose(as_it_is, ours, rtol=tolerance, atol=tolerance)
    return OnnxReplay(len(values), compared, differing, int(unequal.sum()), onnxruntime.__version__)


def _sums(model: Any, i: int, *, exact: bool) -> str:
    if exact:
        return f"layer{i}_sums"
    names = {node.name for node in model.graph.node}
    return f"layer{i}_preactivations" if f"layer{i}_preactivations" in names else "output"


def _run(model: bytes, names: list[str], X: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(names, {"input": X}))
