"""One row of a layer: GPTQ or a beam search gives a start, descent by one and two steps ends it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from qnnt.domain import IntArray
from qnnt.limits import Limits
from qnnt.models import QuadraticModel
from qnnt.rounders.base import Stopped, nearest
from qnnt.rounders.lattice.form import Ints, Reals
from qnnt.rounders.lattice.shared import Shared

_BLOCK = 64  # columns that are decided between two products of matrices, and two looks at the clock
_SHAKES = 10_000  # at most
_SHAKEN = 50  # one weight in so many is moved
_PAIRS = 2_000_000  # pairs of columns between two looks at the clock


@dataclass(frozen=True)
class Clock:
    """When a row has to end: at its ``deadline`` (of ``time.monotonic()``), or once it is ``stopped``."""

    deadline: float
    stopped: Stopped

    @classmethod
    def of(cls, limits: Limits, stopped: Stopped) -> Clock:
        """Begins now."""
        return cls(math.inf if limits.time is None else time.monotonic() + limits.time, stopped)

    def over(self, ahead: float = 0.0) -> bool:
        """Whether it is time, or will be in ``ahead`` seconds."""
        return self.stopped() or time.monotonic() + ahead >= self.deadline

    def part(self, share: float) -> Clock:
        """The clock that is over when a ``share`` of the time that is left has passed."""
        now = time.monotonic()
        return Clock(now + share * max(self.deadline - now, 0.0), self.stopped)


ENDLESS = Clock(math.inf, lambda: False)


class RowStart:
    """Looks for good integers of a row, on the live columns: z = v − lower, those without a choice stay 0.

    ``best`` (k,) is the best z so far. It begins with GPTQ in activation order and descent by single steps,
    and only ever gets better, so that no row costs more than with these.
    """

    def __init__(self, model: QuadraticModel, shared: Shared) -> None:
        self._model, self._shared = model, shared
        self._width = (model.upper - model.lower)[shared.live]
        self._target = (model.target - model.lower)[shared.live]
        free = np.flatnonzero(self._width)
        self._centre = shared.centre(self._target, np.flatnonzero(self._width == 0))
        self._planes = shared.planes(free)
        self._value = math.inf
        self._gradient: Reals = np.empty(0)
        self.best: IntArray = np.empty(0, dtype=np.int64)
        usual = best_first(shared.usual.R, self._target, self._width, 1, order=shared.usual.order)
        assert usual is not None  # without a clock it ends
        self._take(usual)

    @property
    def assignment(self) -> IntArray:
        """(m,) the best assignment of the model so far."""
        v = nearest(self._model)
        v[self._shared.live] = self._model.lower[self._shared.live] + self.best
        return v

    def widen(self, beams: int, clock: Clock) -> None:
        """Beam search in V-BLAST order and descent by single steps; given up once the clock is over."""
        planes = self._planes
        z = best_first(planes.R, self._centre, self._width, beams, order=planes.order, clock=clock)
        if z is not None:
            self._take(z)

    def settle(self, clock: Clock) -> None:
        """Descent by pairs of steps, until none helps or the clock is over."""
        self.best = settled(self._shared.gram, self._gradient, self.best, self._width, clock)
        self._value = float(self._gradient @ (self.best - self._target))

    def shake(self, clock: Clock, seed: int) -> None:
        """Move a few weights by a step, at random, and descend by single steps, time and again."""
        rng, free = np.random.default_rng(seed), np.flatnonzero(self._width)
        for _ in range(_SHAKES):
            if clock.over():
                return
            few = rng.choice(free, -(-len(free) // _SHAKEN), replace=False)
            step = rng.choice([-1, 1], len(few))
            step = np.where(
                (self.best[few] + step < 0) | (self.best[few] + step > self._width[few]), -step, step
            )
            z = self.best.copy()
            z[few] += step
            self._take(z, self._gradient + step @ self._shared.gram[few])

    def _take(self, z: IntArray, gradient: Reals | None = None) -> None:
        """Descend from z by single steps, and keep what is better."""
        from qnnt.rounders.lattice import loops

        if gradient is None:
            gradient = self._shared.gram @ (z - self._target)
        loops.descend(self._shared.gram, gradient, z, self._width, np.zeros(2, dtype=np.int64), 0)
        value = float(gradient @ (z - self._target))
        if value < self._value:
            self.best, self._gradient, self._value = z, gradient, value


def best_first(
    R: Reals, r: Reals, width: Ints, beams: int, *, order: Ints | None = None, clock: Clock = ENDLESS
) -> IntArray | None:
    """(m,) the z of a search that keeps ``beams`` partial assignments a level; Babai's for 1.

    R (m, m) is in the ``order`` in which columns are decided, last first; r, width and z are not. None if the
    clock is over before the end.
    """
    from qnnt.rounders.lattice import loops

    m = len(r)
    order = np.arange(m) if order is None else order
    centre, room = r[order], width[order]
    state = loops.Beams(np.ones(1, dtype=np.int64), np.zeros(beams), np.zeros((beams, m)))
    blocks: list[tuple[int, Ints, Ints]] = []
    for end in range(m, 0, -_BLOCK):
        begin = max(end - _BLOCK, 0)
        origin, x, moved = loops.beam_block(R, centre, room, begin, end, state)
        blocks.append((begin, origin, x))
        missed = state.missed[origin, :begin] + moved @ R[:begin, begin:end].T
        state = state._replace(missed=missed)
        if begin and clock.over():
            return None
    z, beam = np.empty(m, dtype=np.int64), 0
    for begin, origin, x in reversed(blocks):
        z[order[begin : begin + x.shape[1]]] = x[beam]
        beam = origin[beam]
    return z


def settled(G: Reals, gradient: Reals, z: IntArray, width: Ints, clock: Clock = ENDLESS) -> IntArray:
    """(m,) z after descent by one and two steps; ``gradient`` (m,), half that of the value, moves along."""
    from qnnt.rounders.lattice import loops

    at, columns = np.zeros(2, dtype=np.int64), max(1, _PAIRS // max(len(z), 1))
    while not loops.descend(G, gradient, z, width, at, columns) and not clock.over():
        pass
    return z
