"""The one way to solve: choose, encode, run, lift, replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from qnnt import registry
from qnnt.backends.base import Backend, Capability
from qnnt.encoders.base import Encoder
from qnnt.exceptions import Unavailable, Unsupported, WrongAnswer
from qnnt.goals import Goal
from qnnt.instance import Instance
from qnnt.job import Event, Job, Outcome, Vector
from qnnt.limits import Limit, Limits, Status
from qnnt.result import Result, Statistics
from qnnt.verify.replay import check
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, run_here

FEW_NETWORKS = 20_000  # up to here trying all networks beats starting a solver
DEEP = 8  # hidden layers
NARROW = 24.0  # bits of a bound on the dynamic program's work for a layer
MOST_ORDERED = 64  # beyond this d an order encoding is larger than integers with bounds

_REASONS = {  # for a backend that gives none
    Limit.TIME: "the time limit was reached",
    Limit.MEMORY: "out of memory",
    Limit.INTERRUPT: "interrupted",
    None: "the backend gave no reason",
}


@dataclass(frozen=True)
class Progress:
    """What is known during a run: phase, seconds so far, claimed error of the incumbent, lower bound.

    ``steps`` are those done and all of the backend's present pass, if it tells.
    """

    phase: str
    seconds: float
    incumbent: int | None
    bound: int
    steps: tuple[int, int] | None = None


def solve(
    instance: Instance,
    *,
    goal: Goal | None = None,
    backend: str | Backend = "auto",
    encoder: str | Encoder | None = None,
    limits: Limits | None = None,
    symmetry: bool = True,
    isolate: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Train a network, or prove that none exists.

    ``goal`` replaces the instance's own. ``encoder`` defaults to the one that makes what the backend likes
    best. With ``isolate`` the run is a child process under all limits; without it (tests, notebooks) the
    backend keeps the time limit as well as it can and a memory limit is refused. Ctrl-C ends the run with
    UNKNOWN and the best network so far.

    Raises :class:`Unsupported` when the backend declines the case, :class:`Unavailable` when it is not
    installed, and :class:`WrongAnswer` when what it says does not survive the replay.
    """
    instance = instance if goal is None else instance.with_goal(goal)
    limits = limits or Limits()
    chosen = choose(instance) if backend == "auto" else backend
    chosen = registry.backend(chosen) if isinstance(chosen, str) else chosen
    made = (
        encoder
        if encoder is not None and not isinstance(encoder, str)
        else registry.encoder_for(chosen, encoder, symmetry=symmetry)
    )
    version = _admit(instance, chosen, limits, isolate)
    run = _Run(instance, progress)
    start = time.perf_counter()
    try:
        job = Job(instance, made, chosen, limits)
        ended = run_isolated(job, run.hear) if isolate else run_here(job, run.hear)
    except KeyboardInterrupt:
        ended = Ended(limit=Limit.INTERRUPT, reason="interrupted")
    if ended.error is not None:
        raise ended.error
    outcome = ended.answer or Outcome(Status.UNKNOWN, limit=ended.limit, reason=ended.reason)
    checking = time.perf_counter()
    result = run.conclude(outcome, Result(Status.UNKNOWN, str(instance.goal), chosen.name, made.name))
    now = time.perf_counter()
    seconds = {**run.seconds(outcome), "check": now - checking, "total": now - start}
    statistics = Statistics(seconds, {**run.sizes, **outcome.sizes})
    return replace(result, version=version, limits=limits, statistics=statistics)


def choose(instance: Instance) -> str:
    """What ``auto`` stands for.

    Few networks are tried, deep narrow ones are tabulated, large domains are CP-SAT's, the rest are clauses.
    """
    if instance.n_networks <= FEW_NETWORKS:
        return "enumeration"
    if _deep_and_narrow(instance):
        return "treewidth"
    if instance.domain.d > MOST_ORDERED:
        return "cpsat"
    return "maxsat" if instance.goal.minimizes else "sat:cadical153"


def _deep_and_narrow(instance: Instance) -> bool:
    """Whether depth is what makes it hard: a dynamic program over dense layers soon repeats itself."""
    from qnnt.backends.treewidth import layered

    architecture = instance.architecture
    if architecture.depth < DEEP or instance.goal.minimizes or not layered.applies(architecture):
        return False
    n = len(instance.choices.inputs)
    return layered.estimate(architecture, instance.domain, n) <= NARROW


