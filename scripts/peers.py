"""Rounding as other libraries have it, on the rows of a layer: what ``rounding_peers.py`` compares with.

Every peer gets the same integer problem: real weights, scales, the range of the codes, and the inputs. Those
that know inputs by their second moments only are given a square root of these, which is the same to them.
Settings are the library's own defaults unless said otherwise.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from adaround import optimised
from graph_models import build, node

from qnnt.availability import Availability
from qnnt.rounding.problem import GramProblem
from qnnt.rounding.scheme import Ints, Reals, Scheme


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows (n, f) of a layer, or of one of its groups, with scales ``scale`` (n,).

    ``moments`` (f, f) is the sum over ``points`` inputs a of a·aᵀ. ``inputs`` (N, T, f) are these, or the
    first ones: T vectors of each of N images.
    """

    weights: Reals
    scale: Reals
    scheme: Scheme
    moments: Reals
    points: int
    inputs: npt.NDArray[np.float32]

    def among(self, candidates: int) -> GramProblem:
        """The problem in integers, with so many candidates for each weight."""
        return GramProblem.of_rows(
            self.weights, None, self.moments, self.points, self.scale, self.scheme, candidates=candidates
        )

    @cached_property
    def problem(self) -> GramProblem:
        """With floor and ceil."""
        return self.among(2)

    @property
    def target(self) -> Reals:
        """(n, f) the real weights in units of a code."""
        return self.problem.base + self.problem.part

    @cached_property
    def root(self) -> Reals:
        """(f, f) a square root R of the second moments: RᵀR is the mean of a·aᵀ."""
        values, vectors = np.linalg.eigh(self.moments / self.points)
        return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))).T)


class Peer(Protocol):
    """A way to round that another library has; ``package`` is its name for pip."""

    @property
    def package(self) -> str:
        """The name for pip."""

    @property
    def module(self) -> str:
        """The name for import."""

    def codes(self, rows: Rows) -> Ints:
        """(n, f) the integers; raises whatever the library does."""


def availability(peer: Peer) -> Availability:
    """Whether its library is installed."""
    return Availability.of_package(peer.package, peer.module, peer.package)


@dataclass(frozen=True)
class OnnxsimGptq:
    """GPTQ in the order of the columns, over all codes of the range."""

    package = module = "onnxsim"

    def codes(self, rows: Rows) -> Ints:
        """The search of ``onnxsim.apply_gptq``, which itself takes INT4 in blocks only."""
        from onnxsim.gptq import _gptq_quantize_columns

        n, f = rows.target.shape
        found = _gptq_quantize_columns(
            rows.target, np.ones((n, 1)), f, rows.moments, 0.01, 128, *map(float, rows.scheme.weight_range)
        )
        return np.rint(found).astype(np.int64)


@dataclass(frozen=True)
class OnnxsimAdaRound:
    """AdaRound: floor or ceil of each weight, by Adam on soft roundings of all rows at once."""

    steps: int
    package = module = "onnxsim"

    def codes(self, rows: Rows) -> Ints:
        """The loop of ``onnxsim.apply_adaround``, which itself takes INT4 in blocks only."""
        f = rows.target.shape[1]
        scales = np.broadcast_to(rows.scale[:, None], rows.target.shape)
        # It takes the mean over so many inputs as the square root has.
        return optimised(rows.weights, scales, rows.root * np.sqrt(f), *rows.scheme.weight_range, self.steps)


