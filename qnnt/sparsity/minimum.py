"""The fewest arcs into one neuron, through CP-SAT."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.domain import Domain
from qnnt.exceptions import Unavailable, Unsupported, WrongAnswer
from qnnt.signals import handlers_kept

Integers = npt.NDArray[np.int64]


def fewest_arcs(
    sources: Integers,
    levels: Integers,
    weights: Integers,
    bias: int,
    domain: Domain,
    activation: Activation,
    name: str,
    seconds: float | None = None,
) -> tuple[Integers, int]:
    """Weights (q,) and bias with the fewest non-zero weights that bring the neuron to ``levels`` (p,).

    Levels are those of its ``activation``. ``sources`` (p, q) are the values of its in-neighbours;
    ``weights`` and ``bias`` do it already.
    Raises :class:`Unsupported` naming the neuron if the minimum is not proved within ``seconds``.
    """
    if "highspy" in sys.modules:
        raise Unavailable("OR-tools cannot be loaded beside HiGHS in one process")
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    w = [model.new_int_var(domain.lo, domain.hi, f"w{i}") for i in range(len(weights))]
    used = [model.new_bool_var(f"u{i}") for i in range(len(weights))]
    b = model.new_int_var(domain.lo, domain.hi, "b")
    for variable, indicator in zip(w, used, strict=True):
        model.add(variable <= domain.hi * indicator)
        model.add(variable >= domain.lo * indicator)
    for row, level in zip(sources.tolist(), levels.tolist(), strict=True):
        total = sum(a * variable for a, variable in zip(row, w, strict=True) if a) - b
        if level > 0:
            model.add(total >= activation.thresholds[level - 1])
        if level < activation.top:
            model.add(total < activation.thresholds[level])
    model.minimize(sum(used))
    for variable, indicator, value in zip(w, used, weights.tolist(), strict=True):
        model.add_hint(variable, value)
        model.add_hint(indicator, bool(value))
    model.add_hint(b, bias)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    if seconds is not None:
        solver.parameters.max_time_in_seconds = seconds
    with handlers_kept():
        status = solver.solve(model)
    if status == cp_model.OPTIMAL:
        return np.array([solver.value(variable) for variable in w], dtype=np.int64), solver.value(b)
    if status in (cp_model.FEASIBLE, cp_model.UNKNOWN):
        least = int(np.ceil(solver.best_objective_bound))
        raise Unsupported(
            f"neuron {name!r}: the fewest arcs, {least} or more, are not proved in time; "
            "allow more seconds or take method='steinitz'"
        )
    raise WrongAnswer(f"CP-SAT finds no weights for neuron {name!r}, which has some")
