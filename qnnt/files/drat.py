"""DRAT proofs, in text and binary form: clauses that are added to a formula or deleted from it, one by one.

The text has a step on each line: the literals and a 0, after a ``d`` if the clause is deleted. Lines that are
blank or begin with ``c`` say nothing. In the binary form a step is a byte ``a`` or ``d``, the literals as
2·variable + sign in groups of seven bits, and a byte 0
(https://www.cs.utexas.edu/~marijn/drat-trim/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError

_CHUNK = 1 << 24  # bytes of a binary proof that are decoded at once
_STEPS = 1 << 16  # steps that are turned to text at once
_FIRST = b" \t\r\n-0123456789dc"  # what a text begins with
_LINE = rb"[ \t]*(?:d[ \t]+)?(?:-?[1-9][0-9]{0,8}[ \t]+)*0[ \t]*\r?\n"
_COMMENT = rb"[ \t]*c[^\n]*\n"
_LINES = re.compile(rb"(?:" + _LINE + rb"|[ \t]*\r?\n|" + _COMMENT + rb")*+")
_COMMENTS = re.compile(rb"^" + _COMMENT, re.MULTILINE)
_DELETE = 10**9  # stands for the d of a line; no literal has so many digits


@dataclass(frozen=True)
class Steps:
    """Step i has the literals ``literals[starts[i]:starts[i + 1]]``; ``starts`` is (s + 1,).

    ``deletes`` (s,) says which steps are deletions.
    """

    literals: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    deletes: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.deletes)

    def until_empty(self) -> Steps:
        """The steps before the first empty clause that is added: what follows it proves nothing."""
        empty = np.flatnonzero((np.diff(self.starts) == 0) & ~self.deletes)
        end = int(empty[0]) if len(empty) else len(self)
        return Steps(self.literals[: self.starts[end]], self.starts[: end + 1], self.deletes[:end])


def read_drat(path: Path) -> Steps:
    """The steps of a proof; raises :class:`InputError` with the place if it is none, or if it is cut off."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError("", f"cannot be read: {error.strerror or error}") from None
    return parse_drat(data)


def parse_drat(data: bytes) -> Steps:
    """The steps of a proof in either form; raises :class:`InputError` with the place if it is none."""
    if not data:
        return _joined([])
    if is_binary(data):
        return _joined(list(_binary(data)))
    if data[0] not in _FIRST:
        raise InputError("byte 0", "begins neither a text nor a binary proof")
    return _text(data)


def is_binary(data: bytes) -> bool:
    """Whether a proof is one in binary form: a text begins with no ``a``, and has no byte 0."""
    return data.startswith(b"a") or (data.startswith(b"d") and b"\0" in data)


def write_drat(file: IO[str], steps: Steps) -> None:
    """Write a proof as text. It ends with the empty clause, whether or not the steps do."""
    steps = steps.until_empty()
    for first in range(0, len(steps), _STEPS):
        last = min(first + _STEPS, len(steps))
        begin, end = steps.starts[first], steps.starts[last]
        at = steps.starts[first:last] - begin
        marked = np.where(steps.deletes[first:last], at, -1)
        numbers = np.insert(
            steps.literals[begin:end].astype(np.int64),
            np.concatenate([steps.starts[first + 1 : last + 1] - begin, marked[marked >= 0]]),
            np.concatenate([np.zeros(last - first, dtype=np.int64), np.full((marked >= 0).sum(), _DELETE)]),
        )
        # One conversion of a whole list is many times faster than one of each clause.
        words = str(numbers.tolist())[1:-1].replace(",", "")
        file.write(words.replace(f"{_DELETE}", "d").replace(" 0 ", " 0\n") + "\n")
    file.write("0\n")


