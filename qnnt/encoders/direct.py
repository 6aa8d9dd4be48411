"""The identity: for backends that work on the instance itself and answer with a parameter vector."""

from __future__ import annotations

from dataclasses import dataclass

from qnnt.instance import Instance
from qnnt.models import ParameterLift


@dataclass(frozen=True)
class DirectEncoder:
    """Leaves the instance as it is; an assignment is the vector of all weights, then all biases."""

    symmetry: bool = True
    name = "direct"
    makes = Instance

    def apply(self, instance: Instance) -> tuple[Instance, ParameterLift]:
        """The instance itself, and the lift of a parameter vector (A + H,)."""
        return instance, ParameterLift.of_first(instance)
