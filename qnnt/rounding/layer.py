"""One layer: problem, rows over cores or an executor, and what is known of each neuron's optimum."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError, Unsupported
from qnnt.result import Limits
from qnnt.rounding.problem import Clip, LayerProblem
from qnnt.rounding.scheme import Affine, Ints, Reals, Scheme


@dataclass(frozen=True)
class RoundedLayer:
    """Integer codes of a layer and, per neuron, what they cost and what is proved.

    The layer's pre-activation is ``unit``·((x^q − ``input_zero_point``) · ``codes`` + ``bias_codes``), x^q the
    codes of the inputs. ``cost`` (n,) is the mean squared distance of pre-activations over the calibration
    points (see :class:`LayerProblem` for which), ``nearest_cost`` (n,) that of rounding to nearest in the range,
    ``lower_bound`` (n,) holds for every choice among the candidates in the range, ``proved`` (n,) says that
    cost is the least, and ``reasons`` why it is not known to be.
    """

    codes: Ints
    bias_codes: Ints
    weight_scale: Reals
    input_scale: float
    input_zero_point: int
    bias_scale: Reals
    cost: Reals
    nearest_cost: Reals
    lower_bound: Reals
    proved: npt.NDArray[np.bool_]
    reasons: tuple[str | None, ...]
    row_seconds: Reals
    seconds: float
    backend: str
    scheme: Scheme

    @property
    def weights(self) -> Reals:
        """(n, f) what the weight codes stand for."""
        return self.weight_scale[:, None] * self.codes

    @property
    def biases(self) -> Reals:
        """(n,) what the bias codes stand for."""
        return self.bias_scale * self.bias_codes

    @property
    def inputs(self) -> Affine:
        """How the layer stores its inputs (int8)."""
        return Affine(self.input_scale, self.input_zero_point)


@dataclass(frozen=True)
class Progress:
    """Row ``neuron`` ended: ``done`` of ``total`` rows, sums of costs so far against rounding to nearest."""

    neuron: int
    done: int
    total: int
    cost: float
    nearest_cost: float
    proved: bool


def round_layer(
    W: npt.ArrayLike,
    b: npt.ArrayLike,
    X: npt.ArrayLike,
    bits: int | None = None,
    scheme: Scheme | None = None,
    backend: str = "closest-vector",
    limits: Limits | None = None,
    seed: int = 0,
    clip: Clip = "fix",
    executor: Executor | None = None,
    progress: Callable[[Progress], None] | None = None,
    candidates: int = 2,
    *,
    inputs: Affine | None = None,
    reference: npt.ArrayLike | None = None,
    row_time: float | None = None,
) -> RoundedLayer:
    """Round W (n, f) and b (n,) with calibration inputs X (N, f), real values as they reach the layer.

    X is stored in the scheme's int8 code, or in ``inputs`` if given, before anything is compared. ``limits.time``
    seconds are for the whole layer, shared out evenly (time·threads/n a row); ``row_time`` bounds each row.
    """
    if scheme is not None and bits is not None and scheme.bits != bits:
        raise InputError("bits", f"{bits}, but the scheme has {scheme.bits}")
    scheme = scheme or Scheme(2 if bits is None else bits)
    start = time.perf_counter()
    problem, scale, code = LayerProblem.of_layer(
        W, b, X, scheme, inputs=inputs, reference=reference, candidates=candidates, clip=clip
    )
    if backend != "nearest":
        raise Unsupported(f"no rounding backend {backend!r}; there are: nearest")
    codes = problem.clipped(problem.nearest())
    cost = problem.costs(codes)
    return RoundedLayer(
        codes=codes[:, :-1],
        bias_codes=codes[:, -1],
        weight_scale=scale,
        input_scale=code.scale,
        input_zero_point=code.zero_point,
        bias_scale=problem.unit,
        cost=cost,
        nearest_cost=cost,
        lower_bound=np.zeros(problem.n),
        proved=cost == 0,
        reasons=("rounding to nearest proves nothing",) * problem.n,
        row_seconds=np.zeros(problem.n),
        seconds=time.perf_counter() - start,
        backend=backend,
        scheme=scheme,
    )
