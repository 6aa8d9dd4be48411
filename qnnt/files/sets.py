"""Files of set systems, told apart by what they hold.

* ``hgr``: PACE 2025 hypergraphs, a line ``p hs ELEMENTS SETS`` (or ``p xc …``) or the two numbers alone, then
  a line of elements from 1 for each set; ``c`` lines are comments. A blank line is an empty set where the
  number of sets asks for it.
* ``matrix``: a line of 0 and 1 (or True and False) for each set, separated by commas or blanks, a column for
  each element; a first line with the number of columns alone may come before.
* ``orlib``: OR-Library set cover: numbers of rows and columns, the columns' costs (which do not count here),
  then for each row how many columns cover it, and which. Rows are sets, columns are elements.
* ``lists``: a line of names for each set, separated by commas or blanks; the elements are all names.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qnnt.exceptions import InputError
from qnnt.files.documents import located, read_text

Sets = tuple[list[list[int]], int]
"""Elements from 0 of each set, and the number of elements."""

_CELLS = {"0": 0, "1": 1, "false": 0, "true": 1}


def read_sets(path: Path) -> Sets:
    """The set system in a file (``.gz`` too); raises :class:`InputError` naming the line."""
    with located(path):
        return parse_sets(read_text(path))


def parse_sets(text: str) -> Sets:
    """The set system of a text; raises :class:`InputError` naming the line."""
    lines = [line.replace(",", " ").split() for line in text.splitlines()]
    uncommented = [words for words in lines if words[:1] != ["c"]]
    if next((words[0] for words in uncommented if words), "") == "p":
        return _hypergraph(uncommented)
    full = [words for words in lines if words]
    if not full:
        raise InputError("", "is empty")
    cells = full[1:] if len(full[0]) == 1 and full[0][0].isdecimal() else full
    if cells and all(word.lower() in _CELLS for words in cells for word in words):
        width = int(full[0][0]) if cells is not full else len(full[0])
        return _matrix(cells, width)
    if len(full[0]) == 2 and all(word.isdecimal() for words in full for word in words):
        m = int(full[0][1])
        return _hypergraph(lines) if len(full) == m + 1 else _or_library(full)
    names = {name: i for i, name in enumerate(dict.fromkeys(w for words in full for w in words))}
    return [[names[word] for word in words] for words in full], len(names)


def _hypergraph(lines: list[list[str]]) -> Sets:
    at = next(i for i, words in enumerate(lines) if words)
    head = lines[at]
    sizes = head[2:] if head[0] == "p" else head
    if len(sizes) != 2 or not all(word.isdecimal() for word in sizes) or head[:2] == ["p", "cnf"]:
        raise InputError(f"line {at + 1}", f"must be 'p hs ELEMENTS SETS', not {' '.join(head)[:60]!r}")
    n, m = map(int, sizes)
    body = lines[at + 1 :]
    rows = [words for words in body if words]
    if len(rows) != m and not any(body[m:]):
        rows = body[:m] + [[]] * (m - len(body))
    if len(rows) != m:
        raise InputError("", f"announces {m} sets, there are {len(rows)}")
    return [_elements(words, n, f"set {i}") for i, words in enumerate(rows, start=1)], n


def _elements(words: list[str], n: int, where: str) -> list[int]:
    for word in words:
        if not word.isdecimal() or not 1 <= int(word) <= n:
            raise InputError(where, f"{word[:40]!r} is none of the elements 1..{n}")
    return [int(word) - 1 for word in words]


def _matrix(cells: list[list[str]], width: int) -> Sets:
    rows = []
    for i, words in enumerate(cells, start=1):
        if len(words) != width:
            raise InputError(f"row {i}", f"has {len(words)} columns, not {width}")
        rows.append(np.flatnonzero([_CELLS[word.lower()] for word in words]).tolist())
    return rows, width


def _or_library(full: list[list[str]]) -> Sets:
    numbers = [int(word) for words in full for word in words]
    m, n = numbers[:2]
    at, rows = 2 + n, []
    for i in range(1, m + 1):
        if at >= len(numbers) or at + numbers[at] >= len(numbers):
            raise InputError("", f"ends before row {i} of {m}")
        covering = numbers[at + 1 : at + 1 + numbers[at]]
        rows.append(_elements([str(c) for c in covering], n, f"row {i}"))
        at += 1 + numbers[at]
    if at != len(numbers):
        raise InputError("", f"goes on after the last of {m} rows")
    return rows, n
