"""DIMACS CNF files as formulas.

As the SAT competitions and SATLIB have them: lines that begin with ``c`` are comments wherever they
stand, ``p cnf VARIABLES CLAUSES`` comes before the first clause, a clause ends in 0 and may span lines, and a
line ``%`` ends the file (SATLIB). Both counts are checked.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qnnt.exceptions import InputError
from qnnt.files.documents import located, read_text
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.ragged import Integers, Ragged


def read_dimacs(path: Path) -> Cnf:
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
