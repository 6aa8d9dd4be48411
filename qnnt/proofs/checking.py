"""A proof in a folder, held against an instance: its formula has to be the instance's, its steps to hold."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from qnnt import registry
from qnnt.encoders.fewest import AtMostWeights
from qnnt.exceptions import Unavailable
from qnnt.files.documents import located
from qnnt.files.formulas import read_dimacs
from qnnt.files.proofs import Form, Note, ProofFolder
from qnnt.files.veripb import Constraint, constraints_of, read_constraints
from qnnt.goals import AtMost, Goal
from qnnt.instance import Instance
from qnnt.limits import Limits
from qnnt.models import Formula, PseudoBooleanModel
from qnnt.proofs.checkers import Checker, DratifyChecker, OwnChecker, ProgramChecker, Verdict, verdict_of
from qnnt.reductions.sources.cnf import Cnf

_LONG = 300  # characters of a difference


class Settled(StrEnum):
    """What a proof that holds says of a goal."""

    REFUTED = "goal refuted"
    """No network meets it."""
    MINIMUM = "minimum proved"
    """The network at hand has the fewest errors."""
    WEIGHTS = "fewest weights proved"
    """Of the networks that are as good, the one at hand has the fewest weights."""


@dataclass(frozen=True)
class ProofCheck:
    """What came of checking a proof that no network meets the goal ``note.claim``.

    ``clauses`` are constraints if the form is VeriPB. ``difference`` says how the formula on disk is another
    than the encoder makes of the instance, or is None.
    """

    note: Note
    variables: int
    clauses: int
    difference: str | None
    verdicts: tuple[Verdict, ...]

    @property
    def accepted(self) -> bool | None:
        """Whether the formula is the instance's and all checkers accept.

        None if some did not come to an end, or if there is none for this form of proof. One that rejects
        outweighs any number that do not end.
        """
        if self.difference is not None or any(verdict.accepted is False for verdict in self.verdicts):
            return False
        return True if self.verdicts and all(verdict.accepted for verdict in self.verdicts) else None

    def settles(self, goal: Goal, network: tuple[int, int] | None = None) -> Settled | None:
        """What the proof settles of a goal; None if nothing, as where it is about another number of errors.

        ``network`` tells the errors of a network that was replayed, and its weights that are not 0.
        """
        claim, most = self.note.claim, self.note.weights
        if not self.accepted or (network is not None and self.note.refuted_by(*network)):
            return None
        assert claim.budget is not None
        if network is not None and most is not None:
            errors, weights = network
            as_good = claim == (AtMost(errors) if goal.minimizes else goal) and claim.accepts(errors)
            return Settled.WEIGHTS if as_good and weights == most + 1 else None
        if most is not None:
            return None
        if goal.budget is None:
            least = network is not None and not claim.exact and network[0] == claim.budget + 1
            return Settled.MINIMUM if least else None
        covered = claim == goal or (not claim.exact and goal.budget <= claim.budget)
        return Settled.REFUTED if covered else None

    def as_dict(self) -> dict[str, Any]:
        """The object that ``qnnt check --json`` prints."""
        return {
            "claim": str(self.note.claim),
            "weights": self.note.weights,
            "encoder": self.note.encoder,
            "symmetry": self.note.symmetry,
            "solver": self.note.solver,
            "solver_version": self.note.solver_version,
            "variables": self.variables,
            "clauses": self.clauses,
            "formula": self.difference or "as encoded anew",
            "checkers": [verdict.as_dict() for verdict in self.verdicts],
            "accepted": self.accepted,
        }


def checkers(programs: Iterable[str] = ()) -> tuple[Checker, ...]:
    """Ours, the others that are installed, and these programs; not all of them take every form of proof.

    Raises :class:`Unavailable` for a program that cannot be found.
    """
    named = tuple(ProgramChecker(program) for program in programs)
    for each in named:
        if (why := each.availability()).reason is not None:
            raise Unavailable(f"checker: {why.reason}")
    other = DratifyChecker()
    return (OwnChecker(), *([other] if other.availability().available else []), *named)


def check_proof(
    instance: Instance,
    folder: ProofFolder,
    by: Sequence[Checker] | None = None,
    limits: Limits | None = None,
    *,
    isolate: bool = True,
) -> ProofCheck:
    """Encode the instance anew, compare the formulas clause for clause, and have the proof checked.

    ``by`` defaults to :func:`checkers`, of whom those are asked who take the proof's form; ``limits.time`` is
    for all of them together. A formula that is another one is not checked further. Raises :class:`InputError`
    for a note or a formula that cannot be read, :class:`UnknownWord` if the encoder is not known here.
    """
    limits = limits or Limits()
    began = time.monotonic()
    note = folder.read_note()
    folder = folder.of_note(note)
    with located(folder.note):
        encoder = registry.encoder(note.encoder, symmetry=note.symmetry)
    if note.weights is not None:
        encoder = AtMostWeights(encoder, note.weights)
    anew, _ = encoder.apply(instance.with_goal(note.claim))
    if note.form is Form.DRAT:
        cnf = read_dimacs(folder.formula)
        size, difference = (cnf.n_variables, len(cnf.clauses)), difference_of(cnf, anew)
    else:
        with located(folder.formula):
            constraints = read_constraints(folder.formula)
        size = max((max(c.factors, default=0) for c in constraints), default=0), len(constraints)
        difference = linear_difference_of(constraints, anew)
    verdicts = []
    for checker in by if by is not None else checkers():
        if not checker.takes(note.form):
            continue
        if difference is not None:
            break
        left = limits
        if limits.time is not None:
            rest = limits.time - (time.monotonic() - began)
            if rest <= 0:
                verdicts.append(Verdict(checker.name, None, "the time limit was reached", 0.0))
                continue
            left = replace(limits, time=rest)
        verdicts.append(verdict_of(checker, folder, left, isolate=isolate))
    return ProofCheck(note, *size, difference, tuple(verdicts))


def linear_difference_of(written: Sequence[Constraint], anew: Any) -> str | None:
    """Where constraints that were read are not those that an encoder made; None if they are the same."""
    if not isinstance(anew, PseudoBooleanModel) or anew.minimize:
        return "the encoder makes no 0/1 inequalities that bound the error"
    ours = constraints_of(anew)
    if len(written) != len(ours):
        return f"{len(written):,} constraints, not {len(ours):,}"
    pairs = enumerate(zip(written, ours, strict=True), 1)
    other = next((f"constraint {i:,} is {one}, not {two}" for i, (one, two) in pairs if one != two), None)
    return other if other is None or len(other) < _LONG else f"{other[:_LONG]} …"


def difference_of(written: Cnf, anew: Any) -> str | None:
    """Where a formula that was read is not the one that an encoder made; None if they are the same."""
    if not isinstance(anew, Formula) or anew.minimize:
        return "the encoder makes no clauses that bound the error"
    if written.n_variables != anew.n_variables:
        return f"{written.n_variables:,} variables, not {anew.n_variables:,}"
    if len(written.clauses) != anew.n_clauses:
        return f"{len(written.clauses):,} clauses, not {anew.n_clauses:,}"
    lengths = np.concatenate([np.full(len(block), block.shape[1]) for block in anew.hard])
    literals = np.concatenate([block.ravel() for block in anew.hard])
    same = np.array_equal(written.clauses.lengths, lengths)
    if same and np.array_equal(written.clauses.values, literals):
        return None
    ends = np.cumsum(lengths)
    ours = (literals[end - length : end].tolist() for end, length in zip(ends, lengths, strict=True))
    pairs = zip(written.clauses.rows(), ours, strict=True)
    number, (theirs, our) = next((i, pair) for i, pair in enumerate(pairs, 1) if pair[0] != pair[1])
    return f"clause {number:,} is {theirs[:8]}, not {our[:8]}"
