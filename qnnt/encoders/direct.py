"""The identity: for backends that work on the instance itself and answer with a parameter vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnnt.instance import Instance
from qnnt.models import Lift


@dataclass(frozen=True)
class DirectEncoder:
    """Leaves the instance as it is; an assignment is the vector of all weights, then all biases."""

    symmetry: bool = True
    name = "direct"
    makes = Instance

    def apply(self, instance: Instance) -> tuple[Instance, Lift]:
        """The instance itself, and the lift of a parameter vector (A + H,)."""
        index = np.arange(instance.architecture.n_parameters).reshape(-1, 1)
        return instance, Lift(instance.architecture, instance.domain, index, 0)
