"""Numbers and rows in words: plain text that looks the same on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from qnnt.printable import printable


def columns(rows: Iterable[Sequence[str]], indent: int = 2) -> Iterator[str]:
    """Rows of text as lines of aligned columns."""
    table = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"{' ' * indent}{line}".rstrip()


def count(number: int, what: str) -> str:
    """``1 point``, ``2 points``."""
    return f"{number:,} {what if number == 1 else what + 's'}"


def sizes_line(sizes: Mapping[str, int]) -> str:
    """``1 variable, 2 clauses``, from numbers that are named in the plural."""

    def named(plural: str, number: int) -> str:
        if number != 1:
            return plural
        return plural.removesuffix("ies") + "y" if plural.endswith("ies") else plural.removesuffix("s")

    return ", ".join(f"{number:,} {named(plural, number)}" for plural, number in sizes.items())
