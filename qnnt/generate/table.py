"""A table of data (CSV) as a training instance.

Each feature column is treated by what it holds, and each treatment is recorded in the instance's ``meta``:

* ``dropped``: the same value in every row;
* ``kept``: integers, all in Z_d;
* ``ranks``: other numbers, at most d distinct ones (``values``), become min Z_d, min Z_d + 1, … in order;
* ``quantiles``: any other numbers become min Z_d + the number of ``edges`` below them; the edges are the
  k/d-quantiles of the column, k = 1 … d - 1, each a value of the column;
* ``one-hot``: anything else becomes one input of 0 or 1 per category, categories in rising order.

Each target column is a set of classes, in numeric order if all are numbers. Two classes are one output of 0
or 1, k classes are k outputs of which one is 1; 0 and 1 here are the two lowest values that the output
activation shows (for ``sign`` -1 and 1). A missing value (empty, ``?``, ``NA``, ``nan``, ``NaN``) is a
category of its own, written ``?``; in a column of numbers and in a target it is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation, ActivationLike, Activations
from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.files.documents import located
from qnnt.files.tables import csv_rows
from qnnt.garbage import collector_paused
from qnnt.goals import Goal
from qnnt.instance import Instance
from qnnt.sizes import require_room

MISSING = frozenset(["", "?", "NA", "nan", "NaN"])
MAX_CATEGORIES = 256

Codes = npt.NDArray[np.int64]


def table_instance(
    table: str | Path | Iterable[Sequence[str]],
    targets: Sequence[str],
    d: int,
    hidden: Sequence[int],
    goal: Goal,
    activation: ActivationLike = "relu",
) -> Instance:
    """A dense network with ``hidden`` layer sizes is to learn the ``targets`` from the other columns.

    ``table`` is a CSV file with a header row (comma, semicolon or tab), or its rows, header first. Raises
    :class:`InputError` naming the file and its line for a table that cannot be used.
    """
    if d < 2:
        raise InputError("d", f"must be at least 2, as the only output in Z_1 is 0, not {d}")
    for i, size in enumerate(hidden):
        if size < 1:
            raise InputError(f"hidden[{i}]", f"a layer has at least one neuron, not {size}")
    require_room(64 * sum(hidden), "hidden", "the names of so many neurons need")
    path = Path(table) if isinstance(table, str | Path) else Path("table")
    with located(path), collector_paused():
        columns = list(_columns(csv_rows(path) if isinstance(table, str | Path) else enumerate(table, 1)))
        names = [column.name for column in columns]
        _check_targets(targets, names)
        domain = Domain(d)
        features = [_feature(column, domain) for column in columns if column.name not in targets]
        shown = Activations.of(activation, domain)
        if shown.output.top < 1:
            raise InputError("activation", f"outputs that show one value tell no classes: {shown.output}")
        outputs = [_target(columns[names.index(name)], shown.output) for name in targets]
        if all(block.matrix.shape[1] == 0 for block in features):
            raise InputError("", "no feature column is left: each is a target or the same in every row")
    layers = _layers(features, hidden, outputs)
    meta = {
        "kind": "table",
        "source": path.name,
        "d": d,
        "hidden": list(hidden),
        "columns": [block.record for block in features],
        "targets": [block.record for block in outputs],
    }
    dataset = Dataset(*(np.hstack([block.matrix for block in side]) for side in (features, outputs)))
    return Instance(domain, Architecture.full(layers), dataset, goal, meta, shown)


@dataclass(frozen=True)
class _Column:
    """``cells`` are the distinct entries; row i, on line ``lines[i]``, holds ``cells[codes[i]]``."""

    name: str
    cells: list[str]
    codes: Codes
    lines: Sequence[int]

    def line_of(self, cell: int) -> str:
        return f"line {self.lines[int(np.argmax(self.codes == cell))]}"


@dataclass
class _Block:
    """A column encoded: ``matrix`` (N, k) for k neurons that would like to be called ``names``."""

    names: list[str]
    matrix: Codes
    record: dict[str, Any]


def _columns(rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[_Column]:
    numbered = iter(rows)
    first, header = next(numbered, (1, ()))
    if not header:
        raise InputError("", "is empty; a table has a header row")
    names = [name.strip() for name in header]
    for i, name in enumerate(names):
        if not name:
            raise InputError(f"line {first}", f"column {i + 1} has no name")
        if name in names[:i]:
            raise InputError(f"line {first}", f"column {name!r} is named twice")
    lines, body = [], []
    for line, row in numbered:
        if len(row) != len(names):
            raise InputError(f"line {line}", f"has {len(row)} fields, the header {len(names)}")
        lines.append(line)
        body.append(row)
    if not body:
        raise InputError("", "has no rows below its header")
    for name, entries in zip(names, zip(*body, strict=True), strict=True):
        position = dict(zip(dict.fromkeys(entries), range(len(entries)), strict=False))
        codes = np.fromiter(map(position.__getitem__, entries), dtype=np.int64, count=len(entries))
        yield _Column(name, [cell.strip() for cell in position], codes, lines)


def _check_targets(targets: Sequence[str], names: list[str]) -> None:
    if not targets:
        raise InputError("", "no target column is named")
    for i, name in enumerate(targets):
        if name not in names:
            raise InputError("", f"has no column {name!r}; its columns are {', '.join(names)}")
        if name in targets[:i]:
            raise InputError("", f"target column {name!r} is named twice")


def _numbers(column: _Column) -> npt.NDArray[np.float64] | None:
    """The distinct entries as numbers; None if one of them, missing values aside, is not a number."""
    present = [cell for cell in column.cells if cell not in MISSING]
    if not present or "_" in "".join(present):  # float() would take 1_000
        return None
    try:
        numbers = np.array(list(map(float, present))) + 0.0  # no negative zero
    except ValueError:
        return None
    if len(present) < len(column.cells):
        missing = next(i for i, cell in enumerate(column.cells) if cell in MISSING)
        raise InputError(
            column.line_of(missing), f"column {column.name!r} is of numbers and has no value here"
        )
    if not np.isfinite(numbers).all():
        infinite = int(np.argmin(np.isfinite(numbers)))
        what = f"column {column.name!r} has the value {column.cells[infinite]} here"
        raise InputError(column.line_of(infinite), what)
    return numbers


def _classes(column: _Column) -> tuple[list[str], Codes]:
    """The distinct values as text, in ascending order, and which of them each row holds, (N,)."""
    numbers = _numbers(column)
    if numbers is None:
        texts = ["?" if cell in MISSING else cell for cell in column.cells]
        classes = sorted(set(texts))
        order = {text: i for i, text in enumerate(classes)}
        return classes, np.array([order[text] for text in texts])[column.codes]
    values, rank = np.unique(numbers, return_inverse=True)
    return [f"{v:.0f}" if v.is_integer() else repr(v) for v in values.tolist()], rank[column.codes]


def _one_hot(column: _Column, classes: list[str], codes: Codes) -> _Block:
    if len(classes) > MAX_CATEGORIES:
        what = f"column {column.name!r} has {len(classes)} categories"
        raise InputError("", f"{what}, at most {MAX_CATEGORIES} are encoded; group them or leave it out")
    matrix = (codes[:, None] == np.arange(len(classes))).astype(np.int64)
    return _Block([f"{column.name}={c}" for c in classes], matrix, {"column": column.name})


def _feature(column: _Column, domain: Domain) -> _Block:
    numbers = _numbers(column)
    if numbers is None:
        classes, codes = _classes(column)
        if len(classes) == 1:
            return _dropped(column, classes[0])
        block = _one_hot(column, classes, codes)
        block.record |= {"treatment": "one-hot", "categories": classes}
        return block
    values, rank = np.unique(numbers, return_inverse=True)
    if len(values) == 1:
        return _dropped(column, values[0].item())
    if (values == np.floor(values)).all() and domain.lo <= values[0] and values[-1] <= domain.hi:
        encoded, record = values.astype(np.int64), {"treatment": "kept"}
    elif len(values) <= domain.d:
        encoded, record = (
            domain.lo + np.arange(len(values)),
            {"treatment": "ranks", "values": values.tolist()},
        )
    else:
        shares = np.arange(1, domain.d) / domain.d
        edges = np.quantile(values[rank][column.codes], shares, method="inverted_cdf")
        # An edge at the maximum would have nothing above it, and a column of mostly the maximum only one bin.
        edges = np.unique(np.minimum(edges, values[-2]))
        encoded = domain.lo + np.searchsorted(edges, values, side="left")
        record = {"treatment": "quantiles", "edges": edges.tolist()}
    return _Block([column.name], encoded[rank][column.codes][:, None], {"column": column.name, **record})


def _dropped(column: _Column, value: str | float) -> _Block:
    record = {"column": column.name, "treatment": "dropped", "value": value}
    return _Block([], np.empty((len(column.codes), 0), dtype=np.int64), record)


def _target(column: _Column, output: Activation) -> _Block:
    """The classes of a column as labels; 0 and 1 stand for the two lowest values of the output activation."""
    missing = [i for i, cell in enumerate(column.cells) if cell in MISSING]
    if missing:
        raise InputError(column.line_of(missing[0]), f"target column {column.name!r} has no value here")
    classes, codes = _classes(column)
    if len(classes) == 1:
        raise InputError("", f"target column {column.name!r} is {classes[0]!r} in every row")
    if len(classes) == 2:
        block = _Block([column.name], codes[:, None], {"column": column.name})
    else:
        block = _one_hot(column, classes, codes)
    block.record |= {"classes": classes}
    block.matrix = output.show(block.matrix)
    return block


def _layers(features: list[_Block], hidden: Sequence[int], outputs: list[_Block]) -> list[list[str]]:
    """Names for all neurons; one that is taken gets a number. The names of each block go into its record."""
    taken: set[str] = set()

    def free(name: str) -> str:
        unique, n = name, 1
        while unique in taken:
            n += 1
            unique = f"{name}_{n}"
        taken.add(unique)
        return unique

    for key, blocks in (("inputs", features), ("outputs", outputs)):
        for block in blocks:
            block.record[key] = [free(name) for name in block.names]
    deep = len(hidden) > 1
    between = [
        [free(f"h{i}_{j}" if deep else f"h{j}") for j in range(size)] for i, size in enumerate(hidden, 1)
    ]
    first, last = (
        [n for b in side for n in b.record[key]] for side, key in ((features, "inputs"), (outputs, "outputs"))
    )
    return [first, *between, last]
