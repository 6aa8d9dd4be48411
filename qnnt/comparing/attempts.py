"""One run of a contestant on an instance, whatever comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qnnt import registry
from qnnt.auto import team
from qnnt.comparing.contestants import Contestant
from qnnt.exceptions import QnntError, Unavailable, Unsupported, WrongAnswer
from qnnt.generate.teacher import teacher_instance
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.pipeline import solve
from qnnt.run import Progress
from qnnt.workers.executors import apart
from qnnt.workers.task import Call, Ended, run_here

Kept = dict[str, Any]
"""What is kept of a run: some fields of :class:`qnnt.comparing.runs.Run`."""


Make = Callable[[Instance, Contestant, Limits], Kept]
"""Makes a run."""


def attempt_here(make: Make, instance: Instance, contestant: Contestant, allowed: Limits) -> Ended[Kept]:
    """A run under limits, whatever becomes of it."""
    return run_here(Call(_attempt, (make, instance, contestant, allowed), ""), lambda _: None)


def attempt_apart(make: Make, instance: Instance, contestant: Contestant, allowed: Limits) -> Ended[Kept]:
    """The same in a worker process, which runs the backend in a worker of its own: for executors."""
    return apart("comparing", _attempt, make, instance, contestant, allowed)


def _attempt(make: Make, instance: Instance, contestant: Contestant, allowed: Limits) -> Kept:
    """A run, or that its backend is not installed here."""
    backend = contestant.single
    if backend is not None:
        state = registry.state_of(backend)
        if not state.available:
            return {"outcome": "unavailable", "reason": state.reason}
    return make(instance, contestant, allowed)


def library_run(instance: Instance, contestant: Contestant, limits: Limits) -> Kept:
    """A run in a worker that has loaded its solver before, so that the order of the runs does not count."""
    _warm_up(instance, contestant, limits)
    incumbents: list[tuple[float, int]] = []

    def hear(progress: Progress) -> None:
        errors = progress.incumbent
        if not incumbents or incumbents[-1][1] != errors:
            incumbents.append((round(progress.seconds, 4), errors))

    kept = _tried(instance, contestant, limits, hear)
    return {**kept, "incumbents": incumbents} if "status" in kept else kept


def _tried(
    instance: Instance,
    contestant: Contestant,
    limits: Limits,
    hear: Callable[[Progress], None] | None = None,
) -> Kept:
    """Solve; a backend that declines, or whose answer does not survive the replay, is an outcome too."""
    backend, encoder = contestant.backend, contestant.encoder
    try:
        result = solve(instance, backend=backend, encoder=encoder, limits=limits, progress=hear)
    except Unsupported as error:
        return {"outcome": "refused", "reason": str(error)}
    except Unavailable as error:
        return {"outcome": "unavailable", "reason": str(error)}
    except WrongAnswer as error:
        return {"outcome": "wrong", "reason": str(error)}
    return kept_of(result.as_dict())


def _warm_up(instance: Instance, contestant: Contestant, limits: Limits) -> None:
    """Have the workers that the run will get load their solvers, one after another: a race kills its losers.

    Under a memory limit each run has a new worker, so its start counts.
    """
    if limits.memory is not None:
        return
    try:
        backends = team(contestant.backend, instance, limits.threads)
    except QnntError:
        return  # the run says so
    tiny, alone = teacher_instance(3, [2, 1], 3), replace(limits, threads=1)
    for backend in backends:
        if _tried(tiny, replace(contestant, backend=backend.name), alone).get("limit") == Limit.INTERRUPT:
            raise KeyboardInterrupt


def kept_of(result: dict[str, Any]) -> Kept:
    """What is kept of a result, as ``qnnt solve --json`` prints it."""
    status, statistics = Status(result["status"]), dict(result["statistics"])
    names = ("errors", "lower_bound", "backend", "encoder", "version", "limit", "reason")
    seconds = statistics.pop("seconds")
    return {
        **{name: result[name] for name in names},
        "status": status,
        "outcome": "unknown" if status is Status.UNKNOWN else "solved",
        "seconds": seconds["total"],
        "phases": {phase: round(value, 4) for phase, value in seconds.items() if phase != "total"},
        "sizes": statistics,
        "used_threads": result["limits"]["threads"],
    }
