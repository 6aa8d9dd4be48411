"""Mutants of a proof and of its formula that no sound checker may accept, as an independent judge knows.

A mutated proof can hold by luck: a clause that is left out may not be needed, a literal that is turned may
not matter. So a mutant counts only if it cannot hold, for one of two reasons:

- its formula has a model, which a solver has found and which is looked up in every clause;
- one of its steps follows from nothing that can stand before it: unit propagation (that of MiniSat, in PySAT)
  refutes neither the denial of the clause, nor that of a resolvent on its first literal with a clause that is
  never deleted. All clauses before the step take part, deleted ones too, which can only help it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pysat.solvers import Solver

Rows = list[list[int]]
Step = tuple[bool, list[int]]  # whether it deletes, and the clause

_TRIES = 8  # at a mutant that cannot hold


@dataclass(frozen=True)
class Mutant:
    """``kind`` says what was done; ``hopeless`` that it cannot hold."""

    kind: str
    formula: Rows
    proof: list[Step]
    hopeless: bool


def mutants(formula: Rows, proof: list[Step], rng: np.random.Generator) -> Iterator[Mutant]:
    """One mutant of each kind; of those that may hold by luck, the last of a few tries."""
    kinds = (
        ("clause left out", clause_left_out),
        ("literal turned in the formula", literal_turned),
        ("clause widened", clause_widened),
        ("all steps left out", all_left_out),
        ("last steps left out", last_left_out),
        ("unit put before the steps", unit_put_before),
        ("literal turned in a step", step_turned),
        ("literal left out of a step", step_shortened),
    )
    for kind, mutate in kinds:
        mutant = None
        for _ in range(_TRIES):
            mutant = mutate(formula, proof, rng)
            if mutant is not None and mutant[2]:
                break
        if mutant is not None:
            yield Mutant(kind, *mutant)


Made = tuple[Rows, list[Step], bool]


def clause_left_out(formula: Rows, proof: list[Step], rng: np.random.Generator) -> Made:
    at = int(rng.integers(len(formula)))
    weaker = formula[:at] + formula[at + 1 :]
    return weaker, proof, has_model(weaker)


def literal_turned(formula: Rows, proof: list[Step], rng: np.random.Generator) -> Made:
    at = int(rng.integers(len(formula)))
    place = int(rng.integers(len(formula[at])))
    row = [-literal if i == place else literal for i, literal in enumerate(formula[at])]
    other = [*formula[:at], row, *formula[at + 1 :]]
    return other, proof, has_model(other)


def clause_widened(formula: Rows, proof: list[Step], rng: np.random.Generator) -> Made | None:
    at, top = int(rng.integers(len(formula))), max(abs(literal) for row in formula for literal in row)
    free = sorted(set(range(2, top + 1)) - {abs(literal) for literal in formula[at]})
    if not free:
        return None
    row = [*formula[at], int(rng.choice(free)) * int(rng.choice([-1, 1]))]
    weaker = [*formula[:at], row, *formula[at + 1 :]]
    return weaker, proof, has_model(weaker)


def all_left_out(formula: Rows, _: list[Step], __: np.random.Generator) -> Made:
    return formula, [], not Judge(formula).contradicts([])


def last_left_out(formula: Rows, proof: list[Step], rng: np.random.Generator) -> Made:
    kept = proof[: int(rng.integers(len(proof) + 1))]
    judge = Judge(formula)
    for deletes, row in kept:
        if not deletes:
            judge.add(row)
    return formula, kept, not judge.contradicts([])


def unit_put_before(formula: Rows, proof: list[Step], rng: np.random.Generator) -> Made:
    top = max(abs(literal) for row in formula for literal in row)
    row = [int(rng.integers(2, top + 1)) * int(rng.choice([-1, 1]))]
    return formula, [(False, row), *proof], Judge(formula).refuses(row, set())


def step_turned(formula: Rows, proof: list[Step], rng: np.random.Generator) -> Made | None:
    return _step(formula, proof, rng, lambda row, place: [-x if i == place else x for i, x in enumerate(row)])


def step_shortened(formula: Rows, proof: list[Step], rng: np.random.Generator) -> Made | None:
    return _step(formula, proof, rng, lambda row, place: row[:place] + row[place + 1 :])


def _step(formula: Rows, proof: list[Step], rng: np.random.Generator, change) -> Made | None:
    adds = [i for i, (deletes, row) in enumerate(proof) if not deletes and len(row) > 1]
    if not adds:
        return None
    at = int(rng.choice(adds))
    row = change(proof[at][1], int(rng.integers(len(proof[at][1]))))
    judge, gone = Judge(formula), set()
    for deletes, before in proof[:at]:
        if deletes:
            gone.add(frozenset(before))
        else:
            judge.add(before)
    # If the steps before it contradict the formula already, the proof is over before this one.
    hopeless = not judge.contradicts([]) and judge.refuses(row, gone)
    return formula, [*proof[:at], (False, row), *proof[at + 1 :]], hopeless


class Judge:
    """Clauses, and what unit propagation makes of them."""

    def __init__(self, rows: Rows) -> None:
        self._having: dict[int, Rows] = defaultdict(list)
        for row in rows:
            self._note(row)
        self._solver = Solver(name="minisat22", bootstrap_with=rows)

    def add(self, row: list[int]) -> None:
        """One more clause."""
        self._note(row)
        self._solver.add_clause(row)

    def _note(self, row: list[int]) -> None:
        for literal in row:
            self._having[literal].append(row)

    def contradicts(self, literals: list[int]) -> bool:
        """Whether propagating the literals ends in a contradiction."""
        if any(-literal in literals for literal in literals):
            return True
        return not self._solver.propagate(assumptions=literals)[0]

    def refuses(self, row: list[int], gone: set[frozenset[int]]) -> bool:
        """Whether a clause follows in no way, whichever of the clauses in ``gone`` are deleted."""
        denial = [-literal for literal in row]
        if self.contradicts(denial):
            return False
        opposite = -row[0]
        for other in self._having[opposite]:
            if frozenset(other) not in gone:
                resolvent = [-literal for literal in other if literal != opposite]
                if not self.contradicts([*denial, *resolvent]):
                    return True
        return False


def has_model(rows: Rows) -> bool:
    """Whether a solver finds a model, and every clause has a literal that is true in it."""
    with Solver(name="glucose4", bootstrap_with=rows) as solver:
        if not solver.solve():
            return False
        true = set(solver.get_model())
    assert all(any((abs(literal) in true) == (literal > 0) for literal in row) for row in rows)
    return True
