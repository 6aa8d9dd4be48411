"""Mutants of a proof by cutting planes and of its formula, and whether it is known that they cannot hold.

All rules keep every solution. So nothing refutes a formula of which Exact finds a solution that is looked up
in every constraint; and a proof cannot end in a constraint that some values of its variables meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import exact
import numpy as np

from qnnt.files.veripb import Constraint, CuttingPlanes

_TRIES = 8  # at a mutant that cannot hold


@dataclass(frozen=True)
class PlaneMutant:
    """``kind`` says what was done; ``hopeless`` that it cannot hold."""

    kind: str
    formula: list[Constraint]
    proof: CuttingPlanes
    hopeless: bool


def plane_mutants(
    formula: list[Constraint], proof: CuttingPlanes, rng: np.random.Generator
) -> Iterator[PlaneMutant]:
    """One mutant of each kind; of those that may hold by luck, the last of a few tries."""
    for kind, mutate in (
        ("constraint left out", lambda _: Constraint({}, 0)),
        ("degree lowered", lambda c: replace(c, degree=c.degree - 1)),
        ("literal turned in a constraint", lambda c: _turned(c, rng)),
    ):
        for _ in range(_TRIES):
            at = int(rng.integers(len(formula)))
            weaker = [*formula[:at], mutate(formula[at]), *formula[at + 1 :]]
            if hopeless := has_solution(weaker):
                break
        yield PlaneMutant(kind, weaker, proof, hopeless)
    nothing = replace(proof, steps=(), conclusion=int(rng.integers(len(formula))) + 1)
    yield PlaneMutant("all steps left out", formula, nothing, not formula[nothing.conclusion - 1].hopeless)
    if proof.steps:
        cut = replace(proof, steps=proof.steps[: int(rng.integers(len(proof.steps)))])
        yield PlaneMutant("last steps left out", formula, cut, cut.conclusion > len(formula) + len(cut.steps))


def _turned(constraint: Constraint, rng: np.random.Generator) -> Constraint:
    if not constraint.factors:
        return constraint
    v = int(rng.choice(list(constraint.factors)))
    return replace(constraint, factors={**constraint.factors, v: -constraint.factors[v]})


def has_solution(formula: list[Constraint]) -> bool:
    """Whether Exact finds a solution, and every constraint holds in it."""
    variables = sorted({v for constraint in formula for v in constraint.factors})
    solver = exact.Exact([])
    for v in variables:
        solver.addVariable(f"x{v}", 0, 1)
    for constraint in formula:  # f·~x is f - f·x
        terms = [(f, f"x{v}") for v, f in constraint.factors.items()]
        bound = constraint.degree + sum(f for f in constraint.factors.values() if f < 0)
        solver.addConstraint(terms, True, bound)
    while (verdict := solver.runOnce(0)) == "PAUSED":
        pass
    if verdict != "SAT":
        return False
    names = [f"x{v}" for v in variables]
    values = dict(zip(variables, solver.getLastSolutionFor(names), strict=True))
    for constraint in formula:
        reached = sum(abs(f) * (values[v] if f > 0 else 1 - values[v]) for v, f in constraint.factors.items())
        assert reached >= constraint.degree
    return True
