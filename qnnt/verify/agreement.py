"""Whether runs on one instance can all be right, among themselves and against the source of the instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from qnnt.exceptions import Unsupported
from qnnt.goals import Goal
from qnnt.limits import Limits, Status
from qnnt.pipeline import solve
from qnnt.reductions.catalogue import proof_of
from qnnt.reductions.sources.solve import Source, solve_source
from qnnt.verify.replay import check


class Claim(Protocol):
    """What a run says of an instance; every :class:`~qnnt.Result` is one."""

    @property
    def backend(self) -> str:
        """Which backend says it."""

    @property
    def encoder(self) -> str | None:
        """The encoder of its model, if it had one."""

    @property
    def status(self) -> Status | None:
        """The verdict, if there is any."""

    @property
    def errors(self) -> int | None:
        """The errors of its network, if it has one."""

    @property
    def lower_bound(self) -> int | None:
        """Fewer errors are impossible."""


C = TypeVar("C", bound=Claim)


def disagreements(goal: Goal, results: Sequence[C]) -> list[tuple[C, C, str]]:
    """Each run whose claim is refuted by a network of another: the two runs, and what is wrong.

    Every network of a result was replayed, so the claim is wrong: a lower bound above its error, or that no
    network meets the goal. Two optima that differ are the first of these.
    """
    found = []
    for claim in results:
        for witness in results:
            if witness.errors is None or witness is claim:
                continue
            who = witness.backend if witness.encoder is None else f"{witness.backend} with {witness.encoder}"
            network = f"{who} has a network with {witness.errors} errors"
            if claim.status is Status.UNSATISFIABLE and goal.accepts(witness.errors):
                found.append((claim, witness, f"no network meets {goal}, but {network}"))
            elif (claim.lower_bound or 0) > witness.errors:
                found.append((claim, witness, f"at least {claim.lower_bound} errors, but {network}"))
    return found


def source_disagreements(
    kind: str, source: Source, backends: Sequence[str], limits: Limits | None = None, *, isolate: bool = True
) -> list[str]:
    """What is wrong when a source is solved directly and as a trained instance of ``kind`` by each backend.

    A definite answer must be that of the source, its network must lift to a solution of the source, and a
    solution of the source must plant to a network that meets the goal. UNKNOWN is no disagreement, nor is a
    backend that declines the instance. Raises :class:`UnknownWord` for an unknown kind.
    """
    reduction = proof_of(kind).reduction
    instance, lift = reduction.apply(source)
    solution, found = solve_source(source), []
    if solution is not None and not check(instance, reduction.plant(source, solution)).meets_goal:
        found.append("the planted network misses the goal")
    for backend in backends:
        try:
            result = solve(instance, backend=backend, limits=limits, isolate=isolate)
        except Unsupported:
            continue
        if result.status is Status.UNKNOWN:
            continue
        if (result.status is Status.UNSATISFIABLE) != (solution is None):
            exists = "no" if solution is None else "a"
            found.append(f"{backend} says {result.status}, but the source has {exists} solution")
        if result.network is not None and not source.accepts(lift(result.network)):
            found.append(f"the network of {backend} does not lift to a solution")
    return found
