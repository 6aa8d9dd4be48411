"""Rounding as a closest-vector problem in a box: Babai's plane, beam search, and enumeration with a proof.

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
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.backends.rounding import LATE, RowAnswer, Stopped
from qnnt.domain import IntArray
from qnnt.limits import Limits
from qnnt.models import QuadraticModel

Reals = npt.NDArray[np.float64]

MOST_SEARCHED = 200  # free variables; beyond, enumeration only burns the time limit
_DAMPING = 1e-6  # of the trace, for orders and starts: real Gram matrices are rank-deficient
_SLICE = 20_000  # nodes between two looks at the clock
_SWEEPS = 1000
_SHARED_SWEEPS = 400  # once per layer of long rows
_LEVELS = 25  # semidefinite bounds along the tree


@dataclass(frozen=True)
class Form:
    """A model on its free variables z = v − lower ≤ width: zᵀGz + 2g·z + f0, before scale and constant."""

    model: QuadraticModel
    free: npt.NDArray[np.int64]
    G: Reals
    g: Reals
    f0: float
    width: npt.NDArray[np.int64]

    @classmethod
    def of(cls, model: QuadraticModel) -> Form:
        """Restrict a model to the variables that have a choice; the others stay at their only value."""
        free, difference = model.free, model.lower - model.target
        pull = model.gram @ difference
        G = np.ascontiguousarray(model.gram[np.ix_(free, free)])
        width = (model.upper - model.lower)[free]
        return cls(model, free, G, pull[free], float(difference @ pull), width)

    @property
    def damping(self) -> float:
        """What is added to the diagonal for orders and starts."""
        return _DAMPING * float(np.trace(self.G)) + np.finfo(np.float64).tiny

    def value(self, z: IntArray) -> float:
        """The objective before scale and constant."""
        return float(z @ self.G @ z + 2 * (self.g @ z)) + self.f0

    def lift(self, z: IntArray) -> IntArray:
        """The model's assignment."""
        assignment = self.model.lower.copy()
        assignment[self.free] += z
        return assignment

    def bound(self, value: float) -> float:
        """The model's cost for a bound on the form."""
        return self.model.constant + self.model.scale * max(value, 0.0)


# Two bits, to compile on.
_EXAMPLE = Form.of(
    QuadraticModel(np.eye(2), np.full(2, 0.3), np.zeros(2, dtype=np.int64), np.ones(2, dtype=np.int64))
)


def sorted_order(H: Reals) -> npt.NDArray[np.int64]:
    """V-BLAST order of a positive definite H: each level, last first, has the largest diagonal entry left."""
    inverse, left = np.linalg.inv(H), np.ones(len(H), dtype=bool)
    order = np.empty(len(H), dtype=np.int64)
    for k in range(len(H) - 1, -1, -1):
        j = int(np.argmin(np.where(left, np.diagonal(inverse), np.inf)))
        order[k], left[j] = j, False
        if inverse[j, j] > 0:  # rounding errors can make it negative, and any order will do
            column = inverse[:, j] / np.sqrt(inverse[j, j])
            inverse -= np.outer(column, column)
    return order


def start(form: Form, order: npt.NDArray[np.int64], beams: int, *, flips: bool = True) -> IntArray:
    """Beam search on the damped form, last of ``order`` first, then descent by one and two flips."""
    from qnnt.kernels import lattice

    # Damped around the real target, so that it pulls to the nearest integers and not to 0.
    damping = form.damping
    target = (form.model.target - form.model.lower)[form.free]
    H, linear = form.G + damping * np.eye(len(order)), form.g - damping * target
    R = np.ascontiguousarray(np.linalg.cholesky(H[np.ix_(order, order)]).T)
    r = -np.linalg.solve(R, np.linalg.solve(R.T, linear[order]))
    z = np.empty(len(order), dtype=np.int64)
    z[order] = lattice.beam(R, r, form.width[order], beams)
    if flips:
        lattice.descend(form.G, form.g, z, form.width)
    return z


