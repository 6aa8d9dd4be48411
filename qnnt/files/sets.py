"""Files of set systems, told apart by what they hold.

* ``hgr``: PACE 2025 hypergraphs, a line ``p hs ELEMENTS SETS`` (or ``p xc …``), then a line of elements from
  1 for each set; ``c`` lines are comments. A blank line is an empty set where the number of sets asks for it.
* ``matrix``: a line of 0 and 1 (or True and False) for each set, separated by commas or blanks, a column for
  each element. The number of columns may stand alone on a line before; a first line 0 or 1 is a row.
* ``orlib``: OR-Library set cover: numbers of rows and columns, the columns' costs (which do not count here),
  then for each row how many columns cover it, and which. Rows are sets, columns are elements.
* ``lists``: a line of names for each set, separated by commas or blanks; the elements are all names.

The rules, in this order:

* A ``p`` line makes a file ``hgr``. Without one, a line whose first word is ``c`` is an error if all other
  lines are numbers: it may be a comment or a set.
* A number from 2 alone above lines of 0 and 1 is the number of columns of a ``matrix``.
* Only 0 and 1, or True or False anywhere: ``matrix``.
* Only numbers, of which two stand on the first line: ``hgr`` without the words ``p hs``, or ``orlib``,
  whichever fits. If neither does, this is an error.
* Anything else: ``lists``. No line may repeat a name. A name has a letter or a digit, is no fraction and no
  negative number, and has no quotes or brackets. If one or two numbers are all of the first line, as in a
  header, the other names must be numbers, too.

Without a ``p`` line, a first line of one or two numbers may be a header or a set: that is an error if both
readings fit, or both headers of two numbers. So the lines ``3 2``, ``1 2`` and ``2 3`` are an error: they may
be a header and two sets, or three sets.

Here ``lists`` fit if all numbers from 0 or 1 to the largest occur, none twice on a line; and if the file has
one line only. A ``p`` line makes any such file plain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qnnt.exceptions import InputError
from qnnt.files.documents import located, read_text
from qnnt.files.text import is_count, split_lines, split_words

Sets = tuple[list[list[int]], int]
"""Elements from 0 of each set, and the number of elements."""

_CELLS = {"0": 0, "1": 1, "false": 0, "true": 1}
_COMMENT = re.compile(r"\s*c([\s,]|$)")
_P_LINE = re.compile(r"\s*p([\s,]|$)")
_P_HS_LINE = re.compile(r"\s*p\s+(hs|xc)(\s|$)", re.IGNORECASE)
_EMPTY_FIELD = re.compile(r"^\s*,|,\s*,")
_REMEDY = "a line 'p xc ELEMENTS SETS' before sets of elements from 1 makes it plain"


class _Line(NamedTuple):
    number: int
    words: list[str]

    def error(self, message: str) -> InputError:
        return InputError(f"line {self.number}", message)


def read_sets(path: Path) -> Sets:
    """The set system in a file (``.gz`` too); raises :class:`InputError` naming the line."""
    with located(path):
        text = read_text(path)
        try:
            sets = parse_sets(text)
        except InputError as error:
            raise InputError(error.place, error.message + (_A_TABLE if _is_table(text) else "")) from None
        if _is_table(text):
            raise InputError("line 1", f"names the columns of a table, and is no set{_A_TABLE}")
        return sets


_A_TABLE = "; a table of data becomes an instance by 'qnnt generate table'"


def _is_table(text: str) -> bool:
    """Whether a text looks like a table of data: some column holds numbers under a name, or fractions."""
    rows = [re.split("[,;\\t]", line) for line in split_lines(text) if line.strip()]
    if len(rows) < 3 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return False
    named = not any(map(_is_number, rows[0]))
    return any(
        all(map(_is_number, column)) and (named or not all(is_count(word.strip()) for word in column))
        for column in zip(*rows[1:], strict=True)
    )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def parse_sets(text: str) -> Sets:
    """The set system of a text; raises :class:`InputError` naming the line."""
    every = list(enumerate(split_lines(text), start=1))
    uncommented = [(number, line) for number, line in every if not _COMMENT.match(line)]
    first = next((line for _, line in uncommented if line.strip()), "")
    announced = _P_LINE.match(first) or any(_P_HS_LINE.match(line) for _, line in uncommented)
    lines = [_line(number, line) for number, line in (uncommented if announced else every)]
    full = [line for line in lines if line.words]
    if not full:
        raise InputError("", "is empty")
    if announced:
        head = full[0].words
        if head[:2] not in (["p", "hs"], ["p", "xc"]):
            raise full[0].error(f"must be 'p hs ELEMENTS SETS' or 'p xc …', not {' '.join(head)[:60]!r}")
        return _hypergraph(full[0], head[2:], [line for line in lines if line.number > full[0].number])
    comment = next((line for line in full if line.words[0] == "c"), None)
    if comment and all(is_count(word) for line in full if line.words[0] != "c" for word in line.words):
        raise comment.error(f"is a comment, or a set with the element 'c'; {_REMEDY}")
    return _unannounced(full)


def _unannounced(full: list[_Line]) -> Sets:
    """The set system of lines that are not blank and have no ``p`` line among them."""
    first, below = full[0], full[1:]
    head = first.words
    if len(head) == 1 and is_count(head[0]) and int(head[0]) >= 2 and _is_matrix(below):
        return _headed(full, {"a number of columns": lambda: _matrix(below, int(head[0]))})
    if _is_matrix(full):
        return _matrix(full, len(head))
    if len(head) == 2 and _is_numbers(full):
        headers = {
            "'ELEMENTS SETS'": lambda: _hypergraph(first, head, below),
            "OR-Library's 'ROWS COLUMNS'": lambda: _or_library(full),
        }
        return _headed(full, headers)
    if below and _is_matrix(below) and all(len(line.words) == len(head) for line in below):
        what = "has other words than the 0 and 1 of the lines below"
        raise first.error(f"{what}; leave out names of columns; if it is a set, {_REMEDY}")
    if len(head) <= 2 and all(map(is_count, head)):
        _expect_numbers(below, " ".join(head))
    return _lists(full)


def _expect_numbers(lines: list[_Line], head: str) -> None:
    for line in lines:
        for word in line.words:
            if not is_count(word):
                what = (
                    f"{word[:40]!r} is no whole number ≥ 0, and the first line, {head!r}, looks like a header"
                )
                raise line.error(f"{what}; if that line is a set, put another line first")


def _line(number: int, text: str) -> _Line:
    if _EMPTY_FIELD.search(text):
        raise InputError(f"line {number}", "has nothing before a comma")
    return _Line(number, split_words(text.replace(",", " "), number))


def _is_matrix(lines: list[_Line]) -> bool:
    words = {word.lower() for line in lines for word in line.words}
    return words <= {"0", "1"} or not words.isdisjoint({"false", "true"})


def _is_numbers(lines: list[_Line]) -> bool:
    return all(is_count(word) for line in lines for word in line.words)


def _headed(full: list[_Line], headers: Mapping[str, Callable[[], Sets]]) -> Sets:
    """The one reading of a file whose first line is one of these headers, each with its reader.

    Raises :class:`InputError` if none fits or several do, or if all lines may just as well be sets.
    """
    fitting: dict[str, Sets] = {}
    reasons = []
    for name, read in headers.items():
        try:
            fitting[name] = read()
        except InputError as error:
            reasons.append(f"as {name}: {error}")
    first = full[0]
    shown = repr(" ".join(first.words))
    if not fitting:
        raise first.error(f"{shown} is no header that fits ({'; '.join(reasons)}); {_REMEDY}")
    readings = [*fitting, *(["a set"] if _may_be_lists(full) else [])]
    if len(readings) > 1:
        raise first.error(f"{shown} may be {' or '.join(readings)}; {_REMEDY}")
    return next(iter(fitting.values()))


def _may_be_lists(full: list[_Line]) -> bool:
    """Whether numbers look like lists of sets: none twice on a line, no gap from 0 or 1 to the largest."""
    if len(full) == 1:
        return True
    if not _is_numbers(full) or any(len(set(line.words)) < len(line.words) for line in full):
        return False
    numbers = {int(word) for line in full for word in line.words}
    return len(numbers | {0}) == max(numbers) + 1


def _hypergraph(head: _Line, sizes: list[str], body: list[_Line]) -> Sets:
    if len(sizes) != 2 or not all(map(is_count, sizes)):
        raise head.error(f"must end in ELEMENTS and SETS, not {' '.join(sizes)[:60]!r}")
    n, m = map(int, sizes)
    rows = [line for line in body if line.words]
    if len(rows) < m <= len(body) and not any(line.words for line in body[m:]):
        rows = body[:m]  # blank lines are empty sets
    if len(rows) != m:
        raise head.error(f"announces {m} sets, there are {len(rows)}")
    return [_elements(line.words, n, line.number) for line in rows], n


def _elements(words: list[str], n: int, number: int) -> list[int]:
    for word in words:
        if not is_count(word) or not 1 <= int(word) <= n:
            raise InputError(f"line {number}", f"{word[:40]!r} is none of the elements 1..{n}")
    return [int(word) - 1 for word in words]


def _matrix(lines: list[_Line], width: int) -> Sets:
    rows = []
    for line in lines:
        for word in line.words:
            if word.lower() not in _CELLS:
                raise line.error(f"{word[:40]!r} is neither 0 nor 1")
        if len(line.words) != width:
            raise line.error(f"has {len(line.words)} columns, not {width}")
        rows.append(np.flatnonzero([_CELLS[word.lower()] for word in line.words]).tolist())
    return rows, width


def _or_library(full: list[_Line]) -> Sets:
    words = [(word, line.number) for line in full for word in line.words]
    m, n = int(words[0][0]), int(words[1][0])
    at, rows = 2 + n, []
    if at > len(words):
        raise full[-1].error(f"ends within the costs of {n} columns")
    for i in range(1, m + 1):
        end = at + 1 + int(words[at][0]) if at < len(words) else at + 1
        if end > len(words):
            raise full[-1].error(f"ends before row {i} of {m}")
        rows.append([e for word, number in words[at + 1 : end] for e in _elements([word], n, number)])
        if len(set(rows[-1])) < len(rows[-1]):
            raise InputError(f"line {words[at][1]}", f"row {i} names a column twice")
        at = end
    if at != len(words):
        raise InputError(f"line {words[at][1]}", f"goes on after the last of {m} rows")
    return rows, n


def _lists(full: list[_Line]) -> Sets:
    if all(len(line.words) == 1 and re.fullmatch("[01]{2,}", line.words[0]) for line in full):
        raise full[0].error("is a row without commas or blanks, or a set of one element; say which by commas")
    names: dict[str, int] = {}
    spelled: dict[str, str] = {}  # numbers without leading zeros, and how they are written
    for line in full:
        if line.words[0].startswith("#"):
            raise line.error("begins with '#'; comments begin with 'c' and stand beside a line 'p xc …' only")
        repeated = len(set(line.words)) < len(line.words)
        for word in line.words:
            if not _is_name(word):
                raise line.error(f"{word[:40]!r} is no name of an element")
            if is_count(word) and spelled.setdefault(str(int(word)), word) != word:
                raise line.error(f"{word!r} is also written {spelled[str(int(word))]!r}")
            if repeated and line.words.count(word) > 1:
                raise line.error(f"names {word[:40]!r} twice")
            names.setdefault(word, len(names))
    return [[names[word] for word in line.words] for line in full], len(names)


def _is_name(word: str) -> bool:
    """Whether an element may be called so: a number from 0, or anything that looks like no number."""
    if re.search(r"""[";()\[\]{}]|:$""", word) or not any(map(str.isalnum, word)):
        return False
    try:
        float(word)
    except ValueError:
        return True
    return is_count(word) or word.isalpha()  # float() takes 'nan' and 'inf'