@dataclass(frozen=True)
class Brevitas:
    """A greedy path over the columns in activation order: ``mode`` is ``gptq_mode`` or ``gpfq_mode``."""

    mode: str
    package = module = "brevitas"

    def codes(self, rows: Rows) -> Ints:
        """A ``QuantLinear`` whose weights are in units of a code, so that the scale is 1."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it imports
            # It rounds to nearest, with a warning, where its factorisation fails.
            warnings.filterwarnings("error", message="Failed to compute the inverse")
            return self._codes(rows)

    def _codes(self, rows: Rows) -> Ints:
        import brevitas.nn
        import torch
        from brevitas.graph import gpfq, gptq
        from brevitas.inject.enum import ScalingImplType
        from brevitas.quant import Int8WeightPerTensorFloat

        n, f = rows.target.shape

        class Weights(Int8WeightPerTensorFloat):  # type: ignore[misc] # it has no types
            bit_width = rows.scheme.bits
            narrow_range = False
            scaling_impl_type = ScalingImplType.CONST
            scaling_init = float(2 ** (rows.scheme.bits - 1))

        layer = brevitas.nn.QuantLinear(f, n, bias=False, weight_quant=Weights)
        layer.weight.data = torch.tensor(rows.target, dtype=torch.float32)
        model = torch.nn.Sequential(layer).eval()
        inputs = torch.tensor(rows.root * np.sqrt(f), dtype=torch.float32)
        mode: Callable[..., Any] = {"gptq_mode": gptq.gptq_mode, "gpfq_mode": gpfq.gpfq_mode}[self.mode]
        with torch.no_grad():
            with mode(model, act_order=True) as run:
                for _ in range(run.num_layers):
                    run.model(inputs)
                    run.update()
            return np.asarray(layer.quant_weight().int().numpy(), dtype=np.int64)


@dataclass(frozen=True)
class AimetAdaRound:
    """AdaRound: floor or ceil of each weight, by Adam on 32 images a step."""

    steps: int
    package, module = "aimet-onnx", "aimet_onnx"

    def codes(self, rows: Rows) -> Ints:
        """A 1 x 1 ``Conv`` over the T vectors of an image, with the scales that are given."""
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of its own calls
            return self._codes(rows)

    def _codes(self, rows: Rows) -> Ints:
        import torch
        from aimet_onnx import QuantizationSimModel
        from aimet_onnx.adaround.adaround_weight import apply_adaround
        from aimet_onnx.common import libpymo
        from aimet_onnx.common.defs import qtype
        from onnx import numpy_helper

        torch.manual_seed(0)
        (n, f), (least, greatest) = rows.target.shape, rows.scheme.weight_range
        T, bits = rows.inputs.shape[1], rows.scheme.bits
        weights = rows.weights.astype(np.float32)
        model = build(
            [node("Conv", "x w", "y")],
            {"w": weights[:, :, None, None]},
            {"x": ["N", f, T, 1]},
            {"y": ["N", n, T, 1]},
            opset=17,
        )
        inputs = np.ascontiguousarray(rows.inputs.transpose(0, 2, 1)[..., None])
        sim = QuantizationSimModel(model, param_type=qtype.int(bits), dummy_input={"x": inputs[:1]})
        weight = sim.qc_quantize_op_dict["w"]
        weight.enable_per_channel_quantization()
        encodings = []
        for scale in rows.scale:
            encoding = libpymo.TfEncoding()
            encoding.bw, encoding.delta, encoding.offset = bits, float(scale), float(least)
            encoding.min, encoding.max = float(scale) * least, float(scale) * greatest
            encodings.append(encoding)
        weight.load_encodings(encodings)
        weight.freeze_encodings()
        batches = [{"x": inputs[i : i + 64]} for i in range(0, len(inputs), 64)]
        apply_adaround(sim, batches, num_iterations=self.steps)
        (found,) = (t for t in sim.model.model.graph.initializer if t.name == "w")
        real = numpy_helper.to_array(found).reshape(n, f) / rows.scale[:, None]
        return np.clip(np.rint(real), least, greatest).astype(np.int64)


def peers(steps: int) -> dict[str, Peer]:
    """All of them by name; the AdaRounds take so many steps."""
    return {
        "onnxsim:gptq": OnnxsimGptq(),
        "onnxsim:adaround": OnnxsimAdaRound(steps),
        "brevitas:gptq": Brevitas("gptq_mode"),
        "brevitas:gpfq": Brevitas("gpfq_mode"),
        "aimet:adaround": AimetAdaRound(steps),
    }
