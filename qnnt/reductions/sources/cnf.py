"""Formulas in conjunctive normal form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qnnt.exceptions import InputError
from qnnt.reductions.sources.ragged import Booleans, Integers, Ragged, whole
from qnnt.sizes import require_room

Assignment = Booleans


@dataclass(frozen=True)
class Cnf:
    """A CNF formula over the variables 1…n; a clause is any list of non-zero literals, even an empty one.

    A solution is an assignment (n,): entry i is the value of variable i + 1. Raises :class:`InputError` for
    a literal that is 0 or beyond n.
    """

    n_variables: int
    clauses: Ragged

    def __post_init__(self) -> None:
        if self.n_variables < 0:
            raise InputError("variables", f"must be at least 0, not {self.n_variables}")
        literals, n = self.clauses.values, self.n_variables
        wrong = (literals == 0) | (literals < -n) | (literals > n)  # abs(-2^63) is negative
        if wrong.any():
            i = int(np.argmax(wrong))
            clause = self.clauses.owners[i] + 1
            raise InputError(f"clause {clause}", f"{literals[i]} is no literal of {n} variables")

    @classmethod
    def of(cls, clauses: Iterable[Iterable[int]], n_variables: int | None = None) -> Cnf:
        """The formula of these clauses; without ``n_variables`` the largest variable is the last."""
        rows = Ragged.of(clauses)
        if n_variables is None:
            n_variables = max(int(rows.values.max(initial=0)), -int(rows.values.min(initial=0)))
        return cls(n_variables, rows)

    @property
    def occurrences(self) -> Integers:
        """(n, 2): how often each variable occurs positively and negatively."""
        require_room(16 * self.n_variables, "variables", "counters for so many need")
        literals = self.clauses.values
        codes = 2 * (np.abs(literals) - 1) + (literals < 0)
        return np.bincount(codes, minlength=2 * self.n_variables).reshape(self.n_variables, 2)

    def accepts(self, solution: Assignment) -> bool:
        """Whether an assignment satisfies every clause."""
        values = np.asarray(solution)
        if values.shape != (self.n_variables,) or values.dtype != np.bool_:
            return False
        literals = self.clauses.values
        true = values[np.abs(literals) - 1] == (literals > 0)
        return bool((self.clauses.count(true) > 0).all())

    def document(self) -> dict[str, Any]:
        """The formula as JSON can hold it."""
        return {"variables": self.n_variables, "clauses": self.clauses.rows()}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Cnf:
        """The formula of a document."""
        clauses = [[whole(literal) for literal in clause] for clause in document["clauses"]]
        return cls.of(clauses, whole(document["variables"]))

    def text(self) -> str:
        """The formula as a DIMACS file."""
        lines = ["".join(f"{literal} " for literal in clause) + "0\n" for clause in self.clauses.rows()]
        return f"p cnf {self.n_variables} {len(self.clauses)}\n" + "".join(lines)

    def solution_text(self, solution: Assignment) -> str:
        """An assignment as SAT solvers print it: a status line and one ``v`` line."""
        numbers = np.arange(1, self.n_variables + 1)
        literals = np.where(solution, numbers, -numbers).tolist()
        return "s SATISFIABLE\nv " + "".join(f"{literal} " for literal in literals) + "0\n"

    @classmethod
    def read(cls, path: Path) -> Cnf:
        """The formula in a DIMACS file (``.gz`` too); raises :class:`InputError` naming the line."""
        from qnnt.files.formulas import read_dimacs

        return read_dimacs(path)
