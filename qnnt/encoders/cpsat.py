"""Models for CP-SAT: Boolean and linear constraints under enforcement literals, and the textbook baseline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qnnt.activation import Activation, relu
from qnnt.encoders.indicator import ordering, program
from qnnt.encoders.rows import Ints, RowBank
from qnnt.instance import Instance
from qnnt.models import CpSatModel, ParameterLift, Rows

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_FAR = 2**62  # an end of a linear constraint's domain that no sum reaches


@dataclass(frozen=True)
class CpSatEncoder:
    """Thresholds and products as enforced linear constraints; no general products, no maxima."""

    symmetry: bool = True
    name = "cpsat"
    makes = CpSatModel

    def apply(self, instance: Instance) -> tuple[CpSatModel, ParameterLift]:
        """The model, and the lift of its first variables, the parameters."""
        from ortools.sat.python import cp_model

        p = program(instance, symmetry=self.symmetry)
        model = cp_model.CpModel()
        _declare(model, p.lower, p.upper, p.names)
        _add(model, p.rows)
        for neurons in p.neurons:
            sums, a, threshold = neurons.each()
            _add(model, sums, lower=threshold, literals=a)
            _add(model, sums, upper=threshold - 1, literals=-a - 1)
        z, a, w = p.products.T
        zero, copy = RowBank(), RowBank()
        zero.add(z[:, None], 1, 0)
        copy.add(np.stack([z, w], axis=1), [1, -1], 0)
        _add(model, zero.rows(), lower=np.zeros_like(z), upper=np.zeros_like(z), literals=-a - 1)
        _add(model, copy.rows(), lower=np.zeros_like(z), upper=np.zeros_like(z), literals=a)
        objective = np.flatnonzero(p.objective)
        weights = p.objective[objective]
        return _finished(model, objective, weights, p.offset, p.unit, minimize=p.minimize), p.lift


@dataclass(frozen=True)
class TextbookCpSatEncoder:
    """The baseline: the network as it is defined, for each row of the data.

    Products are products, ReLU_d is a maximum and a minimum; any other activation has a literal for each
    threshold.
    """

    symmetry: bool = True
    name = "cpsat-textbook"
    makes = CpSatModel

    def apply(self, instance: Instance) -> tuple[CpSatModel, ParameterLift]:
        """The model, and the lift of its first variables, the parameters."""
        from ortools.sat.python import cp_model

        model = cp_model.CpModel()
        lower, upper, names, rows = ordering(instance, symmetry=self.symmetry)
        _declare(model, lower, upper, names)
        _add(model, rows)
        n_parameters = instance.architecture.n_parameters
        parameters = [model.get_int_var_from_proto_index(i) for i in range(n_parameters)]
        dataset = instance.dataset
        wrong = []
        for x, y in zip(dataset.inputs.tolist(), dataset.labels.tolist(), strict=True):
            outputs = _forward(model, instance, parameters, x)
            equal = [model.new_bool_var("") for _ in y]
            for output, value, same in zip(outputs, y, equal, strict=True):
                model.add(output == value).only_enforce_if(same)
                model.add(output != value).only_enforce_if(~same)
            wrong.append(model.new_bool_var(""))
            model.add_bool_or([~wrong[-1], *(~same for same in equal)])
            for same in equal:
                model.add_implication(~wrong[-1], same)
        unit = int(np.gcd.reduce(dataset.counts, initial=0)) or 1
        weights, goal = dataset.counts // unit, instance.goal
        error, most = cp_model.LinearExpr.weighted_sum(wrong, weights.tolist()), int(weights.sum())
        if goal.budget is not None:
            errors, rest = divmod(goal.budget, unit)
            if not goal.exact:
                model.add(error <= min(errors, most))
            elif rest or errors > most:
                model.add_bool_or([])
            else:
                model.add(error == errors)
        objective = np.array([bit.index for bit in wrong], dtype=np.int64)
        lift = ParameterLift.of_first(instance)
        return _finished(model, objective, weights, 0, unit, minimize=goal.minimizes), lift


def _forward(
    model: cp_model.CpModel,
    instance: Instance,
    parameters: list[cp_model.IntVar],
    x: list[int],
) -> list[Any]:
    """The values of the output neurons on one input; ReLU_d is a maximum and a minimum."""
    lo, hi = instance.domain.lo, instance.domain.hi
    arcs = parameters[: instance.architecture.n_arcs]
    biases = iter(parameters[len(arcs) :])
    clipping, values = relu(instance.domain), list[Any](x)
    ends: list[int] = []  # of a weight times what a hidden neuron shows
    for connection, activation in zip(instance.architecture.connections, instance.activations, strict=True):
        layer, clipped = [], activation == clipping
        for v in range(connection.n_target):
            terms = []
            for u, weight in zip(connection.sources(v), arcs[connection.arcs(v)], strict=True):
                if not ends:
                    terms.append(values[u] * weight)
                else:
                    terms.append(model.new_int_var(ends[0], ends[-1], ""))
                    model.add_multiplication_equality(terms[-1], [weight, values[u]])
            far = (len(terms) + 1) * hi * hi + hi
            total = model.new_int_var(-far, far, "")
            model.add(total == sum(terms) - next(biases))
            if clipped:
                positive, value = model.new_int_var(0, far, ""), model.new_int_var(0, hi, "")
                model.add_max_equality(positive, [total, 0])
                model.add_min_equality(value, [positive, hi])
            else:
                value = _shown(model, total, activation)
            layer.append(value)
        values = layer
        ends = sorted(w * v for w in (lo, hi) for v in (activation.lowest, activation.highest))
    return values


def _shown(model: cp_model.CpModel, total: cp_model.IntVar, activation: Activation) -> cp_model.IntVar:
    """The value of a neuron with pre-activation ``total``, by a literal for each threshold."""
    reached = []
    for threshold in activation.thresholds:
        reached.append(model.new_bool_var(""))
        model.add(total >= threshold).only_enforce_if(reached[-1])
        model.add(total < threshold).only_enforce_if(~reached[-1])
    value = model.new_int_var(activation.lowest, activation.highest, "")
    model.add(value == activation.lowest + sum(s * a for s, a in zip(activation.steps, reached, strict=True)))
    return value


def _finished(
    model: cp_model.CpModel, objective: Ints, weights: Ints, offset: int, unit: int, *, minimize: bool
) -> CpSatModel:
    proto = model.proto
    if minimize:
        proto.objective.vars.extend(objective.tolist())
        proto.objective.coeffs.extend(weights.tolist())
    counts = {"variables": len(proto.variables), "constraints": len(proto.constraints)}
    return CpSatModel(model, objective, weights, offset, minimize, counts, unit)


def _declare(model: cp_model.CpModel, lower: Ints, upper: Ints, names: Iterable[str]) -> None:
    variables = model.proto.variables
    for low, high, name in zip(lower.tolist(), upper.tolist(), names, strict=True):
        variable = variables.add()
        variable.name = name
        variable.domain.extend((low, high))


def _add(
    model: cp_model.CpModel,
    rows: Rows,
    *,
    lower: Ints | None = None,
    upper: Ints | None = None,
    literals: Ints | None = None,
) -> None:
    """Rows ``lower`` ≤ row ≤ ``upper`` (by default ≥ its own bound), enforced by literals if given."""
    constraints = model.proto.constraints
    if lower is None and upper is None:
        lower = rows.lower
    m, starts, index, coef = len(rows), rows.starts.tolist(), rows.index.tolist(), rows.coef.tolist()
    low = [-_FAR] * m if lower is None else lower.tolist()
    high = [_FAR] * m if upper is None else upper.tolist()
    enforced = None if literals is None else literals.tolist()
    for r in range(m):
        constraint = constraints.add()
        linear, start, end = constraint.linear, starts[r], starts[r + 1]
        linear.vars.extend(index[start:end])
        linear.coeffs.extend(coef[start:end])
        linear.domain.extend((low[r], high[r]))
        if enforced is not None:
            constraint.enforcement_literal.append(enforced[r])
