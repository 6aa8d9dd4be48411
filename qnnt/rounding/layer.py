"""One layer: problem, rows over cores or an executor, and what is known of each neuron's optimum."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qnnt import registry
from qnnt.exceptions import InputError, Unavailable, Unsupported, WrongAnswer
from qnnt.limits import MOST_TIME, Limit, Limits, Status
from qnnt.rounders.base import PROVED, Rounder, RowAnswer, keeps_nearest, nearest_planes
from qnnt.rounding.problem import Clip, LayerProblem
from qnnt.rounding.qubo import QuboEncoder
from qnnt.rounding.rows import INTERRUPTED, CtrlC, Row, RowPlan, RowRuns
from qnnt.rounding.scheme import Affine, Ints, Reals, Scheme

if TYPE_CHECKING:
    from qnnt.drawing.picture import Picture

ROW_TIME = 5.0  # seconds a row may take when no limit is given
_CLOSE = "the bound cannot be told from the cost by more than rounding errors, but not proved to 1e-6 either"
# Of the cost of rounding to nearest: a bound that is above the cost by less is no contradiction.
_NOISE = 1e-12


@dataclass(frozen=True, repr=False)
class RoundedLayer:
    """Integer codes of a layer and, per neuron, what they cost and what is proved.

    The layer's pre-activation is ``unit``·((x^q − ``input_zero_point``) · ``codes`` + ``bias_codes``), x^q
    the codes of the inputs, in ``input_range``. ``cost`` (n,) is the mean squared distance of
    pre-activations over the calibration points (see :class:`LayerProblem` for which), ``nearest_cost`` (n,)
    that of rounding to nearest in the range, ``lower_bound`` (n,) holds for every choice among the
    candidates in the range. ``proved`` (n,) says that cost is the least, up to a relative 1e-6.

    ``row_status`` (n) is OPTIMAL for these, SATISFIABLE for a search that ran to its end without a proof,
    UNKNOWN for one that did not; ``row_limits`` (n) says which limit cut a row short, if one did, and
    ``reasons`` (n) says in words why a row is not proved, None for a proof. ``backend``, ``version`` and
    ``limits`` are what the layer was rounded with.
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
    row_status: tuple[Status, ...]
    row_limits: tuple[Limit | None, ...]
    reasons: tuple[str | None, ...]
    row_seconds: Reals
    seconds: float
    backend: str
    version: str | None
    limits: Limits
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

    def __repr__(self) -> str:
        proved = f"{int(self.proved.sum()):,} proved"
        return f"RoundedLayer({self._about}, cost {self.cost.sum():.6g}, {proved}, backend {self.backend})"

    def picture(self, title: str = "") -> Picture:
        """The codes drawn: a row for each neuron, with what it costs beside rounding to nearest."""
        from qnnt.drawing.codes import codes_picture

        notes = [
            f"cost {cost:.4g}, nearest {nearest:.4g}{', proved' if proved else ''}"
            for cost, nearest, proved in zip(self.cost, self.nearest_cost, self.proved, strict=True)
        ]
        rows = [f"neuron {i}" for i in range(len(self.codes))]
        return codes_picture(self.codes, rows, notes, title or f"Rounded layer: {self._about}")

    @property
    def _about(self) -> str:
        n, f = self.codes.shape
        return f"{n:,} neurons of {f:,} inputs, int{self.scheme.bits}"

    def _repr_html_(self) -> str:
        from qnnt.drawing.page import page

        facts = [
            ("backend", f"{self.backend} ({self.version})" if self.version else self.backend),
            ("cost", f"{self.cost.sum():.6g}, rounding to nearest {self.nearest_cost.sum():.6g}"),
            ("lower bound", f"{self.lower_bound.sum():.6g}"),
            ("proved", f"{int(self.proved.sum()):,} of {len(self.codes):,} neurons"),
            ("seconds", f"{self.seconds:.2f}"),
        ]
        return page(f"Rounded layer: {self._about}", facts, self.picture())

    def accumulate(self, input_codes: npt.ArrayLike) -> Ints:
        """(N, n) the integers that the layer computes from input codes (N, f), before any scale."""
        return (
            np.asarray(input_codes, dtype=np.int64) - self.input_zero_point
        ) @ self.codes.T + self.bias_codes

    def __call__(self, X: npt.ArrayLike) -> Reals:
        """(N, n) the quantised layer's pre-activations on real inputs X (N, f)."""
        return self.accumulate(self.inputs.codes(X)) * self.bias_scale


