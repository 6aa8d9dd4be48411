"""SAT solvers through PySAT; a minimum is found by solving, then asking for something better."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, Start
from qnnt.backends.estimates import clause_solver
from qnnt.exceptions import UnknownWord
from qnnt.garbage import collector_paused
from qnnt.instance import Instance
from qnnt.limits import Limits, Status
from qnnt.models import Formula

# Kissat cannot be asked twice, and PySAT's ignores assumptions: it gets a new solver for every question.
_ONE_SHOT = ("kissat404",)
# CryptoMiniSat is a package of its own; ErgoSAT is PySAT's teaching solver in Python.
_LEFT_OUT = ("cryptosat", "ergo")
# The full names of the others, so that they can be listed without loading them.
SOLVERS = (
    "cadical103",
    "cadical153",
    "cadical195",
    "cadical300",
    "gluecard3",
    "gluecard4",
    "glucose3",
    "glucose4",
    "glucose42",
    "kissat404",
    "lingeling",
    "maplechrono",
    "maplecm",
    "maplesat",
    "mergesat3",
    "minicard",
    "minisat22",
    "minisat-gh",
    "minisatep",
)
_TOTALIZER_LIMIT = 1_000_000  # weight of all literals times bound that the incremental totalizer takes
_CONFLICTS = 1000  # until a solver looks for the first time whether somebody has a better network

Model = npt.NDArray[np.int8]


def solver_names() -> dict[str, str]:
    """Every name that PySAT knows a solver by, and the full name of that solver."""
    from pysat.solvers import SolverNames

    names = {k: v for k, v in vars(SolverNames).items() if isinstance(v, tuple) and k not in _LEFT_OUT}
    full = {k: k if k in aliases else aliases[-1] for k, aliases in names.items()}
    return {alias: full[k] for k, aliases in names.items() for alias in aliases}


@dataclass(frozen=True)
class SatBackend:
    """A conflict-driven clause-learning solver of PySAT; raises :class:`UnknownWord` for an unknown one.

    Counts may be as large as a data set takes (below 2^62 in all): PySAT encodes sums over 64-bit integers.
    """

    solver: str = "cadical153"
    accepts = (Formula,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS, Capability.STARTS)
    summary = "clauses, by a SAT solver of PySAT; minimum by solution-improving search"

    def __post_init__(self) -> None:
        if self.solver in SOLVERS:
            return
        known = solver_names()
        if self.solver not in known:
            raise UnknownWord("sat variant", self.solver, SOLVERS)
        object.__setattr__(self, "solver", known[self.solver])

    @staticmethod
    def variants() -> tuple[str, ...]:
        """The solvers that PySAT ships."""
        return SOLVERS

    @staticmethod
    def aliases() -> Collection[str]:
        """Every name that PySAT knows them by."""
        return solver_names()

    @property
    def name(self) -> str:
        """``sat:`` and the solver's full name."""
        return f"sat:{self.solver}"

    def availability(self) -> Availability:
        """PySAT ships its solvers."""
        return Availability.of_package("python-sat", "pysat", "qnnt")

    def refuses(self, instance: Instance) -> str | None:  # noqa: ARG002
        """Takes everything."""
        return None

    def estimate(self, instance: Instance) -> float:
        """Decisions are its own; a minimum takes a proof at the end of many questions."""
        return clause_solver(instance) * (2 if instance.goal.minimizes else 1)

    def run(
        self,
        model: Formula,
        limits: Limits,  # noqa: ARG002 - no clock, no seed
        report: Report,
        start: Start | None = None,
    ) -> Answer:
        """Solve, and under a minimum ask for less until there is none."""
        one_shot = self.solver in _ONE_SHOT
        oracle: Oracle = Reloading(model, self._ask_once) if one_shot else Incremental(model, self.solver)
        return improve(model, oracle, report, start)

    def _ask_once(self, blocks: list[npt.NDArray[np.int32]], n_variables: int) -> Model | None:
        from pysat.solvers import Solver

        with Solver(name=self.solver) as solver:
            load(solver, blocks)
            return asked(solver, n_variables)


class Overtaken(Exception):  # noqa: N818 - no error: the question is no longer of interest
    """A question was given up before its answer."""


def _never() -> bool:
    return False


class Oracle:
    """A formula that is solved again and again while clauses are added."""

    def solve(self, stop: Callable[[], bool] = _never) -> Model | None:
        """A model (n_variables + 1,), or None if there is none.

        Raises :class:`Overtaken` once ``stop`` says so; it is asked now and then, if the solver can pause.
        """
        raise NotImplementedError

    def add(self, clauses: list[list[int]]) -> None:
        """Add clauses, over new variables too."""
        raise NotImplementedError

    def prefer(self, literals: list[int]) -> None:
        """Try these literals first, if the solver can."""


