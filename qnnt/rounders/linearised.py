"""What the rounders that linearise a QUBO have in common: bits, and one variable for each product of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qnnt.models import QuadraticModel
from qnnt.rounders.base import Stopped


@dataclass(frozen=True)
class Linearised:
    """Bits, and one variable for each product of two."""

    exact = True
    isolated = True  # OR-tools and HiGHS cannot be loaded in one process

    def refuses(self, model: QuadraticModel) -> str | None:
        """Takes bits only."""
        return None if model.binary else "takes two candidates per weight; try closest-vector or enumeration"

    def prepare(self, gram: Any, over: Stopped) -> Any:  # noqa: ARG002 - the protocol's
        """Nothing is shared between rows."""
        return None
