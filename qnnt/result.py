"""What a run was allowed, and what came of it: verdict, limit and quality are three separate things."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from qnnt.network import Network

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

    None means no limit; a backend that cannot use more than one thread declines ``threads > 1``.
    Raises ``ValueError`` for values that make no sense.
    """

    time: float | None = None
    memory: int | None = None
    threads: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.time is not None and not 0 < self.time <= MOST_TIME:
            raise ValueError(f"a time limit is a positive number of seconds up to a million, not {self.time}")
        if self.memory is not None and not 1 <= self.memory <= 2**40:
            raise ValueError(f"a memory limit lies in 1..2^40 MiB, not {self.memory}")
        if self.threads < 1:
            raise ValueError(f"at least one thread is needed, not {self.threads}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"a seed lies in 0..2^31-1, not {self.seed}")


@dataclass(frozen=True)
class Statistics:
    """``seconds`` by phase (encode, solve, check, total), ``sizes`` of the model (variables, clauses, …)."""

    seconds: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The outcome of :func:`qnnt.solve`.

    ``network`` was replayed and has ``errors`` wrong points; under UNKNOWN it is the best found so far, and
    may miss the goal. ``lower_bound`` bounds the error of every network (for OPTIMAL, equal to ``errors``).
    ``verified`` is True iff there is a network: an UNSATISFIABLE verdict rests on the backend.
    ``reason`` says why a run ended without a verdict, ``limit`` which limit did it.
    """

    status: Status
    goal: str
    backend: str
    encoder: str
    network: Network | None = None
    errors: int | None = None
    lower_bound: int | None = None
    verified: bool = False
    limit: Limit | None = None
    reason: str | None = None
    version: str | None = None
    limits: Limits = field(default_factory=Limits)
    statistics: Statistics = field(default_factory=Statistics)

    def as_dict(self) -> dict[str, Any]:
        """The object that ``qnnt solve --json`` prints."""
        from qnnt.files.networks import network_document

        return {
            "status": self.status.value,
            "goal": self.goal,
            "errors": self.errors,
            "lower_bound": self.lower_bound,
            "backend": self.backend,
            "encoder": self.encoder,
            "version": self.version,
            "verified": self.verified,
            "limit": self.limit.value if self.limit else None,
            "reason": self.reason,
            "limits": {
                "time": self.limits.time,
                "memory": self.limits.memory,
                "threads": self.limits.threads,
                "seed": self.limits.seed,
            },
            "network": None if self.network is None else network_document(self.network),
            "statistics": {"seconds": dict(self.statistics.seconds), **self.statistics.sizes},
        }
