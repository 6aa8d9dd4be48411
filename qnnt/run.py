"""What is known during a run, and the result that comes of it: every network is replayed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from qnnt.auto import PORTFOLIO
from qnnt.constant import best_constant
from qnnt.encoders.base import Encoder
from qnnt.exceptions import InputError, WrongAnswer
from qnnt.instance import Instance
from qnnt.job import Event, Incumbent, Job, Outcome, Vector
from qnnt.limits import Limit, Limits, Status
from qnnt.network import Network
from qnnt.result import Evidence, Result
from qnnt.verify.replay import check

REASONS = {  # for a backend that gives none
    Limit.TIME: "the time limit was reached",
    Limit.MEMORY: "out of memory",
    Limit.INTERRUPT: "interrupted",
    None: "the backend gave no reason",
}

_FEW = 5  # errors: that a minimum lies so near to twice the bound is worth a proof


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


@dataclass(frozen=True)
class Member:
    """A backend that runs, alone or in a race: its task, and what the result tells of it."""

    job: Job
    encoder: Encoder
    version: str | None

    @property
    def name(self) -> str:
        """That of the backend."""
        return self.job.backend.name

    def __str__(self) -> str:
        return f"backend {self.name!r} with encoder {self.encoder.name!r}"


def _replayed(instance: Instance, start: Network) -> int:
    """The errors of a start; raises :class:`InputError` naming what does not fit the instance."""
    ours, theirs = instance.architecture, start.architecture
    if ours != theirs and start.domain == instance.domain:
        if theirs.shape != ours.shape:
            raise InputError("start", f"has the layers {theirs.shape}, the instance {ours.shape}")
        what = "neurons of other names" if ours.layers != theirs.layers else "other arcs"
        raise InputError("start", f"has {what} than the instance")
    try:
        return check(instance, replace(start, encoding=None)).errors  # another table's network may be tried
    except InputError as error:
        raise InputError("start", error.message) from None


@dataclass(frozen=True)
class Known:
    """A network that was replayed, its errors, and who has it: a member, ``start`` or ``constant``."""

    network: Network
    errors: int
    source: str


class Run:
    """Gathers what the members tell, and turns the outcome into a replayed result.

    ``start`` is what a member may begin from, ``best`` the network that comes nearest to the goal; ``raced``
    tells whether several members ran.
    """

    def __init__(
        self,
        instance: Instance,
        progress: Callable[[Progress], None] | None,
        members: Sequence[Member],
        start: Network | None,
    ) -> None:
        self.instance, self._progress, self._members = instance, progress, members
        self._bound = instance.choices.unavoidable
        self._bound_by: Member | None = None  # the data prove the first bound
        constant, distance = best_constant(instance), instance.goal.distance
        self.best = Known(constant, check(instance, constant).errors, "constant")
        self.start: Incumbent | None = None
        self._found: Network | None = None
        if start is not None:
            errors = _replayed(instance, start)
            known = Known(instance.network(start.vector), errors, "start")  # with the instance's encoding
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

    @property
    def far(self) -> bool:
        """Whether a minimum is far from proved: the bound is below half of the errors, and these are many."""
        return self.instance.goal.minimizes and 2 * self._bound + _FEW < self.best.errors

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

    def _consider(self, vector: Vector, cost: int | None, member: Member) -> None:
        """Replay a network that is said to be better than the best, and keep it if it is."""
        distance = self.instance.goal.distance
        if cost is not None and distance(cost) >= distance(self.best.errors):
            return
        network, errors = self._replay(vector, cost, member)
        if distance(errors) < distance(self.best.errors):
            self.best, self.start = Known(network, errors, member.name), Incumbent(network.vector, errors)
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
        decided = self._bound_by if who is None else self._members[who]
        enough = status is Status.SATISFIABLE or (status is Status.OPTIMAL and not errors)
        evidence = Evidence(
            network=enough,
            data=self._counted(status, bound),
            certified=settled and outcome.certified,
            floating=not enough and bool(getattr(decided.job.backend, "floating", False) if decided else 0),
        )
        return replace(
            self._blank(who, limits),
            status=status,
            network=network,
            errors=errors,
            lower_bound=bound,
            verified=network is not None,
            evidence=evidence,
            limit=None if settled else outcome.limit,
            reason=None if settled else outcome.reason or REASONS[outcome.limit],
        )

    def _counted(self, status: Status, bound: int) -> bool:
        """Whether the data points alone show the verdict, or under UNKNOWN the bound."""
        budget, unavoidable = self.instance.goal.budget, self.instance.choices.unavoidable
        if status is Status.UNSATISFIABLE:
            return budget is not None and budget < unavoidable
        return bound <= unavoidable

    def _replay(self, vector: Vector, claimed: int | None, who: Member) -> tuple[Network, int]:
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


def refuted_by_data(instance: Instance, result: Result) -> Result:
    """The result, but UNSATISFIABLE in place of UNKNOWN if the data alone rule out so few errors."""
    budget, unavoidable = instance.goal.budget, instance.choices.unavoidable
    if result.status is not Status.UNKNOWN or budget is None or budget >= unavoidable:
        return result
    none = replace(result, network=None, errors=None, verified=False, limit=None, reason=None)
    return replace(none, status=Status.UNSATISFIABLE, evidence=replace(result.evidence, data=True))
