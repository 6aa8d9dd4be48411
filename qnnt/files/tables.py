"""CSV tables as rows of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from qnnt.exceptions import InputError
from qnnt.files.documents import read_text


def csv_rows(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows of a file that are not empty, each with the line that it begins on.

    Fields are separated by commas, semicolons or tabs, whichever part the first line best. Raises
    :class:`InputError` naming the line.
    """
    lines, line = io.StringIO(read_text(path), newline=""), 1
    try:
        header = lines.readline()
        # max keeps the first of equals: a header of one column is read with commas.
        delimiter = max(",;\t", key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))
        lines.seek(0)
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"line {line}", f"is not valid CSV: {error}") from None
