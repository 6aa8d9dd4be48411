"""How long a stated solver takes for an instance: CaDiCaL on the clauses, in CPU seconds."""

from __future__ import annotations

import math
import resource
import time
from dataclasses import dataclass
from typing import Any

from qnnt import registry
from qnnt.backends.base import Unheard
from qnnt.exceptions import WrongAnswer
from qnnt.instance import Instance
from qnnt.limits import MOST_TIME, Limits, Status
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Hear, Tell, no_message

SOLVER, ENCODER = "sat:cadical153", "clauses"


@dataclass(frozen=True)
class _Timing:
    """A task: solve an instance; its answer is the verdict and the CPU seconds without the encoder's.

    A worker that takes more than ``seconds``, rounded up to a whole second, is killed by the system; encoding
    and solving together take no more than ``limits`` allow.
    """

    instance: Instance
    seconds: float
    limits: Limits
    family = SOLVER.partition(":")[0]
    fresh = False
    runs_programs = False

    def execute(self, tell: Tell[Any], hear: Hear = no_message) -> tuple[Status, float]:  # noqa: ARG002
        model, _ = registry.encoder(ENCODER).apply(self.instance)
        backend, before = registry.backend(SOLVER), resource.getrlimit(resource.RLIMIT_CPU)
        begin = time.process_time()
        end = math.ceil(begin + self.seconds)
        ceiling = end if before[1] == resource.RLIM_INFINITY else min(end, before[1])
        resource.setrlimit(resource.RLIMIT_CPU, (ceiling, before[1]))
        try:
            status = backend.run(model, Limits(), Unheard()).status
            return status, time.process_time() - begin
        finally:
            resource.setrlimit(resource.RLIMIT_CPU, before)


class Reference:
    """Times instances by :data:`SOLVER`, each once, with a limit of so many CPU ``seconds``.

    Nothing goes on after ``end``, of ``time.monotonic()``.
    """

    def __init__(self, seconds: float, end: float = math.inf) -> None:
        self.seconds, self.end = seconds, end
        self._known: dict[str, dict[str, Any]] = {}
        self.version = registry.backend(SOLVER).availability().version

    def line(self, name: str, instance: Instance, answer: bool) -> dict[str, Any]:
        """What a manifest says of the instance of this name: ``seconds`` if ``solved``, else the ``reason``.

        Raises :class:`WrongAnswer` if the solver contradicts the known answer.
        """
        if name not in self._known:
            self._known[name] = self._timed(name, instance, answer)
        return self._known[name]

    def _timed(self, name: str, instance: Instance, answer: bool) -> dict[str, Any]:
        left = None if math.isinf(self.end) else max(min(self.end - time.monotonic(), MOST_TIME), 0.01)
        ended = run_isolated(_Timing(instance, self.seconds, Limits(time=left)), lambda _: None)
        about = {"solver": SOLVER, "version": self.version, "limit": self.seconds}
        if ended.error is not None:
            raise ended.error
        if ended.answer is None:
            return {**about, "solved": False, "seconds": None, "reason": ended.reason}
        status, seconds = ended.answer
        if status is not (Status.SATISFIABLE if answer else Status.UNSATISFIABLE):
            raise WrongAnswer(
                f"{SOLVER} says {status} of {name}, whose answer is {'yes' if answer else 'no'}"
            )
        if seconds > self.seconds:
            return {**about, "solved": False, "seconds": None, "reason": f"it took {seconds:.3f} s"}
        return {**about, "solved": True, "seconds": round(seconds, 3)}
