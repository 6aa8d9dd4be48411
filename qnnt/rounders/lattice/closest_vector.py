"""The rounder ``closest-vector``: beam search, a semidefinite bound, and enumeration with a proof.

For bits, z² = z, so that λ·z(1 − z) can be added to the objective for any λ: with diag(λ) near the optimum of
the semidefinite relaxation's dual, the quadratic form G − diag(λ) is still convex, its unconstrained minimum
is a bound that is often close to the optimum, and Schnorr–Euchner enumeration of *that* form starts from it.
On top, an open node with k variables left and their unconstrained optimum c is worth Σ λ'_i·dist(c_i, {0,
1})² more, G_k − diag(λ + λ') ⪰ 0. Both bounds only need λ to be feasible, which a Cholesky factorisation
confirms.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qnnt.limits import Limits, Status
from qnnt.models import Multipliers, QuadraticModel
from qnnt.rounders.base import RowAnswer, Stopped, cut_short
from qnnt.rounders.lattice.beam import BeamRounder, compile_starts
from qnnt.rounders.lattice.blocks import MOST_BOUNDED, BlockBound
from qnnt.rounders.lattice.form import EXAMPLE, Form, Reals
from qnnt.rounders.lattice.row import Clock, RowStart
from qnnt.rounders.lattice.shared import Shared

MOST_SEARCHED = 200  # free variables; beyond, enumeration only burns the time limit
_SLICE = 20_000  # nodes between two looks at the clock
_SWEEPS = 1000
_SHARE = 3  # a search begins if this many times as long is left: bounds need time too
_SHAKING = 0.2  # of the time that is left, where a bound comes after it
_LEVELS = 25  # semidefinite bounds along the tree


@dataclass(frozen=True)
class ClosestVectorRounder(BeamRounder):
    """Beam search, semidefinite bound, Schnorr–Euchner enumeration: a proof, or a gap at the time limit.

    Rows of more than :data:`MOST_SEARCHED` free variables get wider beams instead of the enumeration.
    """

    widest: int = 1024
    name = "closest-vector"
    summary = "Schnorr–Euchner enumeration of the convexified form, from beam search: proof or gap"
    exact = True

    def prepare(self, gram: Reals, over: Stopped) -> Any:
        """Orders and factors, found once for all rows; None once the time is over."""
        from qnnt.rounders.lattice.relaxation import convexified, shor
        from qnnt.rounders.lattice.search import Search

        z = np.zeros(2, dtype=np.int64)
        for compile_one in (
            compile_starts,
            lambda: shor(EXAMPLE, z, sweeps=1, over=over),
            lambda: Search(EXAMPLE, convexified(EXAMPLE, np.zeros(2), 1.0), z, levels=1, beams=1).advance(1),
        ):
            if over():
                return None
            compile_one()
        return Shared.of(gram)

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:
        """Search until the proof, the time limit or ``stopped``."""
        clock = Clock.of(limits, stopped)
        if not len(model.free):
            form = Form.of(model)
            bound, none = form.bound(form.f0), np.zeros(0)
            rests_on = _multipliers(form, none, none, bound)
            return RowAnswer(Status.OPTIMAL, form.lift(form.free), bound, multipliers=rests_on)
        start = RowStart(model, prepared)
        if len(model.free) <= MOST_SEARCHED:
            return self._searched(Form.of(model), start, clock)
        return self._bounded(model, start, prepared, clock, limits.seed)

    def _searched(self, form: Form, start: RowStart, clock: Clock) -> RowAnswer:
        """A row short enough to be searched to a proof."""
        from qnnt.rounders.lattice.relaxation import convexified, shor
        from qnnt.rounders.lattice.search import Search

        start.widen(self.beams, clock)
        start.settle(clock)
        best = form.position(start.assignment)
        if clock.over():
            return cut_short(form.lift(best), clock.stopped, form.bound(0.0))
        dual, bound, multipliers = np.zeros(len(best)), 0.0, None
        if form.model.binary:
            found = shor(form, best, sweeps=_SWEEPS, over=clock.over)
            dual, bound = found.rate, found.bound
            multipliers = _multipliers(form, found.multipliers, found.point, form.bound(bound))
        relaxed = convexified(form, dual, form.value(best))
        search = Search(form, relaxed, best, levels=_LEVELS, beams=self.beams, over=clock.over)
        while not (done := search.advance(_SLICE)) and not clock.over():
            pass
        answer, bound = form.lift(search.best), form.bound(max(bound, search.bound))
        ended = RowAnswer(Status.OPTIMAL, answer, bound) if done else cut_short(answer, clock.stopped, bound)
        return replace(ended, multipliers=multipliers)

    def _bounded(
        self, model: QuadraticModel, start: RowStart, shared: Shared, clock: Clock, seed: int
    ) -> RowAnswer:
        """A row too long to be searched: wider and wider beams, random moves, a bound from blocks."""
        beams, step, shortest, bound = self.beams, 0.0, math.inf, model.constant
        while beams <= self.widest and not clock.over(_SHARE * step):
            begin = time.monotonic()
            start.widen(beams, clock)
            beams, step = 2 * beams, 2 * (time.monotonic() - begin)  # twice as many take twice as long
            shortest = min(shortest, step)
        start.settle(clock)
        if clock.over():
            return cut_short(start.assignment, clock.stopped, bound)
        bounded = len(model.free) <= MOST_BOUNDED
        start.shake(clock.part(_SHAKING if bounded else 1.0), seed)
        answer, multipliers = start.assignment, None
        if bounded and not clock.over(2 * shortest):  # which a bound takes at least
            form, rate = Form.of(model), shared.rate[np.searchsorted(shared.live, model.free)]
            blocks = BlockBound(form, form.position(answer), rate)
            bound = form.bound(blocks.value(clock.over))
            multipliers = blocks.multipliers(bound)
        if clock.stopped():
            return replace(cut_short(answer, clock.stopped, bound), multipliers=multipliers)
        reason = f"{len(model.free)} free weights are too many to search"
        return RowAnswer(Status.SATISFIABLE, answer, bound, reason=reason, multipliers=multipliers)


def _multipliers(form: Form, rate: Reals, z: Reals, bound: float) -> Multipliers:
    """λ (k,) of the free variables and a real point z (k,), as multipliers of the whole model."""
    point = form.model.lower.astype(np.float64)
    point[form.free] += z
    return Multipliers.diagonal(form.free, rate, point, bound)
