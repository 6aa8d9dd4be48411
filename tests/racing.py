"""Races of faulty backends on a small instance, and who ran when."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty import Faulty

import qnnt
from qnnt.limits import Limits

HUMP = qnnt.Instance(
    qnnt.Domain(3),
    qnnt.Architecture.dense([1, 1]),
    qnnt.Dataset([[0], [1], [-1]], [[1], [0], [0]], [2, 2, 1]),
    qnnt.Minimize(),
)
BEST = (-1, -1)  # one error, where a network that ignores its input has two
HANG = Faulty("hang")


both = pytest.mark.parametrize("threads", [1, 2])


def raced(*members: Faulty | str, threads: int = 2, **more: object) -> qnnt.Result:
    limits = Limits(time=more.pop("time", 60.0), threads=threads, memory=more.pop("memory", None))
    return qnnt.solve(more.pop("instance", HUMP), backend=members, limits=limits, **more)


def ticks(note: Path) -> list[str]:
    """Who ran, in the order of time."""
    lines = [line.split() for line in note.read_text().splitlines() if line.count(" ") == 1]
    return [name for _, name in sorted(lines, key=lambda line: float(line[0]))]
