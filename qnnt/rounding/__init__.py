"""Rounding a trained network to few bits (QUBO-AdaRound, arXiv 2510.16075): names loaded when used.

Models, calibration data and :func:`round_network` for users; :class:`Rounder` and what it takes and answers
for the author of a rounding backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qnnt.lazy import lazy_names

if TYPE_CHECKING:
    from qnnt.files.onnx_qdq import write_onnx as write_onnx
    from qnnt.models import QuadraticModel as QuadraticModel
    from qnnt.onnx_graphs.rounded import RoundedGraph as RoundedGraph
    from qnnt.onnx_graphs.run import round_graph as round_graph
    from qnnt.rounders.base import Rounder as Rounder
    from qnnt.rounders.base import RowAnswer as RowAnswer
    from qnnt.rounders.base import Stopped as Stopped
    from qnnt.rounders.base import cut_short as cut_short
    from qnnt.rounders.base import nearest as nearest
    from qnnt.rounders.base import noise as noise
    from qnnt.rounding.calibration import Calibration as Calibration
    from qnnt.rounding.calibration import draw_calibration as draw_calibration
    from qnnt.rounding.layer import RoundedLayer as RoundedLayer
    from qnnt.rounding.layer import round_layer as round_layer
    from qnnt.rounding.model import DenseLayer as DenseLayer
    from qnnt.rounding.model import DenseModel as DenseModel
    from qnnt.rounding.network import RoundedNetwork as RoundedNetwork
    from qnnt.rounding.network import Target as Target
    from qnnt.rounding.network import round_network as round_network
    from qnnt.rounding.problem import Clip as Clip
    from qnnt.rounding.problem import LayerProblem as LayerProblem
    from qnnt.rounding.qubo import QuboEncoder as QuboEncoder
    from qnnt.rounding.scheme import Affine as Affine
    from qnnt.rounding.scheme import Scheme as Scheme
    from qnnt.rounding.search import RowOutcomes as RowOutcomes
    from qnnt.rounding.search import RowProgress as RowProgress

_PUBLIC = {
    "Affine": "rounding.scheme",
    "Calibration": "rounding.calibration",
    "Clip": "rounding.problem",
    "DenseLayer": "rounding.model",
    "DenseModel": "rounding.model",
    "LayerProblem": "rounding.problem",
    "QuadraticModel": "models",
    "QuboEncoder": "rounding.qubo",
    "RoundedGraph": "onnx_graphs.rounded",
    "RoundedLayer": "rounding.layer",
    "RoundedNetwork": "rounding.network",
    "Rounder": "rounders.base",
    "RowAnswer": "rounders.base",
    "RowOutcomes": "rounding.search",
    "RowProgress": "rounding.search",
    "Scheme": "rounding.scheme",
    "Stopped": "rounders.base",
    "Target": "rounding.network",
    "cut_short": "rounders.base",
    "draw_calibration": "rounding.calibration",
    "nearest": "rounders.base",
    "noise": "rounders.base",
    "round_graph": "onnx_graphs.run",
    "round_layer": "rounding.layer",
    "round_network": "rounding.network",
    "write_onnx": "files.onnx_qdq",
}

__all__ = list(_PUBLIC)


__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
