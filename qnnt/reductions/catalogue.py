"""The hardness proofs by name, and what a generated instance says of its origin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from qnnt.exceptions import InputError, UnknownWord, WrongAnswer
from qnnt.instance import Instance
from qnnt.network import Network
from qnnt.reductions import balanced_sat, exact_cover, hitting_set, three_sat
from qnnt.reductions.base import Lift, Reduction
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet
from qnnt.reductions.sources.solve import Source
from qnnt.verify.replay import check


@dataclass(frozen=True)
class Proof:
    """A theorem of Section 3: the type of its sources, and the way from any of them to an instance."""

    theorem: int
    source: type[Source]
    reduction: Reduction[Any, Any, Instance, Network]


PROOFS = {
    "exact-cover": Proof(1, ExactCover, exact_cover.EXACT_COVER),
    "balanced-sat": Proof(2, Cnf, balanced_sat.ANY_CNF),
    "hitting-set": Proof(3, HittingSet, hitting_set.HITTING_SET),
    "hitting-set-as-printed": Proof(3, HittingSet, hitting_set.HITTING_SET_AS_PRINTED),
    "three-sat": Proof(4, Cnf, three_sat.ANY_CNF),
}


def proof_of(kind: Any, place: str = "") -> Proof:
    """The proof of a name; raises :class:`UnknownWord` at ``place`` if there is none."""
    if not isinstance(kind, str) or kind not in PROOFS:
        raise UnknownWord("kind of source", kind, PROOFS, place)
    return PROOFS[kind]


def generate(kind: str, problem: Source, /, **origin: Any) -> Instance:
    """The instance of a source; ``meta`` holds the kind, the source (``problem``) and ``origin``.

    Raises :class:`UnknownWord` for an unknown kind.
    """
    proof = proof_of(kind)
    instance, _ = proof.reduction.apply(problem)
    meta = {"kind": kind, "theorem": proof.theorem, **origin, "problem": problem.document()}
    return replace(instance, meta=meta)


def recall(instance: Instance) -> tuple[Source, Instance, Lift[Network, Any]]:
    """The source of a generated instance, from its ``meta``, the instance as generated, and its lift.

    Raises :class:`InputError` unless the instance is the one that ``meta`` describes (the goal may differ).
    """
    if "kind" not in instance.meta:
        raise InputError("meta.kind", "is missing: the instance does not come from a proof")
    kind = instance.meta["kind"]
    proof = proof_of(kind, "meta.kind")
    try:
        source = proof.source.from_document(instance.meta["problem"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError("meta.problem", f"does not describe a source of {kind}") from None
    except InputError as error:
        raise InputError(f"meta.problem: {error.place}", error.message) from None
    made, lift = proof.reduction.apply(source)
    if any(
        getattr(made, part) != getattr(instance, part)
        for part in ("domain", "architecture", "activation", "dataset")
    ):
        raise InputError("meta", "describes another instance than this one")
    return source, made, lift


def lift(instance: Instance, network: Network) -> tuple[Source, Any]:
    """The source of a generated instance and the solution that a network gives, checked against it.

    Raises :class:`InputError` if the network does not have few enough errors to give one, and
    :class:`WrongAnswer` if it has and the solution does not solve the source: only the construction as
    printed can do that.
    """
    source, made, back = recall(instance)
    replayed = check(made, network)
    if not replayed.meets_goal:
        raise InputError("network", f"has {replayed.errors:,} errors; a solution needs {made.goal}")
    solution = back(network)
    if not source.accepts(solution):
        raise WrongAnswer(f"the network meets {made.goal}, but what it gives does not solve the source")
    return source, solution
