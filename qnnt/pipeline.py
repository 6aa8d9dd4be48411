"""The one way to solve: choose, encode, run or race, lift, replay."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from qnnt import registry
from qnnt.arrows import Arrow, Chain
from qnnt.auto import PORTFOLIO, choose, distinct, team
from qnnt.backends.base import Backend, Capability
from qnnt.constant import best_constant
from qnnt.encoders.base import Encoder
from qnnt.exceptions import InputError, Unavailable, Unsupported, WrongAnswer
from qnnt.goals import Goal
from qnnt.instance import Instance
from qnnt.job import Event, Incumbent, Job, Outcome, Vector
from qnnt.limits import Limit, Limits, Status
from qnnt.network import Network
from qnnt.portfolio import race
from qnnt.presolve.steps import DEFAULT, Step
from qnnt.result import Result, Statistics
from qnnt.verify.replay import check
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, run_here

if TYPE_CHECKING:
    from qnnt.cubes.run import Cubes

_LOG = logging.getLogger(__name__)

_REASONS = {  # for a backend that gives none
    Limit.TIME: "the time limit was reached",
    Limit.MEMORY: "out of memory",
    Limit.INTERRUPT: "interrupted",
    None: "the backend gave no reason",
}


@dataclass(frozen=True)
class Progress:
    """What is known during a run: phase, seconds so far, error of the incumbent, lower bound.

    ``steps`` are those done and all of the backend's present pass, if it tells. ``network`` is the incumbent
    if the run found it, None as long as that is the start or the best constant.
    """

    phase: str
    seconds: float
    incumbent: int
    bound: int
    steps: tuple[int, int] | None = None
    network: Network | None = None


def solve(
    instance: Instance,
    *,
    goal: Goal | None = None,
    backend: str | Backend | Sequence[str | Backend] = "auto",
    encoder: str | Encoder | None = None,
    limits: Limits | None = None,
    symmetry: bool = True,
    start: Network | None = None,
    presolve: Sequence[Step] | None = None,
    cubes: Cubes | int | None = None,
    isolate: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Train a network, or prove that none exists.

    ``goal`` replaces the instance's own. ``encoder`` defaults to the one that makes what the backend likes
    best. With ``isolate`` the run is a child process under all limits; without it (tests, notebooks) the
    backend keeps the time limit as well as it can and a memory limit is refused. Ctrl-C ends the run with
    UNKNOWN and the best network so far.

    ``backend`` names one, or is one; several, or ``portfolio:A+B``, race: see :func:`qnnt.portfolio.race`.
    ``limits.threads`` of them run at a time, each under the memory limit, and threads that are left over go
    to one that can use them. ``portfolio`` leaves the choice of the members to the estimates, and so does
    ``auto``, which has one backend run alone if that is as good: see :func:`qnnt.auto.members`.

    ``start`` is a network that is known: the best so far from the beginning, however the run ends, and handed
    to a backend that can use one. The best network that ignores its inputs is known without being handed on.
    If one of the two decides the matter by itself, nothing is run.

    ``presolve`` are steps that simplify the instance in the worker, in order, before it is encoded: None for
    :data:`qnnt.presolve.DEFAULT`, () for none. A network of a step's target must lift to one with the same
    error on its source. Every error that networks of the source have must be had by one of the target;
    unless the goal is to be met exactly, a smaller error will do. Which backend ``auto`` takes, and whether a
    backend declines, is decided on the source.

    ``cubes``, or how many, splits the instance into parts and joins their answers: see
    :class:`qnnt.cubes.Cubes`. ``limits.threads`` of them run at a time, each with one thread. One backend
    answers them all, for ``auto`` the one that expects to be quickest. It has to take models whose parameters
    can be bounded. Under a minimum the parts are decisions: whether a cube has a network with fewer errors
    than the best one. The presolve steps are taken in this process, before the split.

    Raises :class:`UnknownWord` for a name that there is not, :class:`InputError` for a start that does not
    fit the instance, :class:`Unsupported` when the backend declines the case, :class:`Unavailable` when it is
    not installed, and :class:`WrongAnswer` when what it says does not survive the replay.
    """
    instance = instance if goal is None else instance.with_goal(goal)
    began = time.perf_counter()
    limits = limits or Limits()
    asked = registry.encoder(encoder, symmetry=symmetry) if isinstance(encoder, str) else encoder
    steps = DEFAULT if presolve is None else tuple(presolve)
    posed = instance
    if cubes is None:
        backends = _backends(instance, backend, asked, limits, isolate)
        shared = _shared(limits, backends, refuse=_named(backend))
    else:
        from qnnt.cubes.choice import as_part, backend_for_cubes  # what few runs need

        backends, posed = [backend_for_cubes(instance, backend, asked)], as_part(instance)
        alone = _usable(replace(limits, threads=1), backends[0], refuse=False)
        shared = [replace(alone, threads=limits.threads)]  # so many processes
    members = []
    for chosen, own in zip(backends, shared, strict=True):
        version = _admit(posed, chosen, own, isolate)
        made = registry.encoder_for(chosen, asked, symmetry=symmetry)
        arrow: Arrow[Instance, Network, Any, Any] = made
        for step in reversed(steps) if cubes is None else ():  # else they come before the split
            arrow = Chain(step, arrow)
        members.append(_Member(Job(instance, arrow, chosen, own), made, version))
    run = _Run(instance, progress, members, start)
    outcome, who = Outcome(Status.UNKNOWN), None
    if run.settled:
        _LOG.info("the network called %r decides the matter, so nothing is run", run.best.source)
    elif cubes is not None:
        from qnnt.cubes.run import solve_cubes

        outcome, who = solve_cubes(members[0].job, members[0].encoder, steps, cubes, run, isolate=isolate), 0
    elif len(members) == 1:
        outcome, who = _outcome(replace(members[0].job, start=run.start), run, isolate), 0
    else:
        outcome, who = _raced(members, limits.threads, run)
    removed = outcome.sizes.get("parameters removed")
    if removed:
        _LOG.info("presolve removed %d of %d parameters", removed, instance.architecture.n_parameters)
    checking = time.perf_counter()
    result = run.conclude(outcome, who, limits)
    now = time.perf_counter()
    seconds = {**run.seconds(who, outcome, checking), "check": now - checking, "total": now - began}
    return replace(result, statistics=Statistics(seconds, {**run.sizes(who), **outcome.sizes}))


