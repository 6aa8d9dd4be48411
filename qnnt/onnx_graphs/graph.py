"""An ONNX model that is changed in place, and run by onnxruntime as a whole or up to some tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.files.documents import located
from qnnt.files.onnx import load_onnx, require_onnx
from qnnt.files.writing import write_bytes

if TYPE_CHECKING:
    import onnx

Array = npt.NDArray[Any]
Feed = Mapping[str, Array]

MOST_BYTES = 2**31 - 1  # what a protocol buffer holds
FLOATS_STAY = "session.qdq_matmulnbits_accuracy_level"  # 1: inputs of MatMulNBits are floats; usually 8 bits
# Their outputs depend on no input, and yet are no constants.
_RANDOM = (
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    "Multinomial",
    "Bernoulli",
)


@dataclass(frozen=True)
class GraphInput:
    """An input that a run has to be given: its numpy type, and its shape, None where it is open."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...] | None


class Graph:
    """A model, and what is asked of its graph: who makes a tensor, who takes it, what it is for an input."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Take over a model; it is changed by what follows."""
        self.model = model

    @classmethod
    def load(cls, path: str | Path) -> Graph:
        """Read a file; raises :class:`InputError` naming it, :class:`Unavailable` without onnx."""
        return cls(load_onnx(Path(path)))

    @classmethod
    def copy_of(cls, model: onnx.ModelProto) -> Graph:
        """A graph that can be changed while the model stays as it is."""
        require_onnx()
        import onnx

        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        return cls(copy)

    def converted(self, opset: int) -> Graph:
        """The graph in another opset; raises :class:`InputError` if onnx cannot convert it."""
        from onnx import version_converter

        try:
            return Graph(version_converter.convert_version(self.model, opset))
        except Exception as error:  # onnx's own, of several classes
            raise InputError("opset", f"onnx cannot convert the model to {opset}: {error}") from None

    def save(self, path: Path) -> None:
        """Write the model; raises :class:`InputError` if it cannot be written."""
        with located(path):
            if self.model.ByteSize() > MOST_BYTES:
                raise InputError("", "cannot be written: the model has more than 2 GiB")
        write_bytes(path, self.model.SerializeToString())

    @property
    def graph(self) -> onnx.GraphProto:
        """The main graph."""
        return self.model.graph

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return next((o.version for o in self.model.opset_import if o.domain in ("", "ai.onnx")), 1)

    @property
    def inputs(self) -> list[GraphInput]:
        """What a run has to be given; an input with an initializer has a default and is left out."""
        from onnx import helper

        known = {t.name for t in self.graph.initializer}
        found = []
        for value in self.graph.input:
            kind = value.type.tensor_type
            if value.name in known:
                continue
            if not value.type.HasField("tensor_type"):
                raise InputError(f"input {value.name!r}", "is no tensor; only tensors can be calibrated on")
            shape = None
            if kind.HasField("shape"):
                shape = tuple(d.dim_value if d.dim_value > 0 else None for d in kind.shape.dim)
            found.append(GraphInput(value.name, helper.tensor_dtype_to_np_dtype(kind.elem_type), shape))
        return found

    def producers(self) -> dict[str, int]:
        """The number of the node that makes each tensor."""
        return {name: i for i, node in enumerate(self.graph.node) for name in node.output if name}

    def uses(self) -> dict[str, int]:
        """How often each tensor is taken: by nodes, by their sub-graphs, as an output of the graph."""
        counts: dict[str, int] = {}
        names = (name for node in self.graph.node for name in taken(node))
        for name in (*names, *(value.name for value in self.graph.output)):
            counts[name] = counts.get(name, 0) + 1
        return counts

    def constants(self) -> set[str]:
        """The tensors that depend on no input: initializers, and what is computed from them alone."""
        found = {t.name for t in self.graph.initializer} | {
            t.values.name for t in self.graph.sparse_initializer
        }
        for node in self.graph.node:
            if node.op_type not in _RANDOM and all(name in found for name in taken(node)):
                found |= {name for name in node.output if name}
        return found

    def fresh(self, name: str) -> str:
        """The name, or one like it that nothing in the model has."""
        names = {n for node in self.graph.node for n in (node.name, *node.output, *taken(node))}
        for values in (self.graph.input, self.graph.output, self.graph.initializer, self.graph.value_info):
            names |= {value.name for value in values}
        chosen, number = name, 2
        while chosen in names:
            chosen, number = f"{name}_{number}", number + 1
        return chosen

    def add_constant(self, name: str, value: Array) -> str:
        """Add an initializer; returns its name, which is a new one."""
        from onnx import numpy_helper

        name = self.fresh(name)
        self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def sweep(self, names: Iterable[str]) -> None:
        """Remove constants that nothing takes any more, and the nodes that made them."""
        waiting, constants = list(names), self.constants()
        while waiting:
            name = waiting.pop()
            if name not in constants or self.uses().get(name):
                continue
            at = self.producers().get(name)
            if at is None:
                for values in (self.graph.initializer, self.graph.input, self.graph.value_info):
                    for i in reversed([i for i, value in enumerate(values) if value.name == name]):
                        del values[i]
            elif not any(self.uses().get(output) for output in self.graph.node[at].output):
                waiting += taken(self.graph.node[at])
                del self.graph.node[at]

    def part(self, names: Sequence[str]) -> onnx.ModelProto:
        """The model with just the nodes that some tensors need, which are its outputs."""
        import onnx

        producers, wanted, seen = self.producers(), set(), set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in producers and producers[name] not in wanted:
                wanted.add(producers[name])
                waiting += taken(self.graph.node[producers[name]])
        model = onnx.ModelProto()
        model.ir_version = self.model.ir_version
        model.opset_import.extend(self.model.opset_import)
        model.functions.extend(self.model.functions)
        graph = model.graph
        graph.name = self.graph.name or "part"
        graph.node.extend(node for i, node in enumerate(self.graph.node) if i in wanted)
        graph.initializer.extend(t for t in self.graph.initializer if t.name in seen)
        graph.sparse_initializer.extend(t for t in self.graph.sparse_initializer if t.values.name in seen)
        graph.input.extend(value for value in self.graph.input if value.name in seen)
        known = {value.name: value for value in (*self.graph.output, *self.graph.value_info)}
        graph.output.extend(
            known.get(name) or onnx.helper.make_empty_tensor_value_info(name) for name in names
        )
        return model

    def run(
        self, names: Sequence[str], feeds: Iterable[Feed], threads: int = 1, *, usual: bool = False
    ) -> Iterator[list[Array]]:
        """The values of some tensors for each feed; raises :class:`InputError` where onnxruntime fails.

        What are floats in the graph stay floats. With its ``usual`` options onnxruntime may quantise the
        inputs of products with weights of few bits.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        if not usual:
            options.add_session_config_entry(FLOATS_STAY, "1")
        model = self.part(names)
        taken_here = {value.name for value in model.graph.input}
        try:
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            for feed in feeds:
                inputs = {name: value for name, value in feed.items() if name in taken_here}
                yield list(session.run(list(names), inputs))
        except Exception as error:  # onnxruntime's own, of no common class
            raise InputError("", f"onnxruntime cannot run it: {_first_line(error)}") from None

    def values(self, names: Sequence[str]) -> dict[str, Array]:
        """The values of tensors that depend on no input."""
        from onnx import numpy_helper

        stored = {t.name: t for t in self.graph.initializer}
        found = {name: numpy_helper.to_array(stored[name]) for name in names if name in stored}
        computed = [name for name in names if name not in stored]
        if computed:
            found |= dict(zip(computed, next(self.run(computed, [{}])), strict=True))
        return found


def taken(node: onnx.NodeProto) -> list[str]:
    """The tensors that a node takes, itself or in its sub-graphs; some of these may be made there."""
    names = [name for name in node.input if name]
    for graph in subgraphs(node):
        for inner in graph.node:
            names += taken(inner)
        names += [value.name for value in graph.output]
    return names


def subgraphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """The bodies of If, Loop, Scan."""
    return [g for a in node.attribute for g in ([a.g] if a.HasField("g") else []) + list(a.graphs)]


def name_of(node: onnx.NodeProto) -> str:
    """What a report calls a node: its name, or its output where it has none."""
    return str(node.name or next((name for name in node.output if name), node.op_type))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
