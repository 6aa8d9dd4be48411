"""Whether runs on one instance can all be right."""

from __future__ import annotations

from collections.abc import Sequence

from qnnt.goals import Goal
from qnnt.result import Result, Status


def disagreements(goal: Goal, results: Sequence[Result]) -> list[tuple[Result, Result, str]]:
    """Each run whose claim is refuted by a network of another: the two runs, and what is wrong.

    Every network of a result was replayed, so the claim is wrong: a lower bound above its error, or that no
    network meets the goal. Two optima that differ are the first of these.
    """
    found = []
    for claim in results:
        for witness in results:
            if witness.errors is None or witness is claim:
                continue
            network = f"{witness.backend} with {witness.encoder} has a network with {witness.errors} errors"
            if claim.status is Status.UNSATISFIABLE and goal.accepts(witness.errors):
                found.append((claim, witness, f"no network meets {goal}, but {network}"))
            elif (claim.lower_bound or 0) > witness.errors:
                found.append((claim, witness, f"at least {claim.lower_bound} errors, but {network}"))
    return found
