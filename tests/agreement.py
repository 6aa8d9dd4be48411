"""Pairs of a backend and an encoder, and what enumeration says of their answers."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np

import qnnt
from qnnt import registry
from qnnt.backends.base import Backend
from qnnt.backends.enumeration import count_errors, parameter_blocks

NO_TWO_IN_ONE_PROCESS = ("milp:highs",)  # highspy and ortools: this one always has a process of its own


def cases() -> list[tuple[str, str]]:
    pairs = []
    for backend in registry.backends():
        if backend.name.startswith(("sat:", "dimacs")):
            continue
        fitting = [e.name for e in registry.encoders() if issubclass(e.makes, backend.accepts)]
        pairs += [(backend.name, encoder) for encoder in fitting]
    dimacs = Path(__file__).parent / "conformance" / "dimacs_solver.py"
    return [*pairs, ("sat", "clauses"), (f"dimacs:{dimacs}", "clauses")]


def possible_errors(instance: qnnt.Instance) -> set[int]:
    """The error of every network."""
    return {int(e) for block in parameter_blocks(instance) for e in np.unique(count_errors(instance, block))}


def agree(
    instance: qnnt.Instance,
    backend: str | Backend,
    encoder: str,
    symmetry: bool,
    *,
    may_decline: bool = False,
) -> None:
    """All three goals, at every bound where the answer can change."""
    possible = possible_errors(instance)
    least = min(possible)
    goals = [qnnt.Minimize(), qnnt.AtMost(least), *([qnnt.AtMost(least - 1)] if least else [])]
    impossible = {next(e for e in count(start) if e not in possible) for start in (0, least)}
    goals += [qnnt.Exactly(e) for e in {least, max(possible), *impossible}]
    name = backend if isinstance(backend, str) else backend.name
    for goal in (*goals, instance.goal):
        try:
            result = qnnt.solve(
                instance,
                goal=goal,
                backend=backend,
                encoder=encoder,
                symmetry=symmetry,
                isolate=name in NO_TWO_IN_ONE_PROCESS,
            )
        except qnnt.Unsupported:
            if not may_decline:
                raise
            continue
        said = f"{name} {encoder} {goal} {symmetry=}: {result.status} {result.errors} {result.reason}"
        if isinstance(goal, qnnt.Minimize):
            assert result.status is qnnt.Status.OPTIMAL, said
            assert (result.errors, result.lower_bound) == (least, least), said
        else:
            exists = any(goal.accepts(e) for e in possible)
            assert result.status is (qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE), said
            assert (result.network is not None) == exists, said
