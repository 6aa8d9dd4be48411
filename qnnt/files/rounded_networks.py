"""Rounded networks: ``.npz`` files of format ``qnnt-rounded-network``, version 2."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta, structs

from qnnt.exceptions import InputError, QnntError
from qnnt.files.arrays import read_arrays, write_arrays
from qnnt.files.documents import located
from qnnt.files.schemas import Finite, Positive, Schema, checked
from qnnt.limits import Limit, Limits, Status
from qnnt.rounders.base import PROVED
from qnnt.rounding.layer import RoundedLayer
from qnnt.rounding.model import DenseModel
from qnnt.rounding.network import RoundedNetwork
from qnnt.rounding.scheme import Scheme
from qnnt.wording import count

KIND, VERSION = "qnnt-rounded-network", 2
_LARGEST = 2**53  # integer: beyond, doubles are no longer exact
_Code = Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)]
_ARRAYS: dict[str, type] = {
    "codes": np.int64,
    "bias_codes": np.int64,
    **dict.fromkeys(("weight_scale", "bias_scale", "cost", "nearest_cost", "lower_bound"), np.float64),
    "proved": np.bool_,
    "row_seconds": np.float64,
}


class _Scheme(Schema):
    bits: Positive
    scaling: str
    per: str


class _Layer(Schema):
    """What of a layer is no array."""

    input_scale: Annotated[float, Meta(gt=0, le=sys.float_info.max)]
    input_zero_point: _Code
    input_range: tuple[_Code, _Code]
    row_status: tuple[Status, ...]
    row_limits: tuple[Limit | None, ...]
    reasons: tuple[str | None, ...]
    seconds: Finite
    backend: str
    version: str | None
    limits: dict[str, Any]
    scheme: _Scheme


class _About(Schema):
    """What of a network is no array."""

    activations: tuple[str, ...]
    layers: tuple[_Layer, ...]
    settings: dict[str, Any]


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

    Raises :class:`InputError` naming the place: an array, or a key of the JSON object in ``about``.
    """
    with located(path), np.errstate(over="ignore"):
        arrays = read_arrays(path, KIND, VERSION)
        with _complete():
            document = json.loads(str(arrays["about"]))
        about = checked(document, _About)
        layers = tuple(_layer(i, text, arrays) for i, text in enumerate(about.layers))
        # As real numbers, they are layers of a model: that checks how they fit together.
        weights, biases = [layer.weights for layer in layers], [layer.biases for layer in layers]
        model = DenseModel.from_arrays(weights, biases, about.activations, arrays.get("labels"))
        return RoundedNetwork(layers, about.activations, model.labels, about.settings)


def _layer(i: int, text: _Layer, arrays: Mapping[str, npt.NDArray[Any]]) -> RoundedLayer:
    """Layer i from its ``text`` and its arrays, checked."""
    with _complete(f"layers[{i}]"):
        scheme, limits = Scheme(**structs.asdict(text.scheme)), Limits(**text.limits)
    own: dict[str, npt.NDArray[Any]] = {}
    for name, kind in _ARRAYS.items():
        array = arrays.get(f"{name}_{i}")
        if array is None:
            raise InputError(f"{name}_{i}", "is missing")
        fits = array.shape == own["codes"].shape[:1] if own else array.ndim == 2
        if not fits or array.dtype != kind:
            what = f"a vector of {len(own['codes'])}" if own else "a matrix of"
            found = f"{array.dtype} of shape {array.shape}"
            raise InputError(f"{name}_{i}", f"must be {what} {np.dtype(kind)}, not {found}")
        if not np.isfinite(array).all():
            raise InputError(f"{name}_{i}", "has an entry that is not finite")
        own[name] = array
    layer = RoundedLayer(**(structs.asdict(text) | {"scheme": scheme, "limits": limits} | own))
    _check(i, layer)
    return layer


def _check(i: int, layer: RoundedLayer) -> None:
    """Raise :class:`InputError` where what the file says of layer i cannot be so."""
    n, place, (lo, hi) = len(layer.codes), f"layers[{i}]", layer.input_range
    for name in ("row_status", "row_limits", "reasons"):
        if len(getattr(layer, name)) != n:
            raise InputError(f"{place}.{name}", f"must have {count(n, 'item')}, one for each neuron")
    codes, bias_codes, bits = layer.codes, layer.bias_codes, layer.scheme.bits
    cost, bound = layer.cost, layer.lower_bound
    optimal = [status is Status.OPTIMAL for status in layer.row_status]
    unit = layer.weight_scale * layer.input_scale
    claims = {
        # A scheme of one's own may have other codes of as many bits.
        f"codes_{i}": ((codes > -(2**bits)) & (codes < 2**bits), f"has a code of more than {bits} bits"),
        f"bias_codes_{i}": (
            (bias_codes >= -_LARGEST) & (bias_codes <= _LARGEST),
            "has an entry beyond 2^53",
        ),
        f"weight_scale_{i}": (layer.weight_scale > 0, "must be positive"),
        f"bias_scale_{i}": (layer.bias_scale == unit, "must be weight_scale times input_scale"),
        f"{place}.input_range": (lo <= hi, f"must not fall from {lo} to {hi}"),
        f"{place}.input_zero_point": (lo <= layer.input_zero_point <= hi, f"must lie in {lo}..{hi}"),
        f"lower_bound_{i}": ((bound >= 0) & (bound <= cost), "must lie between 0 and the cost"),
        f"proved_{i}": (
            ~layer.proved | (cost - bound <= PROVED * cost),
            "is true where the bound is below the cost",
        ),
        f"{place}.row_status": (layer.proved == optimal, "must be OPTIMAL just where a row is proved"),
    }
    for where, (holds, what) in claims.items():
        if not np.all(holds):
            raise InputError(where, what)


@contextmanager
def _complete(place: str = "") -> Iterator[None]:
    """Whatever fails inside is missing or wrong at this place of the file."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RecursionError, QnntError) as error:
        raise InputError(place, f"is not a complete {KIND} file: {error}") from None
