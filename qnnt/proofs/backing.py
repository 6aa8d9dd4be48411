"""What stands behind an answer: a proof on disk that was checked, or a second backend that agrees."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from qnnt import registry
from qnnt.backends.base import Backend
from qnnt.encoders.base import Encoder
from qnnt.exceptions import InputError, Unavailable, Unsupported
from qnnt.files.proofs import Note, ProofFolder
from qnnt.goals import Goal
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.proofs.checkers import OwnChecker, verdict_of
from qnnt.proofs.claims import Prover, claim_of, decides_itself
from qnnt.result import Evidence, Result
from qnnt.run import refuted_by_data

_LOG = logging.getLogger(__name__)

# Backends and encoders of different models, quickest first: the first that shares neither confirms an answer.
_SECOND = (("sat", "clauses"), ("cpsat", "cpsat"), ("milp:highs", "milp"), ("milp:cbc", "milp"))
_LATE = "the time limit left no time"

Ask = Callable[..., Result]
"""Solves an instance, as :func:`qnnt.solve` does without a proof: ``ask(instance, limits=…, **how)``."""


@dataclass(frozen=True)
class Asked:
    """How the caller wants an instance solved, and from when on the limits count."""

    instance: Instance
    limits: Limits
    symmetry: bool
    isolate: bool
    ask: Ask
    began: float

    def left(self) -> Limits | None:
        """The limits without the time that is over; None if it is all over."""
        if self.limits.time is None:
            return self.limits
        rest = self.limits.time - (time.perf_counter() - self.began)
        return replace(self.limits, time=rest) if rest > 0 else None


def with_proof(asked: Asked, folder: ProofFolder, backend: Any, encoder: Any, how: dict[str, Any]) -> Result:
    """Solve, and leave a proof in the folder if the answer needs one.

    Where the backend asked for leaves proofs and the goal is a decision, its run is the proof's. In any other
    case the answer comes first, and a solver that leaves proofs refutes what would make it wrong. A proof
    that is missing is told in the evidence; the answer stays as it is, unless the solver finds a network that
    refutes it.
    """
    prover = Prover.of(backend, encoder, symmetry=asked.symmetry)
    usual = {"backend": backend, "encoder": encoder}
    with folder.attempt() as attempt:
        job = prover.job(attempt)
        one_run = asked.limits.threads == 1 and how["cubes"] is None
        itself = one_run and decides_itself(asked.instance, backend, encoder)
        answer = asked.ask(asked.instance, limits=asked.limits, **{**how, **(job if itself else usual)})
        result = refuted_by_data(asked.instance, answer)
        claim = claim_of(asked.instance, result)
        try:
            if result.status is not Status.UNKNOWN:
                folder.clear()  # an earlier proof is not one of this answer
            if claim is None:
                return result
            proven = answer if itself else _refuted(asked, claim, job, "prove", result)
            if proven is None:
                return _without(result, _LATE)
            if proven.status is Status.SATISFIABLE:
                return _contradicted(asked.instance, result, proven)
            if proven.status is not Status.UNSATISFIABLE:
                return _without(result, f"{proven.backend} left none: {proven.reason}")
            encoder_used, solver = prover.encoder, prover.solver.name
            note = Note(claim, encoder_used.name, encoder_used.symmetry, solver, proven.version, _made_by())
            folder.take(attempt, replace(note, weights=prover.weights, form=prover.form))
        except (InputError, Unavailable, Unsupported) as error:
            return _without(result, str(error))
    folder = replace(folder, form=prover.form)
    evidence = replace(result.evidence, proof=str(folder.path), prover=solver, claim=str(claim))
    result = replace(result, evidence=evidence)
    if not itself:
        result = timed(result, {"prove": proven.statistics.seconds["total"]})
    return _checked(asked, folder, result)


def _checked(asked: Asked, folder: ProofFolder, result: Result) -> Result:
    """The result, with what our checker says of the proof in the folder."""
    left, checker = asked.left(), OwnChecker()
    if left is None:
        return _without(result, f"the proof was not checked: {_LATE}")
    try:
        verdict = verdict_of(checker, folder, left, isolate=asked.isolate)
    except KeyboardInterrupt:
        return _without(result, "the proof was not checked: interrupted")
    result = timed(result, {"check proof": verdict.seconds})
    if verdict.accepted:
        return replace(result, evidence=replace(result.evidence, checked_by=(checker.name,)))
    if verdict.accepted is None:
        return _without(result, f"the proof was not checked: {verdict.reason}")
    return _without(result, f"the checker {checker.name} rejects the proof: {verdict.reason}")


def confirmed(asked: Asked, result: Result) -> Result:
    """The result if a backend of another kind, over another encoding, comes to the same in the time left.

    What needs no confirmation stays as it is: a network that was replayed. Otherwise the answer becomes
    UNKNOWN, with the reason, and with the better network if the two contradict each other. But a proof that
    was checked outweighs a word that is missing: that answer stays, and its evidence has the reason.
    """
    claim = claim_of(asked.instance, result)
    if claim is None or result.status is Status.UNKNOWN:
        return result
    why = f"there is no second backend to confirm {_said(result)}"
    for backend, encoder in _seconds(result, symmetry=asked.symmetry):
        how = {"backend": backend, "encoder": encoder, "presolve": (), "cubes": None}
        try:
            second = _refuted(asked, claim, how, "confirm", result)
        except (InputError, Unavailable, Unsupported) as error:
            why = f"{backend.name} with encoder {encoder.name} did not confirm {_said(result)}: {error}"
            continue
        if second is None:
            return _unfinished(
                asked.instance, result, f"{_said(result)} is not confirmed: {_LATE}", Limit.TIME
            )
        result = timed(result, {"confirm": second.statistics.seconds["total"]})
        who = f"{second.backend} with encoder {second.encoder}"
        if second.status is Status.SATISFIABLE:
            return _contradicted(asked.instance, result, second)
        if second.status is Status.UNSATISFIABLE:
            return replace(result, evidence=replace(result.evidence, confirmed_by=(who,)))
        why = f"{who} did not confirm {_said(result)}: {second.reason}"
        return _unfinished(asked.instance, result, why, second.limit)
    return _unfinished(asked.instance, result, why)


def _refuted(asked: Asked, claim: Goal, how: dict[str, Any], phase: str, result: Result) -> Result | None:
    """What comes of looking for a network that meets the claim, in the time left."""
    left = asked.left()
    if left is None:
        return None
    _LOG.info("to %s that no network meets %s (%s)", phase, claim, _said(result))
    left = replace(left, threads=1, seed=0)
    return asked.ask(asked.instance.with_goal(claim), limits=left, symmetry=asked.symmetry, **how)


def _seconds(result: Result, *, symmetry: bool) -> Iterator[tuple[Backend, Encoder]]:
    """Backends and encoders that share none with what proved the bound: of "A + B" the network is A's."""
    family = result.backend.split(" + ")[-1].partition(":")[0]
    used = result.encoder.split(" + ")[-1]
    for name, encoder in _SECOND:
        alike = family in ("sat", "maxsat", "dimacs", "wcnf") and encoder == "clauses"
        if alike or encoder == used or name.partition(":")[0] == family:
            continue
        backend = registry.backend(name)
        if backend.availability().available:
            yield backend, registry.encoder(encoder, symmetry=symmetry)


