"""Calibration and test data of a graph: what each of its inputs is given, a batch after another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.files.arrays import load_numpy
from qnnt.files.documents import located
from qnnt.onnx_graphs.graph import GraphInput
from qnnt.rounding.calibration import draw_calibration

Array = npt.NDArray[Any]
BATCH = 32  # rows at a time, where the model leaves their number open


class Reader(Protocol):
    """onnxruntime's ``CalibrationDataReader``, as far as it is used here."""

    def get_next(self) -> Mapping[str, Any] | None:
        """The next feed; None at the end."""


Data = Mapping[str, npt.ArrayLike] | npt.NDArray[Any] | Reader | Iterable[Mapping[str, npt.ArrayLike]]


@dataclass(frozen=True, eq=False)
class Feeds:
    """The feeds of a graph with ``inputs``; ``size`` rows, or feeds where they have no rows in common.

    ``rows`` is False for feeds that came one by one, such as those of a reader or a folder. ``about`` is what
    a report says of the drawing.
    """

    inputs: tuple[GraphInput, ...]
    feeds: Sequence[dict[str, Array]]
    rows: bool
    about: dict[str, Any]

    @classmethod
    def of(cls, data: Data, inputs: Sequence[GraphInput]) -> Feeds:
        """Feeds from data.

        An array is for the only input, a mapping has one for each: N rows each, which are run a batch at a
        time. A ``CalibrationDataReader``, or any iterable of mappings, gives feeds that are run as they come.
        Raises :class:`InputError` for names, types or shapes that do not fit.
        """
        own = tuple(inputs)
        if isinstance(data, np.ndarray):
            if len(own) != 1:
                raise InputError("calibration", f"is one array, but the model has inputs {_names(own)}")
            data = {own[0].name: data}
        if isinstance(data, Mapping):
            arrays = _checked(data, own, "calibration")
            sizes, stated = {len(a) if a.ndim else None for a in arrays.values()}, _stated(own)
            if len(sizes) != 1 or None in sizes or len(stated) > 1:
                return cls(own, [arrays], False, {"size": 1})
            size = len(next(iter(arrays.values())))
            if not size:
                raise InputError("calibration", "has no rows")
            return cls(own, [arrays], True, {"size": size})
        feeds = _read(data) if hasattr(data, "get_next") else iter(data)
        found = [_checked(feed, own, f"feed {i}") for i, feed in enumerate(feeds)]
        if not found:
            raise InputError("calibration", "has no feeds; a reader that was used up gives none")
        return cls(own, found, False, {"size": len(found)})

    def drawn(
        self,
        *,
        count: int | None = None,
        share: float | None = None,
        seed: int = 0,
        test: Feeds | None = None,
    ) -> Feeds:
        """Some of the rows (or feeds), as :func:`draw_calibration` draws them, without those of ``test``.

        Only rows can be told apart from those of ``test``: feeds that came one by one are used as they are.
        """
        if not self.rows:
            chosen = draw_calibration(
                np.arange(len(self.feeds))[:, None], count=count, share=share, seed=seed
            )
            return Feeds(self.inputs, [self.feeds[i] for i in chosen.indices], False, chosen.as_dict())
        (arrays,) = self.feeds
        apart = None if test is None or not test.rows else _matrix(test.feeds[0], self.inputs)
        chosen = draw_calibration(
            _matrix(arrays, self.inputs), count=count, share=share, seed=seed, test=apart
        )
        rows = {name: array[chosen.indices] for name, array in arrays.items()}
        return Feeds(self.inputs, [rows], True, chosen.as_dict())

    def __iter__(self) -> Iterator[dict[str, Array]]:
        """Feeds that the graph takes, batch by batch."""
        if not self.rows:
            yield from self.feeds
            return
        (arrays,) = self.feeds
        stated, size = _stated(self.inputs), self.about["size"]
        step = min(stated, default=BATCH)
        for begin in range(0, size, step):
            # A model that states their number takes no fewer: rows from the beginning fill the last batch.
            own = np.arange(begin, begin + step if stated else min(begin + step, size)) % size
            yield {name: array[own] for name, array in arrays.items()}


