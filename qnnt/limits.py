"""What a run may use, and how it can end: limits, verdicts, and which limit ended it early."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from qnnt.exceptions import refuse_type

MOST_TIME = 10**6  # seconds


class Status(StrEnum):
    """The verdict. UNKNOWN is the only one that proves nothing."""

    SATISFIABLE = "SATISFIABLE"
    OPTIMAL = "OPTIMAL"
    UNSATISFIABLE = "UNSATISFIABLE"
    UNKNOWN = "UNKNOWN"


class Limit(StrEnum):
    """What ended a run early."""

    TIME = "time"
    MEMORY = "memory"
    INTERRUPT = "interrupt"


@dataclass(frozen=True)
class Limits:
    """``time`` in seconds, encoding included, ``memory`` in MiB of address space, ``threads``, ``seed``.

    None means no limit. Where several backends race, ``threads`` of them run at a time, each within the
    ``memory``. A backend that was named declines more threads than one if it cannot use them; under ``auto``
    it runs with one. A seed that a backend cannot use is ignored. The result tells what was used.
    Raises ``ValueError`` for values that make no sense.
    """

    time: float | None = None
    memory: int | None = None
    threads: int = 1
    seed: int = 0

    @classmethod
    def of(cls, said: Any) -> Limits:
        """What callers may write as limits: these, a number of seconds, or None for no limit.

        Raises ``TypeError`` for anything else.
        """
        if isinstance(said, int | float) and not isinstance(said, bool):
            return cls(time=said)
        if said is not None and not isinstance(said, cls):
            refuse_type("limits", "Limits or a number of seconds", said)
        return said or cls()

    def __post_init__(self) -> None:
        if self.time is not None and (isinstance(self.time, bool) or not isinstance(self.time, int | float)):
            raise ValueError(f"time is a number of seconds, not {self.time!r}")
        for what in ("memory", "threads", "seed"):
            number = getattr(self, what)
            if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
                raise ValueError(f"{what} is an integer, not {number!r}")
        if self.time is not None and not 0 < self.time <= MOST_TIME:
            raise ValueError(f"a time limit is a positive number of seconds up to a million, not {self.time}")
        if self.memory is not None and not 1 <= self.memory <= 2**40:
            raise ValueError(f"a memory limit lies in 1..2^40 MiB, not {self.memory}")
        if self.threads < 1:
            raise ValueError(f"at least one thread is needed, not {self.threads}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"a seed lies in 0..2^31-1, not {self.seed}")
