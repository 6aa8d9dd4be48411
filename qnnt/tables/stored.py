"""The form of a stored encoding; docs/files.md describes it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from qnnt.files.schemas import Finite, Schema

_Numbers = Annotated[list[Finite], Meta(min_length=1)]


class _Column(Schema, tag_field="treatment"):
    column: str
    inputs: list[str]


class DroppedColumn(_Column, tag="dropped"):
    """A column of one value, which is no input."""

    value: str | float


class NumericColumn(_Column, kw_only=True):
    """A column of numbers."""

    missing: Finite | Literal["level"] | None = None


class KeptColumn(NumericColumn, tag="kept"):
    """Integers of Z_d as they are."""


class RanksColumn(NumericColumn, tag="ranks", kw_only=True):
    """Few numbers, by their rank in ``table``."""

    table: _Numbers = field(name="values")


class QuantilesColumn(NumericColumn, tag="quantiles", kw_only=True):
    """Many numbers, by the edges in ``table`` that they lie between."""

    table: _Numbers = field(name="edges")


class OneHotColumn(_Column, tag="one-hot"):
    """Categories: an input for each."""

    categories: Annotated[list[str], Meta(min_length=1)]


AnyColumn = DroppedColumn | KeptColumn | RanksColumn | QuantilesColumn | OneHotColumn


class StoredTarget(Schema):
    """A column to be learned."""

    column: str
    classes: Annotated[list[str], Meta(min_length=2)]
    outputs: list[str]


class StoredEncoding(Schema):
    """The columns of a table and its targets."""

    columns: list[AnyColumn]
    targets: list[StoredTarget]
