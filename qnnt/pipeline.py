"""The one way to solve: choose, encode, run, lift, replay."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from qnnt import registry
from qnnt.arrows import Arrow, Chain
from qnnt.auto import choose
from qnnt.backends.base import Backend, Capability
from qnnt.encoders.base import Encoder
from qnnt.exceptions import InputError, Unavailable, Unsupported, WrongAnswer
from qnnt.goals import Goal
from qnnt.instance import Instance
from qnnt.job import Event, Incumbent, Job, Outcome, Vector
from qnnt.limits import Limit, Limits, Status
from qnnt.network import Network
from qnnt.presolve.steps import DEFAULT, Step
from qnnt.result import Result, Statistics
from qnnt.verify.replay import check
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, run_here

_LOG = logging.getLogger(__name__)

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
    start: Network | None = None,
    presolve: Sequence[Step] | None = None,
    isolate: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Train a network, or prove that none exists.

    ``goal`` replaces the instance's own. ``encoder`` defaults to the one that makes what the backend likes
    best. With ``isolate`` the run is a child process under all limits; without it (tests, notebooks) the
    backend keeps the time limit as well as it can and a memory limit is refused. Ctrl-C ends the run with
    UNKNOWN and the best network so far.

    ``start`` is a network that is known: the best so far from the beginning, however the run ends, and handed
    to a backend that can use one. If it decides the matter by itself, nothing is run.

    ``presolve`` are steps that simplify the instance in the worker, in order, before it is encoded: None for
    :data:`qnnt.presolve.DEFAULT`, () for none. A network of a step's target must lift to one with the same
    error on its source. Every error that networks of the source have must be had by one of the target;
    unless the goal is to be met exactly, a smaller error will do. Which backend ``auto`` takes, and whether a
    backend declines, is decided on the source.

    Raises :class:`UnknownWord` for a name that there is not, :class:`InputError` for a start that does not
    fit the instance, :class:`Unsupported` when the backend declines the case, :class:`Unavailable` when it is
    not installed, and :class:`WrongAnswer` when what it says does not survive the replay.
    """
    instance = instance if goal is None else instance.with_goal(goal)
    began = time.perf_counter()
    automatic = backend == "auto"
    asked = registry.encoder(encoder, symmetry=symmetry) if isinstance(encoder, str) else encoder
    named = choose(instance, makes=None if asked is None else asked.makes) if automatic else backend
    chosen = registry.backend(named) if isinstance(named, str) else named
    limits = _usable(limits or Limits(), chosen, refuse=not automatic)
    version = _admit(instance, chosen, limits, isolate)
    made = registry.encoder_for(chosen, asked, symmetry=symmetry)
    arrow: Arrow[Instance, Network, Any, Any] = made
    for step in reversed(DEFAULT if presolve is None else presolve):
        arrow = Chain(step, arrow)
    known = None if start is None else Incumbent(start.vector, _replayed(instance, start))
    run = _Run(instance, progress, known)
    blank = Result(Status.UNKNOWN, str(instance.goal), chosen.name, made.name, version=version, limits=limits)
    if run.settled:
        _LOG.info("the start decides the matter, so nothing is run")
        outcome = Outcome(Status.UNKNOWN)
        blank = replace(blank, backend="start", encoder="none", version=None)
    else:
        outcome = _outcome(Job(instance, arrow, chosen, limits, known), run, isolate)
    removed = outcome.sizes.get("parameters removed")
    if removed:
        _LOG.info("presolve removed %d of %d parameters", removed, instance.architecture.n_parameters)
    checking = time.perf_counter()
    result = run.conclude(outcome, blank)
    now = time.perf_counter()
    seconds = {**run.seconds(outcome), "check": now - checking, "total": now - began}
    return replace(result, statistics=Statistics(seconds, {**run.sizes, **outcome.sizes}))


def _outcome(job: Job, run: _Run, isolate: bool) -> Outcome:
    """What the job comes to, whatever ends it; raises the error of a job that declined."""
    try:
        ended = run_isolated(job, run.hear) if isolate else run_here(job, run.hear)
    except KeyboardInterrupt:
        ended = Ended(limit=Limit.INTERRUPT, reason="interrupted")
    if ended.error is not None:
        raise ended.error
    return ended.answer or Outcome(Status.UNKNOWN, limit=ended.limit, reason=ended.reason)


def _usable(limits: Limits, backend: Backend, *, refuse: bool) -> Limits:
    """The limits without what the backend cannot use; threads are refused if ``refuse``."""
    if limits.threads > 1 and Capability.THREADS not in backend.capabilities:
        if refuse:
            raise Unsupported(f"backend {backend.name!r} uses one thread, not {limits.threads}")
        _LOG.info("backend %s uses one thread, not %d", backend.name, limits.threads)
        limits = replace(limits, threads=1)
    if limits.seed and Capability.SEED not in backend.capabilities:
        _LOG.info("backend %s uses no seed: %d is ignored", backend.name, limits.seed)
        limits = replace(limits, seed=0)
    return limits


def _admit(instance: Instance, backend: Backend, limits: Limits, isolate: bool) -> str | None:
    """Turn down what cannot work before any work is done; the backend's version otherwise."""
    available = backend.availability()
    if not available.available:
        raise Unavailable(f"backend {backend.name!r}: {available.reason}")
    if instance.goal.minimizes and Capability.MINIMIZE not in backend.capabilities:
        raise Unsupported(f"backend {backend.name!r} cannot minimise; give at-most:N or another backend")
    if limits.memory is not None and not isolate:
        raise Unsupported("a memory limit needs a process of its own (isolate=True)")
    refusal = backend.refuses(instance)
    if refusal is not None:
        raise Unsupported(f"backend {backend.name!r} {refusal}")
    return available.version