@dataclass(frozen=True)
class _Member:
    """A backend that runs, alone or in a race: its task, and what the result tells of it."""

    job: Job
    encoder: Encoder
    version: str | None

    @property
    def name(self) -> str:
        return self.job.backend.name

    def __str__(self) -> str:
        return f"backend {self.name!r} with encoder {self.encoder.name!r}"


def _named(backend: str | Backend | Sequence[str | Backend]) -> bool:
    """Whether the caller says which backends run."""
    return not isinstance(backend, str) or backend not in ("auto", PORTFOLIO)


def _backends(
    instance: Instance,
    backend: str | Backend | Sequence[str | Backend],
    asked: Encoder | None,
    limits: Limits,
    isolate: bool,
) -> list[Backend]:
    """The backends that are to run."""
    makes = None if asked is None else asked.makes
    if backend == "auto" and not isolate:
        return [registry.backend(choose(instance, makes=makes))]
    if isinstance(backend, str):
        backends = team(backend, instance, limits.threads, makes=makes)
    elif isinstance(backend, Sequence):
        backends = distinct([registry.backend(b) if isinstance(b, str) else b for b in backend])
    else:
        backends = [backend]
    if len(backends) > 1 and not isolate:
        raise Unsupported("a portfolio needs processes of its own (isolate=True)")
    return backends


def _outcome(job: Job, run: _Run, isolate: bool) -> Outcome:
    """What the job comes to, whatever ends it; raises the error of a job that declined."""
    try:
        ended = run_isolated(job, run.hear) if isolate else run_here(job, run.hear)
    except KeyboardInterrupt:
        ended = Ended(limit=Limit.INTERRUPT, reason=_REASONS[Limit.INTERRUPT])
    if ended.error is not None:
        raise ended.error
    return ended.answer or Outcome(Status.UNKNOWN, limit=ended.limit, reason=ended.reason)


def _raced(members: Sequence[_Member], threads: int, run: _Run) -> tuple[Outcome, int | None]:
    """What the members come to, so many at a time, and which of them has the verdict, if one has."""
    run.raced = True
    try:
        finish = race([member.job for member in members], threads, run)
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
        return Outcome(Status.UNKNOWN, limit=limit, reason=_REASONS[limit]), None
    if finish.winner is not None:
        ended = finish.ends[finish.winner]
        if ended is not None and ended.answer is not None:
            return ended.answer, finish.winner
    reason = finish.reason([member.name for member in members], _REASONS)
    return Outcome(Status.UNKNOWN, limit=finish.limit, reason=reason), None


