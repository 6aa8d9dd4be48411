"""Instance files: format ``qnnt-instance``, as ``*.json`` or ``*.json.gz``.

Version 2 names the activation; version 1, which has none, means the paper's ReLU_d.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, UnsetType, field, to_builtins

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.files.activations import activation_of
from qnnt.files.documents import (
    block,
    compact,
    document_pieces,
    listed,
    located,
    parse_document,
    read_text,
    require_depth,
    write_document,
)
from qnnt.files.schemas import Integer, NonNegative, Positive, Schema
from qnnt.garbage import collector_paused
from qnnt.goals import goal_of
from qnnt.instance import Instance

KIND = "qnnt-instance"
_BATCH = 1 << 16
_HINTS = {
    "arcs": '"dense" or a list of arcs',
    "errors": '{"at_most": n}, {"exactly": n} or "min"',
}


class _Point(Schema):
    x: list[Integer]
    y: list[Integer]
    count: Positive = 1


class _Errors(Schema):
    at_most: NonNegative | UnsetType = UNSET
    exactly: NonNegative | UnsetType = UNSET


class _First(Schema, kw_only=True):
    format: str
    version: int
    d: Positive
    layers: list[list[str]]
    arcs: Literal["dense"] | list[tuple[str, str]]
    data: list[_Point]
    errors: _Errors | Literal["min"] = field(default_factory=lambda: _Errors(at_most=0))
    meta: dict[str, Any] = field(default_factory=dict)


class _Document(_First, kw_only=True):
    activation: Any


VERSION = 2
_SCHEMAS: dict[int, type[_First]] = {1: _First, VERSION: _Document}


def read_instance(path: Path) -> Instance:
    """The instance in a file; raises :class:`InputError` naming the file and the place in it."""
    with located(path), collector_paused():
        try:
            return instance_of(read_text(path))
        except InputError:
            if set(path.suffixes) & {".csv", ".tsv"} and path.is_file():
                what = "is a table; 'qnnt generate table' makes an instance of it"
                raise InputError("", what) from None
            raise


def instance_of(text: str) -> Instance:
    """The instance in the text of a file; raises :class:`InputError` naming the place in it."""
    document = parse_document(text, KIND, _SCHEMAS, _HINTS)
    layers, arcs = document.layers, document.arcs
    require_depth(document.meta, "meta")
    architecture = Architecture.full(layers) if arcs == "dense" else Architecture(layers, arcs)
    return Instance(
        Domain(document.d),
        architecture,
        _dataset(document.data, architecture),
        goal_of(to_builtins(document.errors)),
        document.meta,
        activation_of(document.activation if isinstance(document, _Document) else "relu"),
    )


def _dataset(points: list[_Point], architecture: Architecture) -> Dataset:
    inputs = _matrix("x", [p.x for p in points], architecture.alpha, "inputs")
    labels = _matrix("y", [p.y for p in points], architecture.omega, "outputs")
    return Dataset(inputs, labels, np.array([p.count for p in points], dtype=np.int64))


def _matrix(key: str, rows: list[list[int]], width: int, neurons: str) -> npt.NDArray[np.int64]:
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    wrong = np.flatnonzero(lengths != width)
    if len(wrong):
        found = int(lengths[wrong[0]])
        values = "1 value" if found == 1 else f"{found} values"
        raise InputError(f"data[{wrong[0]}].{key}", f"has {values}, the network {width} {neurons}")
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=len(rows) * width)
    return flat.reshape(len(rows), width)


def write_instance(instance: Instance, path: Path) -> None:
    """Write an instance file, one data point a line; equal instances give equal bytes.

    Raises :class:`InputError` if the file cannot be written or ``meta`` is not JSON.
    """
    with located(path):
        fields = _fields(instance)
    with collector_paused():
        write_document(path, fields)


def instance_pieces(instance: Instance) -> Iterator[str]:
    """The text of the file, in pieces; raises :class:`InputError` if ``meta`` is not JSON."""
    return document_pieces(_fields(instance))


def _fields(instance: Instance) -> dict[str, str | Iterable[str]]:
    architecture = instance.architecture
    fields: dict[str, str | Iterable[str]] = {
        "format": compact(KIND),
        "version": str(VERSION),
        "d": str(instance.domain.d),
        "activation": compact(instance.activation.document),
        "layers": listed(map(compact, architecture.layers)),
        "arcs": compact("dense") if architecture.is_dense else listed(_arcs(architecture)),
        "data": block(_points(instance.dataset)),
        "errors": compact(instance.goal.document),
    }
    if instance.meta:
        try:
            fields["meta"] = compact(instance.meta)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError("meta", f"cannot be written as JSON: {error}") from None
    return fields


def _arcs(architecture: Architecture) -> Iterator[str]:
    name = list(architecture.names).__getitem__
    plain = not any(json.encoder.ESCAPE.search("".join(layer)) for layer in architecture.layers)
    for first in range(0, architecture.n_arcs, _BATCH):
        sources, targets = architecture.arc_index[first : first + _BATCH].T.tolist()
        arcs = zip(map(name, sources), map(name, targets), strict=True)
        # Where no name needs escapes, joining is twice as fast as the encoder.
        yield '["' + '"], ["'.join(map('", "'.join, arcs)) + '"]' if plain else compact(list(arcs))[1:-1]


def _points(dataset: Dataset) -> Iterator[str]:
    batch = max(1, _BATCH // (dataset.alpha + dataset.omega))
    for first in range(0, len(dataset), batch):
        rows = slice(first, first + batch)
        parts = _vectors(dataset.inputs[rows]), _vectors(dataset.labels[rows]), dataset.counts[rows].tolist()
        for x, y, count in zip(*parts, strict=True):
            often = f', "count": {count}' if count > 1 else ""
            yield f'{{"x": [{x}], "y": [{y}]{often}}}'


def _vectors(rows: npt.NDArray[Any]) -> list[str]:
    """Each row as text; values of one digit are made text all at once."""
    width = rows.shape[1]
    if rows.size and rows.min() >= 0 and rows.max() <= 9:
        digits = (rows.astype(np.uint8) + ord("0")).tobytes().decode("ascii")
        return [", ".join(digits[i : i + width]) for i in range(0, len(digits), width)]
    form = ", ".join(["%d"] * width)
    return [form % tuple(row) for row in rows.tolist()]
