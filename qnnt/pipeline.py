"""The one way to solve: choose, encode, run or race, lift, replay."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qnnt import registry
from qnnt.arguments import (
    instance_of,
    network_of,
    require_backend,
    require_cubes,
    require_encoder,
)
from qnnt.arrows import Arrow, Chain
from qnnt.auto import PORTFOLIO, choose, distinct, team
from qnnt.backends.base import Backend, Capability
from qnnt.encoders.base import Encoder
from qnnt.exceptions import Unavailable, Unsupported, require_word
from qnnt.files.proofs import ProofFolder
from qnnt.goals import FEWEST_WEIGHTS, Goal
from qnnt.instance import Instance
from qnnt.job import Job, Outcome
from qnnt.limits import Limit, Limits, Status
from qnnt.network import Network
from qnnt.portfolio import race
from qnnt.presolve.steps import DEFAULT, Step
from qnnt.result import Result, Statistics
from qnnt.run import REASONS, Member, Progress, Run, refuted_by_data
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, run_here

if TYPE_CHECKING:
    from qnnt.cubes.run import Cubes

_LOG = logging.getLogger(__name__)


def solve(
    instance: Instance | str | Path,
    *,
    goal: Goal | str | None = None,
    backend: str | Backend | Sequence[str | Backend] = "auto",
    encoder: str | Encoder | None = None,
    limits: Limits | float | None = None,
    symmetry: bool = True,
    start: Network | str | Path | None = None,
    presolve: Sequence[Step] | None = None,
    cubes: Cubes | int | None = None,
    then: str | None = None,
    proof: str | Path | None = None,
    confirm: bool = False,
    isolate: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Train a network, or prove that none exists.

    ``instance`` and ``start`` may be paths of files, ``goal`` a word as on the command line (``"min"``), and
    ``limits`` a number of seconds. ``goal`` replaces the instance's own. ``encoder`` defaults to the one that
    makes what the backend likes best. With ``isolate`` the run is a child process under all limits; without
    it (tests, notebooks) the backend keeps the time limit as well as it can and a memory limit is refused.
    Ctrl-C ends the run with UNKNOWN and the best network so far.

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

    ``proof`` is a folder for a proof that no network meets the goal, or that none has fewer errors, which
    somebody can check who does not trust the solver: see :mod:`qnnt.files.proofs`. ``confirm`` has a second
    backend come to the same over another encoding, or the answer is UNKNOWN, unless its proof was accepted.
    Both happen within the limits, and the result's ``evidence`` tells what came of it.

    ``then="fewest-weights"`` goes on, within the limits, to a network with the fewest weights that are not 0,
    among those of least error or, of another goal, among those that meet it: see ``Result.fewest``. ``proof``
    and ``confirm`` cover the number, too: its proof is in the folder ``fewest-weights`` within the other.

    Raises ``TypeError`` for an argument of another type, :class:`UnknownWord` for a name that there is not,
    :class:`InputError` for a start that does not fit the instance or a folder that cannot hold a proof,
    :class:`Unsupported` when the backend declines the case, :class:`Unavailable` when it is not installed,
    and :class:`WrongAnswer` when what it says does not survive the replay.
    """
    require_backend(backend)
    require_encoder(encoder)
    require_cubes(cubes)
    if then is not None:
        require_word("second goal", then, (FEWEST_WEIGHTS,))
    instance, limits = instance_of(instance), Limits.of(limits)
    instance = instance if goal is None else instance.with_goal(goal)
    start = None if start is None else network_of(start, "start")
    ask = partial(_solved, isolate=isolate, progress=progress)
    how: dict[str, Any] = {"symmetry": symmetry, "start": start, "presolve": presolve, "cubes": cubes}
    asked = None
    if proof is None and not confirm:
        result = ask(instance, backend=backend, encoder=encoder, limits=limits, **how)
    else:
        from qnnt.proofs.backing import Asked, confirmed, with_proof  # what few runs need

        asked = Asked(instance, limits, symmetry, isolate, ask, time.perf_counter())
        if proof is None:
            result = ask(instance, backend=backend, encoder=encoder, limits=limits, **how)
        else:
            result = with_proof(asked, ProofFolder(Path(proof)), backend, encoder, how)
        result = confirmed(asked, result) if confirm else result
    result = refuted_by_data(instance, result)
    if then is None:
        return result
    if progress is not None and result.errors is not None:
        seconds = result.statistics.seconds.get("total", 0.0)
        progress(Progress("weights", seconds, result.errors, result.lower_bound or 0))
    from qnnt.fewest import with_fewest_weights  # what few runs need

    result = with_fewest_weights(instance, result, _one(backend), limits, symmetry=symmetry, isolate=isolate)
    if asked is None:
        return result
    from qnnt.proofs.weights import backed

    return backed(asked, result, None if proof is None else ProofFolder(Path(proof)).fewest, confirm=confirm)


