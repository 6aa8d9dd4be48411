"""Simulated annealing, the paper's own, and tabu search of dwave-samplers on the QUBO of a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.exceptions import UnknownWord
from qnnt.limits import Limits, Status
from qnnt.models import QuadraticModel
from qnnt.rounders.base import BitsRounder, RowAnswer, Stopped, cut_short, nearest

_TABU = "tabu search proves nothing"


@dataclass(frozen=True)
class _Dwave(BitsRounder):
    def availability(self) -> Availability:
        """Whether dwave-samplers is installed."""
        found = Availability.of_package("dimod", "dimod", "qnnt[rounding]")
        return (
            Availability.of_package("dwave-samplers", "dwave", "qnnt[rounding]") if found.available else found
        )


@dataclass(frozen=True)
class AnnealingRounder(_Dwave):
    """Simulated annealing; the defaults are the paper's: ``reads`` 1, ``sweeps`` 1000, the library's β range.

    ``scaled`` takes the β range from the row's costs instead: hot enough for the median flip of a random
    assignment to be free, cold where a bit's share of the cost after a descent is frozen ten times over. The
    library's own range ends at the smallest coefficient, which for a dense real matrix is next to nothing.
    Raises :class:`UnknownWord` for an unknown variant.
    """

    variant: str = ""
    reads: int = 1
    sweeps: int = 1000

    def __post_init__(self) -> None:
        if self.variant not in self.variants():
            raise UnknownWord("annealing variant", self.variant, [v for v in self.variants() if v])

    @staticmethod
    def variants() -> tuple[str, ...]:
        """The paper's, and the one with a β range scaled to the data."""
        return "", "scaled"

    @property
    def name(self) -> str:
        """``annealing`` or ``annealing:scaled``."""
        return "annealing" + (f":{self.variant}" if self.variant else "")

    @property
    def summary(self) -> str:
        """One line for listings."""
        schedule = "β range scaled to the data" if self.variant else "the paper's defaults"
        return f"simulated annealing (dwave-samplers), {self.reads} read, {self.sweeps} sweeps, {schedule}"

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Anneal all reads; a time limit is kept between reads only."""
        from dwave.samplers import SimulatedAnnealingSampler

        bqm = model.bqm()
        sample = SimulatedAnnealingSampler().sample(
            bqm,
            num_reads=self.reads,
            num_sweeps=self.sweeps,
            beta_range=beta_range(model, limits.seed) if self.variant else None,
            seed=limits.seed,
            interrupt_function=stopped,
        )
        if stopped() or not len(sample):
            return cut_short(_assignment(model, sample) if len(sample) else None, stopped)
        return RowAnswer(Status.SATISFIABLE, _assignment(model, sample), reason="annealing proves nothing")


@dataclass(frozen=True)
class TabuRounder(_Dwave):
    """Tabu search, ``milliseconds`` a row or what the time limit leaves."""

    milliseconds: int = 1000
    name = "tabu"

    @property
    def summary(self) -> str:
        """One line for listings."""
        return f"tabu search (dwave-samplers), {self.milliseconds / 1000:g} s a row"

    def run(self, model: QuadraticModel, limits: Limits, prepared: Any, stopped: Stopped) -> RowAnswer:  # noqa: ARG002
        """Search from the nearest assignment."""
        import dimod
        from dwave.samplers import TabuSampler

        bqm = model.bqm()
        if not len(bqm):
            return RowAnswer(Status.SATISFIABLE, nearest(model), reason=_TABU)
        timeout = self.milliseconds
        if limits.time is not None:
            timeout = min(timeout, max(1, int(1000 * limits.time)))
        free = model.free
        first = dict(zip(free.tolist(), (nearest(model) - model.lower)[free].tolist(), strict=True))
        states = dimod.SampleSet.from_samples_bqm(first, bqm)
        sample = TabuSampler().sample(
            bqm, initial_states=states, num_reads=1, timeout=timeout, seed=limits.seed
        )
        return RowAnswer(Status.SATISFIABLE, _assignment(model, sample), reason=_TABU)


def _assignment(model: QuadraticModel, sample: Any) -> npt.NDArray[np.int64]:
    """The best sample, by the model's own cost."""
    free = model.free
    columns = [sample.variables.index(v) for v in free.tolist()]
    best = nearest(model)
    best[free] = model.lower[free] + sample.record.sample[int(np.argmin(sample.record.energy))][columns]
    return best


def beta_range(model: QuadraticModel, seed: int) -> tuple[float, float] | None:
    """(hot, cold) inverse temperatures from the costs of a row's QUBO; None if no flip costs anything."""
    linear, pairs, _ = model.bits()
    symmetric = pairs + pairs.T
    z = np.random.default_rng(seed).integers(0, 2, len(linear))
    flips = np.abs(linear + symmetric @ z)
    z = (nearest(model) - model.lower)[model.free]
    for _ in range(4 * len(z)):  # steepest descent
        change = (1 - 2 * z) * (linear + symmetric @ z)
        i = int(np.argmin(change)) if len(change) else 0
        if not len(change) or change[i] >= 0:
            break
        z[i] ^= 1
    assignment = model.lower.copy()
    assignment[model.free] += z
    share = (model.cost(assignment) - model.constant) / max(len(z), 1)
    warm = float(np.median(flips)) if len(flips) else 0.0
    if not (warm > 0 and share > 0):
        return None
    hot, cold = math.log(2) / warm, 10 / share
    return hot, max(cold, 10 * hot)
