"""What instance and network files say of activations."""

from __future__ import annotations

from typing import Any

from qnnt.activation import Activation, ActivationLike, One
from qnnt.exceptions import InputError

_EXPECTED = 'a name, {"thresholds": […], "values": […]} or {"hidden": …, "output": …}'


def activation_of(document: Any) -> ActivationLike:
    """The activation that a file names; raises :class:`InputError` naming the place.

    A name that there is not is found out by whoever makes an instance or a network of it.
    """
    if isinstance(document, dict) and document.keys() == {"hidden", "output"}:
        return _one(document["hidden"], "activation.hidden"), _one(document["output"], "activation.output")
    return _one(document, "activation")


def _one(document: Any, place: str) -> One:
    if isinstance(document, str):
        return document
    if not isinstance(document, dict) or document.keys() != {"thresholds", "values"}:
        raise InputError(place, f"must be {_EXPECTED}")
    for key in ("thresholds", "values"):
        if not isinstance(document[key], list):
            raise InputError(f"{place}.{key}", "must be a list of integers")
    try:
        return Activation(tuple(document["thresholds"]), tuple(document["values"]))
    except InputError as error:
        raise InputError(error.place.replace("activation", place, 1), error.message) from None
