"""What outside solvers print: a verdict, an objective, and the values of the variables.

Read are the lines of the SAT, MaxSAT and pseudo-Boolean competitions (``s``, ``o`` and ``v``; literals, names
or a bit for each variable), the result files of minisat, solution files of CBC, HiGHS, SCIP, Gurobi and
CPLEX, and CP-SAT's responses as text. What else a log holds is skipped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from qnnt.exceptions import InputError
from qnnt.files.documents import located, read_text
from qnnt.files.text import split_lines
from qnnt.limits import Status

_VERDICTS = {  # as competitions, minisat, CBC, HiGHS, SCIP and CP-SAT word them
    "optimum found": Status.OPTIMAL,
    "optimal": Status.OPTIMAL,
    "optimal solution found": Status.OPTIMAL,
    "model status: optimal": Status.OPTIMAL,
    "solution status: optimal": Status.OPTIMAL,
    "solution status: optimal solution found": Status.OPTIMAL,
    "satisfiable": Status.SATISFIABLE,
    "sat": Status.SATISFIABLE,
    "feasible": Status.SATISFIABLE,
    "unsatisfiable": Status.UNSATISFIABLE,
    "unsat": Status.UNSATISFIABLE,
    "infeasible": Status.UNSATISFIABLE,
    "model status: infeasible": Status.UNSATISFIABLE,
    "solution status: infeasible": Status.UNSATISFIABLE,
    "unknown": Status.UNKNOWN,
    "indeterminate": Status.UNKNOWN,
    "indet": Status.UNKNOWN,
}
_OBJECTIVE = re.compile(r"(?:#\s*)?objective(?: value)?\s*[:=]?\s*([-+.\deE]+)$", re.IGNORECASE | re.ASCII)
_CBC = re.compile(r"(.*?)(?: \(.*\))? - objective value\s+([-+.\deE]+)$", re.ASCII)
_XML = re.compile(r'<variable\b[^>]*\bname="([^"]*)"[^>]*\bvalue="([^"]*)"')
_LITERAL = re.compile(r"([-~+]?)(x?\d+)$", re.ASCII)
_SOLUTION = re.compile(r"solution:\s*(?:\[([-\d,\s]*)\]|(-?\d+))$", re.ASCII)
_CLOSE = 1e-4  # how far from an integer a value may lie


@dataclass
class Answer:
    """``status`` if a verdict was found, the last ``objective`` if one was, and ``values`` by variable.

    Variables are named as in the map that ``qnnt encode`` writes; numbers are named by their digits. A bit or
    literal is 0 or 1. If there are several solutions, the last one counts: values begin anew after a verdict
    or an objective. Without a solution there are no values at all; an empty solution is one of zeros, which
    some solvers leave out. An answer that says both that there is a solution and that there is none is
    UNKNOWN.
    """

    status: Status | None = None
    objective: int | float | None = None
    values: dict[str, int] | None = None
    _contradicts_itself: bool = field(default=False, repr=False)

    def say(self, verdict: Status) -> None:
        """Take in a verdict, be it that of another solution."""
        none = Status.UNSATISFIABLE
        found = (Status.SATISFIABLE, Status.OPTIMAL)
        if (self.status is none and verdict in found) or (self.status in found and verdict is none):
            self._contradicts_itself = True
        self.status = Status.UNKNOWN if self._contradicts_itself else verdict

    def note(self, pairs: Iterable[tuple[str, int]]) -> None:
        """Take in values of a solution."""
        self.values = {**(self.values or {}), **dict(pairs)}


def read_answer(path: Path, kind: str, names: Sequence[str]) -> Answer:
    """The answer in a file.

    ``kind`` is the format of the model (``cnf``, ``wcnf``, ``opb``, ``lp``, ``mps``, ``cpsat``), ``names``
    are the variables of the map. Raises :class:`InputError` naming the line of a value that is no integer or
    of a word that is no literal, and if the file cannot be read.
    """
    with located(path):
        lines = split_lines(read_text(path))
        if kind in ("lp", "mps"):
            return _solution_file(lines, frozenset(names))
        return _response(lines) if kind == "cpsat" else read_competition(lines)


def read_competition(lines: Sequence[str]) -> Answer:
    """The answer in lines as competitions ask for them; raises :class:`InputError` for no literal."""
    answer, over = Answer(), False  # over: the next value is of another solution
    shown: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        head, _, rest = line.strip().partition(" ")
        if head == "v":
            shown, over = [*([] if over else shown), (number, rest)], False
        elif head == "o" and (objective := _number(rest)) is not None:
            answer.objective, over = objective, True
        elif verdict := _VERDICTS.get((rest if head == "s" else line).strip().lower()):
            answer.say(verdict)
            over = True
    if not shown and answer.status is Status.SATISFIABLE:
        shown = list(_below_verdict(lines))
    bits = [words for _, words in shown if words]
    if bits and all(set(word) <= {"0", "1"} for word in bits) and any(len(word) > 1 for word in bits):
        answer.values = {str(i): int(bit) for i, bit in enumerate(bits[-1], 1)}
        return answer
    for number, words in shown:
        answer.note(_literals(words, number))
    return answer


def _below_verdict(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The model in a result file of minisat: the line after ``SAT``."""
    for number, line in enumerate(lines, 1):
        if line.strip() == "SAT":
            yield from ((number + 1 + i, words) for i, words in enumerate(lines[number:]))
            return


