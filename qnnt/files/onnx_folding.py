"""Constants of an ONNX file computed, within a budget: a node may loop for ever, or ask for any memory.

A node that makes nothing larger of its inputs is computed here. Any other one is computed by a worker that
can be killed, under a limit on its time and its memory.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.limits import Limit, Limits
from qnnt.sizes import MIB, most_bytes, require_room
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Hear, Tell, describe

if TYPE_CHECKING:
    import onnx

SECONDS = 10.0  # for all nodes of a file that need a worker
_LIBRARIES = 4096  # MiB of address space that Python and its libraries take beside the arrays

# What these make has as many entries as what they are given, or fewer.
_PLAIN = frozenset(
    ["Cast", "DequantizeLinear", "Flatten", "Identity", "Neg", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]
)

Array = npt.NDArray[Any]


class Folding:
    """Computes nodes of one file, one after another, all of them within one budget."""

    def __init__(self, opset: int) -> None:
        self._opset, self._seconds, self._bytes = opset, SECONDS, 0

    def outputs(self, node: onnx.NodeProto, place: str, constants: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of a node by name; raises :class:`InputError` at the place if they cannot be had."""
        arguments = {name: constants[name] for name in node.input if name}
        if node.op_type in _PLAIN or _is_plain_constant(node):
            try:
                values = _computed(node.SerializeToString(), self._opset, arguments)
            except Exception as error:
                raise _uncomputed(node, place, describe(error)) from None
        else:
            values = self._elsewhere(node, place, arguments)
        self._bytes += sum(value.nbytes for value in values)
        require_room(self._bytes, place, "the constants of the file that are computed take at least")
        return dict(zip(node.output, values, strict=False))

    def _elsewhere(self, node: onnx.NodeProto, place: str, arguments: dict[str, Array]) -> list[Array]:
        """The values by a worker."""
        began = time.monotonic()
        limits = Limits(time=max(self._seconds, 1e-3), memory=_LIBRARIES + 4 * most_bytes() // MIB)
        task = _Fold(node.SerializeToString(), self._opset, arguments, limits)
        ended = run_isolated(task, _ignore)
        self._seconds -= time.monotonic() - began
        if ended.answer is not None:
            return ended.answer
        if ended.limit is Limit.TIME:
            raise _uncomputed(node, place, f"all constants of a file have {SECONDS:g} seconds")
        raise _uncomputed(node, place, ended.reason or "no reason is known")


def _uncomputed(node: onnx.NodeProto, place: str, why: str) -> InputError:
    return InputError(place, f"{node.op_type} of constants cannot be computed: {why}")


def _ignore(_: None) -> None:
    pass


@dataclass(frozen=True)
class _Fold:
    """The task of computing a node, given as its bytes."""

    node: bytes
    opset: int
    arguments: dict[str, Array]
    limits: Limits
    family = "onnx"
    fresh = False
    runs_programs = False

    def execute(self, tell: Tell[None], hear: Hear) -> list[Array]:  # noqa: ARG002
        values = _computed(self.node, self.opset, self.arguments)
        require_room(sum(value.nbytes for value in values), "", "they take")  # before they are sent
        return values


def _computed(node: bytes, opset: int, arguments: dict[str, Array]) -> list[Array]:
    from onnx import NodeProto
    from onnx.reference import ReferenceEvaluator

    parsed = NodeProto.FromString(node)
    values: Any = ReferenceEvaluator(_alone(parsed, opset)).run(None, arguments)
    return [np.asarray(value) for value in values]


def _is_plain_constant(node: onnx.NodeProto) -> bool:
    """Whether it is a constant whose entries all stand in the file."""
    return node.op_type == "Constant" and all(part.name != "sparse_value" for part in node.attribute)


def _alone(node: onnx.NodeProto, opset: int) -> onnx.ModelProto:
    """A model that consists of one node; the types of its inputs and outputs are not stated."""
    from onnx import helper

    ends = [
        [helper.make_empty_tensor_value_info(n) for n in names if n] for names in (node.input, node.output)
    ]
    graph = helper.make_graph([node], "constant", *ends)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
