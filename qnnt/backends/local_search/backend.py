"""The backend ``local-search``: good networks soon, and no proof."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, Start
from qnnt.backends.estimates import moderate
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status

MOST_STEPS = 256  # thresholds of an activation
MOST_VALUES = 1 << 28  # neurons times distinct inputs
READ = 0.7  # seconds in which compiled code has been read from disk
DESCEND = 1.0  # seconds in which descents begin while it is compiled


@dataclass(frozen=True)
class LocalSearchBackend:
    """Changes weights and biases one by one, at rising and falling temperatures, in each thread anew.

    Parallel tempering (Swendsen, Wang 1986; Geyer 1991), simulated annealing (Kirkpatrick, Gelatt, Vecchi
    1983) and families of networks that gradient descent improves, in turns. It answers OPTIMAL
    only where no network can be better: if all errors are unavoidable. Counts may be as large as a data set
    takes (below 2^62 in all): errors are added up as 64-bit integers.
    """

    name = "local-search"
    accepts = (Instance,)
    capabilities = (
        Capability.MINIMIZE,
        Capability.INCUMBENTS,
        Capability.THREADS,
        Capability.SEED,
        Capability.STARTS,
    )
    summary = "gradient descent, tempering, annealing; finds networks, proves nothing"

    def availability(self) -> Availability:
        """Numba compiles the moves."""
        return Availability.of_package("numba", "numba", "qnnt[search]")

    def refuses(self, instance: Instance) -> str | None:
        """Goals and sizes that it is not made for."""
        from qnnt.backends.local_search.arrays import LARGEST, reach

        if instance.goal.exact:
            return "searches for few errors, not for an exact number of them; try sat or cpsat"
        if max(activation.top for activation in instance.activations) > MOST_STEPS:
            return f"takes activations of up to {MOST_STEPS} thresholds; try cpsat"
        if reach(instance) > LARGEST:
            return f"takes pre-activations of up to {LARGEST:,}; try cpsat"
        if instance.architecture.n_neurons * len(instance.choices.inputs) > MOST_VALUES:
            return f"takes up to {MOST_VALUES:,} neurons times distinct inputs; try sat"
        return None

    def estimate(self, instance: Instance) -> float:
        """As long as a solver: it runs beside one, so this ranks it only among those that prove nothing."""
        return moderate(instance)

    def prepare(self, model: Instance, report: Report) -> None:
        """Have numba compile the search, or read what it compiled before.

        To compile takes ten seconds and more. Coordinate descent finds networks in the meantime.
        """
        from qnnt.backends.local_search.coordinates import coordinate_descent
        from qnnt.backends.local_search.search import prepare

        with ThreadPoolExecutor(1) as pool:
            compiling = pool.submit(prepare)
            if not wait([compiling], READ).done:
                for parameters, errors in coordinate_descent(model, DESCEND, compiling.done):
                    report.incumbent(parameters, errors)
            compiling.result()

    def run(self, model: Instance, limits: Limits, report: Report, start: Start | None = None) -> Answer:
        """Search until the goal is met, the time is over, or nothing better turns up for long."""
        from qnnt.backends.local_search.search import Found, Team

        floor, budget = model.choices.unavoidable, model.goal.budget
        found, zeros = Found(), np.zeros(model.architecture.n_parameters, dtype=np.int64)
        found.take(zeros, model.network(zeros).error(model.dataset) - floor)

        def take(known: Start | None) -> None:
            if known is not None and known.values.size:
                found.take(known.values.astype(np.int64), known.cost - floor)

        take(start)
        enough = 0 if budget is None else budget - floor
        if enough < 0:
            return Answer(Status.UNKNOWN, reason=f"the data alone make {floor} errors unavoidable")
        team = Team(model, found, limits, enough=enough, listen=lambda: take(report.known()))
        for parameters, excess in team.run() if model.domain.d > 1 else ():
            report.incumbent(parameters, floor + excess)
        errors = floor + found.errors
        if budget is None and errors == floor:
            return Answer(Status.OPTIMAL, found.parameters, errors, floor)
        if budget is not None and errors <= budget:
            return Answer(Status.SATISFIABLE, found.parameters, errors)
        limit = Limit.TIME if team.late else None
        reason = None if team.late else "no better network turned up for long, and nothing is proved"
        return Answer(Status.UNKNOWN, found.parameters, errors, limit=limit, reason=reason)