def _shared(limits: Limits, backends: Sequence[Backend], *, refuse: bool) -> list[Limits]:
    """The limits of each backend. Of several each has one thread; what is left over goes to one of them."""
    if len(backends) == 1:
        return [_usable(limits, backends[0], refuse=refuse)]
    spare = max(0, limits.threads - len(backends))
    own = []
    for backend in backends:
        threads = 1
        if Capability.THREADS in backend.capabilities:
            threads, spare = 1 + spare, 0
        own.append(_usable(replace(limits, threads=threads), backend, refuse=False))
    return own


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


@dataclass(frozen=True)
class _Known:
    """A network that was replayed, its errors, and who has it: a member, ``start`` or ``constant``."""

    network: Network
    errors: int
    source: str


class _Run:
    """Gathers what the members tell, and turns the outcome into a replayed result.

    ``start`` is what a member may begin from, ``best`` the network that comes nearest to the goal; ``raced``
    tells whether several members ran.
    """

    def __init__(
        self,
        instance: Instance,
        progress: Callable[[Progress], None] | None,
        members: Sequence[_Member],
        start: Network | None,
    ) -> None:
        self.instance, self._progress, self._members = instance, progress, members
        self._bound = instance.choices.unavoidable
        self._bound_by: _Member | None = None  # the data prove the first bound
        constant, distance = best_constant(instance), instance.goal.distance
        self.best = _Known(constant, check(instance, constant).errors, "constant")
        self.start: Incumbent | None = None
        self._found: Network | None = None
        if start is not None:
            known = _Known(start, _replayed(instance, start), "start")
            self.start = Incumbent(start.vector, known.errors)
            self.best = min(known, self.best, key=lambda each: distance(each.errors))
        self.raced = False
        self._began = time.perf_counter()
        self._phase, self._phases = "start", dict[int, dict[str, float]]()
        self._sizes: dict[int, dict[str, int]] = {}

    @property
    def settled(self) -> bool:
        """Whether what is known meets the goal, under a minimum with proof."""
        goal, errors = self.instance.goal, self.best.errors
        return errors == self._bound if goal.minimizes else goal.accepts(errors)

    def hear(self, event: Event, who: int = 0) -> None:
        """Take in news of a member and pass it on; raises :class:`WrongAnswer` for what cannot be."""
        member = self._members[who]
        phase = event.phase
        if phase is not None:
            self._phase = phase
            self._phases.setdefault(who, {})[phase] = time.perf_counter()
        self._sizes.setdefault(who, {}).update(event.sizes)
        if event.bound is not None and event.bound > self._bound:
            self._bound, self._bound_by = event.bound, member
        if event.vector is not None:
            self._consider(event.vector, event.cost, member)
        self._hold(self._bound, self._bound_by, self.best.errors)
        if self._progress is not None:
            seconds = time.perf_counter() - self._began
            errors, found = self.best.errors, self._found
            self._progress(Progress(self._phase, seconds, errors, self._bound, event.steps, found))

    def _consider(self, vector: Vector, cost: int | None, member: _Member) -> None:
        """Replay a network that is said to be better than the best, and keep it if it is."""
        distance = self.instance.goal.distance
        if cost is not None and distance(cost) >= distance(self.best.errors):
            return
        network, errors = self._replay(vector, cost, member)
        if distance(errors) < distance(self.best.errors):
            self.best, self.start = _Known(network, errors, member.name), Incumbent(network.vector, errors)
            self._found = network

    def sizes(self, who: int | None) -> dict[str, int]:
        """What a member told of its model."""
        return {} if who is None else self._sizes.get(who, {})

    def seconds(self, who: int | None, outcome: Outcome, end: float) -> dict[str, float]:
        """Seconds of each phase of a member: its own figures, or seen from here if it was cut short.

        After a race they include the pauses, and stand beside the seconds of the race itself.
        """
        raced = {"race": end - self._began} if self.raced else {}
        if who is None:
            return raced
        ends = [*self._phases.get(who, {}).items(), ("", end)]
        seen = {phase: after - begin for (phase, begin), (_, after) in pairwise(ends)}
        return {**raced, **seen, **outcome.seconds}

    def _blank(self, who: int | None, limits: Limits) -> Result:
        """What a result says of who ran and who decides the matter, if somebody does."""
        members, by_name = self._members, {member.name: member for member in self._members}
        own = [member.job.limits for member in members]
        threads = min(limits.threads, sum(each.threads for each in own))
        if who is not None:
            deciding = [members[who].name]
        elif self.settled:
            proves = self._bound_by if self.instance.goal.minimizes else None
            deciding = [self.best.source, *([] if proves is None else [proves.name])]
        else:
            deciding = []
        encoders = [by_name[name].encoder.name for name in deciding or by_name if name in by_name]
        return Result(
            Status.UNKNOWN,
            str(self.instance.goal),
            " + ".join(dict.fromkeys(deciding)) or PORTFOLIO,
            " + ".join(dict.fromkeys(encoders)) or "none",
            version=None if who is None else members[who].version,
            members=tuple(by_name) if self.raced else (),
            limits=replace(limits, threads=threads, seed=max(each.seed for each in own)),
        )

    def conclude(self, outcome: Outcome, who: int | None, limits: Limits) -> Result:
        """Replay the networks and hold the verdict against them; raises :class:`WrongAnswer`."""
        said, goal, best = (
            "the race" if who is None else str(self._members[who]),
            self.instance.goal,
            self.best,
        )
        status, bound = outcome.status, self._bound
        answered = None
        if who is not None:
            if outcome.vector is not None:
                answered = self._replay(outcome.vector, outcome.cost, self._members[who])
            bound = max(bound, outcome.bound or 0)
        known = [(best.network, best.errors), *([] if answered is None else [answered])]
        least = min(errors for _, errors in known)
        self._hold(bound, said if bound > self._bound else self._bound_by, least)
        network: Network | None
        errors: int | None
        network, errors = min(known, key=lambda found: goal.distance(found[1]))
        if status in (Status.SATISFIABLE, Status.OPTIMAL):
            network, errors = answered or (best.network, best.errors)
            if not goal.accepts(errors):
                whose = "its network" if answered else "the best network that is known"
                raise WrongAnswer(f"{said} says {status}, but {whose} has {errors} errors (goal {goal})")
            if status is Status.OPTIMAL:
                self._question_optimum(outcome, errors, least, said)
                bound = errors
        elif status is Status.UNSATISFIABLE:
            if goal.minimizes:
                raise WrongAnswer(f"{said} says that no network exists at all")
            if goal.accepts(errors):
                raise WrongAnswer(f"{said} says that no network exists, after reporting one")
            network, errors = None, None
            bound = bound if goal.budget is None or goal.exact else max(bound, goal.budget + 1)
        elif goal.accepts(errors):  # cut short, but what it has decides the matter
            if not goal.minimizes:
                status = Status.SATISFIABLE
            elif errors == bound:
                status = Status.OPTIMAL
        settled = status is not Status.UNKNOWN
        return replace(
            self._blank(who, limits),
            status=status,
            network=network,
            errors=errors,
            lower_bound=bound,
            verified=network is not None,
            limit=None if settled else outcome.limit,
            reason=None if settled else outcome.reason or _REASONS[outcome.limit],
        )

    def _replay(self, vector: Vector, claimed: int | None, who: _Member) -> tuple[Network, int]:
        """The network and its errors, which may not be more than claimed."""
        network = self.instance.network(np.asarray(vector))
        errors = check(self.instance, network).errors
        if claimed is not None and errors > claimed:
            raise WrongAnswer(f"{who} claims {claimed} errors for a network that has {errors}")
        return network, errors

    def _hold(self, bound: int, who: object, errors: int) -> None:
        """Hold a bound against a network."""
        if bound > errors:
            raise WrongAnswer(f"{who} claims that {bound} errors are unavoidable; a network has {errors}")

    def _question_optimum(self, outcome: Outcome, errors: int, least: int, who: str) -> None:
        """Hold a claimed optimum against its own network, and against the best that is known."""
        claimed = errors if outcome.cost is None and outcome.vector is None else outcome.cost
        if errors != claimed:
            raise WrongAnswer(f"{who} claims an optimum of {claimed}, but its network has {errors} errors")
        if least < errors:
            raise WrongAnswer(f"{who} claims an optimum of {errors}, but a network has {least} errors")
