"""The size at which a family takes the reference solver about so many seconds: doubling, then bisection."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from qnnt.exceptions import InputError
from qnnt.generate.family import Made, made, named
from qnnt.generate.reference import SOLVER, Reference
from qnnt.limits import MOST_TIME, Limits
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Hear, Tell, no_message

NEAR = 2.0  # a factor that "about" allows
_FIRST, _LAST = 6, 1000  # sizes, if none are named
_MAKING = 30.0  # seconds


@dataclass(frozen=True)
class Timed:
    """The seconds that a size takes; infinity stands for more than the ``limit``."""

    size: int
    seconds: float
    limit: float

    def __str__(self) -> str:
        took = f"over {self.limit:g} s" if math.isinf(self.seconds) else f"{self.seconds:.2f} s"
        return f"size {self.size:,}: {took}"


def default_sizes(name: str) -> range:
    """The sizes that are searched if none are named; raises :class:`UnknownWord` for an unknown family."""
    return range(_FIRST, _LAST + 1, named(name).step)


@dataclass(frozen=True)
class _Making:
    """A task: make the instances of a size and a seed, for some of which a solver finds the answer."""

    name: str
    size: int
    seed: int
    limits: Limits
    family = "sat"
    fresh = False
    runs_programs = False

    def execute(self, tell: Tell[Any], hear: Hear = no_message) -> list[Made]:  # noqa: ARG002
        return list(made(self.name, self.size, self.seed))


def timed(name: str, size: int, seeds: Sequence[int], reference: Reference) -> Timed:
    """The median over the seeds of what the hardest instance of a size and a seed takes.

    One that takes :data:`_MAKING` seconds more than the limit to make is too hard, too: where the answer is
    not planted, a solver looks for it in the source, which is hardly harder than the instance.
    """
    hardest = [_hardest(name, size, seed, reference) for seed in seeds]
    return Timed(size, median(hardest), reference.seconds)


def _hardest(name: str, size: int, seed: int, reference: Reference) -> float:
    most = max(min(reference.seconds + _MAKING, reference.end - time.monotonic(), MOST_TIME), 0.01)
    ended = run_isolated(_Making(name, size, seed, Limits(time=most)), lambda _: None)
    if ended.error is not None:
        raise ended.error
    if ended.answer is None:
        return math.inf
    lines = [reference.line(each.name, each.instance, each.answer) for each in ended.answer]
    return max(line["seconds"] if line["solved"] else math.inf for line in lines)


def size_for(
    name: str,
    sizes: Sequence[int],
    seeds: Sequence[int],
    seconds: float,
    reference: Reference,
    *,
    tell: Callable[[Timed], None] = lambda _: None,
) -> Timed:
    """One of the ``sizes``, in rising order, that takes about so many seconds, and what it takes.

    ``tell`` hears of each size that is tried. If it jumps past :data:`NEAR` times the seconds from a size to
    the next, that is the nearer one that was solved. Raises :class:`InputError` if the largest size is too
    easy, or the first one too hard, and if the ``end`` of the reference comes before the size is found.
    """
    low: Timed | None = None  # the largest size so far that is too easy, and the smallest that is too hard
    high: Timed | None = None
    indices = _doubling(sizes)
    while True:
        if high is None:
            index = next(indices, None)
        elif low is None:
            raise InputError(
                "--hardness", f"{name} is harder than {seconds:g} s from the first size on; {high}"
            )
        else:
            index = _between(sizes, low, high)
        if index is None:
            break
        found = timed(name, sizes[index], seeds, reference)
        if seconds / NEAR <= found.seconds <= seconds * NEAR:
            tell(found)
            return found
        if time.monotonic() > reference.end:  # which may be why it was not solved
            told = "; ".join(str(each) for each in (low, high) if each is not None) or "none was tried"
            raise InputError("--search-time", f"is over before the size was found; {told}")
        tell(found)
        low, high = (low, found) if found.seconds > seconds else (found, high)
    if low is None or high is None:
        most = f"{name} cannot be as hard as {seconds:g} s of {SOLVER} in sizes of up to {sizes[-1]:,}"
        raise InputError("--hardness", f"{most}; {low}; --sizes names others")
    return min(low, high, key=lambda each: abs(math.log(max(each.seconds, 1e-3) / seconds)))


def _between(sizes: Sequence[int], low: Timed, high: Timed) -> int | None:
    """The index half way between two sizes, if there is one."""
    first, last = bisect_left(sizes, low.size), bisect_left(sizes, high.size)
    return (first + last) // 2 if last - first > 1 else None


def _doubling(sizes: Sequence[int]) -> Iterator[int]:
    """Indices of the first size, of one about twice as large, and so on, and of the last."""
    index = 0
    while index < len(sizes) - 1:
        yield index
        index = max(index + 1, bisect_left(sizes, 2 * sizes[index]))
    yield len(sizes) - 1
