"""A task for a worker process, and how it can end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from qnnt.exceptions import QnntError
from qnnt.limits import Limit, Limits

E = TypeVar("E")
A = TypeVar("A")
E_co = TypeVar("E_co", covariant=True)
A_co = TypeVar("A_co", covariant=True)

Tell = Callable[[E], None]
"""Takes the news of a running task."""

Hear = Callable[[], Any | None]
"""Gives the latest message for a running task, or None if there is none since it was last asked."""


class Task(Protocol[E_co, A_co]):
    """What a worker can do: a picklable value that tells events ``E`` and comes to an answer ``A``.

    While it runs it may ask for messages: what kind they are is between the task and its caller.
    """

    @property
    def family(self) -> str:
        """Tasks of one family share a warm worker."""

    @property
    def fresh(self) -> bool:
        """Whether the task needs a worker that has run no task."""

    @property
    def limits(self) -> Limits:
        """Time, from when the task begins, and memory."""

    @property
    def runs_programs(self) -> bool:
        """Whether the task waits for another program, which has to end with it."""

    def execute(self, tell: Tell[E_co], hear: Hear) -> A_co:
        """Do it. What it raises ends the task without an answer; see :class:`Ended`."""


@dataclass(frozen=True)
class Started:
    """The worker begins with the task: its time counts from here."""


@dataclass(frozen=True)
class News(Generic[E]):
    """An event that the task tells."""

    event: E


@dataclass(frozen=True)
class Ended(Generic[A]):
    """``answer`` is what the task came to, or None with the ``reason`` and the ``limit`` that ended it.

    ``error`` is one that the caller is to raise: the task declined, it did not fail. ``lost`` tells whether
    its process ended before the task did.
    """

    answer: A | None = None
    limit: Limit | None = None
    reason: str | None = None
    error: QnntError | None = None
    lost: bool = False


@dataclass(frozen=True)
class Call(Generic[A]):
    """A call as a task, without news and limits: a function that a worker can import, and its arguments."""

    function: Callable[..., A]
    arguments: tuple[Any, ...]
    family: str
    fresh = False
    runs_programs = True
    limits = Limits()

    def execute(self, tell: Tell[Any], hear: Hear) -> A:  # noqa: ARG002 - there is nothing to tell before
        """Make it."""
        return self.function(*self.arguments)


def no_message() -> None:
    """Hear nothing."""


def run_here(task: Task[E, A], tell: Tell[E], hear: Hear = no_message) -> Ended[A]:
    """Run a task in this process; whatever it raises is how it ended, but what ``tell`` raises is raised."""
    failures: list[BaseException] = []

    def pass_on(event: E) -> None:
        try:
            tell(event)
        except BaseException as error:
            failures.append(error)
            raise

    ended = _executed(task, pass_on, hear)
    if failures:
        raise failures[0]
    return ended


def _executed(task: Task[E, A], tell: Tell[E], hear: Hear) -> Ended[A]:
    try:
        return Ended(task.execute(tell, hear))
    except QnntError as error:
        return Ended(reason=str(error), error=error)
    except MemoryError:
        return Ended(limit=Limit.MEMORY, reason="out of memory")
    except Exception as error:
        return Ended(reason=describe(error))


def describe(error: BaseException) -> str:
    """An exception on one line: its type and what it says."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
