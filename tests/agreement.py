"""Pairs of a backend and an encoder, their share of a quick run, and whether their answers are right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

import qnnt
from qnnt import registry
from qnnt.backends.base import Backend, Capability
from qnnt.testing.brute_force import Truth
from qnnt.testing.instances import goals

SAT_VARIANTS = [b.name for b in registry.backends() if b.name.startswith("sat:")]
PROGRAM = Path(__file__).parent / "conformance" / "dimacs_solver.py"
OPTIMIZER = Path(__file__).parent / "conformance" / "optimizer.py"
OPTIMIZERS = [  # each reads its own format
    (f"wcnf:{OPTIMIZER}", "clauses"),
    (f"wcnf:{OPTIMIZER} --before-2022", "clauses"),
    (f"opb:{OPTIMIZER}", "pseudo-boolean"),
]
IN_A_PROCESS = ("milp:highs",)  # highspy and ortools bear no other beside them: this one is always isolated
SHALLOW = ("neuron",)  # takes no hidden layer, and several outputs only if no error can be spared
SLOW = {
    "dimacs": 20,
    "wcnf": 30,
    "opb": 30,
    "milp": 4,
    "cpsat": 2,
    "pseudo-boolean": 2,
}  # one of so many cases in a quick run


def cases() -> list[tuple[str, str]]:
    """(backend, encoder) for all that fit; one SAT solver, and one program, stand for all of their kind.

    The plain clauses go to that SAT solver alone: to a backend, clauses are clauses.
    """
    found = []
    for backend in registry.backends():
        if backend.name.startswith("sat:") or hasattr(backend, "program"):
            continue
        fitting = [e.name for e in registry.encoders() if issubclass(e.makes, backend.accepts)]
        found += [(backend.name, encoder) for encoder in fitting if encoder != "plain"]
    return [*found, ("sat", "clauses"), ("sat", "plain"), (f"dimacs:{PROGRAM}", "clauses")]


def title(name: str) -> str:
    """The name of a backend, a program's without its folder."""
    family, colon, _ = name.partition(":")
    return f"{family}{colon}{name.rpartition('/')[2]}" if "/" in name else name


def thorough() -> bool:
    """Whether hypothesis runs with a profile that is to leave nothing out."""
    return settings().max_examples >= 1000


def share(backend: str) -> int:
    """The backend takes one of so many cases."""
    return 1 if thorough() else SLOW.get(backend.partition(":")[0], 1)


def available(name: str) -> Backend:
    """The backend; the test is skipped if it cannot run here."""
    backend = registry.backend(name)
    state = backend.availability()
    if not state.available:
        pytest.skip(state.reason or "not available")
    return backend


def agree(
    instance: qnnt.Instance, backend: str, encoder: str, symmetry: bool, *, may_decline: bool = False
) -> None:
    """All three goals, at the least and the greatest bounds where the answer changes, against brute force.

    A backend that only searches may say UNKNOWN, and decline a goal.
    """
    proves = Capability.PROVE in registry.backend(backend).capabilities
    truth = Truth(instance)
    every = goals(truth)
    for goal in dict.fromkeys([*every[:5], *every[-2:], instance.goal]):
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
            if proves and not may_decline:
                raise
            continue
        said = f"{backend} {encoder} {goal} {symmetry=}: {result.status} {result.errors} {result.reason}"
        assert result.lower_bound <= truth.least, said
        if result.status is qnnt.Status.UNKNOWN and not proves:
            assert result.errors is not None, said
            assert goal.minimizes or not goal.accepts(result.errors), said
        elif goal.minimizes:
            optimum = (qnnt.Status.OPTIMAL, truth.least, truth.least)
            assert (result.status, result.errors, result.lower_bound) == optimum, said
        else:
            exists = truth.exists(goal)
            assert result.status is (qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE), said
            assert (result.network is not None) == exists, said
        if result.network is not None:
            assert truth.errors_of(result.network.vector) == result.errors, said
