"""Pseudo-Boolean constraints (OPB) and proofs about them by cutting planes (VeriPB, version 2.0).

A constraint is a sum of literals with positive factors that has to reach a *degree*. A proof numbers the
constraints of the formula 1, 2, … and adds others: ``rup`` says that a constraint follows by propagation,
``pol`` adds constraints up, in postfix notation: a number or a literal is put on a stack, ``+`` adds the two
on top, ``K *`` and ``K d`` multiply and divide by K (rounding up), ``s`` saturates, ``x w`` weakens. At last
it names a constraint that nothing can meet (https://gitlab.com/MIAOresearch/software/VeriPB).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from qnnt.exceptions import InputError
from qnnt.models import LinearModel

_MOST_DIGITS = 1000
_NUMBER = rf"[+-]?[0-9]{{1,{_MOST_DIGITS}}}"
_TERM = rf"{_NUMBER} +~?x[1-9][0-9]{{0,8}} +"
_CONSTRAINT = re.compile(rf" *((?:{_TERM})*)>= *({_NUMBER}) *;")
_LITERAL = re.compile(r"(~?)x([1-9][0-9]{0,8})")
_POSITIVE = re.compile(rf"[1-9][0-9]{{0,{_MOST_DIGITS - 1}}}")
_HEADER = "pseudo-Boolean proof version 2.0"
_OPERATIONS = frozenset("+*dsw")
_END = "end pseudo-Boolean proof"


@dataclass(frozen=True)
class Constraint:
    """Σ factor · literal ≥ ``degree``: ``factors[v]`` is f > 0 for f · x_v, and -f for f · ~x_v."""

    factors: dict[int, int]
    degree: int

    @classmethod
    def of(cls, terms: Iterable[tuple[int, int]], bound: int) -> Constraint:
        """Of Σ factor · literal ≥ bound for pairs (factor, literal), where -v stands for ~x_v."""
        factors: dict[int, int] = {}
        for factor, literal in terms:  # as a sum over variables: f·~x = f - f·x
            factors[abs(literal)] = factors.get(abs(literal), 0) + (factor if literal > 0 else -factor)
            bound -= factor if literal < 0 else 0
        factors = {v: factor for v, factor in factors.items() if factor}
        return cls(factors, bound - sum(factor for factor in factors.values() if factor < 0))

    @property
    def hopeless(self) -> bool:
        """Whether all literals together do not reach the degree."""
        return sum(map(abs, self.factors.values())) < self.degree

    def __str__(self) -> str:
        terms = [f"+{abs(f)} {'~' if f < 0 else ''}x{v} " for v, f in sorted(self.factors.items())]
        return f"{''.join(terms)}>= {self.degree} ;"


@dataclass(frozen=True)
class Step:
    """``constraint`` follows by propagation, or is the sum that the ``words`` describe; one of the two."""

    constraint: Constraint | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class CuttingPlanes:
    """The steps of a proof about ``given`` constraints, and the number of the one that nothing can meet."""

    given: int
    steps: tuple[Step, ...]
    conclusion: int


def read_constraints(path: Path) -> list[Constraint]:
    """The constraints of an OPB file whose variables are x1, x2, …; raises :class:`InputError`."""
    found = []
    for place, line in _lines(path):
        if line.startswith("*") or line.replace(" ", "") == "min:;":
            continue
        if (constraint := _constraint(line)) is None:
            raise InputError(place, f"is no constraint Σ factor literal >= bound ;: {line[:60]!r}")
        found.append(constraint)
    return found


def constraints_of(model: LinearModel) -> list[Constraint]:
    """The rows of a model of 0/1 variables; variable i is x_(i + 1)."""
    rows, literals = model.rows, (model.rows.index + 1).tolist()
    starts, factors = rows.starts.tolist(), rows.coef.tolist()
    found = [
        Constraint.of(zip(factors[a:b], literals[a:b], strict=True), bound)
        for a, b, bound in zip(starts, starts[1:], rows.lower.tolist(), strict=False)
    ]
    for i in np.flatnonzero(model.lower == model.upper).tolist():
        value = int(model.lower[i])
        found.append(Constraint.of([(1 if value else -1, i + 1)], value))
    return found


def read_proof(path: Path) -> CuttingPlanes:
    """A proof that its file holds whole; raises :class:`InputError` with the place."""
    lines = list(_lines(path))
    words = [line for _, line in lines]
    ending = re.fullmatch(r"conclusion UNSAT : ([0-9]{1,18})", words[-2]) if len(words) > 4 else None
    if ending is None or words[-3] != "output NONE" or words[-1] != _END:
        raise InputError(
            "", "is no whole proof: 'output NONE', 'conclusion UNSAT : ID' and the end are missing"
        )
    given = re.fullmatch(r"f ([0-9]{1,18})", words[1])
    if words[0] != _HEADER or given is None:
        raise InputError(lines[0][0], f"the lines {_HEADER!r} and 'f NUMBER' must come first")
    steps = tuple(_step(place, line) for place, line in lines[2:-3] if not line.startswith("*"))
    return CuttingPlanes(int(given[1]), steps, int(ending[1]))


def write_proof(file: IO[str], proof: CuttingPlanes) -> None:
    """Write a proof."""
    file.write(f"{_HEADER}\nf {proof.given}\n")
    for step in proof.steps:
        what = f"pol {' '.join(step.words)}" if step.constraint is None else f"rup {step.constraint}"
        file.write(f"{what}\n")
    file.write(f"output NONE\nconclusion UNSAT : {proof.conclusion}\n{_END}\n")


def read_log(path: Path, given: int) -> CuttingPlanes:
    """What Exact logs (version 1.1), in the numbers of version 2.0; raises :class:`InputError`.

    Its log loads the constraints of the formula by ``l``, wherever it likes, and numbers them with the steps.
    """
    numbers, steps, conclusion = [0], list[Step](), 0  # entry 0 is no constraint
    for place, line in _lines(path):
        rule, _, rest = line.partition(" ")
        if rule == "l" and rest.isdecimal() and 1 <= int(rest) <= given:
            numbers.append(int(rest))
        elif rule in ("rup", "pol"):
            step = _step(place, line)
            words = list(step.words)
            for i, word in enumerate(words):
                if word.isdecimal() and not (i + 1 < len(words) and words[i + 1] in ("*", "d")):
                    if int(word) >= len(numbers):
                        raise InputError(place, f"there is no constraint {word}")
                    words[i] = str(numbers[int(word)])
            steps.append(Step(step.constraint, tuple(words)))
            numbers.append(given + len(steps))
        elif rule == "c" and rest.isdecimal() and int(rest) < len(numbers):
            conclusion = numbers[int(rest)]
            break
        elif line != "pseudo-Boolean proof version 1.1" and rule != "*":
            raise InputError(place, f"is no step that is known: {line[:60]!r}")
    if not conclusion:
        raise InputError("", "comes to no contradiction")
    return CuttingPlanes(given, tuple(steps), conclusion)


def _step(place: str, line: str) -> Step:
    rule, _, rest = line.partition(" ")
    if rule == "rup" and (constraint := _constraint(rest)) is not None:
        return Step(constraint)
    words = tuple(rest.split())
    known = (w in _OPERATIONS or _POSITIVE.fullmatch(w) or _LITERAL.fullmatch(w) for w in words)
    if rule == "pol" and words and all(known):
        return Step(None, words)
    raise InputError(place, f"is no step that is known: {line[:60]!r}")


def literal_of(word: str) -> int | None:
    """The number v of ``xv``, -v of ``~xv``, and None of anything else."""
    found = _LITERAL.fullmatch(word)
    return None if found is None else int(found[2]) * (-1 if found[1] else 1)


def _constraint(text: str) -> Constraint | None:
    found = _CONSTRAINT.fullmatch(text.strip())
    if found is None:
        return None
    words = found[1].split()
    terms = [(int(f), literal_of(x) or 0) for f, x in zip(words[::2], words[1::2], strict=True)]
    return Constraint.of(terms, int(found[2]))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Lines that are not blank, with their places; the last one has to end, too."""
    try:
        with path.open(encoding="ascii", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith("\n"):
                    raise InputError(f"line {number}", "is cut off: it has no line end")
                if line.strip():
                    yield f"line {number}", line.strip()
    except OSError as error:
        raise InputError("", f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError("", "is no text in ASCII") from None