def nearest_planes(
    gram: Reals, target: Reals, lower: npt.NDArray[np.int64], upper: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """(n, m) Babai's nearest planes for n rows of one Gram matrix (m, m), damped; all rows at once.

    ``target``, ``lower`` and ``upper`` are (n, m). Variables that no row has a choice for come first, then
    those of largest norm.
    """
    order = np.lexsort((np.diagonal(gram), (lower == upper).all(axis=0)))  # the last one is decided first
    H = gram[np.ix_(order, order)]
    H[np.diag_indices(len(H))] += _DAMPING * float(np.trace(H)) + np.finfo(np.float64).tiny
    R = np.linalg.cholesky(H).T
    aim, least, most = target[:, order], lower[:, order], upper[:, order]
    codes, missed = np.empty_like(least), np.zeros_like(aim)
    for k in range(len(R) - 1, -1, -1):
        centre = aim[:, k] - missed[:, k + 1 :] @ (R[k, k + 1 :] / R[k, k])
        codes[:, k] = np.clip(np.rint(centre), least[:, k], most[:, k])
        missed[:, k] = codes[:, k] - aim[:, k]
    planes = np.empty_like(codes)
    planes[:, order] = codes
    return planes


@dataclass(frozen=True)
class _Numba:
    """What all backends here have in common."""

    exact = False
    isolated = False

    def availability(self) -> Availability:
        """Whether numba is installed."""
        return Availability.of_package("numba", "numba", "qnnt[rounding]")

    def refuses(self, model: QuadraticModel) -> str | None:  # noqa: ARG002 - takes any
        """None: any box will do."""
        return None

    def prepare(self, gram: Reals, over: Stopped) -> Any:  # noqa: ARG002 - some need it
        """Nothing is shared between rows."""
        return None


@dataclass(frozen=True)
class NearestRounder(_Numba):
    """The baseline: every weight for itself."""

    name = "nearest"
    summary = "round every weight to nearest"

    def availability(self) -> Availability:
        """Needs nothing but numpy."""
        return Availability.of_package("numpy", "numpy", "qnnt")

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Leave the row as it is: the model's target is not the real weight if there is a reference."""
        return RowAnswer(None, reason="rounding to nearest proves nothing")


@dataclass(frozen=True)
class NearestPlaneRounder(NearestRounder):
    """Babai's nearest plane, the columns of largest norm first: the same as GPTQ in activation order."""

    name = "nearest-plane"
    summary = "Babai's nearest plane in activation order (GPTQ)"

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """One pass over the columns."""
        v = nearest_planes(model.gram, model.target[None], model.lower[None], model.upper[None])[0]
        return RowAnswer(v, reason="nearest-plane proves nothing")


@dataclass(frozen=True)
class BeamRounder(_Numba):
    """The ``beams`` best of Babai's planes in V-BLAST order, then descent by one and two flips."""

    beams: int = 64
    name = "beam"
    summary = "K-best Babai in V-BLAST order, then 1- and 2-flip descent"

    def prepare(self, gram: Reals, over: Stopped) -> Any:  # noqa: ARG002 - some need it
        """The order, found once for all rows."""
        start(_EXAMPLE, np.arange(2), 2)
        return shared_order(gram)

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Search and descend."""
        form = Form.of(model)
        z = start(form, restricted(prepared, form.free), self.beams) if len(form.free) else form.free
        return RowAnswer(form.lift(z), reason="beam search proves nothing")


def shared_order(gram: Reals) -> npt.NDArray[np.int64]:
    """V-BLAST order of the live columns of a layer's damped Gram matrix (m, m)."""
    live = np.flatnonzero(np.diagonal(gram) > 0)
    G = gram[np.ix_(live, live)]
    return np.asarray(live[sorted_order(G + _DAMPING * np.trace(G) * np.eye(len(live)))])


def restricted(order: npt.NDArray[np.int64], free: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """An order of all columns as an order of the free ones, by their positions in ``free``."""
    position = np.full(int(max(order.max(initial=-1), free.max(initial=-1))) + 1, -1)
    position[free] = np.arange(len(free))
    chosen = position[order]
    return np.asarray(chosen[chosen >= 0])


@dataclass(frozen=True)
class ClosestVectorRounder(BeamRounder):
    """Beam search, semidefinite bound, Schnorr–Euchner enumeration: a proof, or a gap at the time limit.

    Rows of more than :data:`MOST_SEARCHED` free variables get wider beams instead of the enumeration.
    """

    widest: int = 256
    name = "closest-vector"
    summary = "Schnorr–Euchner enumeration of the convexified form, from beam search: proof or gap"
    exact = True

    def prepare(self, gram: Reals, over: Stopped) -> Any:
        """The order of all rows and, where they are too long to be searched, (m,) a dual for their bounds."""
        from qnnt.backends.enumerated import Search
        from qnnt.backends.relaxation import convexified, shor, trace_dual

        both, z = np.arange(2), np.zeros(2, dtype=np.int64)
        for compile_one in (
            lambda: start(_EXAMPLE, both, 2, flips=False),
            lambda: start(_EXAMPLE, both, 2),
            lambda: shor(_EXAMPLE, z, sweeps=1, over=over),
            lambda: Search(_EXAMPLE, convexified(_EXAMPLE, np.zeros(2), 1.0), z, levels=1, beams=1).advance(
                1
            ),
        ):
            if over():
                return None
            compile_one()
        order = shared_order(gram)
        if len(order) <= MOST_SEARCHED:
            return order, None
        dual = np.zeros(len(gram))
        dual[order] = trace_dual(np.ascontiguousarray(gram[np.ix_(order, order)]), _SHARED_SWEEPS, over)
        return order, dual

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:
        """Search until the proof, the time limit or ``stopped``."""
        from qnnt.backends.enumerated import Search
        from qnnt.backends.relaxation import convexified, diagonal, shared_bound, shor

        deadline = math.inf if limits.time is None else time.monotonic() + limits.time

        def over(ahead: float = 0.0) -> bool:
            return stopped() or time.monotonic() + ahead >= deadline

        form = Form.of(model)
        if not len(form.free):
            return RowAnswer(form.lift(form.free), bound=model.cost(model.lower))
        order, dual = restricted(prepared[0], form.free), prepared[1]
        begin = time.monotonic()
        best, beams = start(form, order, self.beams), 2 * self.beams
        step = 2 * (time.monotonic() - begin)  # what the search costs with twice as many beams
        if over():
            return RowAnswer(form.lift(best), form.bound(0.0), _ended(stopped))
        searched = len(order) <= MOST_SEARCHED
        while not searched and beams <= self.widest and not over(step):
            best = min(best, start(form, order, beams), key=form.value)
            beams, step = 2 * beams, 2 * step
        bound, own = 0.0, np.zeros(len(best))
        if model.binary:
            if dual is not None:
                bound = shared_bound(form, dual[form.free])
            own, proper = shor(form, best, sweeps=_SWEEPS, over=over)
            bound = max(bound, proper)
        if not searched:
            if not (model.binary or over()):
                bound = diagonal(convexified(form, own, form.value(best)), form.width)
            reason = f"{len(order)} free weights are too many to search"
            return RowAnswer(form.lift(best), form.bound(bound), reason)
        relaxed = convexified(form, own, form.value(best))
        search = Search(form, relaxed, best, levels=_LEVELS, beams=self.beams)
        while not (done := search.advance(_SLICE)) and not over():
            pass
        late = None if done else _ended(stopped)
        return RowAnswer(form.lift(search.best), form.bound(max(bound, search.bound)), late)


def _ended(stopped: Stopped) -> str:
    return "interrupted" if stopped() else LATE
