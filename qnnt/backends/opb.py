"""Any pseudo-Boolean solver program that reads OPB and answers as in the pseudo-Boolean competitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qnnt.backends.base import Answer, Capability, Report
from qnnt.backends.optimizers import Question
from qnnt.backends.programs import ProgramBackend
from qnnt.files.opb import write_opb
from qnnt.limits import Limits
from qnnt.models import PseudoBooleanModel


@dataclass(frozen=True)
class OpbBackend(ProgramBackend):
    """Runs a program on 0/1 inequalities: ``PROGRAM FILE``.

    ``v`` lines that come before the end are better and better networks. The program is told to end (SIGTERM)
    shortly before the time limit. Counts may be as large as a data set takes (below 2^62 in all), if the
    program takes such numbers.
    """

    family: ClassVar[str] = "opb"
    accepts = (PseudoBooleanModel,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS)
    summary = "0/1 inequalities, by any program that reads OPB (opb:PATH, opb:'PATH ARGUMENTS')"

    def run(self, model: PseudoBooleanModel, limits: Limits, report: Report) -> Answer:
        """Solve; what goes wrong is raised as :meth:`Question.ask` does."""
        question = Question(self.program, model, len(model.lower), 1, report, "model.opb")
        return question.ask(self.found(), lambda file: write_opb(file, model), limits.time)