def _replayed(instance: Instance, start: Network) -> int:
    """The errors of a start; raises :class:`InputError` naming what does not fit the instance."""
    ours, theirs = instance.architecture, start.architecture
    if ours != theirs and start.domain == instance.domain:
        shapes = ["-".join(str(len(layer)) for layer in a.layers) for a in (theirs, ours)]
        if shapes[0] != shapes[1]:
            raise InputError("start", f"has the layers {shapes[0]}, the instance {shapes[1]}")
        what = "neurons of other names" if ours.layers != theirs.layers else "other arcs"
        raise InputError("start", f"has {what} than the instance")
    try:
        return check(instance, start).errors
    except InputError as error:
        raise InputError("start", error.message) from None


class _Run:
    """Gathers what a run tells, and turns its outcome into a replayed result."""

    def __init__(
        self,
        instance: Instance,
        progress: Callable[[Progress], None] | None,
        start: Incumbent | None,
    ) -> None:
        self.instance, self._progress, self._best = instance, progress, start
        self._bound = instance.choices.unavoidable
        self._phase, self._phases = "start", {"start": time.perf_counter()}
        self.sizes: dict[str, int] = {}

    @property
    def settled(self) -> bool:
        """Whether what is known meets the goal, under a minimum with proof."""
        goal, best = self.instance.goal, self._best
        if best is None:
            return False
        return best.cost == self._bound if goal.minimizes else goal.accepts(best.cost)

    def hear(self, event: Event) -> None:
        """Take in news and pass it on."""
        if event.phase is not None:
            self._phase = event.phase
            self._phases[event.phase] = time.perf_counter()
        self.sizes.update(event.sizes)
        if event.bound is not None:
            self._bound = max(self._bound, event.bound)
        if event.vector is not None and event.cost is not None:
            distance = self.instance.goal.distance
            if self._best is None or distance(event.cost) < distance(self._best.cost):
                self._best = Incumbent(event.vector, event.cost)
        if self._progress is not None:
            seconds = time.perf_counter() - self._phases["start"]
            incumbent = None if self._best is None else self._best.cost
            self._progress(Progress(self._phase, seconds, incumbent, self._bound, event.steps))

    def seconds(self, outcome: Outcome) -> dict[str, float]:
        """Seconds of each phase: the worker's own figures, or seen from here for a run that was cut short."""
        now, seen = time.perf_counter(), {}
        ends = [*list(self._phases.items())[1:], ("", now)]
        for (phase, begin), (_, end) in pairwise(ends):
            seen[phase] = end - begin
        return {**seen, **outcome.seconds}

    def conclude(self, outcome: Outcome, blank: Result) -> Result:
        """Replay the networks and hold the verdict against them; raises :class:`WrongAnswer`."""
        who, goal = f"backend {blank.backend!r} with encoder {blank.encoder!r}", self.instance.goal
        status, bound = outcome.status, max(self._bound, outcome.bound or 0)
        answered = None if outcome.vector is None else self._replay(outcome.vector, outcome.cost, who)
        heard = None if self._best is None else self._replay(self._best.vector, self._best.cost, who)
        known = [found for found in (answered, heard) if found is not None]
        least = min((errors for _, errors in known), default=None)
        if least is not None and bound > least:
            raise WrongAnswer(f"{who} claims that {bound} errors are unavoidable; a network has {least}")
        network, errors = min(known, key=lambda found: goal.distance(found[1]), default=(None, None))
        if status in (Status.SATISFIABLE, Status.OPTIMAL):
            network, errors = answered or heard or (None, None)
            if errors is None or not goal.accepts(errors):
                raise WrongAnswer(f"{who} says {status}, but its network has {errors} errors (goal {goal})")
            if status is Status.OPTIMAL:
                self._question_optimum(outcome, errors, least, who)
                bound = errors
        elif status is Status.UNSATISFIABLE:
            if goal.minimizes:
                raise WrongAnswer(f"{who} says that no network exists at all")
            if errors is not None and goal.accepts(errors):
                raise WrongAnswer(f"{who} says that no network exists, after reporting one")
            network, errors = None, None
            bound = bound if goal.budget is None or goal.exact else max(bound, goal.budget + 1)
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

    def _replay(self, vector: Vector, claimed: int | None, who: str) -> tuple[Network, int]:
        """The network and its errors, which may not be more than claimed."""
        network = self.instance.network(np.asarray(vector))
        errors = check(self.instance, network).errors
        if claimed is not None and errors > claimed:
            raise WrongAnswer(f"{who} claims {claimed} errors for a network that has {errors}")
        return network, errors

    def _question_optimum(self, outcome: Outcome, errors: int, least: int | None, who: str) -> None:
        """Hold a claimed optimum against its own network, and against the best that is known."""
        claimed = outcome.cost
        if claimed is None and outcome.vector is None and self._best is not None:
            claimed = self._best.cost
        if errors != claimed:
            raise WrongAnswer(f"{who} claims an optimum of {claimed}, but its network has {errors} errors")
        if least is not None and least < errors:
            raise WrongAnswer(f"{who} claims an optimum of {errors}, but a network has {least} errors")
