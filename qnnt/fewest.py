"""After training: among the networks that are as good, one with the fewest weights that are not 0, proved."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from qnnt import registry
from qnnt.backends.base import Backend, Capability
from qnnt.encoders.fewest import FewestWeights
from qnnt.exceptions import QnntError, WrongAnswer
from qnnt.goals import AtMost
from qnnt.instance import Instance
from qnnt.job import Event, Incumbent, Job, Outcome, Vector
from qnnt.limits import Limit, Limits, Status
from qnnt.models import Formula
from qnnt.network import Network
from qnnt.result import Fewest, Result
from qnnt.verify.replay import check
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, run_here

_LOG = logging.getLogger(__name__)
_DEFAULT = "maxsat"  # cores of clauses raise the bound, where a descent has to refute the last step alone


def with_fewest_weights(
    instance: Instance,
    result: Result,
    backend: Backend | None,
    limits: Limits,
    *,
    symmetry: bool,
    isolate: bool,
) -> Result:
    """The result with a network of fewest weights, among those that meet the goal with proof.

    Under a minimum these are the networks of least error. ``backend`` is taken if it minimises clauses, else
    ``maxsat``. ``limits.time`` counts what the result took. Every network is replayed. Raises
    :class:`WrongAnswer` for one that has more errors or weights than claimed, and for a bound that is wrong.
    Whatever else ends the search leaves the result with its network, the best so far, and the reason.
    """
    if result.network is None:
        return result
    began, spent = time.perf_counter(), result.statistics.seconds.get("total", 0.0)
    best = result.network
    if result.status is Status.UNKNOWN:
        reason = "networks of the goal or of least error are not known, as training came to no verdict"
        return replace(result, fewest=Fewest(best.n_weights, 0, "none", reason=reason))
    assert result.errors is not None
    goal = AtMost(result.errors) if instance.goal.minimizes else instance.goal
    left = None if limits.time is None else limits.time - spent
    if left is not None and left <= 0:
        reason = "the time limit was reached before the search for fewer weights"
        return replace(result, fewest=Fewest(best.n_weights, 0, "none", limit=Limit.TIME, reason=reason))
    chosen = _able(backend, instance)
    search = _Search(instance.with_goal(goal), best, chosen.name)
    outcome = Outcome(Status.OPTIMAL, cost=0, bound=0)
    if best.n_weights:
        start = Incumbent(best.vector, best.n_weights)
        own = Limits(left, limits.memory)
        job = Job(search.instance, FewestWeights(symmetry), chosen, own, start)
        outcome = _outcome(job, search, isolate=isolate)
    fewest = search.conclude(outcome)
    now = time.perf_counter()
    seconds = {**result.statistics.seconds, "fewer weights": now - began, "total": spent + now - began}
    return replace(
        result,
        network=search.best,
        errors=check(instance, search.best).errors,
        fewest=fewest,
        statistics=replace(result.statistics, seconds=seconds),
    )


def _able(backend: Backend | None, instance: Instance) -> Backend:
    """The backend if it minimises clauses here, else the one that is meant for it."""
    if backend is None:
        return registry.backend(_DEFAULT)
    able = (
        issubclass(Formula, tuple(backend.accepts))
        and {Capability.MINIMIZE, Capability.PROVE} <= set(backend.capabilities)
        and registry.state_of(backend).available
        and backend.refuses(instance) is None
    )
    chosen = backend if able else registry.backend(_DEFAULT)
    _LOG.info("backend %s searches for fewer weights", chosen.name)
    return chosen


def _outcome(job: Job, search: _Search, *, isolate: bool) -> Outcome:
    """What the job comes to, whatever ends it."""
    ended: Ended[Outcome]
    try:
        ended = run_isolated(job, search.hear) if isolate else run_here(job, search.hear)
    except KeyboardInterrupt:
        ended = Ended(limit=Limit.INTERRUPT, reason="interrupted")
    except WrongAnswer:
        raise
    except QnntError as error:  # the network of before is not to be lost
        ended = Ended(reason=str(error))
    return ended.answer or Outcome(Status.UNKNOWN, limit=ended.limit, reason=ended.reason)


class _Search:
    """Holds what a backend tells against the networks that it has shown."""

    def __init__(self, instance: Instance, best: Network, who: str) -> None:
        self.instance, self.best, self.bound, self._who = instance, best, 0, who

    def hear(self, event: Event) -> None:
        """Take in an incumbent or a bound; raises :class:`WrongAnswer`."""
        if event.vector is not None:
            self._consider(event.vector, event.cost)
        self._raise(event.bound)

    def conclude(self, outcome: Outcome) -> Fewest:
        """What is known of the fewest weights; raises :class:`WrongAnswer`."""
        if outcome.status in (Status.UNSATISFIABLE, Status.SATISFIABLE):
            raise WrongAnswer(f"{self._who} says {outcome.status} of the fewest weights of a known network")
        if outcome.vector is not None:
            self._consider(outcome.vector, outcome.cost)
        self._raise(outcome.bound)
        weights = self.best.n_weights
        if outcome.status is Status.OPTIMAL:
            if outcome.cost != weights:
                said = f"claims that {outcome.cost} weights are the fewest"
                raise WrongAnswer(f"{self._who} {said}, the best network has {weights}")
            self.bound = weights
        if self.bound == weights:
            return Fewest(weights, weights, self._who)
        reason = outcome.reason or "the backend gave no reason"
        return Fewest(weights, self.bound, self._who, outcome.limit, reason)

    def _consider(self, vector: Vector, claimed: int | None) -> None:
        network = self.instance.network(vector)
        errors = check(self.instance, network).errors
        if not self.instance.goal.accepts(errors):
            goal = self.instance.goal
            raise WrongAnswer(f"{self._who} shows a network with {errors} errors under the goal {goal}")
        if claimed is not None and network.n_weights > claimed:
            raise WrongAnswer(f"{self._who} claims {claimed} weights for a network of {network.n_weights}")
        if network.n_weights < self.best.n_weights:
            self.best = network

    def _raise(self, bound: int | None) -> None:
        self.bound = max(self.bound, bound or 0)
        if self.bound > self.best.n_weights:
            said = f"claims that {self.bound} weights are needed"
            raise WrongAnswer(f"{self._who} {said}; a network has {self.best.n_weights}")