class Incremental(Oracle):
    """One PySAT solver that keeps what it learns."""

    def __init__(self, formula: Formula, solver: str) -> None:
        from pysat.solvers import Solver

        self._n, self._solver = formula.n_variables, Solver(name=solver)
        load(self._solver, formula.hard)

    def solve(self, stop: Callable[[], bool] = _never) -> Model | None:
        """See :class:`Oracle`; the pauses get rarer, so that each comes within a share of the time so far."""
        done, verdict = 0, None
        while verdict is None:
            conflicts = max(_CONFLICTS, done // 4)
            try:
                self._solver.conf_budget(conflicts)
                verdict = self._solver.solve_limited()
            except NotImplementedError:
                return asked(self._solver, self._n)
            done += conflicts
            if verdict is None and stop():
                raise Overtaken
        return as_model(self._solver.get_model(), self._n) if verdict else None

    def add(self, clauses: list[list[int]]) -> None:
        """See :class:`Oracle`."""
        for clause in clauses:
            self._solver.add_clause(clause)

    def prefer(self, literals: list[int]) -> None:
        """See :class:`Oracle`; some solvers of PySAT have no phases to set."""
        with suppress(NotImplementedError):
            self._solver.set_phases(literals)


class Reloading(Oracle):
    """A solver that takes one formula only; ``ask(blocks, n_variables)`` gives a model or None."""

    def __init__(
        self, formula: Formula, ask: Callable[[list[npt.NDArray[np.int32]], int], Model | None]
    ) -> None:
        self._blocks, self._n, self._ask = list(formula.hard), formula.n_variables, ask

    def solve(self, stop: Callable[[], bool] = _never) -> Model | None:  # noqa: ARG002 - cannot pause
        """See :class:`Oracle`."""
        return self._ask(self._blocks, self._n)

    def add(self, clauses: list[list[int]]) -> None:
        """See :class:`Oracle`."""
        self._blocks += [np.array([clause], dtype=np.int32) for clause in clauses]


def improve(model: Formula, oracle: Oracle, report: Report, start: Start | None = None) -> Answer:
    """Decide the formula; under a minimum, ask for a lower error until there is none.

    The solver looks near the start first. Under a minimum it looks for an error below the start's only, and
    below that of any network that others find while it searches.
    """
    if not model.minimize:
        if start is not None:
            oracle.prefer(_literals(start))
        found = oracle.solve()
        return Answer(Status.UNSATISFIABLE if found is None else Status.SATISFIABLE, found)
    best: Model | None = None
    cost: int | None = None
    lower = _Bound(model, oracle)

    def better() -> Start | None:
        """What others know, if it has a lower error than what is known here."""
        known = report.known() or start
        return known if known is not None and (cost is None or known.cost < cost) else None

    while True:
        if (known := better()) is not None:
            oracle.prefer(_literals(known))
            best, cost = None, known.cost
        if cost is not None and cost <= model.offset:
            break
        if cost is not None:
            lower.below(-((model.offset - cost) // model.unit))
        try:
            found = oracle.solve(lambda: better() is not None)
        except Overtaken:
            continue
        if found is None:
            break
        best, before, cost = found, cost, model.cost(found)
        if before is not None and cost >= before:
            raise RuntimeError(f"asked for less than {before} errors, the solver gave a model with {cost}")
        report.incumbent(best, cost)
    if cost is None:
        return Answer(Status.UNSATISFIABLE)
    return Answer(Status.OPTIMAL, best, cost, bound=cost)


def _literals(known: Start) -> list[int]:
    """The literals that are true in a network that is known."""
    true: list[int] = np.where(known.values == 1, known.variables, -known.variables).tolist()
    return true


class _Bound:
    """Asks the oracle for a cost below ever smaller values, with PySAT's totalizer or PB encodings.

    The totalizer (Bailleux, Boufkhad 2003) has each literal as often as it weighs. It is built once and takes
    a lower bound as a unit clause, where a PB encoding has to be built anew.
    """

    def __init__(self, model: Formula, oracle: Oracle) -> None:
        self._oracle = oracle
        self._lits, self._weights = (-model.soft).tolist(), model.weights.tolist()
        self._total = sum(self._weights)
        self._top = model.n_variables
        self._rhs: list[int] | None = None

    def below(self, cost: int) -> None:
        """From now on the weights of the false soft literals sum to less than ``cost``."""
        bound = cost - 1
        if bound >= self._total:
            return
        if bound == 0:
            self._oracle.add([[-lit] for lit in self._lits])
        elif self._rhs is None and self._total * bound > _TOTALIZER_LIMIT:
            from pysat.pb import PBEnc

            counted = PBEnc.atmost(lits=self._lits, weights=self._weights, bound=bound, top_id=self._top)
            self._top = max(self._top, counted.nv)
            self._oracle.add(counted.clauses)
        else:
            if self._rhs is None:
                from pysat.card import ITotalizer

                lits = np.repeat(self._lits, self._weights).tolist()
                with ITotalizer(lits=lits, ubound=bound, top_id=self._top) as totalizer:
                    self._oracle.add(totalizer.cnf.clauses)
                    self._rhs = list(totalizer.rhs)
            self._oracle.add([[-self._rhs[bound]]])


def load(solver: Any, blocks: tuple[npt.NDArray[np.int32], ...] | list[npt.NDArray[np.int32]]) -> None:
    """Add blocks of clauses to a PySAT solver, with the garbage collector paused."""
    add_clause = solver.solver.add_clause  # past the checks that Solver makes for every clause
    with collector_paused():
        for block in blocks:
            deque(map(add_clause, block.tolist()), maxlen=0)


def asked(solver: Any, n_variables: int) -> Model | None:
    """What a PySAT solver says: a model or None for none; raises RuntimeError if it says neither."""
    verdict = solver.solve()
    if verdict is None:
        raise RuntimeError("the solver stopped without a verdict")
    return as_model(solver.get_model(), n_variables) if verdict else None


def as_model(literals: list[int], n_variables: int) -> Model:
    """The assignment (n_variables + 1,) of 0/1 that a solver's list of true literals stands for."""
    model = np.zeros(n_variables + 1, dtype=np.int8)
    true = np.array(literals, dtype=np.int64)
    model[true[(true > 0) & (true <= n_variables)]] = 1
    return model
