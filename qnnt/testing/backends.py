"""What is checked of a training backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np

from qnnt import registry
from qnnt.architecture import Architecture
from qnnt.backends.base import Backend, Capability
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.encoders.base import Encoder
from qnnt.exceptions import Unavailable, Unsupported, WrongAnswer
from qnnt.generate.teacher import teacher_instance
from qnnt.goals import AtMost, Goal, Minimize
from qnnt.instance import Instance
from qnnt.job import Event, Job, Outcome
from qnnt.limits import Limit, Limits, Status
from qnnt.network import Network
from qnnt.pipeline import solve
from qnnt.testing import declared
from qnnt.testing.brute_force import Truth
from qnnt.testing.cases import PASSED, Case, CheckReport, Finding, Grade, expect, require_some, run_cases
from qnnt.testing.instances import family, goals, title
from qnnt.verify.replay import check
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, run_here

LATEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class TestedBackend:
    """A backend, and how its cases are run: see :func:`check_backend`."""

    backend: Backend
    encoder: str | Encoder | None = None
    isolate: bool = True
    time: float = 60.0

    def can(self, capability: Capability) -> bool:
        """Whether the backend declares it."""
        return capability in self.backend.capabilities

    def encoder_for(self, *, symmetry: bool) -> Encoder:
        """The encoder asked for, or the backend's default one, with its switch set.

        Raises :class:`Unsupported` if the backend does not take what it makes.
        """
        asked = self.encoder
        if asked is not None and not isinstance(asked, str):
            asked = declared.switched(asked, symmetry)
        return registry.encoder_for(self.backend, asked, symmetry=symmetry)

    def declines(self, instance: Instance) -> Finding | None:
        """Why the backend does not take the instance, by what it declares; None if it does."""
        state = self.backend.availability()
        if not state.available:
            raise Unavailable(f"backend {self.backend.name!r}: {state.reason}")
        if instance.goal.minimizes and not self.can(Capability.MINIMIZE):
            return Finding(Grade.DECLINED, "it declares no Capability.MINIMIZE")
        refusal = declared.alternative(self.backend.refuses(instance))
        return None if refusal is None else Finding(Grade.DECLINED, refusal)

    def ask(self, instance: Instance, limits: Limits, *, symmetry: bool = True, isolate: bool) -> Heard:
        """Run the backend on an instance, and note all that it tells."""
        job = Job(instance, self.encoder_for(symmetry=symmetry), self.backend, limits)
        events: list[Event] = []
        ended = run_isolated(job, events.append) if isolate else run_here(job, events.append)
        return Heard(ended, tuple(events))


@dataclass(frozen=True)
class Heard:
    """How a run ended, and what it told before."""

    ended: Ended[Outcome]
    events: tuple[Event, ...] = field(default=())

    def __str__(self) -> str:
        answer = self.ended.answer
        if answer is None:
            return f"no answer: {self.ended.reason or self.ended.limit}"
        parts = {"cost": answer.cost, "bound": answer.bound, "limit": answer.limit, "reason": answer.reason}
        said = [f"{key} {value}" for key, value in parts.items() if value is not None]
        return ", ".join([str(answer.status), *said])


BackendCase = Case[TestedBackend]


def check_backend(
    backend: Backend,
    case: BackendCase | None = None,
    *,
    encoder: str | Encoder | None = None,
    exclude: Mapping[str, str] | None = None,
    isolate: bool = True,
    time: float = 60.0,
) -> CheckReport:
    """Check one case of :func:`backend_cases`, or all of them, and say what came of each.

    ``encoder`` is a name or an encoder (default: the first registered one that makes what the backend likes
    best). ``exclude`` maps names of cases, or patterns like ``"minimize-*"``, to the reason why they are left
    out. With ``isolate`` each run is a child process, as in ``qnnt.solve``; without it a crash of the backend
    ends the tests, and nobody ends a run that hangs. ``time`` is a run's time limit in seconds.

    What the backend declares decides what is expected of it. Without ``Capability.MINIMIZE`` it is not asked
    for a minimum; what it ``refuses`` is not asked either, but the refusal has to name an alternative ("… try
    maxsat"). A run that raises :class:`Unsupported` counts as declined, too. With ``Capability.PROVE`` every
    other case has to be decided. Without it UNKNOWN will do, if there is a reason or a limit. All else is a
    failure: a wrong verdict, a claim of fewer errors than the network has, a bound above the minimum, an
    exception.

    Raises AssertionError that lists the cases that failed, with what was expected and what the backend said,
    and if all cases were run and it decided none; :class:`Unavailable` if it cannot run here;
    :class:`Unsupported` if the encoder does not fit, or none does; :class:`UnknownWord` and
    :class:`InputError` for exclusions that name no case or have no reason.
    """
    tested = TestedBackend(backend, encoder, isolate, time)
    tested.encoder_for(symmetry=True)
    report = run_cases(tested, f"backend {backend.name!r}", backend_cases(), case, exclude or {})
    if case is None:
        require_some(report, _answer_cases(), f"backend {backend.name!r} decides none of {{}} cases")
    return report


@cache
def backend_cases() -> tuple[BackendCase, ...]:
    """All cases, always the same: what is declared, answers, and how limits, seeds and reports are kept.

    An answer case is named by its goal and its instance: ``at-most-1-sign-outputs``. In a case
    ``…-unordered`` the encoder does not order interchangeable neurons.
    """
    others: dict[str, Callable[[TestedBackend], Finding]] = {
        "declares-what-it-is": _declares,
        "pickles": lambda tested: declared.pickles(tested.backend),
        "variants": lambda tested: declared.variants(tested.backend),
        "registered-name": lambda tested: declared.registered(tested.backend, registry.backend),
        "refuses-with-an-alternative": _refuses,
        "reports-incumbents": _incumbents,
        "threads": _threads,
        "solve": lambda tested: _solved(*_ready(tested), tested),
        "starts": _starts,
        "seed-1": lambda tested: _examine(*_ready(tested), tested, seed=1)[0],
        "seed-latest": lambda tested: _examine(*_ready(tested), tested, seed=LATEST_SEED)[0],
        **{f"time-limit-{limit}": partial(_time_limit, limit) for limit in (0.001, 0.2)},
    }
    return (*(Case(name, run) for name, run in others.items()), *_answer_cases())


@cache
def _answer_cases() -> tuple[BackendCase, ...]:
    cases = []
    for name, truth in family().items():
        for goal in goals(truth):
            case = f"{title(goal)}-{name}"
            cases.append(Case(case, partial(_answers, truth, goal)))
            if truth.instance.architecture.twins:
                cases.append(Case(f"{case}-unordered", partial(_answers, truth, goal, symmetry=False)))
    return tuple(cases)


def _answers(truth: Truth, goal: Goal, tested: TestedBackend, *, symmetry: bool = True) -> Finding:
    """The verdict, the network, and all that is told on the way."""
    return _examine(truth, goal, tested, symmetry=symmetry)[0]


def _examine(
    truth: Truth, goal: Goal, tested: TestedBackend, *, symmetry: bool = True, seed: int = 0, threads: int = 1
) -> tuple[Finding, tuple[Event, ...]]:
    """What came of one run, and what it told on the way."""
    instance = truth.instance.with_goal(goal)
    declined = tested.declines(instance)
    if declined is not None:
        return declined, ()
    limits = Limits(time=tested.time, seed=seed, threads=threads)
    heard = tested.ask(instance, limits, symmetry=symmetry, isolate=tested.isolate)
    return judge(truth, goal, tested, heard), heard.events


def judge(truth: Truth, goal: Goal, tested: TestedBackend, heard: Heard) -> Finding:
    """Hold a run against the truth about its instance; raises AssertionError."""
    for event in heard.events:
        _credible(truth, "an incumbent", event.vector, event.cost, event.bound)
    ended, answer = heard.ended, heard.ended.answer
    if isinstance(ended.error, Unsupported):
        return Finding(Grade.DECLINED, str(ended.error))
    exists, least = truth.exists(goal), truth.least
    wanted = f"{least} errors as the minimum" if goal.minimizes else f"{goal}: {_verdict(exists)}"
    cut_short = answer is None and ended.limit is Limit.TIME
    expect(answer is not None or cut_short, wanted, heard)
    if answer is None or answer.status is Status.UNKNOWN:
        expect(not tested.can(Capability.PROVE), wanted, heard)
        expect(cut_short or _explained(answer), "a reason or a limit", heard)
        if answer is not None:
            _credible(truth, "an answer", answer.vector, answer.cost, answer.bound)
        return Finding(Grade.UNDECIDED, str(heard))
    if goal.minimizes:
        expect(answer.status is Status.OPTIMAL, wanted, heard)
        expect(answer.cost == least and answer.bound in (None, least), wanted, heard)
    else:
        expect(answer.status is _verdict(exists), wanted, heard)
    errors = _credible(truth, "an answer", answer.vector, answer.cost, answer.bound)
    if answer.status is not Status.UNSATISFIABLE:
        expect(errors is not None, "a network", heard)
        met = errors == least if goal.minimizes else goal.accepts(errors or 0)
        expect(met, wanted, f"{heard}, for a network with {errors} errors")
    return PASSED


def _verdict(exists: bool) -> Status:
    return Status.SATISFIABLE if exists else Status.UNSATISFIABLE


def _explained(answer: Outcome | None) -> bool:
    return answer is not None and bool(answer.limit or answer.reason)


def _credible(
    truth: Truth, what: str, vector: np.ndarray | None, cost: int | None, bound: int | None
) -> int | None:
    """The errors of the network, which are no more than is claimed; no bound is above the minimum."""
    if bound is not None:
        expect(bound <= truth.least, f"a bound of at most {truth.least}", f"at least {bound} errors")
    if vector is None:
        return None
    errors = truth.errors_of(vector)
    if cost is not None:
        expect(errors <= cost, f"{what} of {errors} errors, as its network has", f"{cost} errors")
    return errors


def _declares(tested: TestedBackend) -> Finding:
    """Every fact that ``qnnt backends`` lists."""
    backend = tested.backend
    declared.lists(backend)
    types = backend.accepts
    expect(
        isinstance(types, tuple) and bool(types) and all(isinstance(t, type) for t in types),
        "a tuple of model types as accepts",
        repr(types),
    )
    known = set(Capability)
    expect(set(backend.capabilities) <= known, f"capabilities among {sorted(known)}", backend.capabilities)
    return PASSED


def _refuses(tested: TestedBackend) -> Finding:
    """An instance that is too large for most is taken, or refused with an alternative."""
    x = np.indices((3,) * 6).reshape(6, -1).T - 1
    data = Dataset(x, np.ones((len(x), 2), dtype=np.int64))
    instance = Instance(Domain(3), Architecture.dense([6, 4, 2]), data)
    declared.alternative(tested.backend.refuses(instance))
    return PASSED


def _incumbents(tested: TestedBackend) -> Finding:
    """Who declares incumbents reports some, of a minimum that takes search or of a search in vain."""
    if not tested.can(Capability.INCUMBENTS):
        return Finding(Grade.DECLINED, "it declares no Capability.INCUMBENTS")
    truth = family()["relu-d5"]
    goal = Minimize() if tested.can(Capability.MINIMIZE) else AtMost(truth.least - 1)
    finding, events = _examine(truth, goal, tested)
    searched = finding.grade is Grade.UNDECIDED or (goal.minimizes and finding.grade is Grade.PASSED)
    if searched:
        told = any(event.vector is not None for event in events)
        expect(told, "at least one incumbent to be reported", f"none ({finding.grade} {finding.reason})")
    return finding


def _ready(tested: TestedBackend) -> tuple[Truth, Goal]:
    """An instance with some search to do, under the hardest goal that the backend takes."""
    truth = family()["relu-twins"]
    return truth, Minimize() if tested.can(Capability.MINIMIZE) else AtMost(truth.least)


def _threads(tested: TestedBackend) -> Finding:
    """Who declares threads is right with two."""
    if not tested.can(Capability.THREADS):
        return Finding(Grade.DECLINED, "it declares no Capability.THREADS")
    return _examine(*_ready(tested), tested, threads=2)[0]


def _starts(tested: TestedBackend) -> Finding:
    """Who declares starts comes to the same verdicts from the worst network and from the best one."""
    if not tested.can(Capability.STARTS):
        return Finding(Grade.DECLINED, "it declares no Capability.STARTS")
    truth, findings = family()["relu-twins"], [PASSED]
    for goal in goals(truth):
        if tested.can(Capability.MINIMIZE) or not goal.minimizes:
            for number in (truth.errors.argmax(), truth.errors.argmin()):
                start = truth.instance.network(truth.vectors[number])
                findings.append(_solved(truth, goal, tested, start))
    return next((finding for finding in findings if finding != PASSED), PASSED)


def _solved(truth: Truth, goal: Goal, tested: TestedBackend, start: Network | None = None) -> Finding:
    """What comes of it from end to end, by ``qnnt.solve``, which replays the network."""
    instance = truth.instance.with_goal(goal)
    declined = tested.declines(instance)
    if declined is not None:
        return declined
    try:
        result = solve(
            instance,
            backend=tested.backend,
            encoder=tested.encoder,
            start=start,
            limits=Limits(time=tested.time),
            isolate=tested.isolate,
        )
    except Unsupported as declines:
        return Finding(Grade.DECLINED, str(declines))
    except WrongAnswer as wrong:
        raise AssertionError(f"expected an answer that survives the replay; {wrong}") from wrong
    if result.status is Status.UNKNOWN and not tested.can(Capability.PROVE):
        return Finding(Grade.UNDECIDED, result.reason or "")
    wanted = Status.OPTIMAL if goal.minimizes else _verdict(truth.exists(goal))
    told = "" if start is None else f" from a start of {truth.errors_of(start.vector)} errors"
    said = f"{result.status}, {result.errors} errors, {result.reason}"
    right = result.status is wanted and (not goal.minimizes or result.errors == truth.least)
    expect(right, f"{wanted} under {goal}{told}, where the minimum is {truth.least} errors", said)
    return PASSED


@cache
def _planted() -> Instance:
    """A network with 0 errors exists; few backends find one within seconds."""
    return teacher_instance(3, [8, 5, 2], 60, seed=1)


def _time_limit(seconds: float, tested: TestedBackend) -> Finding:
    """Cut short in a process of its own, a run is UNKNOWN for that reason, or right."""
    instance = _planted()
    declined = tested.declines(instance)
    if declined is not None:
        return declined
    heard = tested.ask(instance, Limits(time=seconds), isolate=True)
    ended, answer = heard.ended, heard.ended.answer
    if isinstance(ended.error, Unsupported):
        return Finding(Grade.DECLINED, str(ended.error))
    for event in heard.events:
        if event.vector is not None and event.cost is not None:
            errors = check(instance, instance.network(event.vector)).errors
            expect(errors <= event.cost, f"an incumbent of {errors} errors", f"{event.cost} errors")
        expect(not event.bound, "a bound of 0, as a network has no errors", f"at least {event.bound} errors")
    if answer is None:
        expect(ended.limit is not None, "UNKNOWN by the time limit, or a network", heard)
        return PASSED
    if answer.status is Status.UNKNOWN:
        expect(_explained(answer), "UNKNOWN by the time limit or for a reason, or a network", heard)
        return PASSED
    expect(answer.status is Status.SATISFIABLE, "SATISFIABLE, or UNKNOWN by the time limit", heard)
    expect(answer.vector is not None, "a network", heard)
    errors = check(instance, instance.network(np.asarray(answer.vector))).errors
    expect(errors == 0, "a network without errors", f"one with {errors}")
    return PASSED