def _text(data: bytes) -> Steps:
    if not data.endswith(b"\n"):
        number = data.count(b"\n") + 1
        raise InputError(f"line {number}", "is cut off: it has no line end")
    whole = _LINES.match(data)
    assert whole is not None  # it takes no line, too
    if whole.end() < len(data):
        number = data.count(b"\n", 0, whole.end()) + 1
        line = data[whole.end() :].partition(b"\n")[0][:60].decode("ascii", "replace")
        raise InputError(f"line {number}", f"is no step of a proof: {line!r}")
    if b"c" in data:
        data = _COMMENTS.sub(b"", data)
    numbers = np.array(data.replace(b"d", b"%d" % _DELETE).split(), dtype=np.int64)
    return _steps(numbers, marks=numbers == _DELETE)


def _binary(data: bytes) -> Iterator[Steps]:
    at = 0
    while at < len(data):
        end = len(data) if len(data) - at <= _CHUNK else data.rfind(b"\0", at, at + _CHUNK) + 1
        if data[end - 1] or end <= at:
            raise InputError(f"byte {at}", "the proof is cut off: no step ends here")
        yield _decoded(np.frombuffer(data[at:end], dtype=np.uint8), at)
        at = end


def _decoded(raw: npt.NDArray[np.uint8], at: int) -> Steps:
    """``at`` is where the bytes (n,) stand in the file; the last one is 0."""
    ends = np.flatnonzero(raw < 128)
    begins = np.append(0, ends[:-1] + 1)
    widths = ends - begins + 1
    if widths.max() > 5:
        raise InputError(f"byte {at + begins[np.argmax(widths > 5)]}", "is no literal of 32 bits")
    padded = (widths > 1) & (raw[ends] == 0)  # its last byte would look like the end of a step
    if padded.any():
        raise InputError(f"byte {at + begins[np.argmax(padded)]}", "is a number with bytes that say nothing")
    codes = np.zeros(len(begins), dtype=np.int64)
    for k in range(int(widths.max())):
        wide = widths > k
        codes[wide] |= (raw[begins[wide] + k].astype(np.int64) & 127) << 7 * k
    marks = np.append(True, codes[:-1] == 0)
    wrong = marks & (codes != ord("a")) & (codes != ord("d"))
    wrong |= ~marks & ((codes == 1) | (codes >= 2 * _DELETE))
    if wrong.any():
        raise InputError(f"byte {at + begins[np.argmax(wrong)]}", "begins no step of a proof, nor a literal")
    numbers = np.where(codes & 1, -(codes >> 1), codes >> 1)
    numbers[marks] = np.where(codes[marks] == ord("d"), _DELETE, -_DELETE)
    return _steps(numbers[numbers != -_DELETE], marks=numbers[numbers != -_DELETE] == _DELETE)


def _steps(numbers: npt.NDArray[np.int64], marks: npt.NDArray[np.bool_]) -> Steps:
    """The steps of literals and zeros, with a mark before each clause that is deleted."""
    ends = np.cumsum(numbers == 0)
    deletes = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=bool)
    deletes[ends[marks]] = True
    body = numbers[~marks]
    zeros = np.flatnonzero(body == 0)
    starts = np.append(0, zeros - np.arange(len(zeros))).astype(np.int64)
    kept = ~deletes | (np.diff(starts) > 0)  # to delete the empty clause means nothing
    return Steps(body[body != 0].astype(np.int32), starts[np.append(True, kept)], deletes[kept])


def _joined(parts: list[Steps]) -> Steps:
    if len(parts) == 1:
        return parts[0]
    nothing = np.empty(0, dtype=np.int32), np.zeros(1, dtype=np.int64), np.empty(0, dtype=bool)
    offsets = np.cumsum([0, *(len(part.literals) for part in parts)])
    return Steps(
        np.concatenate([nothing[0], *(part.literals for part in parts)]),
        np.concatenate(
            [nothing[1], *(p.starts[1:] + offset for p, offset in zip(parts, offsets, strict=False))]
        ),
        np.concatenate([nothing[2], *(part.deletes for part in parts)]),
    )
