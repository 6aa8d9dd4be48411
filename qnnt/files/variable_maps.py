"""The map that ``qnnt encode`` writes beside a model, and the way from a solver's answer to a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qnnt.exceptions import InputError, Unsupported, WrongAnswer
from qnnt.files.answers import Answer, read_answer
from qnnt.files.documents import located, read_document
from qnnt.files.schemas import Integer, Schema
from qnnt.goals import Goal, parse_goal
from qnnt.instance import Instance
from qnnt.limits import Status
from qnnt.models import parameter_names
from qnnt.network import Network
from qnnt.wording import count

KIND = "qnnt-variables"


class _Document(Schema, kw_only=True):
    format: str
    version: int
    model: str
    origin: str | None = None
    domain: list[Integer]
    goal: str | None = None
    meaning: str
    base: Integer
    objective: str
    offset: Integer
    unit: Integer
    parameters: dict[str, list[Integer | str]]


@dataclass(frozen=True)
class VariableMap:
    """``parameters`` by name: which variables of a model of the format ``model`` add up to it, over ``base``.

    ``goal`` is that of the model, if the map tells. Its error is ``offset`` + ``unit`` · objective.
    """

    model: str
    goal: Goal | None
    domain: tuple[int, ...]
    base: int
    offset: int
    unit: int
    parameters: dict[str, list[str]]

    @classmethod
    def load(cls, path: Path) -> VariableMap:
        """Read a map; raises :class:`InputError` naming the place of a mistake."""
        with located(path):
            document = read_document(path, KIND, {1: _Document})
            return cls(
                document.model,
                None if document.goal is None else parse_goal(document.goal, "goal"),
                tuple(document.domain),
                document.base,
                document.offset,
                document.unit,
                {name: list(map(str, variables)) for name, variables in document.parameters.items()},
            )

    @property
    def variables(self) -> list[str]:
        """The variables of all parameters."""
        return [name for variables in self.parameters.values() for name in variables]

    def read_answer(self, path: Path) -> Answer:
        """The answer of a solver to the model."""
        return read_answer(path, self.model, self.variables)

    def posed(self, instance: Instance) -> Instance:
        """The instance under the goal of the model; under its own if the map tells none."""
        return instance if self.goal is None else instance.with_goal(self.goal)

    def errors(self, answer: Answer, goal: Goal) -> int | None:
        """The errors that an answer claims by its objective, if the goal is to minimise and it names one."""
        if not goal.minimizes or answer.objective is None:
            return None
        return self.offset + self.unit * round(answer.objective)

    def refuted(self, answer: Answer, goal: Goal, errors: int) -> str | None:
        """What an answer claims and its own network, which has so many errors, refutes; None if nothing."""
        if not goal.accepts(errors):
            return f"its network has {count(errors, 'error')}, which misses {goal}"
        claimed = self.errors(answer, goal)
        if claimed is None or claimed == errors or (claimed > errors and answer.status is not Status.OPTIMAL):
            return None
        claims = "as the fewest " if answer.status is Status.OPTIMAL else ""
        return f"it claims {claims}{count(claimed, 'error')} for a network that has {errors:,}"

    def network(self, answer: Answer, instance: Instance) -> Network:
        """The network that the values of an answer stand for; a variable without a value counts 0.

        Raises :class:`InputError` if the map is that of another instance, :class:`Unsupported` if the answer
        has no solution, and :class:`WrongAnswer` if they make a weight that is not in Z_d.
        """
        names, domain = parameter_names(instance), instance.domain
        if list(self.parameters) != names or self.domain != (domain.lo, domain.hi):
            raise InputError("map", "is not that of this instance: domain, neurons or arcs differ")
        if answer.status is Status.UNSATISFIABLE:
            raise Unsupported("the answer is UNSATISFIABLE: there is no network in it")
        values = answer.values
        if values is None:
            raise Unsupported("the answer holds no solution; have the solver print it")
        sums = [
            self.base + sum(values.get(variable, 0) for variable in variables)
            for variables in self.parameters.values()
        ]
        for name, value in zip(names, sums, strict=True):
            if not domain.lo <= value <= domain.hi:
                raise WrongAnswer(f"{name} would be {value}, outside {domain.lo}..{domain.hi}")
        return instance.network(np.array(sums, dtype=np.int64))
