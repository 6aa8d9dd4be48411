"""One layer: problem, rows over cores or an executor, and what is known of each neuron's optimum."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from qnnt import registry
from qnnt.exceptions import InputError, Unavailable, Unsupported, WrongAnswer
from qnnt.limits import MOST_TIME, Limits
from qnnt.rounders.base import LATE, PROVED, Rounder
from qnnt.rounders.nearest import nearest_planes
from qnnt.rounding.problem import Clip, LayerProblem
from qnnt.rounding.qubo import QuboEncoder
from qnnt.rounding.rows import run_rows
from qnnt.rounding.scheme import Affine, Ints, Reals, Scheme

ROW_TIME = 5.0  # seconds a row may take when no limit is given
_CLOSE = "the bound cannot be told from the cost by more than rounding errors, but not proved to 1e-6 either"
_NOISE = 1e-12  # of a row's cost of rounding to nearest: rounding errors in a bound of 0


@dataclass(frozen=True)
class RoundedLayer:
    """Integer codes of a layer and, per neuron, what they cost and what is proved.

    The layer's pre-activation is ``unit``·((x^q − ``input_zero_point``) · ``codes`` + ``bias_codes``), x^q
    the codes of the inputs, in ``input_range``. ``cost`` (n,) is the mean squared distance of
    pre-activations over the calibration points (see :class:`LayerProblem` for which), ``nearest_cost`` (n,)
    that of rounding to nearest in the range, ``lower_bound`` (n,) holds for every choice among the
    candidates in the range. ``proved`` (n,) says that cost is the least, up to a relative 1e-6; ``reasons``
    (n) says why it is not known to be, None for a proof.
    """

    codes: Ints
    bias_codes: Ints
    weight_scale: Reals
    input_scale: float
    input_zero_point: int
    input_range: tuple[int, int]
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
        """How the layer stores its inputs: as int8, unless the scheme says otherwise."""
        return Affine(self.input_scale, self.input_zero_point, *self.input_range)

    def accumulate(self, input_codes: npt.ArrayLike) -> Ints:
        """(N, n) the integers that the layer computes from input codes (N, f), before any scale."""
        return (
            np.asarray(input_codes, dtype=np.int64) - self.input_zero_point
        ) @ self.codes.T + self.bias_codes

    def __call__(self, X: npt.ArrayLike) -> Reals:
        """(N, n) the quantised layer's pre-activations on real inputs X (N, f)."""
        return self.accumulate(self.inputs.codes(X)) * self.bias_scale


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
    backend: str | Rounder = "closest-vector",
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
    """Round weights W (n, f) and biases b (n,) on calibration inputs X (N, f), row by row.

    X are real values as they reach the layer (in a network of quantised layers, what the layers before it put
    out). They are first stored in the scheme's int8 code, or in ``inputs`` if given, and the cost of neuron
    i is (1/N) Σ_k (y_ki − y̌_ki)² with y̌ the quantised layer and y the real layer *on the same stored
    inputs*, or ``reference`` (N, n). ``bits`` (2 if nothing is said) makes a :class:`Scheme`; or give a
    ``scheme``.

    ``candidates`` consecutive integers are open to each weight: 2 are floor and ceil. ``clip="fix"`` never
    leaves the scheme's range; ``"after"`` chooses as if there were none and clips at the end, as the
    paper's authors do (then nothing is proved unless no code had to be clipped).

    ``limits.time`` seconds are for the whole call, preparation and compilation included. Each row that begins
    gets an even share of what is left; those that do not begin in time are rounded by nearest plane, or to
    nearest where that is better. Only what cannot be interrupted (one function being compiled, the first
    steps of a row) may exceed it. ``row_time`` seconds is each row's own limit; with neither, it is
    :data:`ROW_TIME`. ``limits.threads`` rows run at once, in threads (or processes, for solvers that need one
    each), or on ``executor``, which has that many workers. ``limits.memory`` puts rows into processes.
    ``seed`` replaces ``limits.seed`` unless it is 0.

    A row that a solver fails on is rounded to nearest, with the failure as its reason. Raises
    :class:`InputError` for bad arguments, :class:`Unsupported` if the backend is unknown or declines,
    :class:`Unavailable` if it is not installed, :class:`WrongAnswer` if its bound is above a cost.
    """
    start = time.monotonic()
    if scheme is not None and bits is not None and scheme.bits != bits:
        raise InputError("bits", f"{bits}, but the scheme has {scheme.bits}")
    scheme = scheme or Scheme(2 if bits is None else bits)
    limits = limits or Limits()
    if row_time is not None and not 0 < row_time <= MOST_TIME:
        raise InputError("row_time", f"a positive number of seconds up to a million, not {row_time}")
    rounder = registry.rounder(backend) if isinstance(backend, str) else backend
    state = rounder.availability()
    if not state.available:
        raise Unavailable(f"rounding backend {rounder.name!r}: {state.reason}")
    problem, scale, code = LayerProblem.of_layer(
        W, b, X, scheme, inputs=inputs, reference=reference, candidates=candidates, clip=clip
    )
    encoded = [QuboEncoder(i).apply(problem) for i in range(problem.n)]
    for i, (model, _) in enumerate(encoded):
        refusal = rounder.refuses(model)
        if refusal is not None:
            raise Unsupported(f"rounding backend {rounder.name!r}, row {i}: {refusal}")

    deadline = math.inf if limits.time is None else start + limits.time
    row_limits = replace(
        limits, time=row_time or limits.time or ROW_TIME, threads=1, seed=seed or limits.seed
    )

    codes = problem.clipped(problem.nearest())
    nearest_cost = problem.costs(codes)
    bound, seconds = np.zeros(problem.n), np.zeros(problem.n)
    reasons: list[str | None] = [None] * problem.n
    costs = nearest_cost.copy()
    models = [model for model, _ in encoded]

    @cache
    def planes() -> Ints:
        """Of all rows at once, if one needs its own."""
        parts = (np.array([getattr(m, name) for m in models]) for name in ("target", "lower", "upper"))
        return nearest_planes(problem.gram, *parts)

    rows = run_rows(models, rounder, row_limits, limits.threads, executor, deadline)
    for done, (i, row) in enumerate(rows, start=1):
        seconds[i] = row.seconds
        reasons[i] = row.reason
        late = row.reason == LATE and rounder.name != "nearest"  # which has its answer without being run
        for v in (row.assignment, planes()[i] if late else None):
            if v is not None:
                chosen = problem.clipped(encoded[i][1](v)[None, :], i)[0]
                cost = problem.cost(chosen, i)
                if cost < costs[i] or not late:  # what was cut short may be worse than rounding to nearest
                    codes[i], costs[i] = chosen, cost
        # Of choices without a range, the clipped one is one of them only if nothing was clipped, or if every
        # real value had a neighbour in the range.
        bound[i] = row.bound if clip == "fix" or problem.holds_clipped(i) else 0.0
        if bound[i] > costs[i] * (1 + PROVED) + _NOISE * nearest_cost[i]:
            raise WrongAnswer(
                f"rounding backend {rounder.name!r} claims that row {i} costs at least {bound[i]}; "
                f"a choice costs {costs[i]}"
            )
        bound[i] = min(max(bound[i], 0.0), costs[i])
        if progress is not None:
            proved = bool(costs[i] - bound[i] <= PROVED * costs[i])
            progress(Progress(i, done, problem.n, float(costs.sum()), float(nearest_cost.sum()), proved))
    proved_rows = costs - bound <= PROVED * costs
    return RoundedLayer(
        codes=codes[:, :-1],
        bias_codes=codes[:, -1],
        weight_scale=scale,
        input_scale=code.scale,
        input_zero_point=code.zero_point,
        input_range=(code.lo, code.hi),
        bias_scale=problem.unit,
        cost=costs,
        nearest_cost=nearest_cost,
        lower_bound=bound,
        proved=proved_rows,
        reasons=tuple(None if p else r or _CLOSE for p, r in zip(proved_rows, reasons, strict=True)),
        row_seconds=seconds,
        seconds=time.monotonic() - start,
        backend=rounder.name,
        scheme=scheme,
    )