def read_data(path: Path, inputs: Sequence[GraphInput]) -> Feeds:
    """The data in a ``.npy`` file, a ``.npz`` file with an array for each input, or a folder of such files.

    In a folder each file is a feed of its own, in the order of their names; an array that has one dimension
    less than the input is one row. Raises :class:`InputError` naming the file.
    """
    if not path.is_dir():
        with located(path):
            return Feeds.of(load_numpy(path), inputs)
    files = sorted(p for p in path.iterdir() if p.suffix in (".npy", ".npz"))
    if not files:
        raise InputError(str(path), "is a folder without .npy and .npz files")
    feeds: list[dict[str, Array]] = []
    for file in files:
        with located(file):
            feeds += Feeds.of(_rows(load_numpy(file), inputs), inputs).feeds
    return Feeds(tuple(inputs), feeds, False, {"size": len(feeds)})


def _rows(data: Array | dict[str, Array], inputs: Sequence[GraphInput]) -> dict[str, Array]:
    """A feed in which an array of one dimension less than its input has become a row."""
    if not isinstance(data, dict):
        if len(inputs) != 1:
            raise InputError("", f"is one array, but the model has inputs {_names(inputs)}")
        data = {inputs[0].name: data}
    ranks = {i.name: None if i.shape is None else len(i.shape) for i in inputs}
    return {name: a[None] if ranks.get(name) == a.ndim + 1 else a for name, a in data.items()}


def _read(reader: Any) -> Iterator[Mapping[str, Any]]:
    while (feed := reader.get_next()) is not None:
        yield feed


def _checked(data: Mapping[str, npt.ArrayLike], inputs: Sequence[GraphInput], place: str) -> dict[str, Array]:
    """An array for each input, in its type; numbers that are not finite are an error."""
    known = {i.name for i in inputs}
    extra, missing = sorted(set(data) - known), [i.name for i in inputs if i.name not in data]
    if extra or missing:
        what = f"has no array {missing[0]!r}" if missing else f"has an array {extra[0]!r}"
        raise InputError(place, f"{what}; the model has inputs {_names(inputs)}")
    arrays = {}
    for own in inputs:
        try:
            array = np.asarray(data[own.name])
            if array.dtype.kind in "fc" and not np.isfinite(array).all():
                raise InputError(
                    place, f"array {own.name!r} must be finite, but there are NaN or infinite values"
                )
            if array.dtype.kind not in "biuf" and own.dtype.kind in "biuf":
                raise InputError(place, f"array {own.name!r} must be numbers, not {array.dtype}")
            given = array
            with np.errstate(over="ignore", invalid="ignore"):
                array = given.astype(own.dtype)
        except (TypeError, ValueError) as error:
            raise InputError(place, f"array {own.name!r}: {error}") from None
        if own.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(place, f"array {own.name!r} has values beyond {own.dtype}")
        if own.dtype.kind in "iub" and (array != given).any():
            raise InputError(
                place, f"array {own.name!r} has the value {given[array != given][0]}, which is no {own.dtype}"
            )
        arrays[own.name] = _fitted(array, own, place)
    return arrays


def _fitted(array: Array, own: GraphInput, place: str) -> Array:
    """The array in the shape that the input states; rows of another shape with as many values get it."""
    if own.shape is None:
        return array
    shape, rest = own.shape, own.shape[1:]
    fits = array.ndim == len(shape) and all(
        s in (None, size) for s, size in zip(rest, array.shape[1:], strict=True)
    )
    known = [s for s in rest if s is not None]
    if not fits and array.ndim and len(known) == len(rest) and array.size == len(array) * math.prod(known):
        array, fits = array.reshape(len(array), *known), True  # flat images, say
    if not fits:
        stated = ", ".join("?" if s is None else str(s) for s in shape)
        raise InputError(place, f"array {own.name!r} has shape {array.shape}, the model's input ({stated})")
    stated_rows = shape[0] if shape else None
    if stated_rows and len(array) < stated_rows:
        raise InputError(
            place, f"array {own.name!r} has {len(array)} rows, the model takes {stated_rows} at once"
        )
    return array


def _matrix(arrays: Mapping[str, Array], inputs: Sequence[GraphInput]) -> Array:
    """(N, values) all inputs of each row."""
    parts = [arrays[i.name].reshape(len(arrays[i.name]), -1) for i in inputs]
    return parts[0] if len(parts) == 1 else np.concatenate([p.astype(np.float64) for p in parts], axis=1)


def _stated(inputs: Sequence[GraphInput]) -> set[int]:
    """The numbers of rows that inputs state to take."""
    return {i.shape[0] for i in inputs if i.shape and i.shape[0]}


def _names(inputs: Sequence[GraphInput]) -> str:
    return ", ".join(repr(i.name) for i in inputs) or "none"
