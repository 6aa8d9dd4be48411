"""Programs that minimise by themselves, and print ``s``, ``o`` and ``v`` lines as competitions ask for."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import numpy as np

from qnnt.backends.base import Answer, Report
from qnnt.backends.milp import satisfied
from qnnt.backends.programs import Exit, listen, longest_line, no_answer, too_much
from qnnt.domain import IntArray
from qnnt.exceptions import InputError, WrongAnswer
from qnnt.files.answers import read_competition
from qnnt.limits import Limit, Status
from qnnt.models import Formula, PseudoBooleanModel
from qnnt.workers.folder import Folder

# By the rules of the competitions, or 0; what solves a decision may be called an optimum.
_EXITS = {Status.OPTIMAL: (0, 10, 30), Status.SATISFIABLE: (0, 10, 30), Status.UNSATISFIABLE: (0, 20)}

Write = Callable[[IO[str]], object]


@dataclass
class Question:
    """A program that is asked for the minimum of a model, or for any solution, and all that it says of it.

    An assignment has ``size`` values; that of the program's variable k is number k - ``first``.
    """

    program: str
    model: Formula | PseudoBooleanModel
    size: int
    first: int
    report: Report
    file: str
    _verdicts: set[Status] = field(default_factory=set)
    _objective: int | None = None
    _shown: list[str] = field(default_factory=list)  # the v lines since the last line of another kind
    _held: int = 0
    _best: IntArray | None = None
    _cost: int | None = None

    def ask(self, command: list[str], write: Write, seconds: float | None) -> Answer:
        """What comes of the program's answer to what ``write`` writes.

        Raises RuntimeError if there is none, and :class:`WrongAnswer` for "none" after a solution.
        """
        with Folder() as folder:
            path = folder.path / self.file
            with path.open("w", encoding="ascii") as file:
                write(file)
            end = listen([*command, os.fspath(path)], self._longest, self._hear, seconds)
        self._take_in(cut_off=end.late or not self._clear(end))
        return self._answer(end)

    @property
    def _longest(self) -> int:
        return longest_line(self.size)

    def _hear(self, line: bytes) -> None:
        head, _, rest = line.decode("ascii", "replace").strip().partition(" ")
        if head == "v":
            self._shown.append(f"v {rest}")
            self._held += len(line)
            if self._held > self._longest:
                raise too_much(self.program)
            return
        self._take_in()
        if head == "o":
            with suppress(ValueError):
                self._objective = int(rest)
        elif head == "s" and (status := read_competition([f"s {rest}"]).status) is not None:
            self._verdicts.add(status)

    def _take_in(self, *, cut_off: bool = False) -> None:
        """Read the solution that has been shown, and tell of it if it is the best so far.

        If the program's end may have ``cut_off`` the rest of it, it has to be one.
        """
        if not self._shown:
            return
        shown, self._shown, self._held = self._shown, [], 0
        try:
            found = self._assignment(shown)
        except RuntimeError:
            if cut_off:
                return
            raise
        if cut_off and not _satisfied(self.model, found):
            return
        if not self.model.minimize:
            self._best = found
        elif self._cost is None or self.model.cost(found) < self._cost:
            self._best, self._cost = found, self.model.cost(found)
            self.report.incumbent(found, self._cost)

    def _assignment(self, shown: list[str]) -> IntArray:
        """What ``v`` lines say; raises RuntimeError if they hold anything but literals or bits."""
        try:
            values = read_competition(shown).values or {}
        except InputError as error:
            raise RuntimeError(f"{self.program} shows a solution that {error.message}") from None
        found = np.zeros(self.size, dtype=np.int64)
        for name, value in values.items():
            number = int(name.removeprefix("x")) - self.first
            if 0 <= number < self.size:
                found[number] = value
        return found

    @property
    def _verdict(self) -> Status:
        """The only one that it has given."""
        return next(iter(self._verdicts)) if len(self._verdicts) == 1 else Status.UNKNOWN

    def _clear(self, end: Exit) -> bool:
        """Whether its exit status suits its only verdict."""
        return end.status in _EXITS.get(self._verdict, ())

    def _answer(self, end: Exit) -> Answer:
        """The verdict, if there is one; its exit status has to suit it, and its solution the objective."""
        best, cost = self._best, self._cost
        verdict, clear = self._verdict, self._clear(end)
        if not clear and not end.late:
            raise no_answer(self.program, end)
        if clear and verdict is Status.UNSATISFIABLE:
            if best is not None and _satisfied(self.model, best):
                raise WrongAnswer(f"{self.program} says that there is no solution, after showing one")
            return Answer(Status.UNSATISFIABLE)
        if clear and best is None:
            raise RuntimeError(f"{self.program} says that there is a solution, and shows none")
        if clear and not self.model.minimize:
            return Answer(Status.SATISFIABLE, best)
        if clear and verdict is Status.OPTIMAL:
            if self._claim not in (None, cost):
                raise RuntimeError(
                    f"{self.program} claims {self._claim} as the fewest errors and shows a solution of {cost}"
                )
            return Answer(Status.OPTIMAL, best, cost, cost)
        if end.late:
            return Answer(Status.UNKNOWN, best, cost, limit=Limit.TIME)
        reason = f"{self.program} ended with a solution that it does not call the best"
        return Answer(Status.UNKNOWN, best, cost, reason=reason)

    @property
    def _claim(self) -> int | None:
        """The errors that the last objective stands for."""
        return None if self._objective is None else self.model.error(self._objective)


def _satisfied(model: Formula | PseudoBooleanModel, assignment: IntArray) -> bool:
    if isinstance(model, PseudoBooleanModel):
        return satisfied(model, assignment)
    return all(((assignment[np.abs(b)] == 1) == (b > 0)).any(axis=1).all() for b in model.hard)
