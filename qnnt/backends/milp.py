"""Mixed-integer programming: HiGHS, and CBC through PuLP.

HiGHS is called by its own interface: PuLP drops options that it does not know, calls a run "Optimal" that was
stopped, and takes one call per row.
"""

from __future__ import annotations

import math
import platform
import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, expect_within, optimum
from qnnt.backends.estimates import clause_solver
from qnnt.backends.refuting import keeps, program, refuted
from qnnt.domain import IntArray
from qnnt.exceptions import UnknownWord
from qnnt.files.linear import import_pulp, to_pulp
from qnnt.highs import expect_taken, new_highs
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.models import LinearModel
from qnnt.refutation import Refutation, below
from qnnt.workers.folder import Folder

_VARIANTS = {"highs": "HiGHS", "cbc": "COIN-OR CBC"}
MOST_SUM = 100_000  # what a row or the objective may add up to
_TOLERANCE = 1e-6  # how far off a solver takes a value for an integer
_GAP = 0.8  # errors are integers: a gap below 1 closes, less what rounding errors may do
_SLOWER = 1.5  # times as long as a solver of clauses, on what both can do
_PASSES = 100  # over the rows, to find a contradiction between bounds
_GRACE = 0.5  # seconds, beside half as many as the run took, to find a refutation in integers
_SLACK = 1e-5  # how far from an integer a value may lie


@dataclass(frozen=True)
class MilpBackend:
    """Branch and cut on a linear model. Raises :class:`UnknownWord` for an unknown solver.

    Every assignment is rounded and checked against the rows in exact arithmetic before it is answered. That
    nothing better exists is the solver's word, unless HiGHS comes to a :class:`Refutation`, which is checked
    in integers: it does where few splits leave linear programs without a solution.

    Solvers compute in floating point and take a value for an integer if it is off by 1e-6, so a sum that can
    reach S may be off by S · 1e-6. It must not be off by 1: a model in which a sum can pass :data:`MOST_SUM`
    is declined. On random rows CBC erred from sums of 10^7 on, HiGHS from 10^8 on.
    """

    solver: str = "highs"
    accepts: tuple[type[Any], ...] = (LinearModel,)
    floating = True

    def __post_init__(self) -> None:
        if self.solver not in _VARIANTS:
            raise UnknownWord("milp variant", self.solver, _VARIANTS)

    @staticmethod
    def variants() -> tuple[str, ...]:
        """The solvers known here."""
        return tuple(_VARIANTS)

    @property
    def name(self) -> str:
        """``milp:highs`` or ``milp:cbc``."""
        return f"milp:{self.solver}"

    @property
    def summary(self) -> str:
        """One line for listings."""
        return f"{_VARIANTS[self.solver]}: branch and cut on the linear model"

    @property
    def capabilities(self) -> Collection[Capability]:
        """CBC runs as a program of its own and tells nothing before it ends; neither begins from a network.

        HiGHS 1.16 takes a solution, and at times calls it optimal with the objective of another one. It also
        completes a part of one, and reports bounds of what it fixed for that as bounds of the model.
        """
        able = {Capability.PROVE, Capability.MINIMIZE, Capability.THREADS, Capability.SEED}
        return able | {Capability.INCUMBENTS, Capability.BOUNDS} if self.solver == "highs" else able

    def availability(self) -> Availability:
        """Whether highspy, or the CBC that comes with PuLP, is installed."""
        if self.solver == "highs":
            return Availability.of_package("highspy", "highspy", "qnnt[highs]")
        if cbc_program() is None:
            return Availability(False, reason="program 'cbc' is missing: pip install 'pulp[cbc]'")
        return Availability.of_package("pulp", "pulp", "qnnt")

    @property
    def runs_programs(self) -> bool:
        """Whether the solver is a process of its own."""
        return self.solver == "cbc"

    def refuses(self, instance: Instance) -> str | None:  # noqa: ARG002
        """None: it depends on the numbers of the model, which ``run`` looks at."""
        return None

    def estimate(self, instance: Instance) -> float | None:
        """For a linear system only: no hidden layer, and one label of each input that must be met.

        Branch and cut refutes some that clauses cannot, and takes longer for others.
        """
        goal, choices = instance.goal, instance.choices
        linear = instance.architecture.depth == 0 and len(choices.of) == len(choices.inputs)
        if not linear or goal.exact or goal.budget != choices.unavoidable:
            return None
        return _SLOWER * clause_solver(instance)

    def run(self, model: LinearModel, limits: Limits, report: Report) -> Answer:
        """Solve; raises RuntimeError on a solver's failure or, for HiGHS, if OR-tools is in this process.

        Raises MemoryError if HiGHS has too little, :class:`Unsupported` if a sum can pass :data:`MOST_SUM`.
        """
        expect_within(self, model.largest_sum(), MOST_SUM, "maxsat or cpsat")
        return _highs(model, limits, report) if self.solver == "highs" else _cbc(model, limits)