@dataclass(frozen=True)
class RowProgress:
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
    *,
    bits: int | None = None,
    scheme: Scheme | None = None,
    backend: str | Rounder = "closest-vector",
    limits: Limits | None = None,
    row_time: float | None = None,
    clip: Clip = "fix",
    candidates: int = 2,
    inputs: Affine | None = None,
    reference: npt.ArrayLike | None = None,
    executor: Executor | None = None,
    progress: Callable[[RowProgress], None] | None = None,
) -> RoundedLayer:
    """Round weights W (n, f) and biases b (n,) on calibration inputs X (N, f), row by row.

    X are real values as they reach the layer (in a network of quantised layers, what the layers before it put
    out). They are first stored in the scheme's int8 code, or in ``inputs`` if given, and the cost of neuron
    i is (1/N) Σ_k (y_ki − y̌_ki)² with y̌ the quantised layer and y the real layer *on the same stored
    inputs*, or ``reference`` (N, n). ``bits`` (2 if nothing is said) makes a :class:`Scheme`; or give a
    ``scheme``. ``backend`` is the name of a rounder, or one.

    ``candidates`` consecutive integers are open to each weight: 2 are floor and ceil. ``clip="fix"`` never
    leaves the scheme's range; ``"after"`` chooses as if there were none and clips at the end, as the
    paper's authors do (then nothing is proved unless no code had to be clipped).

    ``limits.time`` seconds are for the whole call, preparation and compilation included. Each row that begins
    gets an even share of what is left. Only what cannot be interrupted (one function being compiled, the
    first steps of a row) may exceed it. ``row_time`` seconds is each row's own limit; with neither, it is
    :data:`ROW_TIME`. ``limits.threads`` rows run at once, in threads (or processes, for solvers that need one
    each), or on ``executor``, which has that many workers. ``limits.memory`` puts every row into a process
    with that limit.

    Ctrl-C gives the rows that are done; the others have a bound of 0 (or what their search had) and
    :attr:`Limit.INTERRUPT`. A second Ctrl-C gives up.

    What a row becomes that did not begin in time, was cut short or failed is said at :class:`RowAnswer`; a
    failure is the row's reason. Raises :class:`InputError` for bad arguments, :class:`UnknownWord` if the
    backend or another word is unknown, :class:`Unsupported` if the backend declines, :class:`Unavailable` if
    it is not installed, :class:`WrongAnswer` if its bound is above a cost.
    """
    start = time.monotonic()
    if scheme is not None and bits is not None:
        raise InputError("bits", "give bits or a scheme, not both")
    scheme = scheme or Scheme(2 if bits is None else bits)
    method = Method.of(
        backend, limits, row_time=row_time, clip=clip, candidates=candidates, executor=executor
    )
    return LayerRun(LayerData(W, b, X, scheme, inputs, reference), method, start, CtrlC()).result(progress)


