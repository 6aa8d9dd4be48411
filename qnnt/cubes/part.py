"""A cube as work for an executor: picklable, self-contained, and stopped when the run has ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from qnnt.backends.base import Backend
from qnnt.box import Box
from qnnt.cubes.journal import digest
from qnnt.encoders.base import Encoder
from qnnt.encoders.boxed import AroundEncoder, BoxedEncoder
from qnnt.goals import Goal
from qnnt.instance import Instance
from qnnt.job import Event, Incumbent, Job, Outcome
from qnnt.limits import Limit, Limits
from qnnt.workers.executors import given_up
from qnnt.workers.folder import Folder
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Ended, run_here


@dataclass(frozen=True)
class Flag:
    """A file that is there as long as the run goes on, for those who can see it.

    ``place`` is that of the file, as :func:`_place` tells it: who finds the same one would see the file.
    """

    path: str
    place: tuple[str, int, int] | None

    @property
    def up(self) -> bool:
        """Whether the file is there."""
        return Path(self.path).exists()

    @property
    def visible(self) -> bool:
        """Whether the file would be seen here if it were up."""
        return self.up or (self.place is not None and _place(self.path) == self.place)


def _place(path: str) -> tuple[str, int, int] | None:
    """The folder of temporary folders in which a file is, on this machine; None if it cannot be told.

    Two hosts may have a folder of the same device and number, two containers of a host the same machine.
    """
    try:
        boot, folder = Path("/proc/sys/kernel/random/boot_id").read_text(), Path(path).parents[1].stat()
    except OSError:
        return None
    return boot, folder.st_dev, folder.st_ino


class Raised:
    """Keeps a :class:`Flag` up inside of a ``with`` block."""

    def __enter__(self) -> Self:
        self._folder = Folder()
        raised = self._folder.path / "flag"
        raised.touch()
        self.flag = Flag(str(raised), _place(str(raised)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lower()

    def lower(self) -> None:
        """Tell all parts that the run has ended."""
        self._folder.remove()


@dataclass(frozen=True)
class Whole:
    """What all parts of a run share: an executor gets it once. ``isolate``: whether a part uses a worker."""

    instance: Instance
    encoder: Encoder
    backend: Backend
    flag: Flag
    isolate: bool = True


@dataclass(frozen=True)
class Part:
    """What an executor gets for a cube."""

    box: Box
    goal: Goal
    limits: Limits

    def job(self, whole: Whole) -> Job:
        """The job of the cube."""
        instance = whole.instance.with_goal(self.goal)
        encoder = BoxedEncoder(KeptEncoder(whole.encoder, digest(instance)), self.box)
        return Job(instance, encoder, whole.backend, self.limits)


@dataclass(frozen=True)
class Ending:
    """How a part ended, the best network that it told before, and how many seconds it took."""

    ended: Ended[Outcome]
    told: Incumbent | None
    seconds: float


def run_part(whole: Whole, part: Part) -> Ending:
    """Run the part in a worker of this process, or in this process itself; the same on every host.

    If the flag goes down, or if nobody waits for the part, the worker is killed, and what it had told still
    counts. A part that begins after that does nothing. A host that does not share the file sees no flag.
    """
    flag, abandoned, job = whole.flag, given_up(), part.job(whole)
    visible = flag.visible
    if visible and not flag.up:  # it had to wait until the run was over
        return Ending(Ended(limit=Limit.INTERRUPT, reason="interrupted"), None, 0.0)
    goal, best = part.goal, list[Incumbent]()

    def tell(event: Event) -> None:
        if event.vector is None or event.cost is None:
            return
        if not best or goal.distance(event.cost) < goal.distance(best[0].cost):
            best[:] = [Incumbent(event.vector, event.cost)]

    began = time.perf_counter()
    if whole.isolate:
        ended = run_isolated(job, tell, lambda: abandoned() or (visible and not flag.up))
    else:
        ended = run_here(job, tell)
    return Ending(ended, best[0] if best else None, time.perf_counter() - began)


@dataclass(frozen=True)
class KeptEncoder(AroundEncoder):
    """An encoder whose last model this process keeps, as all parts of a run encode the same instance.

    ``key`` says which instance, goal included. Models are not changed by those who use them.
    """

    key: str

    def apply(self, instance: Instance) -> Any:
        """The model and the lift, made once."""
        global _KEPT
        kept = _KEPT  # another thread may keep another one in the meantime
        if kept is None or kept[0] != self:
            _KEPT = kept = self, self.encoder.apply(instance)
        return kept[1]


_KEPT: tuple[KeptEncoder, Any] | None = None


def forget_model() -> None:
    """Drop what a run's parts have kept in this process; a run that still needs it encodes again."""
    global _KEPT
    _KEPT = None
