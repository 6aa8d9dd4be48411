"""The form of a stored encoding; docs/files.md describes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

_Name = Annotated[str, Field(strict=True)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Names = list[_Name]
_STRICT = ConfigDict(extra="forbid")
TREATMENTS = ("dropped", "kept", "ranks", "quantiles", "one-hot")


class _Column(TypedDict):
    column: _Name
    inputs: _Names


class _Numeric(_Column, total=False):
    missing: _Number | Literal["level"]


@with_config(_STRICT)
class _Dropped(_Column):
    treatment: Literal["dropped"]
    value: str | float


@with_config(_STRICT)
class _Kept(_Numeric):
    treatment: Literal["kept"]


@with_config(_STRICT)
class _Ranks(_Numeric):
    treatment: Literal["ranks"]
    values: Annotated[list[_Number], Field(min_length=1)]


@with_config(_STRICT)
class _Quantiles(_Numeric):
    treatment: Literal["quantiles"]
    edges: Annotated[list[_Number], Field(min_length=1)]


@with_config(_STRICT)
class _OneHot(_Column):
    treatment: Literal["one-hot"]
    categories: Annotated[_Names, Field(min_length=1)]


@with_config(_STRICT)
class _Target(TypedDict):
    column: _Name
    classes: Annotated[_Names, Field(min_length=2)]
    outputs: _Names


@with_config(_STRICT)
class _Stored(TypedDict):
    columns: list[
        Annotated[_Dropped | _Kept | _Ranks | _Quantiles | _OneHot, Field(discriminator="treatment")]
    ]
    targets: list[_Target]


SCHEMA: TypeAdapter[Any] = TypeAdapter(_Stored)
