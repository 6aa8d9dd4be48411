"""A claim refuted once more, over the formula that is written down from the definition.

A proof covers the solver, and the encoder is trusted. Here the claim goes through
:class:`qnnt.encoders.plain.PlainEncoder`, which shares nothing with the other encoders, and the proof of that
formula is checked, too.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qnnt.encoders.base import Encoder
from qnnt.encoders.fewest import AtMostWeights
from qnnt.encoders.plain import PlainEncoder
from qnnt.exceptions import Unsupported
from qnnt.files.proofs import ProofFolder
from qnnt.goals import Goal
from qnnt.instance import Instance
from qnnt.limits import Limits, Status
from qnnt.pipeline import solve
from qnnt.proofs.checkers import Checker
from qnnt.proofs.checking import ProofCheck, check_proof
from qnnt.result import Result


@dataclass(frozen=True)
class PlainCheck:
    """``check`` is that of the plain formula's proof. Without one, ``result`` tells why there is none.

    It has a network that meets the claim, or it is UNKNOWN; ``declined`` says why the formula was not made.
    """

    check: ProofCheck | None = None
    result: Result | None = None
    declined: str | None = None

    @property
    def accepted(self) -> bool | None:
        """Whether the claim is refuted; None if that is open."""
        if self.check is not None:
            return self.check.accepted
        found = self.result is not None and self.result.status is Status.SATISFIABLE
        return False if found else None

    @property
    def reason(self) -> str:
        """Why there is no proof to check."""
        if self.result is None:
            return self.declined or ""
        if self.result.status is Status.SATISFIABLE:
            return f"a network has {self.result.errors} errors: the encoder is wrong"
        return self.result.evidence.missing or self.result.reason or ""

    def as_dict(self) -> dict[str, Any]:
        """The object that ``qnnt check --json`` prints."""
        if self.check is not None:
            return self.check.as_dict()
        return {"accepted": self.accepted, "reason": self.reason}


def check_plainly(
    instance: Instance,
    claim: Goal,
    by: Sequence[Checker] | None = None,
    limits: Limits | None = None,
    *,
    weights: int | None = None,
    isolate: bool = True,
) -> PlainCheck:
    """Have a solver refute the claim over the plain formula, and its proof checked, within the limits.

    With ``weights`` only networks count of which so many weights at most are not 0. A network that meets the
    claim is replayed like any other.
    """
    limits, began = limits or Limits(), time.monotonic()
    encoder: Encoder = PlainEncoder()
    if weights is not None:
        encoder = AtMostWeights(encoder, weights)
    with tempfile.TemporaryDirectory(prefix="qnnt-") as place:
        folder = Path(place) / "proof"
        try:
            result = solve(
                instance,
                goal=claim,
                backend="sat",
                encoder=encoder,
                limits=limits,
                proof=folder,
                isolate=isolate,
            )
        except Unsupported as declines:
            return PlainCheck(declined=str(declines))
        if result.evidence.proof is None:
            return PlainCheck(result=result)
        if limits.time is not None:
            limits = replace(limits, time=max(1e-9, limits.time - (time.monotonic() - began)))
        return PlainCheck(check_proof(instance, ProofFolder(folder), by, limits, isolate=isolate))
