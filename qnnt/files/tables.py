"""CSV tables as rows of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qnnt.exceptions import InputError
from qnnt.files.documents import read_text


def csv_rows(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows of a file that are not empty, each with the line that it begins on.

    Fields are separated by commas, semicolons or tabs, whichever part the first row best. Raises
    :class:`InputError` naming the line.
    """
    text, line = read_text(path), 1
    # max keeps the first of equals: a header of one column is read with commas.
    delimiter = max(",;\t", key=lambda mark: _fields(text, mark))
    try:
        reader = _reader(text, delimiter)
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"line {line}", f"is not valid CSV: {error}") from None


def _fields(text: str, delimiter: str) -> int:
    """How many fields the first row has with this delimiter; 0 if it is no valid CSV then."""
    try:
        return len(next(_reader(text, delimiter), []))
    except csv.Error:
        return 0


def _reader(text: str, delimiter: str) -> Any:
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
