"""Any MaxSAT solver program that reads WCNF and answers as in the MaxSAT Evaluations."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qnnt.backends.base import Answer, Capability, Report, Unheard
from qnnt.backends.optimizers import Question, Write
from qnnt.backends.programs import ProgramBackend
from qnnt.files.dimacs import write_wcnf, write_wcnf_before_2022
from qnnt.limits import Limits
from qnnt.models import Formula

_TRIAL, _SHARE = 5.0, 0.2  # seconds, and share of the time, for a formula of two variables
# One of them is true: at a price of 3, or of 5.
_SAMPLE = Formula(
    2,
    (np.array([[1, 2], [-1, -2]], dtype=np.int32),),
    np.array([-1, -2], dtype=np.int32),
    np.array([3, 5]),
    offset=0,
    minimize=True,
)


@dataclass(frozen=True)
class WcnfBackend(ProgramBackend):
    """Runs a program on hard and soft clauses: ``PROGRAM FILE``.

    The file is in the format of the MaxSAT Evaluations since 2022 (``h`` marks hard clauses). A program that
    fails a formula of two variables in it, and answers it rightly with a line ``p wcnf``, gets all in that
    one. ``v`` lines are bits or literals; those that come before the end are better and better networks. The
    program is told to end (SIGTERM) shortly before the time limit. Counts may be as large as a data set takes
    (below 2^62 in all), if the program takes such weights.
    """

    family: ClassVar[str] = "wcnf"
    accepts = (Formula,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS)
    summary = "weighted clauses, by any program that reads WCNF (wcnf:PATH, wcnf:'PATH ARGUMENTS')"

    def run(self, model: Formula, limits: Limits, report: Report) -> Answer:
        """Solve; what goes wrong is raised as :meth:`Question.ask` does."""
        command, began = self.found(), time.monotonic()
        trial = _TRIAL if limits.time is None else min(_TRIAL, _SHARE * limits.time)
        old = not _reads(command, trial, old=False) and _reads(command, trial, old=True)
        left = None if limits.time is None else max(0.0, limits.time - (time.monotonic() - began))
        question = Question(self.program, model, model.n_variables + 1, 0, report, "model.wcnf")
        return question.ask(command, _written(model, old=old), left)


def _written(model: Formula, *, old: bool) -> Write:
    """Writes a formula; one without soft clauses gets one that holds, as not all programs do without."""
    soft, weights = model.soft, model.weights
    if not model.minimize or not len(soft):
        soft, weights = np.array([1], dtype=np.int32), np.array([1])
    if old:
        return lambda file: write_wcnf_before_2022(file, model.hard, soft, weights, model.n_variables)
    return lambda file: write_wcnf(file, model.hard, soft, weights)


def _reads(command: list[str], seconds: float, *, old: bool) -> bool:
    """Whether a program answers the sample rightly in a format."""
    question = Question(command[0], _SAMPLE, 3, 0, Unheard(), "sample.wcnf")
    try:
        return question.ask(command, _written(_SAMPLE, old=old), seconds).cost == 3
    except RuntimeError:
        return False
