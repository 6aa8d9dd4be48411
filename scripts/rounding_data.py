"""The data sets of ``rounding_table.py``: scikit-learn's digits, ``.npz`` files and folders of IDX files."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.files.arrays import load_numpy
from qnnt.files.documents import located

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Data:
    """Training and test inputs (N, f) in [0, 1], and their classes (N,)."""

    train: Array
    train_classes: Array
    test: Array
    test_classes: Array


def digits() -> Data:
    """The 8 x 8 digits of scikit-learn: 1,437 to train on, 360 to test."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = (X[order] / 16).astype(np.float32), y[order]
    return Data(X[:1437], y[:1437], X[1437:], y[1437:])


def read_data(path: Path) -> Data:
    train, train_classes, test, test_classes = read_arrays(path)
    most = max(float(train.max()), 1e-30)
    train, test = ((part.reshape(len(part), -1) / most).astype(np.float32) for part in (train, test))
    return Data(train, train_classes, test, test_classes)


def read_arrays(path: Path) -> list[Array]:
    """Inputs and classes to train on, inputs and classes to test on, as the file or folder has them."""
    with located(path):
        train, train_classes, test, test_classes = _idx(path) if path.is_dir() else _npz(path)
        if not (len(train) == len(train_classes) and len(test) == len(test_classes) and len(test)):
            raise InputError("", "the numbers of inputs and classes differ")
        return [train, train_classes, test, test_classes]


def _npz(path: Path) -> list[Array]:
    arrays = load_numpy(path)
    for names in (("Xtr", "ytr", "Xte", "yte"), ("x_train", "y_train", "x_test", "y_test")):
        if isinstance(arrays, dict) and set(names) <= set(arrays):
            return [arrays[name] for name in names]
    raise InputError("", "must be a .npz file with Xtr, ytr, Xte, yte or x_train, y_train, x_test, y_test")


def _idx(folder: Path) -> list[Array]:
    names = (f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
    return [_idx_file(folder, f"{name}-ubyte") for name in names]


def _idx_file(folder: Path, name: str) -> Array:
    """An IDX file of bytes: a magic number, the dimensions, the values."""
    path = folder / f"{name}.gz" if (folder / f"{name}.gz").exists() else folder / name
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
        dimensions = raw[3]
        shape = np.frombuffer(raw, ">u4", dimensions, 4)
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape.astype(int))
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise InputError(path.name, f"cannot be read as an IDX file: {error}") from None
