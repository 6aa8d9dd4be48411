"""How a column becomes inputs of a network: fitted on some rows, applied to any.

What a column holds decides its treatment:

* ``dropped``: the same value in every row; no input;
* ``kept``: integers, all in Z_d; another number becomes the nearest integer of Z_d;
* ``ranks``: other numbers, at most d distinct ones (``values``), become min Z_d, min Z_d + 1, … in order;
  another number has the rank of the nearest value;
* ``quantiles``: any other numbers become min Z_d + the number of ``edges`` below them; the edges are the
  k/d-quantiles of the column, k = 1 … d - 1, each a value of the column;
* ``one-hot``: anything else becomes one input of 0 or 1 per category, categories in rising order. A missing
  value is a category, written ``?``. A category that no row had that the encoding was fitted on is an error,
  or, if asked for, none of them: all inputs are 0.

A missing number is an error, unless ``missing`` says otherwise when the encoding is fitted. ``impute`` puts
the median of the column in its place, a value of the column. ``level`` gives it a level of its own, min Z_d,
in each column that has missing values; the numbers share the d - 1 levels above. A column without any
imputes, should they turn up later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from qnnt.domain import Domain
from qnnt.exceptions import InputError, require_word
from qnnt.tables.columns import MISSING, Codes, Column, Floats, as_number

MAX_CATEGORIES = 256
_LARGEST = 2.0**53  # floats hold every integer below it

Missing = Literal["error", "impute", "level"]
Unseen = Literal["error", "ignore"]
LEVEL = "level"

Matrix = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Dropped:
    """A column that has the same ``value`` in every row; rows to come need not have it."""

    column: str
    value: str | float

    @property
    def names(self) -> list[str]:
        """What the inputs would like to be called: there is none."""
        return []

    @property
    def record(self) -> dict[str, Any]:
        """What is stored of it."""
        return {"column": self.column, "treatment": "dropped", "value": self.value}


@dataclass(frozen=True)
class Numbers:
    """A column of numbers; ``table`` are its values or edges, ``missing`` what a missing number becomes.

    None makes it an error, a number is put in its place, and ``"level"`` is the level min Z_d.
    """

    column: str
    treatment: str
    table: tuple[float, ...]
    missing: float | str | None
    domain: Domain

    @property
    def names(self) -> list[str]:
        """What the input would like to be called."""
        return [self.column]

    @property
    def record(self) -> dict[str, Any]:
        """What is stored of it."""
        key = {"ranks": "values", "quantiles": "edges"}.get(self.treatment)
        own = {} if key is None else {key: list(self.table)}
        missing = {} if self.missing is None else {"missing": self.missing}
        return {"column": self.column, "treatment": self.treatment, **own, **missing}

    def encode(self, column: Column, unseen: Unseen) -> Matrix:  # noqa: ARG002 - any number has a place
        """The levels of a column, (N, 1); raises :class:`InputError` for what is no number."""
        numbers = column.numbers()
        if numbers is None:
            numbers = _only_numbers(column)
        absent = np.isnan(numbers)
        if absent.any() and self.missing is None:
            raise column.error(int(np.argmax(absent)), "is of numbers and has no value here")
        level = self.missing == LEVEL
        filled = np.where(absent, 0.0 if level or self.missing is None else self.missing, numbers)
        codes = self._levels(filled)
        if level:
            codes = np.where(absent, self.domain.lo, codes)
        return codes[column.codes][:, None]

    def _levels(self, numbers: Floats) -> Codes:
        first = self.domain.lo + (self.missing == LEVEL)
        if self.treatment == "kept":
            return np.clip(np.rint(numbers), first, self.domain.hi).astype(np.int64)
        table = np.array(self.table)
        if self.treatment == "quantiles":
            return first + np.searchsorted(table, numbers, side="left")
        above = np.clip(np.searchsorted(table, numbers, side="left"), 0, len(table) - 1)
        below = np.maximum(above - 1, 0)
        with np.errstate(over="ignore"):
            nearer = np.abs(numbers - table[below]) <= np.abs(table[above] - numbers)
        return first + np.where(nearer, below, above)


def _only_numbers(column: Column) -> Floats:
    """The missing values of a column without numbers; raises :class:`InputError` if it has other cells."""
    for i, cell in enumerate(column.cells):
        if cell not in MISSING and as_number(cell) is None:
            raise column.error(i, f"is of numbers and has {cell[:40]!r} here")
    return np.full(len(column.cells), np.nan)


@dataclass(frozen=True)
class Categories:
    """A column of anything: an input of 0 or 1 for each category."""

    column: str
    categories: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """What the inputs would like to be called."""
        return [f"{self.column}={category}" for category in self.categories]

    @property
    def record(self) -> dict[str, Any]:
        """What is stored of it."""
        return {"column": self.column, "treatment": "one-hot", "categories": list(self.categories)}

    def encode(self, column: Column, unseen: Unseen) -> Matrix:
        """Which category each row has, (N, k); raises :class:`InputError` for one that is not known."""
        codes = codes_of(column, self.categories)
        strange = codes < 0
        if strange.any() and unseen == "error":
            cell = column.cells[int(np.argmax(strange))] or "?"
            what = f"has the category {cell[:40]!r} here, which no row had that the encoding was made from"
            raise column.error(int(np.argmax(strange)), f"{what}; with unseen=ignore it is none of them")
        return one_hot(codes[column.codes], len(self.categories))


Feature = Dropped | Numbers | Categories


def fit(column: Column, domain: Domain, missing: Missing = "error") -> Feature:
    """The treatment of a column; raises :class:`InputError` naming a row that cannot be used."""
    require_word("treatment of missing numbers", missing, get_args(Missing))
    numbers = column.numbers()
    if numbers is None:
        categories = class_names(column)
        if len(categories) == 1:
            return Dropped(column.name, categories[0])
        limit_categories(column.name, categories)
        return Categories(column.name, tuple(categories))
    absent = np.isnan(numbers)
    if absent.any() and missing == "error":
        what = "is of numbers and has no value here; missing=impute or missing=level would take it"
        raise column.error(int(np.argmax(absent)), what)
    in_place: float | str | None = None
    each = numbers[column.codes]
    each = each[~np.isnan(each)]
    if missing == LEVEL and absent.any():
        if domain.d < 3:
            raise InputError("missing", f"a level of their own takes d of 3 or more, not {domain.d}")
        in_place = LEVEL
    elif missing != "error":
        in_place = float(np.quantile(each, 0.5, method="inverted_cdf"))
    return _numbers(column.name, each, in_place, domain)


def _numbers(name: str, each: Floats, missing: float | str | None, domain: Domain) -> Dropped | Numbers:
    """The treatment of a column whose rows hold these numbers, (N,)."""
    own = missing == LEVEL
    values, first, bins = np.unique(each), domain.lo + own, domain.d - own
    if len(values) == 1 and not own:
        return Dropped(name, values[0].item())
    if (values == np.floor(values)).all() and first <= values[0] and values[-1] <= domain.hi:
        return Numbers(name, "kept", (), missing, domain)
    if len(values) <= bins:
        return Numbers(name, "ranks", tuple(values.tolist()), missing, domain)
    edges = np.quantile(each, np.arange(1, bins) / bins, method="inverted_cdf")
    # An edge at the maximum would have nothing above it, and a column of mostly the maximum only one bin.
    edges = np.unique(np.minimum(edges, values[-2]))
    return Numbers(name, "quantiles", tuple(edges.tolist()), missing, domain)


def one_hot(codes: Codes, k: int) -> Matrix:
    """A row of k zeros and ones for each code, (N, k); all zeros for −1."""
    return np.asarray(codes[:, None] == np.arange(k), dtype=np.int64)


def class_names(column: Column) -> list[str]:
    """The distinct values as text, in ascending order; numbers, if all are, in numeric order.

    Numbers that are too large to be told apart as floats are text.
    """
    numbers = column.numbers()
    if numbers is None or (np.abs(numbers) >= _LARGEST).any():
        return sorted({_text(cell) for cell in column.cells})
    return list(map(_number_text, np.unique(numbers).tolist()))


def codes_of(column: Column, classes: Sequence[str]) -> Codes:
    """Which class each cell of a column is; −1 for none. A number may be written in another way."""
    position = {name: i for i, name in enumerate(classes)}
    by_number = {_number(name): i for i, name in reversed(list(enumerate(classes)))}  # the first one counts
    by_number.pop(None, None)
    found = [position.get(cell, by_number.get(_number(cell), -1)) for cell in map(_text, column.cells)]
    return np.array(found, dtype=np.int64)


def _number(cell: str) -> float | None:
    """The number that a cell holds, if floats can tell it from its neighbours."""
    number = as_number(cell)
    return None if number is None or abs(number) >= _LARGEST else number


def limit_categories(name: str, categories: Sequence[str]) -> None:
    """Raise :class:`InputError` for more categories than are encoded."""
    if len(categories) > MAX_CATEGORIES:
        what = f"column {name!r} has {len(categories)} categories"
        raise InputError("", f"{what}, at most {MAX_CATEGORIES} are encoded; group them or leave it out")


def _text(cell: str) -> str:
    return "?" if cell in MISSING else cell


def _number_text(number: float) -> str:
    return f"{number:.0f}" if number.is_integer() else repr(number)
