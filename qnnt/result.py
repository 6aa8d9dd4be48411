"""What came of a run: verdict, limit and quality are three separate things."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from qnnt.limits import Limit, Limits, Status
from qnnt.network import Network
from qnnt.wording import count, sizes_line


@dataclass(frozen=True)
class Statistics:
    """``seconds`` by phase (encode, solve, check, total), ``sizes`` of the model (variables, clauses, …)."""

    seconds: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


class Basis(StrEnum):
    """What a verdict rests on, or under UNKNOWN its lower bound."""

    NETWORK = "replayed"
    """The network was replayed, and that is enough."""
    PROOF = "proved"
    """A proof was checked. It covers the solver; the encoder is trusted."""
    CONFIRMED = "confirmed"
    """Two backends agree, over two encodings."""
    CERTIFIED = "certified"
    """The backend derived it from its model in integers, and checked that. The encoder is trusted."""
    DATA = "counted"
    """Labels that contradict each other, or that no output shows, make so many errors unavoidable."""
    WORD = "one backend's word"


@dataclass(frozen=True)
class Evidence:
    """What stands behind a result beside the replay of its network.

    ``network`` says that the replay is enough, ``data`` that counting the data points is. ``proof`` is the
    folder of a proof by ``prover`` that no network meets the goal ``claim``, and ``checked_by`` names who
    accepted it. ``confirmed_by`` names who came to the same over another encoding. ``certified`` says that a
    solver's refutation was checked in integers: see :mod:`qnnt.refutation`. ``floating`` says that the
    backend that decided computes in floating point. ``missing`` says why a proof, its check or a confirmation
    that was asked for is not there.
    """

    network: bool = False
    data: bool = False
    proof: str | None = None
    prover: str | None = None
    claim: str | None = None
    checked_by: tuple[str, ...] = ()
    confirmed_by: tuple[str, ...] = ()
    certified: bool = False
    floating: bool = False
    missing: str | None = None

    @property
    def basis(self) -> Basis:
        """The strongest of what there is."""
        there = {
            Basis.NETWORK: self.network,
            Basis.PROOF: bool(self.checked_by),
            Basis.CONFIRMED: bool(self.confirmed_by),
            Basis.DATA: self.data,
            Basis.CERTIFIED: self.certified,
        }
        return next((basis for basis, holds in there.items() if holds), Basis.WORD)

    def words(self, backend: str) -> str:
        """What an answer by this backend rests on."""
        said = list[str]()
        if self.network:
            return "the network, which was replayed"
        if self.checked_by:
            by = self.prover or ""
            if by not in backend.split(" + "):
                by += f" ({backend} leaves none)"
            said.append(f"a proof by {by}, accepted by {', '.join(self.checked_by)}")
        if self.confirmed_by:
            said.append(f"{backend}, confirmed by {', '.join(self.confirmed_by)}")
        if self.data:
            said.append("the data, whose labels contradict each other or can be shown by no network")
        if self.certified:
            said.append(f"a refutation by {backend}, added up in integers")
        floats = ", which computes in floating point; --confirm asks another" if self.floating else ""
        return "; ".join(said) or f"the word of {backend}{floats}"

    def as_dict(self) -> dict[str, Any]:
        """What ``qnnt solve --json`` prints of it."""
        return {
            "basis": self.basis.value,
            "proof": self.proof,
            "prover": self.prover,
            "claim": self.claim,
            "checked_by": list(self.checked_by),
            "confirmed_by": list(self.confirmed_by),
            "certified": self.certified,
            "floating": self.floating,
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Fewest:
    """What is known of the fewest weights among networks that are as good as a result's.

    ``weights`` of the result's network are not 0, and no network that is as good has fewer than
    ``lower_bound``; ``backend`` searched. ``limit`` and ``reason`` say why the two differ, if they do.
    ``evidence`` tells what the bound rests on beside the backend's word.
    """

    weights: int
    lower_bound: int
    backend: str
    limit: Limit | None = None
    reason: str | None = None
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def optimal(self) -> bool:
        """Whether no network that is as good has fewer weights, proved."""
        return self.weights == self.lower_bound

    @property
    def rests_on(self) -> str:
        """What the bound rests on, in words: the backend if it is its word alone."""
        return self.backend if self.evidence.basis is Basis.WORD else self.evidence.words(self.backend)

    def as_dict(self) -> dict[str, Any]:
        """The object that ``qnnt solve --json`` prints of it."""
        return {
            "weights": self.weights,
            "lower_bound": self.lower_bound,
            "optimal": self.optimal,
            "backend": self.backend,
            "limit": self.limit.value if self.limit else None,
            "reason": self.reason,
            "evidence": self.evidence.as_dict(),
        }


@dataclass(frozen=True, repr=False)
class Result:
    """The outcome of :func:`qnnt.solve`.

    ``network`` was replayed and has ``errors`` wrong points; under UNKNOWN it is the best found so far, and
    may miss the goal. There is none only under UNSATISFIABLE. ``lower_bound`` bounds the error of every
    network (for OPTIMAL, equal to ``errors``). ``verified`` is True iff there is a network. ``evidence`` says
    what the verdict rests on. ``reason`` says why a run ended without a verdict, ``limit`` which limit did
    it. ``limits`` are those that the run had: one thread and seed 0 if the backend can use no others.

    ``backend`` is the one that decided the matter, or the one that ran. It is ``start``, or ``constant`` for
    the best network that ignores its inputs, and ``encoder`` is ``none``, if that network decided and nothing
    was run. If several backends raced, ``members`` names them; ``backend`` is then ``A + B`` if a network of
    A meets a bound of B, and ``portfolio`` if nothing was decided.

    ``fewest`` tells of the fewest weights, if they were asked for and there is a network.
    """

    status: Status
    goal: str
    backend: str
    encoder: str
    network: Network | None = None
    errors: int | None = None
    lower_bound: int | None = None
    verified: bool = False
    limit: Limit | None = None
    reason: str | None = None
    version: str | None = None
    evidence: Evidence = field(default_factory=Evidence)
    members: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    statistics: Statistics = field(default_factory=Statistics)
    fewest: Fewest | None = None

    def __repr__(self) -> str:
        found = "no network" if self.errors is None else count(self.errors, "error")
        parts = [f"{self.status}: {found}", f"lower bound {self.lower_bound or 0:,}", f"goal {self.goal}"]
        parts += [f"backend {self.backend}", *([] if self.reason is None else [self.reason])]
        seconds = self.statistics.seconds.get("total")
        return f"Result({', '.join(parts)}{'' if seconds is None else f', {seconds:.2f} s'})"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What is known of the run, in words: (name, what it was) each."""
        sizes, seconds = self.statistics.sizes, self.statistics.seconds
        return [
            ("lower bound", f"{self.lower_bound or 0:,}"),
            ("backend", f"{self.backend} ({self.version})" if self.version else self.backend),
            *([("portfolio", ", ".join(self.members))] if self.members else []),
            ("encoder", self.encoder),
            ("model", sizes_line(sizes) or "none"),
            ("seconds", ", ".join(f"{phase} {s:.2f}" for phase, s in seconds.items())),
            ("replayed", "yes" if self.verified else "no, there is no network"),
            *([] if self.status is Status.UNKNOWN else [("evidence", self.evidence.words(self.backend))]),
        ]

    def _repr_html_(self) -> str:
        from qnnt.drawing.page import page

        found = "no network" if self.errors is None else count(self.errors, "error")
        head = f"{self.status}: {found}" + ("" if self.reason is None else f" ({self.reason})")
        picture = None if self.network is None else self.network.picture()
        return page(head, [("goal", self.goal), *self.facts], picture)

    def as_dict(self) -> dict[str, Any]:
        """The object that ``qnnt solve --json`` prints."""
        from qnnt.files.networks import network_document

        return {
            "status": self.status.value,
            "goal": self.goal,
            "errors": self.errors,
            "lower_bound": self.lower_bound,
            "backend": self.backend,
            "encoder": self.encoder,
            "version": self.version,
            "members": list(self.members),
            "verified": self.verified,
            "evidence": self.evidence.as_dict(),
            "limit": self.limit.value if self.limit else None,
            "reason": self.reason,
            "limits": {
                "time": self.limits.time,
                "memory": self.limits.memory,
                "threads": self.limits.threads,
                "seed": self.limits.seed,
            },
            "network": None if self.network is None else network_document(self.network),
            "fewest_weights": None if self.fewest is None else self.fewest.as_dict(),
            "statistics": {"seconds": dict(self.statistics.seconds), **self.statistics.sizes},
        }