def _solved(
    instance: Instance,
    *,
    backend: str | Backend | Sequence[str | Backend],
    encoder: str | Encoder | None,
    limits: Limits,
    symmetry: bool,
    presolve: Sequence[Step] | None,
    cubes: Cubes | int | None,
    isolate: bool,
    progress: Callable[[Progress], None] | None,
    start: Network | None = None,
) -> Result:
    """The answer of the backends, replayed."""
    began = time.perf_counter()
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
        members.append(Member(Job(instance, arrow, chosen, own), made, version))
    run = Run(instance, progress, members, start)
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


def _one(backend: str | Backend | Sequence[str | Backend]) -> Backend | None:
    """The backend that the caller names, if it is a single one."""
    if isinstance(backend, str):
        several = backend == "auto" or backend.partition(":")[0] == PORTFOLIO
        return None if several else registry.backend(backend)
    return None if isinstance(backend, Sequence) else backend


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


def _outcome(job: Job, run: Run, isolate: bool) -> Outcome:
    """What the job comes to, whatever ends it; raises the error of a job that declined."""
    try:
        ended = run_isolated(job, run.hear) if isolate else run_here(job, run.hear)
    except KeyboardInterrupt:
        ended = Ended(limit=Limit.INTERRUPT, reason=REASONS[Limit.INTERRUPT])
    if ended.error is not None:
        raise ended.error
    return ended.answer or Outcome(Status.UNKNOWN, limit=ended.limit, reason=ended.reason)


def _raced(members: Sequence[Member], threads: int, run: Run) -> tuple[Outcome, int | None]:
    """What the members come to, so many at a time, and which of them has the verdict, if one has."""
    run.raced = True
    try:
        finish = race([member.job for member in members], threads, run)
    except KeyboardInterrupt:
        limit = Limit.INTERRUPT
        return Outcome(Status.UNKNOWN, limit=limit, reason=REASONS[limit]), None
    if finish.winner is not None:
        ended = finish.ends[finish.winner]
        if ended is not None and ended.answer is not None:
            return ended.answer, finish.winner
    reason = finish.reason([member.name for member in members], REASONS)
    return Outcome(Status.UNKNOWN, limit=finish.limit, reason=reason), None


def _shared(limits: Limits, backends: Sequence[Backend], *, refuse: bool) -> list[Limits]:
    """The limits of each backend. Of several each has one thread; what is left over goes to one of them.

    If they take turns, one that proves nothing has all threads in its own.
    """
    if len(backends) == 1:
        return [_usable(limits, backends[0], refuse=refuse)]
    spare = max(0, limits.threads - len(backends))
    own = []
    for backend in backends:
        threads = 1
        if Capability.THREADS in backend.capabilities:
            threads, spare = 1 + spare, 0
            if len(backends) > limits.threads and Capability.PROVE not in backend.capabilities:
                threads = limits.threads
        own.append(_usable(replace(limits, threads=threads), backend, refuse=False))
    return own


def _usable(limits: Limits, backend: Backend, *, refuse: bool) -> Limits:
    """The limits without what the backend cannot use; threads are refused if ``refuse``."""
    if limits.threads > 1 and Capability.THREADS not in backend.capabilities:
        if refuse:
            able = [b.name for b in registry.backends() if Capability.THREADS in b.capabilities]
            others = f"try {', '.join(able)}, or auto, which has several backends race"
            raise Unsupported(f"backend {backend.name!r} uses one thread, not {limits.threads}; {others}")
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
