"""Rounding a whole network, layer after layer, and evaluating it in integers as an ONNX runtime does.

A layer takes real inputs h (N, f). They are quantised to q = clip(round(h / s_X) + z, −128, 127), or to the
range that its scheme has, halves to even, in single precision; the sums a = (q − z)·Wᵀ + B are integers and
exact; the pre-activations are the products a·(s_W·s_X) in single precision; the activation makes of them the
next layer's inputs. That is what ONNX's QuantizeLinear and DequantizeLinear say, where the sums of products
are exact (:mod:`qnnt.files.onnx_qdq`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError, UnknownWord, require_word
from qnnt.limits import Limit, Limits
from qnnt.rounders.base import Rounder
from qnnt.rounding.calibration import Calibration
from qnnt.rounding.certificates import RowCertificate
from qnnt.rounding.layer import LayerData, LayerRun, RoundedLayer
from qnnt.rounding.model import DenseModel, FloatArray, activate, classes, inputs
from qnnt.rounding.problem import Clip
from qnnt.rounding.rows import CtrlC
from qnnt.rounding.scheme import Ints, Scheme
from qnnt.rounding.search import Method, RowProgress, most_left

Target = Literal["layer", "network"]


@dataclass(frozen=True, eq=False)
class RoundedNetwork:
    """Rounded layers with the activation of each; ``labels`` as in :class:`DenseModel`.

    ``settings`` tells how it was made: backend and version, limits with the seed, calibration data.
    ``certificates`` are those of the rows of each layer, if they were asked for; files do not keep them.
    """

    layers: tuple[RoundedLayer, ...]
    activations: tuple[str, ...]
    labels: npt.NDArray[Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    certificates: tuple[tuple[RowCertificate, ...], ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then of neurons in each layer."""
        return (self.layers[0].codes.shape[1], *(len(layer.codes) for layer in self.layers))

    @property
    def limit(self) -> Limit | None:
        """What cut the search of a row short: Ctrl-C if it did for one, else time or memory, else None."""
        met = {limit for layer in self.layers for limit in layer.row_limits}
        return next((limit for limit in (Limit.INTERRUPT, Limit.TIME, Limit.MEMORY) if limit in met), None)

    def integers(self, X: npt.ArrayLike) -> list[tuple[Ints, Ints]]:
        """For each layer the input codes (N, f) and the sums (N, n), for inputs (N, f) of the network."""
        values: FloatArray = inputs(X, self.sizes[0])
        trace = []
        for layer, activation in zip(self.layers, self.activations, strict=True):
            codes, sums = quantised_sums(layer, values)
            trace.append((codes, sums))
            values = activate(activation, scaled(layer, sums))
        return trace

    def preactivations(self, X: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """What the last layer computes before its activation, (N, n) single precision."""
        return scaled(self.layers[-1], self.integers(X)[-1][1])

    def predict(self, X: npt.ArrayLike) -> FloatArray:
        """The outputs (N, n) for inputs (N, f), single precision."""
        return activate(self.activations[-1], self.preactivations(X))

    def classify(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The class (N,) of each input (N, f), as :meth:`DenseModel.classify` tells it."""
        return classes(self.preactivations(X), self.labels)

    def costs(self, model: DenseModel, X: npt.ArrayLike) -> list[npt.NDArray[np.float64]]:
        """For each layer what its neurons (n,) cost on inputs (N, f) of the network, such as test data.

        The mean squared distance of a neuron's pre-activations from those of the real weights of ``model`` on
        the same quantised inputs; on the calibration inputs, that is the cost that was minimised.
        """
        result = []
        for layer, real, (codes, sums) in zip(self.layers, model.layers, self.integers(X), strict=True):
            goal = layer.inputs.values(codes) @ real.weights.T + real.biases
            result.append(((sums * layer.bias_scale - goal) ** 2).mean(axis=0))
        return result

    def report(self) -> dict[str, Any]:
        """What JSON reports hold: the settings, and for each layer its sums and every neuron."""
        layers = zip(self.layers, self.activations, strict=True)
        limit = None if self.limit is None else self.limit.value
        return {
            **self.settings,
            "limit": limit,
            "layers": [_layer_report(i, *pair) for i, pair in enumerate(layers)],
        }

    def save(self, path: str | Path) -> None:
        """Write a ``.npz`` file that :meth:`load` reads.

        Raises :class:`InputError` if it is named otherwise or cannot be written.
        :func:`qnnt.rounding.write_onnx` writes ONNX.
        """
        from qnnt.files.rounded_networks import write_rounded

        write_rounded(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> RoundedNetwork:
        """The network in a file that :meth:`save` wrote; raises :class:`InputError` naming the place."""
        from qnnt.files.rounded_networks import read_rounded

        return read_rounded(Path(path))


def quantised_sums(layer: RoundedLayer, values: FloatArray) -> tuple[Ints, Ints]:
    """The input codes (N, f) of real inputs (N, f) and the exact sums (N, n) of a layer."""
    codes = layer.inputs.codes(values)
    centred = (codes - layer.input_zero_point).astype(np.float64)
    if largest_sum(layer) >= 2**53:
        raise InputError("layer", "its sums are beyond what a double holds exactly")
    sums = centred @ layer.codes.T.astype(np.float64) + layer.bias_codes  # integers below 2^53: exact
    return codes, sums.astype(np.int64)


def scaled(layer: RoundedLayer, sums: Ints) -> npt.NDArray[np.float32]:
    """The pre-activations (N, n) of sums (N, n): one rounding to single precision each way."""
    with np.errstate(over="ignore"):
        return sums.astype(np.float32) * layer.bias_scale.astype(np.float32)


def largest_sum(layer: RoundedLayer) -> int:
    """A bound on |Σ code·(input − zero point) + bias| of a layer, and on every part of that sum."""
    code = layer.inputs
    reach = max(abs(code.lo - code.zero_point), abs(code.hi - code.zero_point))
    return int((np.abs(layer.codes).sum(axis=1) * reach + np.abs(layer.bias_codes)).max())


def round_network(
    model: DenseModel,
    X: npt.ArrayLike | Calibration,
    *,
    bits: int | Sequence[int] | None = None,
    scheme: Scheme | Sequence[Scheme] | None = None,
    backend: str | Rounder = "closest-vector",
    limits: Limits | float | None = None,
    row_time: float | None = None,
    clip: Clip = "fix",
    candidates: int | None = None,
    target: Target = "layer",
    certificates: bool = False,
    executor: Executor | None = None,
    progress: Callable[[int, RowProgress], None] | None = None,
    start: float | None = None,
) -> RoundedNetwork:
    """Round a network layer after layer; each is calibrated on what the rounded ones before it give.

    X (N, f) are calibration inputs, or what :func:`draw_calibration` drew. ``bits`` and ``scheme``
    may be one for each layer. ``target`` says what a layer is to come near: ``"layer"`` its own real weights
    on the quantised inputs, as in the paper, ``"network"`` the pre-activation of the real network.
    ``limits.time`` is for all layers, shared out by their number of neurons, and counts from ``start``, a
    ``time.monotonic()``, or from now; ``progress`` is told the layer. ``certificates`` asks for what the
    bounds rest on, with ``clip="fix"`` only. The rest is as for :func:`round_layer`.

    Ctrl-C ends the search, not the work: the network is complete. Rows that are done stay as they are, the
    other rows of the layer and all layers after it fall back as :class:`RowAnswer` says, with
    :attr:`Limit.INTERRUPT`. A second Ctrl-C gives up.

    Raises what :func:`round_layer` does; :class:`InputError` names the layer.
    """
    began = time.monotonic()
    start = began if start is None else start
    require_word("target", target, get_args(Target))
    if certificates and clip != "fix":
        raise InputError("certificates", 'need clip="fix": bounds hold for codes in the range')
    method = Method.of(
        backend, limits, row_time=row_time, clip=clip, candidates=candidates, executor=executor
    )
    values: FloatArray = inputs(X.inputs if isinstance(X, Calibration) else X, model.sizes[0])
    if not len(values):
        raise InputError("inputs", "calibration needs at least one")
    schemes = _schemes(bits, scheme, len(model.layers))
    about = {
        "backend": method.rounder.name,
        "version": method.version,
        "clip": clip,
        "candidates": method.candidates,
        "target": target,
        "limits": asdict(method.limits),
        "row_time": row_time,
        "calibration": X.as_dict() if isinstance(X, Calibration) else {"size": len(values)},
    }
    begin = _Layers((), values, values, ())
    run = _NetworkRun(model, schemes, method, target, start, certificates, progress, begin)

    def finished() -> RoundedNetwork:
        layers, activations = run.layers(), tuple(layer.activation for layer in model.layers)
        settings = {**about, "seconds": time.monotonic() - began}
        return RoundedNetwork(layers, activations, model.labels, settings, run.done.certificates)

    return run.ctrl_c.survived(finished)


@dataclass
class _Layers:
    """The first layers, ``rounded``; what they make of the calibration inputs, and the ``real`` ones.

    ``certificates`` are those of their rows, if asked for, ``begun`` is the run of the next layer.
    """

    rounded: tuple[RoundedLayer, ...]
    values: FloatArray
    real: FloatArray
    certificates: tuple[tuple[RowCertificate, ...], ...]
    begun: LayerRun | None = None


@dataclass
class _NetworkRun:
    """The rounding of a network; what is ``done`` stays when Ctrl-C is pressed, wherever that is."""

    model: DenseModel
    schemes: Sequence[Scheme]
    method: Method
    target: Target
    start: float
    certificates: bool
    progress: Callable[[int, RowProgress], None] | None
    done: _Layers
    ctrl_c: CtrlC = field(default_factory=CtrlC)

    def layers(self) -> tuple[RoundedLayer, ...]:
        """Round the layers that are not done yet; returns all."""
        for i in range(len(self.done.rounded), len(self.model.layers)):
            with _layer(i):
                self.done = self._with_layer(i)
        return self.done.rounded

    def _with_layer(self, i: int) -> _Layers:
        layer, done = self.model.layers[i], self.done
        goal = done.real @ layer.weights.T + layer.biases
        if done.begun is None:
            limits = _share(self.method.limits, self.start, self.model.sizes[i + 1 :])
            reference = goal if self.target == "network" else None
            data = LayerData(layer.weights, layer.biases, done.values, self.schemes[i], reference=reference)
            method = replace(self.method, limits=limits)
            done.begun = LayerRun(data, method, time.monotonic(), self.ctrl_c)
        result = done.begun.result(None if self.progress is None else partial(self.progress, i))
        values = activate(layer.activation, scaled(result, quantised_sums(result, done.values)[1]))
        result = replace(result, limits=self.method.limits)
        told = (*done.certificates, done.begun.certificates) if self.certificates else ()
        return _Layers((*done.rounded, result), values, activate(layer.activation, goal), told)


@contextmanager
def _layer(i: int) -> Iterator[None]:
    """Whatever is wrong inside is wrong with layer i."""
    try:
        yield
    except UnknownWord:
        raise
    except InputError as error:
        raise InputError(f"layers[{i}].{error.place}", error.message) from None


def _schemes(
    bits: int | Sequence[int] | None, scheme: Scheme | Sequence[Scheme] | None, n: int
) -> list[Scheme]:
    """One scheme for each of n layers."""
    if bits is not None and scheme is not None:
        raise InputError("bits", "give bits or a scheme, not both")
    if scheme is None:
        bits = 2 if bits is None else bits
        schemes = [Scheme(b) for b in ([bits] * n if isinstance(bits, int) else bits)]
    else:
        schemes = [scheme] * n if isinstance(scheme, Scheme) else list(scheme)
    if len(schemes) != n:
        raise InputError("bits" if scheme is None else "scheme", f"one, or one for each of {n} layers")
    return schemes


def _share(limits: Limits, start: float, sizes: Sequence[int]) -> Limits:
    """What is left of the time, by the share of this layer's neurons in those still to do."""
    if limits.time is None:
        return limits
    left = limits.time - (time.monotonic() - start)
    return replace(limits, time=max(left * sizes[0] / sum(sizes), 1e-3))


def _layer_report(i: int, layer: RoundedLayer, activation: str) -> dict[str, Any]:
    same = bool((layer.weight_scale == layer.weight_scale[0]).all())
    return {
        "layer": i,
        "neurons": len(layer.codes),
        "inputs": layer.codes.shape[1],
        "activation": activation,
        "bits": layer.scheme.bits,
        "scheme": type(layer.scheme).__name__,
        "scaling": layer.scheme.scaling,
        "per": layer.scheme.per,
        "weight_scale": layer.weight_scale[0].item() if same else layer.weight_scale.tolist(),
        "input_scale": layer.input_scale,
        "input_zero_point": layer.input_zero_point,
        "input_range": list(layer.input_range),
        "cost": float(layer.cost.sum()),
        "nearest_cost": float(layer.nearest_cost.sum()),
        "lower_bound": float(layer.lower_bound.sum()),
        "most_left": most_left(layer.cost, layer.lower_bound),
        "proved": int(layer.proved.sum()),
        "seconds": layer.seconds,
        "rows": [_row_report(layer, j) for j in range(len(layer.codes))],
    }


def _row_report(layer: RoundedLayer, j: int) -> dict[str, Any]:
    cost, bound, limit = float(layer.cost[j]), float(layer.lower_bound[j]), layer.row_limits[j]
    return {
        "neuron": j,
        "status": layer.row_status[j].value,
        "cost": cost,
        "nearest_cost": float(layer.nearest_cost[j]),
        "lower_bound": bound,
        "gap": max(cost - bound, 0.0),
        "proved": bool(layer.proved[j]),
        "limit": None if limit is None else limit.value,
        "reason": layer.reasons[j],
        "seconds": float(layer.row_seconds[j]),
    }
