"""A tree of linear programs that shows in integers what a solver says in floating point."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from qnnt.domain import IntArray
from qnnt.highs import expect_taken, new_highs
from qnnt.limits import Limits
from qnnt.models import LinearModel, Rows
from qnnt.refutation import Leaf, Refutation, Split, closes

if TYPE_CHECKING:
    import highspy

_MOST_NODES = 5000
_SCALES = (2.0**12, 2.0**24, 2.0**36)  # of multipliers, before they are rounded
_WHOLE = 1e-6
_LONGEST = 20.0  # times the work that is allowed, by the clock


def refuted(model: LinearModel, rows: Rows, limits: Limits, work: float) -> Refutation | IntArray | None:
    """A tree by which no integers within the model's bounds keep the rows; None if none was found in time.

    What HiGHS says of a linear program is taken for a hint: a leaf's multipliers are rounded to integers and
    have to hold. If integers that keep the rows turn up, these (n,) are returned. ``limits.time`` is for all
    of it, and so are ``work`` seconds of computing, which do not count what others have the processor for.
    """
    import highspy

    began, worked = time.monotonic(), time.thread_time()
    highs = new_highs(
        {"threads": limits.threads, "presolve": "off", "solver": "simplex", "random_seed": limits.seed}
    )
    expect_taken(highs.passModel(program(model, rows, whole=False)), "the model")
    nodes: list[Split | Leaf] = []
    boxes = [(model.lower, model.upper)]
    columns = np.arange(len(model.lower), dtype=np.int32)
    while boxes:
        lower, upper = boxes.pop()
        left = None if limits.time is None else limits.time - (time.monotonic() - began)
        if (
            len(nodes) >= _MOST_NODES
            or time.thread_time() - worked > work
            or (left is not None and left <= 0)
        ):
            return None
        longest = _LONGEST * work if left is None else min(left, _LONGEST * work)  # of one program
        highs.setOptionValue("time_limit", highs.getRunTime() + longest)
        highs.changeColsBounds(len(columns), columns, lower.astype(float), upper.astype(float))
        highs.run()
        status = highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            leaf = _leaf(highs, rows, lower, upper)
            if leaf is None:
                return None
            nodes.append(leaf)
        elif status == highspy.HighsModelStatus.kOptimal:
            values = np.array(highs.getSolution().col_value)
            rounded: IntArray = np.rint(values).astype(np.int64)
            if keeps(rows, rounded) and (lower <= rounded).all() and (rounded <= upper).all():
                return rounded
            away = np.where(lower < upper, np.abs(values - rounded), 0)
            variable = int(np.argmax(away))
            if away[variable] <= _WHOLE:
                return None  # what is a solution up to the tolerance is none: nothing to split
            most = int(np.floor(values[variable]))
            under, over = upper.copy(), lower.copy()
            under[variable], over[variable] = most, most + 1
            nodes.append(Split(variable, most))
            boxes += [(over, upper), (lower, under)]
        else:
            return None
    return Refutation(tuple(nodes))


def _leaf(highs: highspy.Highs, rows: Rows, lower: IntArray, upper: IntArray) -> Leaf | None:
    """The dual ray in integers, if it shows in integers that the box is empty."""
    _, there, values = highs.getDualRay()
    if not there:
        return None
    ray = np.maximum(np.array(values), 0)  # rows have no upper bound
    top = float(ray.max(initial=0))
    for scale in _SCALES if top > 0 else ():
        multipliers = np.rint(ray * (scale / top)).astype(np.int64)
        if closes(multipliers, rows, lower, upper):
            return Leaf(multipliers)
    return None


def keeps(rows: Rows, assignment: IntArray) -> bool:
    """Whether an assignment (n,) keeps all rows."""
    total = np.concatenate([[0], np.cumsum(rows.coef * assignment[rows.index])])
    return bool((total[rows.starts[1:]] - total[rows.starts[:-1]] >= rows.lower).all())


def program(model: LinearModel, rows: Rows, *, whole: bool, costs: bool = False) -> highspy.HighsLp:
    """The model's variables with these rows as HiGHS takes it; ``whole`` says that they are integers."""
    import highspy

    lp = highspy.HighsLp()
    n, m = len(model.lower), len(rows)
    lp.num_col_, lp.num_row_ = n, m
    lp.col_lower_, lp.col_upper_ = model.lower.astype(float), model.upper.astype(float)
    lp.col_cost_ = (model.objective * int(costs)).astype(float)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * n if whole else []
    lp.row_lower_, lp.row_upper_ = rows.lower.astype(float), np.full(m, highspy.kHighsInf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = n, m
    lp.a_matrix_.start_ = rows.starts.astype(np.int32)
    lp.a_matrix_.index_ = rows.index.astype(np.int32)
    lp.a_matrix_.value_ = rows.coef.astype(float)
    return lp
