"""The multiple-choice knapsack: one choice of each layer, the least cost that fits, by CP-SAT."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from qnnt.exceptions import Unavailable, WrongAnswer
from qnnt.onnx_graphs.moved import BEYOND
from qnnt.signals import handlers_kept

_UNITS = 2**40  # that the greatest sum of costs below BEYOND is divided into: CP-SAT takes integers
_SECONDS = 60.0


def cheapest(
    sizes: Sequence[Sequence[int]], costs: Sequence[Sequence[float]], room: int
) -> tuple[list[int], bool]:
    """The number of a choice for each item, of least cost among those whose sizes fit into ``room``.

    Costs are not negative. First as few as possible are :data:`BEYOND`, then the sum of the others is least.
    Also whether that is proved, up to 2^−40 of the greatest sum of costs below that: else it is the best of
    a minute. Raises :class:`Unavailable` beside HiGHS; the smallest choices have to fit.
    """
    kept = [_undominated(*item) for item in zip(sizes, costs, strict=True)]
    if all(len(choices) == 1 for choices in kept):
        return [choices[0] for choices in kept], True
    if "highspy" in sys.modules:
        raise Unavailable("OR-tools cannot be loaded beside HiGHS in one process")
    from ortools.sat.python import cp_model

    unit = sum(max((c for c in item if c < BEYOND), default=0.0) for item in costs) / _UNITS or 1.0
    beyond = _UNITS + len(costs) + 1  # more than all others together, each rounded up
    model = cp_model.CpModel()
    chosen = [[model.new_bool_var("") for _ in choices] for choices in kept]
    used, cost = [], []
    for variables, choices, size, price in zip(chosen, kept, sizes, costs, strict=True):
        model.add_exactly_one(variables)
        least = min(size)
        used += [(size[k] - least) * v for k, v in zip(choices, variables, strict=True)]
        units = [round(price[k] / unit) if price[k] < BEYOND else beyond for k in choices]
        cost += [u * v for u, v in zip(units, variables, strict=True)]
        for k, v in zip(choices, variables, strict=True):
            model.add_hint(v, size[k] == least)
    model.add(sum(used) <= room - sum(min(size) for size in sizes))
    model.minimize(sum(cost))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1  # so that the same costs give the same answer
    solver.parameters.max_time_in_seconds = _SECONDS
    with handlers_kept():
        status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise WrongAnswer("CP-SAT finds no choice that fits, though the smallest ones do")
    picked = [
        next(k for k, v in zip(choices, variables, strict=True) if solver.value(v))
        for choices, variables in zip(kept, chosen, strict=True)
    ]
    return picked, status == cp_model.OPTIMAL


def _undominated(sizes: Sequence[int], costs: Sequence[float]) -> list[int]:
    """The choices that no other one beats in both; of equal ones the first."""
    kept: list[int] = []
    for k in sorted(range(len(sizes)), key=lambda k: (sizes[k], costs[k], k)):
        if not kept or costs[k] < costs[kept[-1]]:
            kept.append(k)
    return kept