def _answer(
    model: LinearModel,
    values: npt.NDArray[np.float64] | None,
    *,
    proved: bool,
    bound: int | None,
    limit: Limit,
) -> Answer:
    """The answer for a solution (n,) in floating point, or for none before the limit."""
    sizes = model.sizes()
    if values is None:
        if proved:
            raise RuntimeError("the solver claims an optimum and has no solution")
        return Answer(Status.UNKNOWN, bound=bound, limit=limit, sizes=sizes)
    assignment = np.rint(values).astype(np.int64)
    if np.abs(values - assignment).max(initial=0) > _SLACK or not satisfied(model, assignment):
        reason = "the solution does not hold in exact arithmetic"
        return Answer(Status.UNKNOWN, bound=bound, reason=reason, sizes=sizes)
    cost = model.cost(assignment)
    if not model.minimize:
        return Answer(Status.SATISFIABLE, assignment, cost, sizes=sizes)
    if proved:
        return optimum(assignment, cost, cost if bound is None else bound, sizes)
    return Answer(Status.UNKNOWN, assignment, cost, bound, limit, sizes=sizes)


def satisfied(model: LinearModel, assignment: IntArray) -> bool:
    """Whether an assignment (n,) keeps all bounds and rows."""
    within = (model.lower <= assignment).all() and (assignment <= model.upper).all()
    return bool(within) and keeps(model.rows, assignment)


