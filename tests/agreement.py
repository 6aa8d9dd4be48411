"""Whether a backend under an encoder says of an instance what is true of all its networks."""

from __future__ import annotations

from registered import IN_A_PROCESS

import qnnt
from qnnt.testing.brute_force import Truth
from qnnt.testing.instances import goals


def agree(
    instance: qnnt.Instance, backend: str, encoder: str, symmetry: bool, *, may_decline: bool = False
) -> None:
    """All three goals, at the bounds where the answer can change."""
    truth = Truth(instance)
    for goal in (*goals(truth)[:6], instance.goal):
        try:
            result = qnnt.solve(
                instance,
                goal=goal,
                backend=backend,
                encoder=encoder,
                symmetry=symmetry,
                isolate=backend in IN_A_PROCESS,
            )
        except qnnt.Unsupported:
            if not may_decline:
                raise
            continue
        said = f"{backend} {encoder} {goal} {symmetry=}: {result.status} {result.errors} {result.reason}"
        if goal.minimizes:
            optimum = (qnnt.Status.OPTIMAL, truth.least, truth.least)
            assert (result.status, result.errors, result.lower_bound) == optimum, said
        else:
            exists = truth.exists(goal)
            assert result.status is (qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE), said
            assert (result.network is not None) == exists, said
        if result.network is not None:
            assert truth.errors_of(result.network.vector) == result.errors, said
