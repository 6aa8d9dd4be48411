"""Formulas in conjunctive normal form, and DIMACS files.

DIMACS CNF as the SAT competitions and SATLIB have it: lines that begin with ``c`` are comments wherever they
stand, ``p cnf VARIABLES CLAUSES`` comes before the first clause, a clause ends in 0 and may span lines, and a
line ``%`` ends the file (SATLIB). Both counts are checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qnnt.exceptions import InputError
from qnnt.files.documents import located, read_text
from qnnt.reductions.sources.ragged import Booleans, Integers, Ragged

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
        wrong = (self.clauses.values == 0) | (np.abs(self.clauses.values) > self.n_variables)
        if wrong.any():
            i = int(np.argmax(wrong))
            literal, clause = self.clauses.values[i], self.clauses.owners[i] + 1
            raise InputError(f"clause {clause}", f"{literal} is no literal of {self.n_variables} variables")

    @classmethod
    def of(cls, clauses: Iterable[Iterable[int]], n_variables: int | None = None) -> Cnf:
        """The formula of these clauses; without ``n_variables`` the largest variable is the last."""
        rows = Ragged.of(clauses)
        if n_variables is None:
            n_variables = int(np.abs(rows.values).max(initial=0))
        return cls(n_variables, rows)

    @property
    def occurrences(self) -> Integers:
        """(n, 2): how often each variable occurs positively and negatively."""
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
        return cls.of(document["clauses"], document["variables"])

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
        with located(path):
            return parse_dimacs(read_text(path))


def parse_dimacs(text: str) -> Cnf:
    """The formula of a DIMACS text; raises :class:`InputError` naming the line."""
    header: tuple[int, int] | None = None
    body: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        first = line.lstrip()[:1]
        if first == "%":
            break
        if first == "c" or not first:
            continue
        if first == "p":
            if header is not None:
                raise InputError(f"line {number}", "there is a second p line")
            header = _header(line, number)
        elif header is None:
            raise InputError(f"line {number}", "the line 'p cnf VARIABLES CLAUSES' must come first")
        else:
            body.append(line)
    if header is None:
        raise InputError("", "has no line 'p cnf VARIABLES CLAUSES'")
    return _formula(*header, _integers(" ".join(body).split()))


def _header(line: str, number: int) -> tuple[int, int]:
    words = line.split()
    if words[:2] != ["p", "cnf"] or len(words) != 4 or not all(word.isdecimal() for word in words[2:]):
        raise InputError(f"line {number}", f"must be 'p cnf VARIABLES CLAUSES', not {line.strip()[:60]!r}")
    return int(words[2]), int(words[3])


def _integers(words: list[str]) -> Integers:
    try:
        return np.array([int(word) for word in words], dtype=np.int64)
    except (ValueError, OverflowError):
        wrong = next(w for w in words if not (w[1:] if w[0] == "-" else w).isdecimal() or len(w) > 18)
        raise InputError("", f"{wrong[:40]!r} is no literal") from None


def _formula(n_variables: int, n_clauses: int, numbers: Integers) -> Cnf:
    ends = np.flatnonzero(numbers == 0)
    if len(numbers) and (not len(ends) or ends[-1] != len(numbers) - 1):
        raise InputError("", "the last clause does not end in 0")
    if len(ends) != n_clauses:
        raise InputError("", f"the p line announces {n_clauses} clauses, there are {len(ends)}")
    starts = np.concatenate([[0], ends + 1]) - np.arange(len(ends) + 1)
    return Cnf(n_variables, Ragged(numbers[numbers != 0], starts.astype(np.int64)))