@dataclass(frozen=True)
class Method:
    """How rows are answered, whichever layer they are of; see :func:`round_layer`."""

    rounder: Rounder
    version: str | None
    limits: Limits
    row_time: float | None
    clip: Clip
    candidates: int
    executor: Executor | None

    @classmethod
    def of(
        cls,
        backend: str | Rounder,
        limits: Limits | None,
        *,
        row_time: float | None,
        clip: Clip,
        candidates: int,
        executor: Executor | None,
    ) -> Method:
        """Find the rounder; raises what :func:`round_layer` says."""
        if row_time is not None and not 0 < row_time <= MOST_TIME:
            raise InputError("row_time", f"a positive number of seconds up to a million, not {row_time}")
        rounder = registry.rounder(backend) if isinstance(backend, str) else backend
        state = rounder.availability()
        if not state.available:
            raise Unavailable(f"rounding backend {rounder.name!r}: {state.reason}")
        return cls(rounder, state.version, limits or Limits(), row_time, clip, candidates, executor)

    @property
    def row_limits(self) -> Limits:
        """The limits of one row."""
        return replace(self.limits, time=self.row_time or self.limits.time or ROW_TIME, threads=1)


@dataclass(frozen=True)
class LayerData:
    """A real layer, its calibration inputs, and what it is to become; see :func:`round_layer`."""

    W: npt.ArrayLike
    b: npt.ArrayLike
    X: npt.ArrayLike
    scheme: Scheme
    inputs: Affine | None = None
    reference: npt.ArrayLike | None = None


class LayerRun:
    """The rounding of a layer; the time limit counts from ``start``, a ``time.monotonic()``.

    If Ctrl-C was pressed before, no row is searched.
    """

    def __init__(self, data: LayerData, method: Method, start: float, ctrl_c: CtrlC) -> None:
        self._data, self._method, self._start, self._ctrl_c = data, method, start, ctrl_c
        self._rows: _Rows | None = None

    def result(self, progress: Callable[[RowProgress], None] | None = None) -> RoundedLayer:
        """Round it; a second KeyboardInterrupt is raised. Called again, it keeps the rows that are done."""
        return self._ctrl_c.survived(lambda: self._rounded(progress))

    def _rounded(self, progress: Callable[[RowProgress], None] | None) -> RoundedLayer:
        method, data = self._method, self._data
        if self._rows is None:
            self._rows = _Rows(data, method)
        rows = self._rows
        if self._ctrl_c.pressed:
            for i in sorted(rows.left):
                rows.take(i, INTERRUPTED)
        elif rows.left:
            self._run(rows, progress)
        scale, code = rows.scale, rows.code
        proved = rows.proved
        return RoundedLayer(
            codes=rows.codes[:, :-1],
            bias_codes=rows.codes[:, -1],
            weight_scale=scale,
            input_scale=code.scale,
            input_zero_point=code.zero_point,
            input_range=(code.lo, code.hi),
            bias_scale=rows.problem.unit,
            cost=rows.cost,
            nearest_cost=rows.nearest_cost,
            lower_bound=rows.bound,
            proved=proved,
            row_status=tuple(_status(a, bool(p)) for a, p in zip(rows.answers, proved, strict=True)),
            row_limits=tuple(None if p else a.limit for a, p in zip(rows.answers, proved, strict=True)),
            reasons=tuple(
                None if p else a.reason or _CLOSE for a, p in zip(rows.answers, proved, strict=True)
            ),
            row_seconds=rows.seconds,
            seconds=time.monotonic() - self._start,
            backend=method.rounder.name,
            version=method.version,
            limits=method.limits,
            scheme=data.scheme,
        )

    def _run(self, rows: _Rows, progress: Callable[[RowProgress], None] | None) -> None:
        """Search all rows, or as many as the limits and Ctrl-C allow."""
        method, time_limit = self._method, self._method.limits.time
        plan = RowPlan(
            rows.models,
            method.rounder,
            method.row_limits,
            method.limits.threads,
            method.executor,
            math.inf if time_limit is None else self._start + time_limit,
        )
        with RowRuns(plan) as runs:
            try:
                for done, (i, row) in enumerate(runs.ended(), start=1):
                    rows.take(i, row)
                    if progress is not None:
                        progress(rows.progress(i, done))
            except KeyboardInterrupt:
                self._ctrl_c.pressed = True
                for i, row in runs.interrupted():
                    rows.take(i, row)