def _literals(words: str, number: int) -> Iterator[tuple[str, int]]:
    for word in words.split():
        found = _LITERAL.match(word)
        if found is None:
            raise InputError(f"line {number}", f"has {word!r}, which is no literal")
        if found[2] != "0":
            yield found[2], int(found[1] not in ("-", "~"))


def _solution_file(lines: Sequence[str], names: frozenset[str]) -> Answer:
    answer, over = Answer(), False  # over: the next value is of another solution
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("**").strip()
        if text.startswith("# Dual"):  # of the same variables
            break
        if cbc := _CBC.match(text):
            answer.status, answer.objective, answer.values = _of_cbc(cbc[1]), _number(cbc[2]), {}
        elif objective := _OBJECTIVE.match(text):
            answer.objective, over = _number(objective[1]), True
            if text.startswith("objective value:"):  # of SCIP, which leaves zeros out, as CBC does
                answer.values = {}
        elif text.lower() in _VERDICTS:
            # HiGHS says of its primal values that they are feasible, too: the first word counts.
            answer.status = answer.status or _VERDICTS[text.lower()]
        else:
            pairs = [(name, _integer(word, number)) for name, word in _pairs(text, names)]
            if pairs:
                answer.values = None if over else answer.values
                answer.note(pairs)
                over = False
    return answer


def _of_cbc(words: str) -> Status:
    if words.startswith("Optimal"):
        return Status.OPTIMAL
    return (
        Status.UNSATISFIABLE
        if words.lower().startswith(("infeasible", "integer infeasible"))
        else Status.UNKNOWN
    )


def _pairs(text: str, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Names and values on a line: ``name value …``, or with a number before it, or an XML element.

    HiGHS's table for readers has: index, status if any, lower, upper, value, …, type, name.
    """
    if text.startswith("<"):
        yield from (pair for pair in _XML.findall(text) if pair[0] in names)
        return
    words = text.split()
    if len(words) >= 6 and words[0].isdigit() and words[-1] in names:
        yield words[-1], words[3 if _number(words[1]) is not None else 4]
    elif len(words) >= 3 and words[0].isdigit() and words[1] in names:
        yield words[1], words[2]
    elif len(words) >= 2 and words[0] in names:
        yield words[0], words[1]


def _response(lines: Sequence[str]) -> Answer:
    """CP-SAT's response as text: ``status``, ``solution`` again and again, ``objective_value``."""
    answer, values = Answer(), list[int]()
    for line in lines:
        key, _, rest = line.strip().partition(":")
        if key == "status":  # another response begins
            answer.say(_VERDICTS.get(rest.strip().lower(), Status.UNKNOWN))
            answer.objective, values = None, []
        elif key == "objective_value":
            answer.objective = _number(rest)
        elif found := _SOLUTION.match(line.strip()):
            values += [int(word) for word in re.findall(r"-?\d+", found[1] or found[2] or "")]
    if values:
        answer.note((str(i), value) for i, value in enumerate(values))
    return answer


def _number(word: str) -> int | float | None:
    """The number that a word is: an integer of any size, or a finite decimal fraction; None for no number."""
    if not word.isascii() or "_" in word:  # which Python takes
        return None
    with suppress(ValueError):
        return int(word)
    with suppress(ValueError):
        return value if math.isfinite(value := float(word)) else None
    return None


def _integer(word: str, number: int) -> int:
    value = _number(word)
    if value is None or not abs(value) < 2**62:
        raise InputError(f"line {number}", f"has {word!r}, which is no value")
    if abs(value - round(value)) > _CLOSE:
        raise InputError(f"line {number}", f"has {word}, which is no integer")
    return round(value)
