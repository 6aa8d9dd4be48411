"""Few weights that are not 0: as few as possible, in place of few errors, or a number of them at most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qnnt.encoders.boxed import AroundEncoder
from qnnt.encoders.clausebank import ClauseBank, Literals
from qnnt.encoders.clauses import ClauseEncoder, count_errors
from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.models import CpSatModel, Formula, ParameterLift


@dataclass(frozen=True)
class FewestWeights:
    """The clauses of :class:`ClauseEncoder` under a goal that names a number of errors.

    Their objective is the number of weights that are not 0; biases do not count. An exchange of
    interchangeable neurons leaves the number as it is, so that their order costs no network.
    """

    symmetry: bool = True
    name = "clauses"
    makes = Formula

    def apply(self, instance: Instance) -> tuple[Formula, ParameterLift]:
        """The formula, and the lift of its assignments. Raises :class:`Unsupported` for the goal min."""
        _refuse_minimum(instance)
        formula, lift = ClauseEncoder(symmetry=self.symmetry).apply(instance)
        formula, zero = _with_zeros(formula, lift)
        ones = np.ones(len(zero), dtype=np.int64)
        return replace(formula, soft=zero, weights=ones, offset=0, unit=1, minimize=True), lift


@dataclass(frozen=True)
class AtMostWeights(AroundEncoder):
    """The model of ``encoder`` for networks of which at most ``most`` weights are not 0; biases do not count.

    For encoders to clauses and for CP-SAT.
    """

    most: int

    def apply(self, instance: Instance) -> tuple[Any, ParameterLift]:
        """The bounded model, and the encoder's lift.

        Raises :class:`Unsupported` for the goal min, and if the model is of another type.
        """
        _refuse_minimum(instance)
        model, lift = self.encoder.apply(instance)
        if isinstance(model, Formula):
            model, zero = _with_zeros(model, lift)
            bank = ClauseBank()
            bank.n_variables = model.n_variables
            count_errors(bank, zero, np.ones(len(zero), dtype=np.int64), self.most, exact=False)
            return replace(model, n_variables=bank.n_variables, hard=(*model.hard, *bank.clauses)), lift
        if isinstance(model, CpSatModel):
            bounded = model.model.clone()
            used = []
            for index in lift.index[: instance.architecture.n_arcs, 0].tolist():
                used.append(bounded.new_bool_var(""))
                weight = bounded.get_int_var_from_proto_index(index)
                bounded.add(weight == 0).only_enforce_if(~used[-1])
            bounded.add(sum(used) <= self.most)
            return replace(model, model=bounded), lift
        raise Unsupported(f"encoder {self.name!r} makes a model whose weights cannot be counted; try clauses")


def _refuse_minimum(instance: Instance) -> None:
    if instance.goal.minimizes:
        raise Unsupported("the fewest weights are sought under a goal that names a number of errors")


def _with_zeros(formula: Formula, lift: ParameterLift) -> tuple[Formula, Literals]:
    """The formula, and for each weight a literal (A,) that can be true only if the weight is 0.

    A weight w has the literals [w > lo], [w > lo + 1], … of its order encoding.
    """
    instance = lift.instance
    arcs, lo, n = instance.architecture.n_arcs, instance.domain.lo, formula.n_variables
    weights = lift.index[:arcs].astype(np.int32)
    if lo == 0:  # then a weight is 0 or more
        return formula, -weights[:, :1].ravel()
    zero = np.arange(n + 1, n + 1 + arcs, dtype=np.int32)
    reached, beyond = weights[:, -lo - 1], weights[:, -lo]
    clauses = np.stack([-zero, reached], axis=1), np.stack([-zero, -beyond], axis=1)
    return replace(formula, n_variables=n + arcs, hard=(*formula.hard, *clauses)), zero