def _status(answer: RowAnswer, proved: bool) -> Status:
    """The verdict on a row: a proof counts, not the rounder's word for it."""
    if proved:
        return Status.OPTIMAL
    return Status.UNKNOWN if answer.status is Status.UNKNOWN else Status.SATISFIABLE


class _Rows:
    """The rows of a layer, rounded to nearest until an answer is taken; ``left`` are those without one."""

    def __init__(self, data: LayerData, method: Method) -> None:
        problem, self.scale, self.code = LayerProblem.of_layer(
            data.W,
            data.b,
            data.X,
            data.scheme,
            inputs=data.inputs,
            reference=data.reference,
            candidates=method.candidates,
            clip=method.clip,
        )
        self.problem, self._method = problem, method
        encoded = [QuboEncoder(i).apply(problem) for i in range(problem.n)]
        self.models, self._lifts = [model for model, _ in encoded], [lift for _, lift in encoded]
        for i, model in enumerate(self.models):
            refusal = method.rounder.refuses(model)
            if refusal is not None:
                raise Unsupported(f"rounding backend {method.rounder.name!r}, row {i}: {refusal}")
        self._nearest = problem.clipped(problem.nearest())
        self.nearest_cost = problem.costs(self._nearest)
        self.codes, self.cost = self._nearest.copy(), self.nearest_cost.copy()
        self.bound, self.seconds = np.zeros(problem.n), np.zeros(problem.n)
        self.answers = [INTERRUPTED.answer] * problem.n
        self.left = set(range(problem.n))

    @cached_property
    def _planes(self) -> Ints:
        """(n, m) the nearest plane of every row: all at once, when the first row needs its own."""
        parts = (np.array([getattr(m, name) for m in self.models]) for name in ("target", "lower", "upper"))
        return nearest_planes(self.problem.gram, *parts)

    @property
    def proved(self) -> npt.NDArray[np.bool_]:
        """(n,) whether the cost is the least, up to a relative 1e-6."""
        return np.asarray(self.cost - self.bound <= PROVED * self.cost)

    def take(self, i: int, row: Row) -> None:
        """Take in the outcome of row i, with a fallback as :class:`RowAnswer` says.

        It can be called again for a row where Ctrl-C came in between. Raises :class:`WrongAnswer` if the
        bound is above a cost.
        """
        answer = row.answer
        short = answer.limit is not None
        by_plane = short and not keeps_nearest(self._method.rounder)
        codes, cost = self._nearest[i], self.nearest_cost[i]
        for v in (answer.assignment, self._planes[i] if by_plane else None):
            if v is not None:
                chosen = self.problem.clipped(self._lifts[i](v)[None, :], i)[0]
                own = self.problem.cost(chosen, i)
                if own < cost or not short:
                    codes, cost = chosen, own
        bound = self._lifts[i].bound(answer.bound) if self._bounded(i) else 0.0
        if bound > cost * (1 + PROVED) + _NOISE * self.nearest_cost[i]:
            raise WrongAnswer(
                f"rounding backend {self._method.rounder.name!r} claims that row {i} costs at least {bound}; "
                f"a choice costs {cost}"
            )
        self.codes[i], self.cost[i], self.bound[i] = codes, cost, min(bound, cost)
        self.seconds[i], self.answers[i] = row.seconds, answer
        self.left.discard(i)

    def _bounded(self, i: int) -> bool:
        """Whether a bound on the choices of row i holds for its clipped codes too.

        It does if every real value has a candidate in the range. A value without one may be 9.4 in a range up
        to 7. Its candidates are 9 and 10, its clipped code is 7, and a row with 7 may cost less than any with
        9 or 10.
        """
        return self._method.clip == "fix" or self.problem.holds_clipped(i)

    def progress(self, i: int, done: int) -> RowProgress:
        """The news that row i has ended."""
        total, nearest = float(self.cost.sum()), float(self.nearest_cost.sum())
        return RowProgress(i, done, len(self.models), total, nearest, bool(self.proved[i]))
