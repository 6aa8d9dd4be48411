"""Rounding a trained network to few bits (QUBO-AdaRound, arXiv 2510.16075): names loaded when used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qnnt.rounding.calibration import Calibration as Calibration
    from qnnt.rounding.calibration import draw_calibration as draw_calibration
    from qnnt.rounding.layer import RoundedLayer as RoundedLayer
    from qnnt.rounding.layer import round_layer as round_layer
    from qnnt.rounding.model import DenseLayer as DenseLayer
    from qnnt.rounding.model import DenseModel as DenseModel
    from qnnt.rounding.network import RoundedNetwork as RoundedNetwork
    from qnnt.rounding.network import round_network as round_network
    from qnnt.rounding.problem import LayerProblem as LayerProblem
    from qnnt.rounding.scheme import Affine as Affine
    from qnnt.rounding.scheme import Scheme as Scheme

_PUBLIC = {
    "Affine": "scheme",
    "Calibration": "calibration",
    "DenseLayer": "model",
    "DenseModel": "model",
    "LayerProblem": "problem",
    "RoundedLayer": "layer",
    "RoundedNetwork": "network",
    "Scheme": "scheme",
    "draw_calibration": "calibration",
    "round_layer": "layer",
    "round_network": "network",
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
