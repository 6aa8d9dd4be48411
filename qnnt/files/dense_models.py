"""Dense real models: ``.npz`` files of format ``qnnt-dense-model``, version 1, and ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.files.arrays import read_arrays, write_arrays
from qnnt.files.documents import located
from qnnt.files.onnx import read_onnx
from qnnt.rounding.model import DenseModel

KIND, VERSION = "qnnt-dense-model", 1


def write_model(model: DenseModel, path: Path) -> None:
    """Write a ``.npz`` file; raises :class:`InputError` if it is named otherwise or cannot be written."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "format": np.array(KIND),
        "version": np.array(VERSION),
        "activations": np.array([layer.activation for layer in model.layers]),
    }
    for i, layer in enumerate(model.layers):
        arrays |= {f"weights_{i}": layer.weights, f"biases_{i}": layer.biases}
    if model.labels is not None:
        arrays["labels"] = model.labels
    write_arrays(path, arrays)


def read_model(path: Path) -> DenseModel:
    """The model in a ``.npz`` or ``.onnx`` file.

    A ``.npz`` holds ``weights_0`` (n, f), ``biases_0`` (n,), … and ``activations``, one name a layer.
    Raises :class:`InputError` naming the place.
    """
    if path.suffix == ".onnx":
        return read_onnx(path)
    with located(path):
        arrays = read_arrays(path, KIND, VERSION)
        n = sum(name.startswith("weights_") for name in arrays)
        wanted = ["activations", *(f"{kind}_{i}" for i in range(n) for kind in ("weights", "biases"))]
        missing = [name for name in wanted if name not in arrays]
        if missing:
            raise InputError(missing[0], "is missing")
        return DenseModel.from_arrays(
            [arrays[f"weights_{i}"] for i in range(n)],
            [arrays[f"biases_{i}"] for i in range(n)],
            [str(name) for name in np.atleast_1d(arrays["activations"])],
            arrays.get("labels"),
        )