def _said(result: Result) -> str:
    """What is claimed, and by whom."""
    if result.status is Status.UNKNOWN:
        return f"the lower bound {result.lower_bound} by {result.backend}"
    errors = f" with {result.errors} errors" if result.status is Status.OPTIMAL else ""
    return f"{result.status}{errors} by {result.backend}"


def _without(result: Result, why: str) -> Result:
    """The result without a checked proof."""
    return replace(result, evidence=replace(result.evidence, missing=why))


def _unfinished(instance: Instance, result: Result, why: str, limit: Limit | None = None) -> Result:
    """The answer without a second word: it stays if a checked proof stands behind it, else it is UNKNOWN."""
    return _without(result, why) if result.evidence.checked_by else _unconfirmed(instance, result, why, limit)


def _unconfirmed(instance: Instance, result: Result, why: str, limit: Limit | None = None) -> Result:
    """UNKNOWN, with what holds all the same: the network, and the errors that the data make unavoidable."""
    return replace(
        result,
        status=Status.UNKNOWN,
        lower_bound=instance.choices.unavoidable,
        limit=limit,
        reason=why,
        evidence=Evidence(data=True, missing=why),
    )


def _contradicted(instance: Instance, result: Result, other: Result) -> Result:
    """UNKNOWN, as a network refutes the answer."""
    why = f"{_said(result)} is wrong: {other.backend} has a network with {other.errors} errors"
    known = replace(result, network=other.network, errors=other.errors, verified=True)
    return _unconfirmed(instance, known, why)


def timed(result: Result, seconds: dict[str, float]) -> Result:
    """The result, with more phases in its statistics."""
    statistics = result.statistics
    total = statistics.seconds.get("total", 0.0) + sum(seconds.values())
    return replace(
        result,
        statistics=replace(statistics, seconds={**statistics.seconds, **seconds, "total": total}),
    )


def _made_by() -> str:
    """The versions that the formula depends on."""
    found = []
    for package in ("qnnt", "python-sat", "exact"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
