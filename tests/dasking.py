"""What kills the Dask worker that it runs on, in a module that a worker can import."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from cubing import OnePart, Space

import qnnt
from qnnt.backends.base import Answer, Report
from qnnt.comparing.attempts import Kept, library_run
from qnnt.comparing.contestants import Contestant


def numbered(folder: str, name: str) -> int:
    """How many came with this name before; whoever asks is noted, with its process."""
    path = Path(folder, name)
    with path.open("a") as file:
        print(os.getpid(), file=file, flush=True)
    return path.read_text().count("\n") - 1


def fell() -> None:
    """Kill the process that started this one, as the end of its machine would."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


@dataclass(frozen=True)
class Felling:
    """Makes runs; ``once`` and ``always`` name contestants that kill the worker, once or each time."""

    folder: str
    once: str = ""
    always: str = ""

    def __call__(self, instance: qnnt.Instance, contestant: Contestant, limits: qnnt.Limits) -> Kept:
        before = numbered(self.folder, contestant.name)
        if contestant.name == self.always or (contestant.name == self.once and not before):
            fell()
        return library_run(instance, contestant, limits)


@dataclass(frozen=True)
class FellingPart(OnePart):
    """Part number ``which`` of a run over cubes kills the worker; or it hangs, if that is the ``fault``."""

    def run(self, model: Space, limits: qnnt.Limits, report: Report) -> Answer:
        if numbered(self.note, "parts") == self.which:
            if self.fault == "hang":
                time.sleep(600)
            fell()
        return OnePart("", -1, self.note).run(model, limits, report)
