"""Backends and rounders that misbehave, one way each, in a module that a worker can import."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qnnt.availability import Availability
from qnnt.backends.base import Answer, Capability, Report, Start
from qnnt.exceptions import Unsupported
from qnnt.instance import Instance
from qnnt.limits import Limits, Status
from qnnt.rounders.base import Rounder, RowAnswer, nearest
from qnnt.rounders.nearest import NearestPlaneRounder


@dataclass(frozen=True)
class Faulty:
    """``fault`` names what goes wrong; ``vector`` are the parameters of its network, by default zeros."""

    fault: str
    note: str = ""
    vector: tuple[int, ...] = ()
    accepts = (Instance,)
    capabilities = (Capability.MINIMIZE, Capability.INCUMBENTS, Capability.BOUNDS)
    summary = "misbehaves"

    @property
    def name(self) -> str:
        return f"faulty:{self.fault}"

    def availability(self) -> Availability:
        return Availability(self.fault != "missing", "1", "nobody wrote it")

    def refuses(self, instance: Instance) -> str | None:
        return "declines everything; try another" if self.fault == "declines" else None

    def run(self, model: Instance, limits: Limits, report: Report) -> Answer:
        own = np.array(self.vector or [0] * model.architecture.n_parameters, dtype=np.int64)
        errors, worst = model.network(own).error(model.dataset), model.dataset.total
        if self.fault.startswith("incumbent-then-"):
            report.incumbent(own, errors)
            report.bound(0)
        match self.fault.removeprefix("incumbent-then-"):
            case "abort":
                os.abort()
            case "segfault":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "real-time":  # a signal without a name
                os.kill(os.getpid(), 40)
            case "last-words":
                os.write(2, self.note.encode())
                os._exit(1)
            case "complains":
                os.write(2, self.note.encode())
            case "exit":
                os._exit(0)
            case "raise":
                raise ArithmeticError("two and two\nmake five")
            case "torn-message":  # it announces 100 bytes and sends 10
                os.write(int(sys.argv[1]), struct.pack("!i", 100) + bytes(10))
                os._exit(1)
            case "hang":
                time.sleep(600)
            case "hold-gil":
                sum(range(10**12))
            case "eat-memory":
                hoard = [np.empty(1 << 24) for _ in range(1000)]  # touches no page: the limit is hit first
                return Answer(Status.UNKNOWN, reason=str(len(hoard)))
            case "child":
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                Path(self.note).write_text(str(child.pid))
                time.sleep(600)
            case "litter":
                Path(self.note).write_text(tempfile.mkdtemp())
                time.sleep(600)
            case "chatter":
                os.write(1, b"noise on stdout\n" * 1000)
                os.write(2, b"noise on stderr\n" * 1000)
                return Answer(Status.SATISFIABLE, own)
            case "false-network":
                return Answer(Status.SATISFIABLE, own)
            case "false-optimum":
                return Answer(Status.OPTIMAL, own, 0, 0)
            case "false-cost":
                report.incumbent(own, 0)
                return Answer(Status.UNKNOWN, reason="gave up")
            case "false-bound":
                return Answer(Status.UNKNOWN, own, worst, worst + 1, reason="gave up")
            case "false-impossible":
                report.incumbent(own, errors)
                return Answer(Status.UNSATISFIABLE)
            case "no-such-network":
                return Answer(Status.UNSATISFIABLE)
            case "time-note":
                Path(self.note).write_text(str(limits.time))
            case "late-refusal":
                raise Unsupported("the model is too large; try another")
            case "bound-then-hang":
                report.bound(errors)
                time.sleep(600)
            case "bound-and-tock":
                report.bound(errors)
                return replace(self, fault="tock").run(model, limits, report)
            case "tick" | "tock" | "tuck":  # notes when it runs
                with Path(self.note).open("a") as file:
                    while True:
                        print(time.monotonic(), self.fault, file=file, flush=True)
                        time.sleep(0.002)
            case "threads-and-tick":
                with Path(self.note).open("a") as file:
                    print("threads", limits.threads, limits.threads, file=file, flush=True)
                return replace(self, fault="tick").run(model, limits, report)
            case "waits-for-news":  # and believes that there is nothing better
                while (known := report.known()) is None:
                    time.sleep(0.002)
                Path(self.note).write_text(repr((known.values.tolist(), known.cost)))
                return Answer(Status.OPTIMAL, None, known.cost, known.cost)
            case "known-note":
                Path(self.note).write_text(repr(report.known()))
            case "gives-up":
                return Answer(Status.UNKNOWN, own, errors, reason="gave up")
            case "worst-optimum":
                return Answer(Status.OPTIMAL, own, errors, model.choices.unavoidable)
            case "false-start-optimum":
                return Answer(Status.OPTIMAL, None, 1, 1)
            case "no-network":
                return Answer(Status.SATISFIABLE)
            case "outside":
                return Answer(Status.SATISFIABLE, own + 99)
        return Answer(Status.UNKNOWN)


@dataclass(frozen=True)
class Starting(Faulty):
    """Notes the start that it is given, and gives up."""

    capabilities = (*Faulty.capabilities, Capability.STARTS)

    def run(self, model: Instance, limits: Limits, report: Report, start: Start | None = None) -> Answer:
        Path(self.note).write_text(repr(None if start is None else (start.values.tolist(), start.cost)))
        return Answer(Status.UNKNOWN, reason="gave up")


@dataclass(frozen=True)
class Hurried:
    """A rounder that is given 1e-9 to 1 seconds; of its ten answers, the greatest bound."""

    rounder: Rounder
    summary = "is not given the time"
    exact = True

    @property
    def name(self) -> str:
        return self.rounder.name

    @property
    def isolated(self) -> bool:
        return self.rounder.isolated

    def prepare(self, gram, over):
        return self.rounder.prepare(gram, over)

    def run(self, model, limits, prepared, stopped) -> RowAnswer:
        answers = [
            self.rounder.run(model, Limits(time=10.0**exponent), prepared, stopped)
            for exponent in range(-9, 1)
        ]
        for answer in answers:
            assert answer.status is not Status.OPTIMAL or answer.bound <= model.cost(answer.assignment) * (
                1 + 1e-9
            )
        return RowAnswer(
            Status.UNKNOWN, bound=max(answer.bound for answer in answers), reason=f"of {len(answers)}"
        )


class Proving(Faulty):
    """Says that it comes to a verdict."""

    capabilities = (*Faulty.capabilities, Capability.PROVE)


@dataclass(frozen=True)
class Searching(Faulty):
    """Uses several threads, and takes a while to compile."""

    capabilities = (*Faulty.capabilities, Capability.THREADS)
    compiling: float = 0.0

    def prepare(self, model: Instance, report: Report) -> None:
        time.sleep(self.compiling)


class Lying(Faulty):
    """Claims that its network is the best."""

    def run(self, model: Instance, limits: Limits, report: Report) -> Answer:
        answer = super().run(model, limits, report)
        return Answer(Status.OPTIMAL, answer.assignment, answer.cost, answer.cost)


@dataclass(frozen=True)
class FaultyRounder(NearestPlaneRounder):
    """Raises, or answers what it must not."""

    how: str = "raise"
    name = "faulty"

    def prepare(self, gram, over):
        if self.how == "unprepared":
            raise OSError("No space left on device")

    def run(self, model, limits, prepared, stopped):
        if self.how == "hoard":
            return RowAnswer(Status.SATISFIABLE, reason=str(len([np.empty(1 << 22) for _ in range(1000)])))
        if self.how == "die":
            os._exit(3)
        if self.how == "raise":
            raise ZeroDivisionError("of course")
        if self.how == "outside":
            return RowAnswer(Status.OPTIMAL, model.upper + 1)
        if self.how == "empty":
            return RowAnswer(Status.OPTIMAL)
        if self.how == "nan":
            return RowAnswer(Status.OPTIMAL, nearest(model), np.nan)
        return RowAnswer(Status.OPTIMAL, nearest(model), model.cost(nearest(model)) * 2 + 1)
