"""What tests ask of clauses."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from pysat.solvers import Solver

from qnnt.backends.sat import as_model, load
from qnnt.models import Formula, ParameterLift


def expect_distinct_variables(blocks: Iterable[npt.NDArray[np.int32]]) -> None:
    """No clause has a literal twice, or a literal and its negation."""
    for block in blocks:
        variables = np.sort(np.abs(block), axis=1)
        assert (variables[:, 1:] != variables[:, :-1]).all()


def networks_of(formula: Formula, lift: ParameterLift) -> set[tuple[int, ...]]:
    """The parameters of every model, each once."""
    found = set()
    with Solver(name="glucose4") as solver:
        load(solver, formula.hard)
        while solver.solve():
            model = as_model(solver.get_model(), formula.n_variables)
            found.add(tuple(lift(model).vector.tolist()))
            mine = lift.index.ravel()
            solver.add_clause([int(-v if model[v] else v) for v in mine] or [-1])
    return found
