"""Linear models as PuLP problems, and so as LP and MPS files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qnnt.models import LinearModel

if TYPE_CHECKING:
    import pulp


def import_pulp() -> Any:
    """PuLP without its HiGHS, which it would load at once, and beside which OR-tools cannot be loaded."""
    hide = "highspy" not in sys.modules
    if hide:
        sys.modules["highspy"] = None  # type: ignore[assignment]
    try:
        import pulp
    finally:
        if hide:
            del sys.modules["highspy"]
    return pulp


def to_pulp(model: LinearModel) -> tuple[pulp.LpProblem, list[pulp.LpVariable]]:
    """The model as a PuLP problem, without its offset, and its variables in the order of the model."""
    library = import_pulp()
    problem = library.LpProblem("qnnt")
    variables = [
        problem.add_variable(name, low, high, library.LpInteger)
        for name, low, high in zip(model.names, model.lower.tolist(), model.upper.tolist(), strict=True)
    ]
    cost = model.objective if model.minimize else np.zeros_like(model.objective)
    terms = [(variables[i], cost[i].item()) for i in np.flatnonzero(cost)]
    problem.setObjective(library.LpAffineExpression(terms))
    rows = model.rows
    entries = list(zip([variables[i] for i in rows.index], rows.coef.tolist(), strict=True))
    starts = rows.starts.tolist()
    for r, lower in enumerate(rows.lower.tolist()):
        row = library.LpAffineExpression(entries[starts[r] : starts[r + 1]])
        problem.addConstraint(library.LpConstraint(row, library.LpConstraintGE, f"r{r}", lower))
    return problem, variables


def write_lp(model: LinearModel, path: Path) -> None:
    """Write an LP file."""
    to_pulp(model)[0].writeLP(str(path))


def write_mps(model: LinearModel, path: Path) -> None:
    """Write an MPS file."""
    to_pulp(model)[0].writeMPS(str(path))
