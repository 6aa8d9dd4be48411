"""Columns of a table, whatever they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.files.tables import csv_rows

_NANS = (sign + "".join(letters) for sign in ("", "+", "-") for letters in product("nN", "aA", "nN"))
MISSING = frozenset(["", "?", "NA", *_NANS])  # all that float() takes for nan, too

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Rows = Iterable[tuple[int, Sequence[str]]]


@dataclass(frozen=True)
class Column:
    """Row i, which is ``unit`` ``lines[i]`` of its table, holds ``cells[codes[i]]``."""

    name: str
    cells: Sequence[str]
    codes: Codes
    lines: Sequence[int] | Codes
    unit: str = "line"

    @classmethod
    def of(
        cls, name: str, entries: Sequence[str], lines: Sequence[int] | Codes, unit: str = "line"
    ) -> Column:
        """The column of these entries, one for each row."""
        position = dict(zip(dict.fromkeys(entries), range(len(entries)), strict=False))
        codes = np.fromiter(map(position.__getitem__, entries), dtype=np.int64, count=len(entries))
        return cls(name, [cell.strip() for cell in position], codes, lines, unit)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.codes)

    def take(self, rows: Codes) -> Column:
        """The column of some of the rows, with no cells but theirs."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        cells = [self.cells[i] for i in used.tolist()]
        return Column(self.name, cells, codes, np.asarray(self.lines)[rows], self.unit)

    def error(self, cell: int, what: str) -> InputError:
        """An error in the first row that holds a cell; the message ends in what is wrong with it."""
        line = self.lines[int(np.argmax(self.codes == cell))]
        return InputError(f"{self.unit} {line}", f"column {self.name!r} {what}")

    def numbers(self) -> Floats | None:
        """The cells as numbers, missing ones as nan; None if a cell is no number, or all are missing.

        Raises :class:`InputError` for an infinite one.
        """
        present = [cell for cell in self.cells if cell not in MISSING]
        if not present or "_" in "".join(present):  # float() would take 1_000
            return None
        try:
            numbers = np.array([np.nan if c in MISSING else float(c) for c in self.cells]) + 0.0  # no -0.0
        except ValueError:
            return None
        if np.isinf(numbers).any():
            infinite = int(np.argmax(np.isinf(numbers)))
            raise self.error(infinite, f"has the value {self.cells[infinite]} here")
        return numbers


def read_columns(table: str | Path | Iterable[Sequence[str]], *, header: bool | None = None) -> list[Column]:
    """The columns of a CSV file (comma, semicolon or tab), or of rows.

    The first row names them. With ``header=False`` it is data, and the columns are called c1, c2, …; with
    None it is an error if a name is a number and all below it are, as the header seems to be missing.
    Raises :class:`InputError` naming the line.
    """
    rows = csv_rows(Path(table)) if isinstance(table, str | Path) else enumerate(table, 1)
    return list(_columns(rows, header))


_NO_HEADER = ": is the header missing? --no-header calls the columns c1, c2, …, --header takes it for a name"


def as_number(text: str) -> float | None:
    """The finite number that a cell holds; None if it holds none. ``float()`` would take 1_000."""
    try:
        number = float(text) if "_" not in text else np.nan
    except ValueError:
        return None
    return number + 0.0 if np.isfinite(number) else None


def _columns(rows: Rows, header: bool | None) -> Iterator[Column]:
    numbered, named = iter(rows), header is not False
    first, head = next(numbered, (1, ()))
    if not head:
        raise InputError("", "is empty; a table has a header row")
    lines, body = ([], []) if named else ([first], [head])
    names = [name.strip() for name in head] if named else [f"c{i}" for i in range(1, len(head) + 1)]
    for i, name in enumerate(names):
        if not name:
            raise InputError(f"line {first}", f"column {i + 1} has no name")
        if name in names[:i]:
            hint = "; if the first row is data, say --no-header"
            raise InputError(f"line {first}", f"column {name!r} is named twice{hint}")
    for line, row in numbered:
        if len(row) != len(names):
            raise InputError(f"line {line}", f"has {len(row)} fields, the header {len(names)}")
        lines.append(line)
        body.append(row)
    if not body:
        raise InputError("", "has no rows below its header")
    for name, entries in zip(names, zip(*body, strict=True), strict=True):
        column = Column.of(name, entries, lines)
        if header is None and as_number(name) is not None and column.numbers() is not None:
            raise InputError(f"line {first}", f"{name!r} is no name but data{_NO_HEADER}")
        yield column


def named(columns: Sequence[Column], name: str) -> Column:
    """The column of a name; raises :class:`InputError` listing those that there are."""
    for column in columns:
        if column.name == name:
            return column
    raise InputError("", f"has no column {name!r}; its columns are {', '.join(c.name for c in columns)}")
