"""Few weights in place of few errors: clauses whose objective is how many weights are not 0."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qnnt.encoders.clauses import ClauseEncoder
from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.models import Formula, ParameterLift


@dataclass(frozen=True)
class FewestWeights:
    """The clauses of :class:`ClauseEncoder` under a goal that names a number of errors.

    Their objective is the number of weights that are not 0; biases do not count. A weight w has the literals
    [w ≥ 0] and [w ≥ 1] of its order encoding, and w = 0 if the first is true and the second false. An
    exchange of interchangeable neurons leaves the number as it is, so that their order costs no network.
    """

    symmetry: bool = True
    name = "clauses"
    makes = Formula

    def apply(self, instance: Instance) -> tuple[Formula, ParameterLift]:
        """The formula, and the lift of its assignments. Raises :class:`Unsupported` for the goal min."""
        if instance.goal.minimizes:
            raise Unsupported("the fewest weights are sought under a goal that names a number of errors")
        formula, lift = ClauseEncoder(symmetry=self.symmetry).apply(instance)
        arcs, domain = instance.architecture.n_arcs, instance.domain
        weights = lift.index[:arcs].astype(np.int32)  # column j is [w > lo + j]
        n = formula.n_variables
        if domain.lo < 0:  # else a weight is 0 or more
            zero = np.arange(n + 1, n + 1 + arcs, dtype=np.int32)
            reached, beyond = weights[:, -domain.lo - 1], weights[:, -domain.lo]
            clauses = np.stack([-zero, reached], axis=1), np.stack([-zero, -beyond], axis=1)
            n, hard, soft = n + arcs, (*formula.hard, *clauses), zero
        else:
            hard, soft = formula.hard, -weights[:, :1].ravel()
        ones = np.ones(len(soft), dtype=np.int64)
        model = replace(
            formula, n_variables=n, hard=hard, soft=soft, weights=ones, offset=0, unit=1, minimize=True
        )
        return model, lift