def _admit(instance: Instance, backend: Backend, limits: Limits, isolate: bool) -> str | None:
    """Turn down what cannot work before any work is done; the backend's version otherwise."""
    available = backend.availability()
    if not available.available:
        raise Unavailable(f"backend {backend.name!r}: {available.reason}")
    if instance.goal.minimizes and Capability.MINIMIZE not in backend.capabilities:
        raise Unsupported(f"backend {backend.name!r} cannot minimise; give at-most:N or another backend")
    if limits.threads > 1 and Capability.THREADS not in backend.capabilities:
        raise Unsupported(f"backend {backend.name!r} uses one thread, not {limits.threads}")
    if limits.memory is not None and not isolate:
        raise Unsupported("a memory limit needs a process of its own (isolate=True)")
    refusal = backend.refuses(instance)
    if refusal is not None:
        raise Unsupported(f"backend {backend.name!r} {refusal}")
    return available.version


class _Run:
    """Gathers what a run tells, and turns its outcome into a replayed result."""

    def __init__(self, instance: Instance, progress: Callable[[Progress], None] | None) -> None:
        self.instance, self._progress = instance, progress
        self._vector: Vector | None = None
        self._cost: int | None = None
        self._bound = instance.choices.unavoidable
        self._phase, self._phases = "start", {"start": time.perf_counter()}
        self.sizes: dict[str, int] = {}

    def hear(self, event: Event) -> None:
        """Take in news and pass it on."""
        if event.phase is not None:
            self._phase = event.phase
            self._phases[event.phase] = time.perf_counter()
        self.sizes.update(event.sizes)
        if event.bound is not None:
            self._bound = max(self._bound, event.bound)
        if event.cost is not None and (self._cost is None or event.cost < self._cost):
            self._vector, self._cost = event.vector, event.cost
        if self._progress is not None:
            seconds = time.perf_counter() - self._phases["start"]
            self._progress(Progress(self._phase, seconds, self._cost, self._bound, event.steps))

    def seconds(self, outcome: Outcome) -> dict[str, float]:
        """Seconds of each phase: the worker's own figures, or seen from here for a run that was cut short."""
        now, seen = time.perf_counter(), {}
        ends = [*list(self._phases.items())[1:], ("", now)]
        for (phase, begin), (_, end) in pairwise(ends):
            seen[phase] = end - begin
        return {**seen, **outcome.seconds}

    def conclude(self, outcome: Outcome, blank: Result) -> Result:
        """Replay the network and hold the verdict against it; raises :class:`WrongAnswer`."""
        who, goal = f"backend {blank.backend!r} with encoder {blank.encoder!r}", self.instance.goal
        vector, claimed = outcome.vector, outcome.cost
        if vector is None and outcome.status is not Status.UNSATISFIABLE:
            vector, claimed = self._vector, self._cost
        bound = max(self._bound, outcome.bound or 0)
        status, network, errors = outcome.status, None, None
        if vector is not None:
            network = self.instance.network(np.asarray(vector))
            errors = check(self.instance, network).errors
            if claimed is not None and errors > claimed:
                raise WrongAnswer(f"{who} claims {claimed} errors for a network that has {errors}")
            if bound > errors:
                raise WrongAnswer(f"{who} claims that {bound} errors are unavoidable; a network has {errors}")
        if status in (Status.SATISFIABLE, Status.OPTIMAL):
            if errors is None or not goal.accepts(errors):
                raise WrongAnswer(f"{who} says {status}, but its network has {errors} errors (goal {goal})")
            if status is Status.OPTIMAL and errors != claimed:
                raise WrongAnswer(
                    f"{who} claims an optimum of {claimed}, but its network has {errors} errors"
                )
            bound = errors if status is Status.OPTIMAL else bound
        elif status is Status.UNSATISFIABLE:
            self._question_impossibility(who)
            bound = bound if goal.budget is None or goal.exact else goal.budget + 1
        elif errors is not None and goal.accepts(errors):  # cut short, but what it has decides the matter
            if not goal.minimizes:
                status = Status.SATISFIABLE
            elif errors == bound:
                status = Status.OPTIMAL
        settled = status is not Status.UNKNOWN
        return replace(
            blank,
            status=status,
            network=network,
            errors=errors,
            lower_bound=bound,
            verified=network is not None,
            limit=None if settled else outcome.limit,
            reason=None if settled else outcome.reason or _REASONS[outcome.limit],
        )

    def _question_impossibility(self, who: str) -> None:
        """Hold "none exists" against what cannot be so, and against what the same run has shown."""
        goal = self.instance.goal
        if goal.minimizes:
            raise WrongAnswer(f"{who} says that no network exists at all")
        if self._vector is not None:
            network = self.instance.network(self._vector)
            if goal.accepts(check(self.instance, network).errors):
                raise WrongAnswer(f"{who} says that no network exists, after reporting one")
