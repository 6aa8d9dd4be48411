"""AdaRound (Nagel et al. 2020) as onnxsim has it, as a rounder to compare with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qnnt.availability import Availability
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import BitsRounder, RowAnswer, Stopped


@dataclass(frozen=True)
class AdaRound(BitsRounder):
    """onnxsim's optimisation of soft roundings by Adam, on a row; floor or ceil of each weight.

    It knows inputs by their Gram matrix only, so that a square root of that serves as the inputs. The loss is
    the mean squared distance of the row's outputs, as in the paper, and the settings are onnxsim's own.
    """

    steps: int = 2000
    name = "adaround"
    summary = "AdaRound of onnxsim"

    def availability(self) -> Availability:
        """Whether onnxsim is installed."""
        return Availability.of_package("onnxsim", "onnxsim", "onnxsim")

    def prepare(self, gram: Any, over: Stopped) -> Any:  # noqa: ARG002 - quickly done
        """(m, m) a square root of the Gram matrix."""
        values, vectors = np.linalg.eigh(gram)
        return (vectors * np.sqrt(np.maximum(values, 0.0))).T

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """All steps, whatever the time."""
        m = len(model.target)
        inputs = prepared * math.sqrt(model.scale * m)  # it takes the mean over so many inputs
        row = model.target[None]
        v = optimised(row, np.ones((1, m)), inputs, model.lower[None], model.upper[None], self.steps)[0]
        return RowAnswer(Status.SATISFIABLE, v, reason="AdaRound proves nothing")


def optimised(weights: Any, scales: Any, inputs: Any, least: Any, greatest: Any, steps: int) -> Any:
    """(n, f) integers in a range, for weights and scales (n, f) on inputs (N, f), as onnxsim finds them."""
    from onnxsim.adaround import _optimize_rounding

    codes = _optimize_rounding(
        weights,
        scales,
        inputs,
        least,
        greatest,
        steps,
        learning_rate=0.1,
        reg_param=0.01,
        warm_start=0.2,
        beta_range=(20.0, 2.0),
    )
    return np.clip(np.rint(codes), least, greatest).astype(np.int64)
