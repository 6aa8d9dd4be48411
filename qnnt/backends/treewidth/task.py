"""What one run of the dynamic program is asked, and what it may use."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qnnt.backends.treewidth.space import Space
from qnnt.domain import IntArray
from qnnt.limits import Limit

Rows = IntArray
Index = IntArray
Mask = npt.NDArray[np.bool_]

DEFAULT_MEMORY = 4096  # MiB for tables when no limit is given
_SHARE = 0.4  # of the memory that one table's rows may take while they are sorted


class Stopped(Exception):  # noqa: N818 - ends a run without a verdict
    """A table outgrows the memory or is bound to, or the time is over; ``limit`` says which."""

    def __init__(self, limit: Limit | None, reason: str) -> None:
        super().__init__(reason)
        self.limit, self.reason = limit, reason


@dataclass(frozen=True)
class Task:
    """Asks for a network of ``space`` whose output j on input x shows a level in ``allowed[x, j]``.

    ``inputs`` (n, α) are distinct; ``allowed`` (n, ω, levels of the output activation) marks the levels
    allowed. An input that is taught nothing is left out, so n is the number of inputs that matter.
    """

    space: Space
    inputs: npt.NDArray[np.int64]
    allowed: Mask

    @property
    def n(self) -> int:
        """Number of distinct inputs that matter."""
        return len(self.inputs)


@dataclass
class Budget:
    """Keeps time and memory: ``deadline`` by ``time.monotonic``, ``bytes`` for the rows of one table.

    ``largest`` is the number of rows of the largest table so far, ``tables`` how many were made.
    """

    deadline: float | None = None
    bytes: int = int(_SHARE * DEFAULT_MEMORY * 2**20)
    largest: int = 0
    tables: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, seconds: float | None, mebibytes: int | None) -> Budget:
        """The budget under limits on time (seconds) and memory (MiB)."""
        deadline = None if seconds is None else time.monotonic() + seconds
        return cls(deadline, int(_SHARE * (mebibytes or DEFAULT_MEMORY) * 2**20))

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Work that is worth no more than so many seconds; raises :class:`Stopped` after them."""
        outer, soon = self.deadline, time.monotonic() + seconds
        self.deadline = soon if outer is None else min(outer, soon)
        try:
            yield
        finally:
            self.deadline = outer

    def tick(self) -> None:
        """Raise :class:`Stopped` when the time is over."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise Stopped(Limit.TIME, "the time limit was reached")

    def admit(self, rows: int, row_bytes: int) -> None:
        """Raise :class:`Stopped` if so many rows, with their sort keys and back-pointers, are too many."""
        self.tick()
        self.largest = max(self.largest, rows)
        if rows * (row_bytes + 40) > self.bytes:
            raise Stopped(
                Limit.MEMORY,
                f"out of memory: a table of {rows:,} rows does not fit the {self.bytes / 2**20:,.0f} MiB "
                "that one may take; try sat or maxsat",
            )