def contradictory(model: LinearModel) -> bool:
    """Whether the rows leave a variable without a value, by what each row says of its variables' bounds.

    Exact if it says so; it gives up after :data:`_PASSES` over the rows.
    """
    rows, lower, upper = model.rows, model.lower.copy(), model.upper.copy()
    row, index, coef = np.repeat(np.arange(len(rows)), np.diff(rows.starts)), rows.index, rows.coef
    rising = coef > 0
    for _ in range(_PASSES):
        most = coef * np.where(rising, upper[index], lower[index])
        slack = np.zeros(len(rows), dtype=np.int64)
        np.add.at(slack, row, most)
        slack -= rows.lower
        if (slack < 0).any() or (lower > upper).any():
            return True
        least = most - slack[row]  # coef·x is at least this
        np.maximum.at(lower, index[rising], -(-least[rising] // coef[rising]))
        np.minimum.at(upper, index[~rising], least[~rising] // coef[~rising])
    return False


def _proved(model: LinearModel, bound: float) -> int | None:
    """The error that a dual bound proves, with room for the rounding errors of all terms."""
    if not model.minimize or not math.isfinite(bound):
        return None
    return model.error(math.ceil(bound - 1e-3 - _TOLERANCE * float(np.abs(model.objective).sum())))


def _highs(model: LinearModel, limits: Limits, report: Report) -> Answer:
    options = {
        "threads": limits.threads,
        "random_seed": limits.seed,
        "time_limit": math.inf if limits.time is None else limits.time,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": _GAP,
    }
    highs = new_highs(options)
    import highspy

    kinds = highspy.cb.HighsCallbackType

    def progress(kind: Any, _message: str, data: Any, _command: Any, _user: Any) -> None:
        if kind == kinds.kCallbackMipImprovingSolution:
            assignment = np.rint(np.array(data.mip_solution)).astype(np.int64)
            if satisfied(model, assignment):
                report.incumbent(assignment, model.cost(assignment))
        if (bound := _proved(model, data.mip_dual_bound)) is not None:
            report.bound(bound)

    highs.setCallback(progress, None)
    highs.startCallback(kinds.kCallbackMipImprovingSolution)
    highs.startCallback(kinds.kCallbackMipLogging)
    lp = program(model, model.rows, whole=True, costs=model.minimize)
    expect_taken(highs.passModel(lp), "the model")
    began = time.monotonic()
    highs.run()
    took = time.monotonic() - began

    status, info = highs.getModelStatus(), highs.getInfo()
    known = highspy.HighsModelStatus
    if status in (known.kInfeasible, known.kUnboundedOrInfeasible):  # all variables are bounded
        return _certified(model, Answer(Status.UNSATISFIABLE, sizes=model.sizes()), limits, took)
    # "Not set" is what is left of a failed allocation that HiGHS caught.
    if status == known.kMemoryLimit or (status == known.kNotset and limits.memory is not None):
        raise MemoryError
    if status not in (known.kOptimal, known.kTimeLimit, known.kInterrupt):
        raise RuntimeError(f"HiGHS ended with {highs.modelStatusToString(status)!r}")
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    answer = _answer(
        model,
        np.array(highs.getSolution().col_value) if found else None,
        proved=status == known.kOptimal,
        bound=_proved(model, info.mip_dual_bound),
        limit=Limit.INTERRUPT if status == known.kInterrupt else Limit.TIME,
    )
    return _certified(model, answer, limits, took)


def _certified(model: LinearModel, answer: Answer, limits: Limits, took: float) -> Answer:
    """The answer of HiGHS, with a refutation in integers of anything better, if one is found soon.

    Half as much time is spent on it as the run ``took``, and half a second; no more than half of what is
    left. A solution that should not be there makes the answer UNKNOWN.
    """
    if answer.status is Status.UNSATISFIABLE:
        rows = model.rows
    elif answer.status is Status.OPTIMAL and answer.assignment is not None:
        rows = below(model, int(model.objective @ answer.assignment))
    else:
        return answer
    left = None if limits.time is None else (limits.time - took) / 2
    if left is not None and left <= 0:
        return answer
    found = refuted(model, rows, replace(limits, time=left), _GRACE + took / 2)
    if isinstance(found, Refutation):
        return replace(answer, certified=found.holds(model, rows))
    if found is None:
        return answer
    reason = f"HiGHS says {answer.status}, and a solution shows that this is wrong"
    return Answer(Status.UNKNOWN, found, model.cost(found), reason=reason, sizes=answer.sizes)


def cbc_program() -> str | None:
    """The CBC that comes with PuLP, or else one on the search path; found without importing anything."""
    spec = find_spec("pulp")
    places = spec.submodule_search_locations if spec else None
    system = {"Darwin": "osx", "Windows": "win"}.get(platform.system(), "linux")
    arch = "arm64" if platform.machine() in ("aarch64", "arm64") and system == "linux" else "i64"
    program = "cbc.exe" if system == "win" else "cbc"
    for place in places or ():
        bundled = Path(place, "solverdir", "cbc", system, arch, program)
        if bundled.is_file():
            return str(bundled)
    return shutil.which("cbc")


def _cbc(model: LinearModel, limits: Limits) -> Answer:
    library = import_pulp()

    class Cbc(library.COIN_CMD):  # type: ignore[misc, name-defined]
        """Keeps CBC's own word: PuLP reads "Optimal" into runs that were merely stopped."""

        verdict = ""

        def get_status(self, filename: str) -> Any:
            with Path(filename).open() as file:
                self.verdict = file.readline()
            return super().get_status(filename)

    start = time.monotonic()
    problem, variables = to_pulp(model)
    left = None if limits.time is None else max(limits.time - (time.monotonic() - start), 0.1)
    solver = Cbc(
        msg=False,
        path=cbc_program(),
        gapAbs=_GAP,
        gapRel=0.0,
        threads=limits.threads if limits.threads > 1 else None,
        timeLimit=left,
        # CBC 2.10.3 calls models with a solution infeasible in its integer preprocessing.
        options=["preprocess off", f"randomSeed {limits.seed + 1}", f"randomCbcSeed {limits.seed + 1}"],
    )
    with Folder() as folder:
        solver.tmpDir = str(folder.path)
        try:
            problem.solve(solver)
        except library.PulpSolverError:
            # CBC finds a contradiction between bounds, and crashes as it writes that there is no solution.
            if not contradictory(model):
                raise
            return Answer(Status.UNSATISFIABLE, sizes=model.sizes())
    stopped = limits.time is not None and time.monotonic() - start >= 0.95 * limits.time
    verdict = solver.verdict.lower()
    if "infeasible" in verdict and not stopped:
        return Answer(Status.UNSATISFIABLE, sizes=model.sizes())
    optimal = verdict.startswith("optimal") and not stopped
    if not (optimal or stopped or verdict.startswith("stopped")):
        raise RuntimeError(f"CBC ended with {solver.verdict.strip()!r}")
    found = "infeasible" not in verdict and "no integer solution" not in verdict
    values = None
    if found:  # of variables that are in no row CBC is not told
        told = np.array([np.nan if v.varValue is None else v.varValue for v in variables], dtype=np.float64)
        values = np.where(np.isnan(told), np.clip(0, model.lower, model.upper), told)
    return _answer(model, values, proved=optimal, bound=None, limit=Limit.TIME)
