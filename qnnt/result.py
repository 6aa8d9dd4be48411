"""What came of a run: verdict, limit and quality are three separate things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qnnt.limits import Limit, Limits, Status
from qnnt.network import Network


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
    ``limits`` are those that the run had: one thread and seed 0 if the backend can use no others.
    ``backend`` is ``start``, and ``encoder`` ``none``, if the start decided the matter and nothing was run.
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
