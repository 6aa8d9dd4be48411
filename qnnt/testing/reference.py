"""Solvers of the core install that answer the models of :mod:`qnnt.models`, one call each.

Models are read here once more, apart from the backends: a mistake of theirs is not to be taken for one of an
encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qnnt.domain import IntArray
from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.models import CpSatModel, Formula, LinearModel, ParameterLift
from qnnt.signals import handlers_kept
from qnnt.testing.brute_force import Truth

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

KNOWN = (Formula, CpSatModel, LinearModel)
"""Model types that :class:`Restricted` takes; an :class:`Instance` is answered by brute force."""


def solve(model: Any) -> IntArray | None:
    """An assignment of a model, of least error if that is to be minimised, or None if there is none.

    Formulas go to PySAT, other models to CP-SAT. Raises :class:`Unsupported` for a type that is not known.
    """
    if isinstance(model, Formula):
        return _formula(model)
    if isinstance(model, Instance):
        return _instance(model)
    if not isinstance(model, KNOWN):
        raise Unsupported(f"no reference solver for a {type(model).__name__}; give solve=")
    native, _ = _cp_model(model)
    return _run(native)


def _formula(model: Formula) -> IntArray | None:
    from pysat.examples.rc2 import RC2
    from pysat.formula import WCNF
    from pysat.solvers import Solver

    clauses = [clause for block in model.hard for clause in block.tolist()]
    if model.minimize:
        soft = [[literal] for literal in model.soft.tolist()]
        wcnf = WCNF()
        wcnf.extend(clauses)
        wcnf.extend(soft, weights=model.weights.tolist())
        with RC2(wcnf) as rc2:
            literals = rc2.compute()
    else:
        with Solver(name="cadical153", bootstrap_with=clauses) as solver:
            literals = solver.get_model() if solver.solve() else None
    if literals is None:
        return None
    assignment = np.zeros(model.n_variables + 1, dtype=np.int64)
    assignment[[v for v in literals if 0 < v <= model.n_variables]] = 1
    return assignment


def _instance(instance: Instance) -> IntArray | None:
    """Of the instance itself: the parameters of the best network, or of one that meets the goal."""
    truth = Truth(instance)
    good = [instance.goal.accepts(errors) for errors in truth.errors.tolist()]
    if instance.goal.minimizes:
        return np.asarray(truth.vectors[int(np.argmin(truth.errors))])
    return np.asarray(truth.vectors[good.index(True)]) if any(good) else None


class Restricted:
    """A model whose network can be fixed: which networks it admits, and at what error."""

    def __init__(self, model: Formula | CpSatModel | LinearModel, lift: ParameterLift) -> None:
        native, variables = _cp_model(model)
        self._model, self._native, self._size = model, native, len(variables)
        self._parameters = []
        domain = lift.instance.domain
        for row in lift.index.tolist():
            parameter = native.new_int_var(domain.lo, domain.hi, "")
            native.add(parameter == lift.base + sum(variables[i] for i in row))
            self._parameters.append(parameter.index)

    def error(self, vector: IntArray) -> int | None:
        """The error of an assignment that lifts to these parameters (A + H,), or None if there is none.

        It is the least of all such assignments if the model minimises.
        """
        for index, value in zip(self._parameters, vector.tolist(), strict=True):
            bounds = self._native.proto.variables[index].domain
            bounds.clear()
            bounds.extend((value, value))
        assignment = _run(self._native)
        return None if assignment is None else self._model.cost(assignment[: self._size])

    def admits_any(self, vectors: IntArray) -> bool:
        """Whether some assignment lifts to one of these parameters (n, A + H)."""
        native = self._native.clone()
        for index in self._parameters:
            bounds = native.proto.variables[index].domain
            bounds.clear()
            bounds.extend((int(vectors.min()), int(vectors.max())))
        parameters = [native.get_int_var_from_proto_index(index) for index in self._parameters]
        native.add_allowed_assignments(parameters, vectors.tolist())
        native.clear_objective()
        return _run(native) is not None


def _cp_model(model: Formula | CpSatModel | LinearModel) -> tuple[cp_model.CpModel, list[Any]]:
    """The model for CP-SAT, and its variables by the number that they have in an assignment."""
    from ortools.sat.python import cp_model

    if isinstance(model, CpSatModel):
        native = model.model.clone()
        count = len(native.proto.variables)
        return native, [native.get_int_var_from_proto_index(i) for i in range(count)]
    native = cp_model.CpModel()
    if isinstance(model, Formula):
        bits = [native.new_bool_var("") for _ in range(model.n_variables + 1)]
        for clause in (clause for block in model.hard for clause in block.tolist()):
            native.add_bool_or(bits[v] if v > 0 else ~bits[-v] for v in clause)
        false = [~bits[v] if v > 0 else bits[-v] for v in model.soft.tolist()]
        if model.minimize:
            native.minimize(cp_model.LinearExpr.weighted_sum(false, model.weights.tolist()))
        return native, bits
    bounds = zip(model.lower.tolist(), model.upper.tolist(), strict=True)
    variables = [native.new_int_var(low, high, "") for low, high in bounds]
    starts, rows = model.rows.starts.tolist(), model.rows
    for r, lower in enumerate(rows.lower.tolist()):
        part = slice(starts[r], starts[r + 1])
        terms = [variables[i] for i in rows.index[part].tolist()]
        native.add(cp_model.LinearExpr.weighted_sum(terms, rows.coef[part].tolist()) >= lower)
    if model.minimize:
        native.minimize(cp_model.LinearExpr.weighted_sum(variables, model.objective.tolist()))
    return native, variables


def _run(native: cp_model.CpModel) -> IntArray | None:
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.absolute_gap_limit = 0.0  # a gap between integers, which is computed in doubles
    with handlers_kept():
        status = solver.solve(native)
    if status == cp_model.INFEASIBLE:
        return None
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise AssertionError(f"expected a model that CP-SAT takes; it said: {native.validate()}")
    return np.array(solver.response_proto.solution, dtype=np.int64)
