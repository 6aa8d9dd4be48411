"""DIMACS CNF files as formulas.

As the SAT competitions and SATLIB have them: lines that begin with ``c`` are comments wherever they
stand, ``p cnf VARIABLES CLAUSES`` comes before the first clause, a clause ends in 0 and may span lines, and a
line ``%`` ends the file (SATLIB), after which only a 0 may stand. Both counts are checked.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from qnnt.exceptions import InputError
from qnnt.files.documents import located, read_text
from qnnt.files.text import is_count, split_lines, split_words
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.ragged import Ragged

_LITERAL = re.compile("0|-?[1-9][0-9]{0,17}")
_LITERALS = re.compile(rf"(?:\s*(?:{_LITERAL.pattern})(?!\S))*\s*")


def read_dimacs(path: Path) -> Cnf:
    """The formula in a DIMACS file (``.gz`` too); raises :class:`InputError` naming the line."""
    with located(path):
        return parse_dimacs(read_text(path))


def parse_dimacs(text: str) -> Cnf:
    """The formula of a DIMACS text; raises :class:`InputError` naming the line."""
    header: tuple[int, int, int] | None = None
    body: list[tuple[int, list[str]]] = []
    ended = False
    for number, line in enumerate(split_lines(text), start=1):
        first = line.lstrip()[:1]
        if first == "c" or not first:
            continue
        if ended:
            if line.strip() != "0":
                raise InputError(f"line {number}", "stands after the line '%', which ends the file")
        elif first == "%":
            ended = True
        elif first == "p":
            if header is not None:
                raise InputError(f"line {number}", "there is a second p line")
            header = (number, *_header(line, number))
        elif header is None:
            raise InputError(f"line {number}", "the line 'p cnf VARIABLES CLAUSES' must come first")
        else:
            body.append((number, _literals(line, number)))
    if header is None:
        raise InputError("", "has no line 'p cnf VARIABLES CLAUSES'")
    return _formula(*header, body)


def _header(line: str, number: int) -> tuple[int, int]:
    words = split_words(line, number)
    if words[:2] != ["p", "cnf"] or len(words) != 4 or not all(map(is_count, words[2:])):
        raise InputError(f"line {number}", f"must be 'p cnf VARIABLES CLAUSES', not {line.strip()[:60]!r}")
    return int(words[2]), int(words[3])


def _literals(line: str, number: int) -> list[str]:
    words = split_words(line, number)
    if not _LITERALS.fullmatch(line):  # one match of a line is faster than one of each word
        wrong = next(word for word in words if not _LITERAL.fullmatch(word))
        raise InputError(f"line {number}", f"{wrong[:40]!r} is no literal")
    return words


def _formula(at: int, n_variables: int, n_clauses: int, body: list[tuple[int, list[str]]]) -> Cnf:
    """``at`` is the number of the p line; ``body`` has the other lines' numbers and literals."""
    numbers = np.array([int(word) for _, words in body for word in words], dtype=np.int64)
    beyond = np.abs(numbers) > n_variables
    if beyond.any():
        lines = np.repeat([number for number, _ in body], [len(words) for _, words in body])
        i = int(np.argmax(beyond))
        raise InputError(f"line {lines[i]}", f"{numbers[i]} is no literal of {n_variables} variables")
    if len(numbers) and numbers[-1] != 0:
        raise InputError(f"line {body[-1][0]}", "the last clause does not end in 0")
    ends = np.flatnonzero(numbers == 0)
    if len(ends) != n_clauses:
        raise InputError(f"line {at}", f"the p line announces {n_clauses} clauses, there are {len(ends)}")
    starts = np.concatenate([[0], ends + 1]) - np.arange(len(ends) + 1)
    return Cnf(n_variables, Ragged(numbers[numbers != 0], starts.astype(np.int64)))
