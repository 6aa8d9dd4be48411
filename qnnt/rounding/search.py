"""The rows of a problem: searched over cores or an executor, and what is known of each one's optimum."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt import registry
from qnnt.exceptions import InputError, Unavailable, Unsupported, WrongAnswer, refuse_type
from qnnt.limits import MOST_TIME, Limit, Limits, Status
from qnnt.rounders.base import (
    PROVED,
    Rounder,
    RowAnswer,
    keeps_nearest,
    usual_candidates,
)
from qnnt.rounders.planes import nearest_planes
from qnnt.rounding.certificates import RowCertificate
from qnnt.rounding.problem import Clip, RowProblem
from qnnt.rounding.qubo import row_model
from qnnt.rounding.rows import INTERRUPTED, CtrlC, Row, RowPlan, RowRuns
from qnnt.rounding.scheme import Ints, Reals

ROW_TIME = 5.0  # seconds a row may take when no limit is given
_CLOSE = "the bound cannot be told from the cost by more than rounding errors, but not proved to 1e-6 either"
# Of the cost of rounding to nearest: a bound that is above the cost by less is no contradiction.
_NOISE = 1e-12


@dataclass(frozen=True)
class RowProgress:
    """Row ``neuron`` ended: ``done`` of ``total`` rows, sums of costs so far against rounding to nearest."""

    neuron: int
    done: int
    total: int
    cost: float
    nearest_cost: float
    proved: bool


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
        limits: Limits | float | None,
        *,
        row_time: float | None,
        clip: Clip,
        candidates: int | None,
        executor: Executor | None,
    ) -> Method:
        """Find the rounder; raises what :func:`round_layer` says."""
        if row_time is not None and not 0 < row_time <= MOST_TIME:
            raise InputError("row_time", f"a positive number of seconds up to a million, not {row_time}")
        if not isinstance(backend, str) and (isinstance(backend, type) or not hasattr(backend, "run")):
            refuse_type("backend", "the name of a rounder, or a rounder", backend)
        rounder = registry.rounder(backend) if isinstance(backend, str) else backend
        state = rounder.availability()
        if not state.available:
            raise Unavailable(f"rounding backend {rounder.name!r}: {state.reason}")
        if candidates is None:
            candidates = usual_candidates(rounder)
        return cls(rounder, state.version, Limits.of(limits), row_time, clip, candidates, executor)

    @property
    def row_limits(self) -> Limits:
        """The limits of one row."""
        return replace(self.limits, time=self.row_time or self.limits.time or ROW_TIME, threads=1)


@dataclass(frozen=True, kw_only=True)
class RowOutcomes:
    """What the codes of n rows cost, and what is proved of them.

    ``cost`` (n,) is the mean squared distance of pre-activations over the calibration points (see
    :class:`LayerProblem` for which), ``nearest_cost`` (n,) that of rounding to nearest in the range,
    ``lower_bound`` (n,) holds for every choice among the candidates in the range. ``proved`` (n,) says that
    cost is the least, up to a relative 1e-6.

    ``row_status`` (n) is OPTIMAL for these, SATISFIABLE for a search that ran to its end without a proof,
    UNKNOWN for one that did not; ``row_limits`` (n) says which limit cut a row short, if one did, and
    ``reasons`` (n) says in words why a row is not proved, None for a proof.
    """

    cost: Reals
    nearest_cost: Reals
    lower_bound: Reals
    proved: npt.NDArray[np.bool_]
    row_status: tuple[Status, ...]
    row_limits: tuple[Limit | None, ...]
    reasons: tuple[str | None, ...]
    row_seconds: Reals

    @property
    def outcomes(self) -> dict[str, Any]:
        """These fields by name."""
        return {own.name: getattr(self, own.name) for own in fields(RowOutcomes)}


@dataclass(frozen=True, kw_only=True)
class SearchedRows(RowOutcomes):
    """The codes (n, m) of the rows of a problem, and what came of each."""

    codes: Ints

    @classmethod
    def joined(cls, parts: Sequence[SearchedRows]) -> SearchedRows:
        """The rows of several problems, one after another."""
        whole: dict[str, Any] = {}
        for own in fields(cls):
            values = [getattr(part, own.name) for part in parts]
            whole[own.name] = sum(values, ()) if isinstance(values[0], tuple) else np.concatenate(values)
        return cls(**whole)


class RowSearch:
    """The search for codes of all rows of a problem; the time limit counts from ``start``.

    ``start`` is a ``time.monotonic()``. The problem is made when it is first needed. If Ctrl-C was pressed
    before, no row is searched.
    """

    def __init__(
        self, problem: Callable[[], RowProblem], method: Method, start: float, ctrl_c: CtrlC
    ) -> None:
        self._problem, self._method, self._start, self._ctrl_c = problem, method, start, ctrl_c
        self._rows: _Rows | None = None

    def result(self, progress: Callable[[RowProgress], None] | None = None) -> SearchedRows:
        """Search; a second KeyboardInterrupt is raised. Called again, it keeps the rows that are done."""
        return self._ctrl_c.survived(lambda: self._searched(progress))

    @property
    def certificates(self) -> tuple[RowCertificate, ...]:
        """What is claimed of each row and what it rests on: () before the search, or if codes are clipped."""
        return () if self._rows is None else self._rows.certificates

    def _searched(self, progress: Callable[[RowProgress], None] | None) -> SearchedRows:
        if self._rows is None:
            self._rows = _Rows(self._problem(), self._method)
        rows = self._rows
        if self._ctrl_c.pressed:
            for i in sorted(rows.left):
                rows.take(i, INTERRUPTED)
        elif rows.left:
            self._run(rows, progress)
        proved = rows.proved
        judged = list(zip(rows.answers, proved.tolist(), strict=True))
        return SearchedRows(
            codes=rows.codes,
            cost=rows.cost,
            nearest_cost=rows.nearest_cost,
            lower_bound=rows.bound,
            proved=proved,
            row_status=tuple(_status(a, p) for a, p in judged),
            row_limits=tuple(None if p else a.limit for a, p in judged),
            reasons=tuple(None if p else a.reason or _CLOSE for a, p in judged),
            row_seconds=rows.seconds,
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


def most_left(cost: Reals, lower_bound: Reals) -> float:
    """What share of the cost of all rows a better choice could save at most; 0 if there is no cost."""
    whole = float(cost.sum())
    return max(1 - float(lower_bound.sum()) / whole, 0.0) if whole else 0.0


def _status(answer: RowAnswer, proved: bool) -> Status:
    """The verdict on a row: a proof counts, not the rounder's word for it."""
    if proved:
        return Status.OPTIMAL
    return Status.UNKNOWN if answer.status is Status.UNKNOWN else Status.SATISFIABLE


class _Rows:
    """The rows of a layer, rounded to nearest until an answer is taken; ``left`` are those without one."""

    def __init__(self, problem: RowProblem, method: Method) -> None:
        self.problem, self._method = problem, method
        encoded = [row_model(problem, i) for i in range(problem.n)]
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

    @property
    def certificates(self) -> tuple[RowCertificate, ...]:
        """See :attr:`RowSearch.certificates`: codes that were clipped after are none of the model's."""
        if self._method.clip != "fix":
            return ()
        return tuple(
            RowCertificate(
                model,
                self.codes[i] - self.problem.base[i],
                float(self.cost[i]),
                float(self.bound[i]),
                # A bound that is no more than the constant says nothing.
                rests_on if rests_on is not None and rests_on.bound > model.constant else None,
            )
            for i, (model, rests_on) in enumerate(
                zip(self.models, (answer.multipliers for answer in self.answers), strict=True)
            )
        )

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
