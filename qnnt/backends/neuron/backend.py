"""The backend ``neuron``: branch and bound for networks without hidden layer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, Start
from qnnt.backends.enumeration import FEW_NETWORKS
from qnnt.backends.estimates import clause_solver
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status

if TYPE_CHECKING:
    from qnnt.backends.neuron.minimum import Minimum
    from qnnt.backends.neuron.problem import Problem

MOST_D = 64  # the tables of one weight grow with d³
MOST_SUM = 2**29  # sums are 32-bit integers
MOST_TABLES = 2**30  # bytes of the tables, if each weight is looked up alone
MOST_NEURONS = 10**11  # to choose from in a decision; of more, clauses may spare nearly all
_SHARE = 0.5  # of the seconds that a solver of clauses takes

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NeuronBackend:
    """Depth-first search over groups of weights, whose completions are counted 64 at a time.

    Outputs are independent if no error can be spared: each is trained alone. Otherwise it takes one output.
    Counts may be as large as a data set takes (below 2^62 in all): they are added up bit by bit.
    """

    name = "neuron"
    accepts = (Instance,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS, Capability.BOUNDS)
    summary = "branch and bound over the weights of one neuron; no hidden layer"

    def availability(self) -> Availability:
        """Whether numba is installed."""
        return Availability.of_package("numba", "numba", "qnnt[search]")

    def refuses(self, instance: Instance) -> str | None:
        """Hidden layers, outputs that depend on each other; domains, sums and tables that are too large."""
        if instance.architecture.depth:
            return "takes networks without hidden layer; try sat, maxsat or cpsat"
        if instance.domain.d > MOST_D:
            return f"takes domains of up to {MOST_D} values, not {instance.domain.d:,}; try cpsat"
        largest = int(np.diff(instance.architecture.connections[0].starts).max())
        if (largest + 1) * instance.domain.hi**2 > MOST_SUM:
            what = f"a neuron of {largest:,} arcs can pass"
            return f"computes with sums of up to {MOST_SUM:,}, which {what}; try cpsat"
        points, d = len(instance.choices.inputs), instance.domain.d
        row = min(points, d) * 8 * (2 * instance.domain.hi**2 + 2) + 4 * points * d
        if (largest + 1) * row > MOST_TABLES:
            return f"would make tables of more than {MOST_TABLES >> 20:,} MiB; try cpsat"
        if instance.architecture.omega > 1 and not separable(instance):
            return "takes several outputs only if each input has one label that must be met; try maxsat"
        return None

    def estimate(self, instance: Instance) -> float | None:
        """Less than clauses take for a minimum, and for a decision about one of not too many neurons."""
        if instance.n_networks <= FEW_NETWORKS or self.refuses(instance) is not None:
            return None
        largest = int(np.diff(instance.architecture.connections[0].starts).max())
        if not instance.goal.minimizes and instance.domain.d ** (largest + 1) > MOST_NEURONS:
            return None
        return _SHARE * clause_solver(instance)

    def run(self, model: Instance, limits: Limits, report: Report) -> Answer:
        """Search each output; what was found when the time limit ends the run is kept."""
        from qnnt.backends.neuron.minimum import OutOfTime

        run = _Run(model, report, None if limits.time is None else time.monotonic() + limits.time)
        try:
            return run.answer()
        except OutOfTime:
            vector, errors, bound = run.known()
            reason = "the time limit was reached"
            return Answer(Status.UNKNOWN, vector, errors, bound, Limit.TIME, reason, sizes=run.sizes)


def separable(instance: Instance) -> bool:
    """Whether the goal leaves each input one label to be met: then outputs can be trained alone."""
    budget, choices = instance.goal.budget, instance.choices
    if budget is None:
        return False
    if budget < choices.unavoidable:
        return True  # no network meets the goal
    best = np.zeros(len(choices.inputs), dtype=np.int64)
    np.maximum.at(best, choices.of, choices.counts)
    alike = choices.of[choices.counts == best[choices.of]]  # labels that may be met, with ties
    return budget == choices.unavoidable and len(alike) == len(set(alike.tolist()))


def problem_of(instance: Instance, output: int) -> Problem:
    """What one output costs beyond the unavoidable errors, the others left aside."""
    from qnnt.backends.neuron.problem import Problem, intervals

    choices, sources = instance.choices, instance.architecture.connections[0].sources(output)
    keep = np.ones(len(choices.of), dtype=bool)
    if instance.architecture.omega > 1:  # of each input, the label to be met
        keep = np.diff(choices.of, prepend=-1) > 0
    lo, hi = intervals(instance.activation.output, choices.levels[keep, output])
    inputs = choices.inputs[:, sources].astype(np.int64)
    return Problem.of_labels(instance.domain, inputs, choices.of[keep], lo, hi, choices.counts[keep])


class _Run:
    """One run: the answer, and what is known if it is cut short."""

    def __init__(self, instance: Instance, report: Report, deadline: float | None) -> None:
        self._instance, self._report, self._deadline = instance, report, deadline
        self._offset = instance.choices.unavoidable
        self._search: Minimum | None = None
        self._heard: Start | None = None
        self.sizes: dict[str, int] = {"nodes": 0}

    def answer(self) -> Answer:
        """The verdict on the goal; raises :class:`OutOfTime`."""
        goal, offset = self._instance.goal, self._offset
        spare = 0 if goal.budget is None else goal.budget - offset
        if spare < 0:
            return Answer(Status.UNSATISFIABLE, bound=offset)
        if self._instance.architecture.omega > 1:
            return self._separately()
        search = self._minimum(0)
        if goal.minimizes:
            errors = offset + search.minimum() * search.problem.unit
            return Answer(Status.OPTIMAL, search.best, errors, errors, sizes=self._counted())
        wanted, rest = divmod(spare, search.problem.unit)
        total = int(search.problem.price.sum())
        if goal.exact:
            impossible = rest > 0 or wanted > total
            best = None if impossible else search.exactly(wanted)
        else:
            best = search.at_most(min(wanted, total))
        if best is None:
            return Answer(Status.UNSATISFIABLE, sizes=self._counted())
        return Answer(Status.SATISFIABLE, best, sizes=self._counted())

    def known(self) -> tuple[Ints | None, int | None, int]:
        """The best vector so far, its errors and the lower bound."""
        self._counted()
        search = self._search
        if search is None or self._instance.architecture.omega > 1:
            return None, None, self._offset
        unit, best = search.problem.unit, search.best
        errors = None if best is None else self._offset + search.cost * unit
        return best, errors, self._offset + search.bound * unit

    def _separately(self) -> Answer:
        architecture = self._instance.architecture
        vector = np.zeros(architecture.n_parameters, dtype=np.int64)
        for j in range(architecture.omega):
            best = self._minimum(j).at_most(0)
            self._counted()
            if best is None:
                return Answer(Status.UNSATISFIABLE, sizes=self.sizes)
            vector[architecture.connections[0].arcs(j)] = best[:-1]
            vector[architecture.n_arcs + j] = best[-1]
        return Answer(Status.SATISFIABLE, vector, sizes=self.sizes)

    def _minimum(self, output: int) -> Minimum:
        """The search for one output, which reports if it is the only one."""
        from qnnt.backends.neuron.minimum import Minimum

        problem = problem_of(self._instance, output)
        self._search = Minimum(problem, self._deadline, progress=self._report.progress)
        if self._instance.architecture.omega == 1:
            unit, offset, report = problem.unit, self._offset, self._report
            self._search.improved = lambda best, cost: report.incumbent(best, offset + cost * unit)
            self._search.bounded = lambda bound: report.bound(offset + bound * unit)
            if self._instance.goal.minimizes:
                self._search.known = self._known
        return self._search

    def _known(self) -> Ints | None:
        """What others know, once."""
        known = self._report.known()
        if known is None or known is self._heard or not known.values.size:
            return None
        self._heard = known
        return known.values.astype(np.int64)

    def _counted(self) -> dict[str, int]:
        if self._search is not None:
            self.sizes["nodes"] += self._search.nodes
            self._search.nodes = 0
        return self.sizes
