"""Lines, words and numbers of text files, read so that a slip is an error and never another number."""

from __future__ import annotations

import re

from qnnt.exceptions import InputError

_OTHER_BREAKS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def split_lines(text: str) -> list[str]:
    r"""The lines of a text; only ``\n``, ``\r\n`` and ``\r`` end a line, unlike ``str.splitlines``."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def split_words(line: str, number: int) -> list[str]:
    """The words between blanks; ``number`` is the line's own.

    Raises :class:`InputError` for a character that some programs end a line at, as a form feed.
    """
    if found := _OTHER_BREAKS.search(line):
        raise InputError(
            f"line {number}", f"holds the character U+{ord(found[0]):04X}, neither blank nor line end"
        )
    return line.split()


def is_count(word: str) -> bool:
    """Whether a word is a number from 0 in ASCII digits that 64 bits hold; ``int()`` takes much more."""
    return word.isascii() and word.isdecimal() and len(word) <= 18
