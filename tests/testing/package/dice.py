"""A rounder that throws dice."""

from dataclasses import dataclass

import numpy as np

from qnnt.availability import Availability
from qnnt.limits import Status
from qnnt.rounders.base import RowAnswer, nearest


@dataclass(frozen=True)
class DiceRounder:
    """The best of 100 random assignments and the nearest one."""

    name = "dice"
    summary = "random assignments"
    exact = False
    isolated = False

    def availability(self):
        return Availability(True, version="1.0")

    def refuses(self, model):
        return None

    def prepare(self, gram, over):
        return None

    def run(self, model, limits, prepared, stopped):
        rng, best = np.random.default_rng(limits.seed), nearest(model)
        for _ in range(100):
            thrown = rng.integers(model.lower, model.upper + 1)
            if model.cost(thrown) < model.cost(best):
                best = thrown
        return RowAnswer(Status.SATISFIABLE, best, reason="dice prove nothing")
