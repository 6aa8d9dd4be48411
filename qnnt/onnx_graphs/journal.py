"""The journal of the rounding of a graph: what came of each finished layer, so that a killed run goes on."""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import qnnt
from qnnt.exceptions import InputError
from qnnt.files.documents import compact
from qnnt.files.journals import JournalFile
from qnnt.limits import Limit, Status
from qnnt.onnx_graphs.allocation import Allocation, Choice
from qnnt.onnx_graphs.grid import Grid
from qnnt.rounding.scheme import Affine
from qnnt.rounding.search import SearchedRows
from qnnt.sizes import require_room

if TYPE_CHECKING:
    import onnx

    from qnnt.onnx_graphs.feeds import Feeds
    from qnnt.onnx_graphs.layers import GraphLayer

FORMAT = "qnnt-rounding"
VERSION = 3
_REALS = ("cost", "nearest_cost", "lower_bound", "row_seconds")


@dataclass(frozen=True, eq=False)
class Noted:
    """What came of a layer: its rows, their grid and what GPTQ costs in each (n,), and the inputs' code."""

    rows: SearchedRows
    grid: Grid
    gptq_cost: npt.NDArray[np.float64]
    points: int
    inputs: Affine | None
    seconds: float


class Journal(JournalFile):
    """The journal of one run: a model, data and ``settings``; ``layers`` by output are those that it had.

    Where bits are allocated, ``choices`` by output are those that were measured already, and ``allocation``
    is what the layers were rounded with.
    Raises :class:`InputError` for the journal of another run, and as :class:`JournalFile` does.
    """

    def __init__(self, path: Path, model: onnx.ModelProto, feeds: Feeds, settings: dict[str, Any]) -> None:
        self._head = {
            "format": FORMAT,
            "version": VERSION,
            "qnnt": qnnt.__version__,
            "model": hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest(),
            "data": _digest(feeds),
            **settings,
        }
        self.layers: dict[str, Noted] = {}
        self.choices: dict[str, tuple[Choice, ...]] = {}
        self.allocation: Allocation | None = None
        super().__init__(path, FORMAT, "journal of a rounding")

    def noted(self, layer: GraphLayer) -> Noted | None:
        """What came of a layer, if it is done; :class:`InputError` if it cannot have come of this one."""
        noted = self.layers.get(layer.output)
        if noted is not None:
            (n, f), shape = layer.shape, noted.rows.codes.shape
            blocks = -(-f // noted.grid.block)
            if shape not in ((n, f), (n, f + 1)) or noted.grid.scale.shape != (n, blocks):
                with self.located():
                    raise InputError(f"layer {layer.output}", f"is damaged: it has no codes {shape}")
        return noted

    def note(self, layer: GraphLayer, noted: Noted) -> None:
        """Write that a layer is done."""
        rows = noted.rows
        self.write(
            {
                "layer": layer.output,
                "name": layer.name,
                "shape": rows.codes.shape,
                "codes": _packed(rows.codes),
                **{name: getattr(rows, name).tolist() for name in _REALS},
                "proved": rows.proved.tolist(),
                "status": [status.value for status in rows.row_status],
                "limits": [None if limit is None else limit.value for limit in rows.row_limits],
                "reasons": list(rows.reasons),
                "scale": noted.grid.scale.tolist(),
                "zero": None if noted.grid.zero is None else noted.grid.zero.tolist(),
                "block": noted.grid.block,
                "gptq_cost": noted.gptq_cost.tolist(),
                "points": noted.points,
                "inputs": None if noted.inputs is None else asdict(noted.inputs),
                "seconds": noted.seconds,
            }
        )

    def note_choices(self, layer: GraphLayer, choices: tuple[Choice, ...]) -> None:
        """Write what numbers of bits do to a layer."""
        parts = [asdict(choice) for choice in choices]
        self.write({"measured": layer.output, "name": layer.name, "choices": parts})

    def note_allocation(self, allocation: Allocation) -> None:
        """Write what the layers that are noted from now on are rounded with."""
        self.write({"allocation": asdict(allocation)})

    def take(self) -> None:
        """The first line says what is rounded (a new file gets it), each further one what came of a layer."""
        head = self._head
        if not self.lines:
            self.write(head)
            return
        (_, first), *lines = self.lines
        other = next((key for key in head if first.get(key) != head[key]), None)
        if other is not None:
            raise InputError("", f"is the journal of a run that differs in its {other.replace('_', ' ')}")
        for number, line in lines:
            try:
                if "measured" in line:
                    self.choices[line["measured"]] = _choices(line["choices"])
                elif "allocation" in line:
                    self.allocation = _allocation(line["allocation"], head["layers"], head["bits"])
                else:
                    self.layers[line["layer"]] = _noted(line)
            except (KeyError, TypeError, ValueError, OverflowError, zlib.error) as error:
                raise InputError(f"line {number}", f"is damaged: {error}") from None


def _choices(parts: list[dict[str, Any]]) -> tuple[Choice, ...]:
    return tuple(Choice(**choice) for choice in parts)


def _allocation(parts: dict[str, Any], layers: list[str], bits: list[int]) -> Allocation:
    choices = {output: _choices(own) for output, own in dict(parts["choices"]).items()}
    found = Allocation(**{**parts, "choices": choices})
    if list(choices) != layers or any(found.bits[output] not in bits for output in layers):
        raise ValueError("it is not that of these layers")
    return found


def _noted(line: dict[str, Any]) -> Noted:
    rows = SearchedRows(
        codes=_unpacked(line["codes"], *line["shape"]),
        proved=np.array(line["proved"], dtype=bool),
        row_status=tuple(Status(word) for word in line["status"]),
        row_limits=tuple(None if word is None else Limit(word) for word in line["limits"]),
        reasons=tuple(line["reasons"]),
        **{name: np.array(line[name], dtype=np.float64) for name in _REALS},
    )
    code = None if line["inputs"] is None else Affine(**line["inputs"])
    scale, gptq = (np.array(line[name], dtype=np.float64) for name in ("scale", "gptq_cost"))
    zero = None if line["zero"] is None else np.array(line["zero"], dtype=np.int64)
    grid = Grid(scale, zero, int(line["block"]))
    told = [*vars(rows).values(), scale, gptq]
    if zero is not None and zero.shape != scale.shape:
        raise ValueError("its zero points are not those of its scales")
    if len({len(each) for each in told}) > 1 or scale.ndim != 2 or grid.block < 1:
        raise ValueError("its rows differ in number")
    return Noted(rows, grid, gptq, line["points"], code, line["seconds"])


def _packed(codes: npt.NDArray[np.int64]) -> str:
    return base64.b64encode(zlib.compress(codes.astype("<i4").tobytes())).decode()


def _unpacked(text: str, n: int, m: int) -> npt.NDArray[np.int64]:
    size = 4 * n * m
    require_room(size, "codes", "would take")
    raw = zlib.decompressobj().decompress(base64.b64decode(text), size + 1)
    return np.frombuffer(raw, dtype="<i4").reshape(n, m).astype(np.int64)


def _digest(feeds: Feeds) -> str:
    """SHA-256 of all data, and of whether they are rows."""
    sha = hashlib.sha256(compact([feeds.rows]).encode())
    for feed in feeds.feeds:
        for name in sorted(feed):
            array = feed[name]
            sha.update(compact([name, array.dtype.str, array.shape]).encode())
            sha.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())
    return sha.hexdigest()
