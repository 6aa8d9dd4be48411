"""Rounding a trained network to few bits (QUBO-AdaRound, arXiv 2510.16075): names loaded when used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qnnt.rounding.layer import RoundedLayer as RoundedLayer
    from qnnt.rounding.layer import round_layer as round_layer
    from qnnt.rounding.problem import LayerProblem as LayerProblem
    from qnnt.rounding.scheme import Affine as Affine
    from qnnt.rounding.scheme import Scheme as Scheme

_PUBLIC = {
    "Affine": "scheme",
    "LayerProblem": "problem",
    "RoundedLayer": "layer",
    "Scheme": "scheme",
    "round_layer": "layer",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'qnnt.rounding' has no attribute {name!r}")
    value = getattr(import_module(f"qnnt.rounding.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
