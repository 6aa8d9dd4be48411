"""One dense layer of real weights, rounded on its calibration inputs."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError
from qnnt.limits import Limits
from qnnt.rounders.base import Rounder
from qnnt.rounding.certificates import RowCertificate
from qnnt.rounding.problem import Clip, LayerProblem
from qnnt.rounding.rows import CtrlC
from qnnt.rounding.scheme import Affine, Ints, Reals, Scheme
from qnnt.rounding.search import Method, RowOutcomes, RowProgress, RowSearch

if TYPE_CHECKING:
    from qnnt.drawing.picture import Picture


@dataclass(frozen=True, repr=False, kw_only=True)
class RoundedLayer(RowOutcomes):
    """Integer codes of a layer and, per neuron, what they cost and what is proved.

    The layer's pre-activation is ``unit``·((x^q − ``input_zero_point``) · ``codes`` + ``bias_codes``), x^q
    the codes of the inputs, in ``input_range``. A neuron is a row: see :class:`RowOutcomes`. ``backend``,
    ``version`` and ``limits`` are what the layer was rounded with.
    """

    codes: Ints
    bias_codes: Ints
    weight_scale: Reals
    input_scale: float
    input_zero_point: int
    input_range: tuple[int, int]
    bias_scale: Reals
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


def round_layer(
    W: npt.ArrayLike,
    b: npt.ArrayLike,
    X: npt.ArrayLike,
    *,
    bits: int | None = None,
    scheme: Scheme | None = None,
    backend: str | Rounder = "closest-vector",
    limits: Limits | float | None = None,
    row_time: float | None = None,
    clip: Clip = "fix",
    candidates: int | None = None,
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

    ``candidates`` consecutive integers are open to each weight: 2, which are floor and ceil, unless the
    rounder wants more (``gptq``: all). ``clip="fix"`` never leaves the scheme's range; ``"after"`` chooses as
    if there were none and clips at the end, as the paper's authors do (then nothing is proved unless no code
    had to be clipped).

    ``limits`` are :class:`Limits` or a number of seconds. The time is for the whole call, preparation and
    compilation included. Each row that begins gets an even share of what is left. Only what cannot be
    interrupted (one function being compiled, the first steps of a row) may exceed it. ``row_time`` seconds is
    each row's own limit; with neither, it is :data:`ROW_TIME`. ``limits.threads`` rows run at once, in
    threads (or processes, for solvers that need one each), or on ``executor``, which has that many workers,
    or is one of :func:`qnnt.open_executor`. ``limits.memory`` puts every row into a process with that limit,
    and so does an executor with a name.

    Ctrl-C gives the rows that are done; the others have a bound of 0 (or what their search had) and
    :attr:`Limit.INTERRUPT`. A second Ctrl-C gives up.

    What a row becomes that did not begin in time, was cut short or failed is said at :class:`RowAnswer`; a
    failure is the row's reason. Raises :class:`InputError` for bad arguments, ``TypeError`` for limits or a
    backend of another type, :class:`UnknownWord` if the backend or another word is unknown,
    :class:`Unsupported` if the backend declines, :class:`Unavailable` if it is not installed,
    :class:`WrongAnswer` if its bound is above a cost.
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
        self._parts: tuple[LayerProblem, Reals, Affine] | None = None
        self._search = RowSearch(lambda: self._made()[0], method, start, ctrl_c)

    def _made(self) -> tuple[LayerProblem, Reals, Affine]:
        """The problem, s_W (n,) and the code of the inputs."""
        if self._parts is None:
            data, method = self._data, self._method
            self._parts = LayerProblem.of_layer(
                data.W,
                data.b,
                data.X,
                data.scheme,
                inputs=data.inputs,
                reference=data.reference,
                candidates=method.candidates,
                clip=method.clip,
            )
        return self._parts

    def result(self, progress: Callable[[RowProgress], None] | None = None) -> RoundedLayer:
        """Round it; a second KeyboardInterrupt is raised. Called again, it keeps the rows that are done."""
        return self._ctrl_c.survived(lambda: self._rounded(progress))

    @property
    def certificates(self) -> tuple[RowCertificate, ...]:
        """What is claimed of each row, after the search."""
        return self._search.certificates

    def _rounded(self, progress: Callable[[RowProgress], None] | None) -> RoundedLayer:
        rows = self._search.result(progress)
        problem, scale, code = self._made()
        method = self._method
        return RoundedLayer(
            codes=rows.codes[:, :-1],
            bias_codes=rows.codes[:, -1],
            weight_scale=scale,
            input_scale=code.scale,
            input_zero_point=code.zero_point,
            input_range=(code.lo, code.hi),
            bias_scale=problem.unit,
            **rows.outcomes,
            seconds=time.monotonic() - self._start,
            backend=method.rounder.name,
            version=method.version,
            limits=method.limits,
            scheme=self._data.scheme,
        )
