"""Certificates of rounded rows: ``.npz`` files of format ``qnnt-bound-certificates``, version 1.

docs/files.md says what they hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.files.arrays import read_arrays, write_arrays
from qnnt.files.documents import located
from qnnt.models import Multipliers, QuadraticModel
from qnnt.rounding.certificates import RowCertificate

KIND, VERSION = "qnnt-bound-certificates", 1
_LARGEST = 2**53  # of integers: beyond, doubles are no longer exact

Arrays = Mapping[str, npt.NDArray[Any]]
Rows = tuple[RowCertificate, ...]


def write_certificates(layers: Iterable[Sequence[RowCertificate]], path: Path) -> None:
    """Write a file; the rows of a layer share their Gram matrix.

    Raises :class:`InputError` if it is named otherwise than ``*.npz`` or cannot be written.
    """
    layers = list(layers)
    arrays: dict[str, npt.NDArray[Any]] = {
        "format": np.array(KIND),
        "version": np.array(VERSION),
        "layers": np.array(len(layers)),
    }
    for i, rows in enumerate(layers):
        models, told = [row.model for row in rows], [row.multipliers for row in rows]
        arrays[f"gram_{i}"] = models[0].gram
        for name in ("target", "lower", "upper", "scale", "constant"):
            arrays[f"{name}_{i}"] = np.array([getattr(model, name) for model in models])
        for name in ("integers", "cost", "bound"):
            arrays[f"{name}_{i}"] = np.array([getattr(row, name) for row in rows])
        arrays[f"confirmable_{i}"] = np.array([each is not None for each in told])
        arrays[f"point_{i}"] = np.array(
            [model.target if each is None else each.point for model, each in zip(models, told, strict=True)]
        )
        arrays[f"dual_bound_{i}"] = np.array([0.0 if each is None else each.bound for each in told])
        sparse = [(j, each) for j, each in enumerate(told) if each is not None]
        ints, reals = np.zeros(0, dtype=np.int64), np.zeros(0)
        arrays[f"dual_neuron_{i}"] = np.concatenate(
            [ints, *(np.full(len(each.rows), j, dtype=np.int64) for j, each in sparse)]
        )
        arrays[f"dual_row_{i}"] = np.concatenate([ints, *(each.rows for _, each in sparse)])
        arrays[f"dual_column_{i}"] = np.concatenate([ints, *(each.columns for _, each in sparse)])
        arrays[f"dual_value_{i}"] = np.concatenate([reals, *(each.values for _, each in sparse)])
    write_arrays(path, arrays)


def read_certificates(path: str | Path) -> tuple[Rows, ...]:
    """The certificates of each layer's rows in a file; raises :class:`InputError` naming the place.

    Shapes and types are checked, and that all numbers are finite; whether the claims hold is for
    :func:`qnnt.verify.rounded_rows.check_bounds`.
    """
    path = Path(path)
    with located(path):
        arrays = read_arrays(path, KIND, VERSION)
        count = _array(arrays, "layers", (), np.int64).item()
        if not 1 <= count <= len(arrays):
            raise InputError("layers", f"{count} of them are not in the file")
        return tuple(_layer(arrays, i) for i in range(count))


def _layer(arrays: Arrays, i: int) -> Rows:
    gram = _array(arrays, f"gram_{i}", (None, None), np.float64)
    target = _array(arrays, f"target_{i}", (None, len(gram)), np.float64)
    n, m = target.shape
    if gram.shape != (m, m) or not m or not n:
        raise InputError(f"gram_{i}", "is not square, or without rows")

    def table(name: str, dtype: type, *shape: int | None) -> npt.NDArray[Any]:
        return _array(arrays, f"{name}_{i}", shape, dtype)

    lower, upper, integers = (table(name, np.int64, n, m) for name in ("lower", "upper", "integers"))
    scale, constant, cost, bound = (
        table(name, np.float64, n) for name in ("scale", "constant", "cost", "bound")
    )
    told, point = table("confirmable", np.bool_, n), table("point", np.float64, n, m)
    dual_bound, value = table("dual_bound", np.float64, n), table("dual_value", np.float64, None)
    neuron, row, column = (
        table(f"dual_{name}", np.int64, len(value)) for name in ("neuron", "row", "column")
    )
    if len(neuron) and (neuron.min() < 0 or neuron.max() >= n or (np.diff(neuron) < 0).any()):
        raise InputError(f"dual_neuron_{i}", f"must rise from 0 to at most {n - 1}")
    ends = np.searchsorted(neuron, np.arange(n + 1))
    rows = []
    for j in range(n):
        model = QuadraticModel(gram, target[j], lower[j], upper[j], scale[j].item(), constant[j].item())
        own = slice(ends[j], ends[j + 1])
        multipliers = Multipliers(row[own], column[own], value[own], point[j], dual_bound[j].item())
        rows.append(
            RowCertificate(
                model, integers[j], cost[j].item(), bound[j].item(), multipliers if told[j] else None
            )
        )
    return tuple(rows)


def _array(arrays: Arrays, name: str, shape: tuple[int | None, ...], dtype: type) -> npt.NDArray[Any]:
    """The array of a name, of this shape (None: any length) and type, all of it finite."""
    if name not in arrays:
        raise InputError(name, "is missing")
    array = arrays[name]
    if array.dtype != dtype:
        raise InputError(name, f"must hold {np.dtype(dtype)}, not {array.dtype}")
    fits = len(shape) == array.ndim and all(
        b is None or a == b for a, b in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise InputError(name, f"must have the shape ({wanted}), not {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(name, "has an entry that is not finite")
    if dtype is np.int64 and array.size and max(int(array.max()), -int(array.min())) > _LARGEST:
        raise InputError(name, "has an entry beyond 2^53")
    return array
