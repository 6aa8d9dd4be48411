"""The encoding of a table: which inputs its columns become, and which outputs its classes.

An instance made from a table stores it in its ``meta``, under ``columns`` and ``targets``, and so does a
network trained on that instance, under ``encoding``: docs/files.md has the form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.files.schemas import checked
from qnnt.tables.columns import MISSING, Column, named
from qnnt.tables.features import (
    LEVEL,
    Categories,
    Dropped,
    Feature,
    Matrix,
    Missing,
    Numbers,
    Unseen,
    class_names,
    codes_of,
    fit,
    limit_categories,
    one_hot,
)
from qnnt.tables.stored import (
    AnyColumn,
    DroppedColumn,
    KeptColumn,
    NumericColumn,
    OneHotColumn,
    QuantilesColumn,
    StoredEncoding,
)


@dataclass(frozen=True)
class Target:
    """A column to be learned: two ``classes`` are one output, k classes are k, of which one is high."""

    column: str
    classes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """What the outputs would like to be called."""
        return [self.column] if len(self.classes) == 2 else [f"{self.column}={c}" for c in self.classes]

    @property
    def record(self) -> dict[str, Any]:
        """What is stored of it."""
        return {"column": self.column, "classes": list(self.classes)}

    @classmethod
    def fit(cls, column: Column) -> Target:
        """The classes of a column, in numeric order if all are numbers."""
        _complete(column)
        classes = class_names(column)
        if len(classes) == 1:
            raise InputError("", f"target column {column.name!r} is {classes[0]!r} in every row")
        if len(classes) > 2:
            limit_categories(column.name, classes)
        return cls(column.name, tuple(classes))

    def codes(self, column: Column) -> Matrix:
        """Which class each row has, (N,); raises :class:`InputError` for one that is not known."""
        _complete(column)
        codes = codes_of(column, self.classes)
        if (codes < 0).any():
            cell = int(np.argmax(codes < 0))
            known = ", ".join(self.classes)
            raise column.error(cell, f"has the class {column.cells[cell][:40]!r} here; there are: {known}")
        return codes[column.codes]

    def levels(self, column: Column) -> Matrix:
        """The labels as levels 0 and 1 of the output activation, (N, k)."""
        codes = self.codes(column)
        return codes[:, None] if len(self.classes) == 2 else one_hot(codes, len(self.classes))

    def decode(self, levels: Matrix, sums: Matrix) -> tuple[Matrix, npt.NDArray[np.bool_]]:
        """The class that outputs (N, k) of some ``levels`` show, and whether they show just one, (N,) both.

        Among several that are high, or if none is, the one of largest ``sums``, the pre-activations, counts.
        """
        if len(self.classes) == 2:
            return (levels[:, 0] > 0).astype(np.int64), levels[:, 0] <= 1
        high = levels > 0
        open_ = np.where(high | ~high.any(axis=1, keepdims=True), sums, np.iinfo(np.int64).min)
        return np.argmax(open_, axis=1), (high.sum(axis=1) == 1) & (levels.max(axis=1) == 1)


def _complete(column: Column) -> None:
    for i, cell in enumerate(column.cells):
        if cell in MISSING:
            raise column.error(i, "is a target and has no value here")


@dataclass(frozen=True)
class TableEncoding:
    """``features`` are the treatments of the columns that are read, ``targets`` those to be learned.

    ``named`` are the neurons of each feature and target, in this order, once they have names.
    """

    domain: Domain
    features: tuple[Feature, ...]
    targets: tuple[Target, ...] = ()
    named: tuple[tuple[str, ...], ...] = field(default=(), compare=False)

    @classmethod
    def fit(
        cls,
        columns: Sequence[Column],
        domain: Domain,
        targets: Sequence[Target] = (),
        missing: Missing = "error",
    ) -> TableEncoding:
        """The encoding of columns that are no targets, from all of their rows.

        Raises :class:`InputError` naming a row that cannot be used, or two columns of one name.
        """
        _once("columns", "column", [column.name for column in columns])
        features = tuple(fit(column, domain, missing) for column in columns)
        return cls(domain, features, tuple(targets))

    @classmethod
    def of(cls, document: Any, d: int) -> TableEncoding:
        """The encoding that a file stores; raises :class:`InputError` naming the place in it."""
        found = checked(document, StoredEncoding)
        domain = Domain(d)
        _once("", "column", [part.column for part in (*found.columns, *found.targets)])
        for column in found.columns:
            if isinstance(column, OneHotColumn):
                _once(column.column, "category", column.categories)
            elif isinstance(column, NumericColumn) and column.missing == LEVEL and d < 3:
                raise InputError(column.column, f"a level of their own takes d of 3 or more, not {d}")
        for target in found.targets:
            _once(target.column, "class", target.classes)
        features = tuple(_feature(column, domain) for column in found.columns)
        targets = tuple(Target(target.column, tuple(target.classes)) for target in found.targets)
        names = [column.inputs for column in found.columns] + [target.outputs for target in found.targets]
        encoding = cls(domain, features, targets, tuple(map(tuple, names)))
        for part, own in zip((*features, *targets), names, strict=True):
            if len(own) != len(part.names):
                raise InputError(part.column, f"has {len(own)} neurons, its treatment {len(part.names)}")
        return encoding

    @property
    def document(self) -> dict[str, Any]:
        """What a file stores of it."""
        parts = self.named or tuple(tuple(part.names) for part in (*self.features, *self.targets))
        inputs, outputs = parts[: len(self.features)], parts[len(self.features) :]
        return {
            "columns": [
                {**f.record, "inputs": list(own)} for f, own in zip(self.features, inputs, strict=True)
            ],
            "targets": [
                {**t.record, "outputs": list(own)} for t, own in zip(self.targets, outputs, strict=True)
            ],
        }

    @cached_property
    def n_inputs(self) -> int:
        """How many inputs the columns become."""
        return sum(len(feature.names) for feature in self.features)

    def inputs(self, columns: Sequence[Column], unseen: Unseen = "error") -> Matrix:
        """Rows as inputs, (N, α). Columns are found by name; others than those that are read do not matter.

        Raises :class:`InputError` for a column that is not there, and naming the row for a value that has no
        code.
        """
        n = len(columns[0])
        blocks = [
            feature.encode(named(columns, feature.column), unseen)
            for feature in self.features
            if not isinstance(feature, Dropped)
        ]
        return np.hstack([np.empty((n, 0), dtype=np.int64), *blocks])

    def labels(self, columns: Sequence[Column], output: Activation) -> Matrix:
        """The targets of rows as labels, (N, ω): the two lowest values that the output activation shows."""
        levels = np.hstack([target.levels(named(columns, target.column)) for target in self.targets])
        return output.show(levels)

    def classes(self, levels: Matrix, sums: Matrix) -> tuple[list[list[str]], npt.NDArray[np.bool_]]:
        """The classes of each target, (N,) each, and whether the outputs show just these, (N,).

        ``levels`` (N, ω) and ``sums`` (N, ω), the pre-activations, are those of the outputs.
        """
        found, plain, first = [], np.ones(len(levels), dtype=bool), 0
        for target in self.targets:
            own = slice(first, first + len(target.names))
            codes, clear = target.decode(levels[:, own], sums[:, own])
            found.append([target.classes[code] for code in codes.tolist()])
            plain &= clear
            first = own.stop
        return found, plain


def _once(place: str, what: str, names: Sequence[str]) -> None:
    """Raise :class:`InputError` if a name stands twice."""
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise InputError(place, f"has the {what} {twice!r} twice")


def _feature(stored: AnyColumn, domain: Domain) -> Feature:
    if isinstance(stored, DroppedColumn):
        return Dropped(stored.column, stored.value)
    if isinstance(stored, OneHotColumn):
        return Categories(stored.column, tuple(stored.categories))
    treatment = str(stored.__struct_config__.tag)
    table = () if isinstance(stored, KeptColumn) else tuple(stored.table)
    room = domain.d - (stored.missing == "level") - isinstance(stored, QuantilesColumn)
    if len(table) > room or any(a >= b for a, b in pairwise(table)):
        raise InputError(stored.column, f"its {treatment} must rise and be at most {room} in Z_{domain.d}")
    return Numbers(stored.column, treatment, table, stored.missing, domain)
