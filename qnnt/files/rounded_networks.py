"""Rounded networks: ``.npz`` files of format ``qnnt-rounded-network``, version 2."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError, QnntError
from qnnt.files.arrays import read_arrays, write_arrays
from qnnt.files.documents import located
from qnnt.limits import Limit, Limits, Status
from qnnt.rounding.layer import RoundedLayer
from qnnt.rounding.network import RoundedNetwork
from qnnt.rounding.scheme import Scheme

_TUPLES = ("input_range", "row_status", "row_limits", "reasons")
KIND, VERSION = "qnnt-rounded-network", 2


def write_rounded(network: RoundedNetwork, path: Path) -> None:
    """Write a file that :func:`read_rounded` reads.

    Raises :class:`InputError` if it is named otherwise or cannot be written.
    """
    if path.suffix == ".onnx":
        raise InputError(str(path), "must be named *.npz; qnnt.rounding.write_onnx writes ONNX")
    arrays: dict[str, npt.NDArray[Any]] = {"format": np.array(KIND), "version": np.array(VERSION)}
    texts = []
    for i, layer in enumerate(network.layers):
        text: dict[str, Any] = {}
        for part in dataclasses.fields(layer):
            value = getattr(layer, part.name)
            if isinstance(value, np.ndarray):
                arrays[f"{part.name}_{i}"] = value
            else:
                text[part.name] = value
        text["limits"] = dataclasses.asdict(layer.limits)
        text["scheme"] = {f.name: getattr(layer.scheme, f.name) for f in dataclasses.fields(Scheme)}
        texts.append(text)
    about = {"activations": network.activations, "layers": texts, "settings": network.settings}
    arrays["about"] = np.array(json.dumps(about))
    if network.labels is not None:
        arrays["labels"] = network.labels
    write_arrays(path, arrays)


def read_rounded(path: Path) -> RoundedNetwork:
    """The network in a file; any scheme comes back as a :class:`Scheme`.

    Raises :class:`InputError` naming the place.
    """
    with located(path):
        arrays = read_arrays(path, KIND, VERSION)
        with _complete():
            about = json.loads(str(arrays["about"]))
            texts, activations, settings = (
                list(about["layers"]),
                tuple(about["activations"]),
                about["settings"],
            )
        layers = []
        for i, text in enumerate(texts):
            with _complete(f"layers[{i}]"):
                layers.append(_layer(i, text, arrays))
        return RoundedNetwork(tuple(layers), activations, arrays.get("labels"), settings)


def _layer(i: int, text: dict[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> RoundedLayer:
    """Layer i from its ``text``, what is no array, and its arrays."""
    text["scheme"], text["limits"] = Scheme(**text["scheme"]), Limits(**text["limits"])
    text["row_status"] = map(Status, text["row_status"])
    text["row_limits"] = (None if name is None else Limit(name) for name in text["row_limits"])
    text |= {name: tuple(text[name]) for name in _TUPLES}
    names = {part.name for part in dataclasses.fields(RoundedLayer)} - text.keys()
    text |= {name: arrays[f"{name}_{i}"] for name in names}
    return RoundedLayer(**text)


@contextmanager
def _complete(place: str = "") -> Iterator[None]:
    """Whatever fails inside is missing or wrong at this place of the file."""
    try:
        yield
    except (KeyError, TypeError, ValueError, QnntError) as error:
        raise InputError(place, f"is not a complete {KIND} file: {error}") from None
