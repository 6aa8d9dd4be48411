"""Instances for runs over cubes, and a backend of which one cube goes wrong; a worker can import it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from faulty import Faulty

import qnnt
from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.limits import Limits, Status
from qnnt.models import ParameterLift


def labelled(points: int, seed: int, layers: list[int], goal: qnnt.Goal) -> qnnt.Instance:
    """Distinct random inputs with random labels."""
    rng = np.random.default_rng(seed)
    inputs = np.stack(np.meshgrid(*[[-1, 0, 1]] * layers[0]), axis=-1).reshape(-1, layers[0])
    chosen = inputs[rng.permutation(len(inputs))[:points]]
    data = qnnt.Dataset(chosen, rng.integers(0, 2, size=(points, 1)))
    return qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense(layers), data, goal, activation="step")


IMPOSSIBLE = labelled(30, 0, [4, 2, 1], qnnt.AtMost(0))
POSSIBLE = labelled(8, 1, [4, 2, 1], qnnt.AtMost(0))
LEAST_2 = labelled(8, 19, [2, 2, 1], qnnt.Minimize())
"""The best network has two errors, the best without weights three."""
LESS_THAN_2 = LEAST_2.with_goal(qnnt.AtMost(1))


@dataclass(frozen=True)
class Space:
    """An instance whose parameters have bounds (A + H,): what a test can restrict, and enumerate."""

    instance: qnnt.Instance
    lower: np.ndarray
    upper: np.ndarray

    def within(self, variables: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> Space:
        ends = self.lower.copy(), self.upper.copy()
        ends[0][variables], ends[1][variables] = lower, upper
        return replace(self, lower=ends[0], upper=ends[1])


@dataclass(frozen=True)
class SpaceEncoder:
    symmetry: bool = True
    name = "space"
    makes = Space

    def apply(self, instance: qnnt.Instance) -> tuple[Space, ParameterLift]:
        n, domain = instance.architecture.n_parameters, instance.domain
        return Space(instance, np.full(n, domain.lo), np.full(n, domain.hi)), ParameterLift.of_first(instance)


@dataclass(frozen=True)
class OnePart:
    """Tries all networks of a cube; but part number ``which`` has a fault of :class:`Faulty`.

    The parts are counted in the folder ``note``, by whichever process they run in.
    """

    fault: str
    which: int
    note: str
    vector: tuple[int, ...] = ()
    accepts: tuple[type[Any], ...] = field(default=(Space,))
    capabilities = (Capability.PROVE,)
    summary = "misbehaves once"
    name = "one-part"

    def availability(self) -> Availability:
        return Availability(True, "1")

    def refuses(self, instance: qnnt.Instance) -> str | None:
        return None

    def run(self, model: Space, limits: Limits, report: Report) -> Answer:
        if _number(Path(self.note)) == self.which:
            return Faulty(self.fault, vector=self.vector).run(model.instance, limits, report)
        for vectors in parameter_blocks(model.instance):
            inside = vectors[((model.lower <= vectors) & (vectors <= model.upper)).all(axis=1)]
            for vector, errors in zip(inside, count_errors(model.instance, inside).tolist(), strict=True):
                if model.instance.goal.accepts(errors):
                    return Answer(Status.SATISFIABLE, vector, errors)
        return Answer(Status.UNSATISFIABLE)


def _number(folder: Path) -> int:
    """How many parts began before this one."""
    for number in count():
        try:
            (folder / str(number)).mkdir()
        except FileExistsError:
            continue
        return number
    raise AssertionError
