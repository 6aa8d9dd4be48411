"""What is asked about the error ℓ: at most a bound, exactly a number, or the minimum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from operator import index
from typing import Any

from qnnt.exceptions import InputError, UnknownWord

FEWEST_WEIGHTS = "fewest-weights"
"""What may be asked after the goal: among the networks that meet it, one with the fewest weights."""

_DOCUMENT = '{"at_most": n}, {"exactly": n} or "min"'


class Goal(ABC):
    """A goal answers for itself; code that uses one need not know which kind it is."""

    @property
    def budget(self) -> int | None:
        """The number of errors that the goal names; None if the error is to be minimised."""
        return None

    @property
    def minimizes(self) -> bool:
        """Whether every network is feasible and the fewest errors are asked for, with proof."""
        return self.budget is None

    @property
    def exact(self) -> bool:
        """Whether the budget must be met exactly, so that fewer errors are as wrong as more."""
        return False

    @abstractmethod
    def accepts(self, errors: int) -> bool:
        """Whether a network with this many errors meets the goal."""

    def distance(self, errors: int) -> int:
        """How far from the goal a network with this many errors is: of two networks, the nearer is better."""
        return errors

    @property
    @abstractmethod
    def document(self) -> Any:
        """What an instance file says."""


@dataclass(frozen=True)
class _Counted(Goal):
    """A goal that names a number of errors. Raises ``ValueError`` for one that is no integer ≥ 0."""

    errors: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.errors, bool) or not hasattr(self.errors, "__index__") or self.errors < 0:
            raise ValueError(f"an error count must be an integer of at least 0, not {self.errors!r}")
        object.__setattr__(self, "errors", index(self.errors))

    @property
    def budget(self) -> int:
        """The ℓ of the goal."""
        return self.errors


@dataclass(frozen=True)
class AtMost(_Counted):
    """At most ``errors`` (ℓ) data points may be wrong: the decision problem of the paper."""

    def accepts(self, errors: int) -> bool:
        """Whether a network with this many errors meets the goal."""
        return errors <= self.errors

    @property
    def document(self) -> dict[str, int]:
        """What an instance file says."""
        return {"at_most": self.errors}

    def __str__(self) -> str:
        return f"at-most:{self.errors}"


@dataclass(frozen=True)
class Exactly(_Counted):
    """Exactly ``errors`` (ℓ) data points must be wrong."""

    @property
    def exact(self) -> bool:
        """True: fewer errors do not meet the goal."""
        return True

    def accepts(self, errors: int) -> bool:
        """Whether a network with this many errors meets the goal."""
        return errors == self.errors

    def distance(self, errors: int) -> int:
        """How many errors are too few or too many."""
        return abs(errors - self.errors)

    @property
    def document(self) -> dict[str, int]:
        """What an instance file says."""
        return {"exactly": self.errors}

    def __str__(self) -> str:
        return f"exactly:{self.errors}"


@dataclass(frozen=True)
class Minimize(Goal):
    """As few wrong data points as possible, with proof."""

    def accepts(self, errors: int) -> bool:  # noqa: ARG002 - any network is a feasible solution
        """Every network is feasible; only the proof of a bound makes it optimal."""
        return True

    @property
    def document(self) -> str:
        """What an instance file says."""
        return "min"

    def __str__(self) -> str:
        return "min"


def goal_of(document: Any) -> Goal:
    """The goal that an instance file names; raises :class:`InputError` for anything else."""
    if document == "min":
        return Minimize()
    if not isinstance(document, dict) or len(document) != 1 or not document.keys() <= {"at_most", "exactly"}:
        raise InputError("errors", f"must be {_DOCUMENT}")
    return AtMost(document["at_most"]) if "at_most" in document else Exactly(document["exactly"])


def parse_goal(text: str, place: str = "") -> Goal:
    """Read ``at-most:N``, ``exactly:N`` or ``min``; raises :class:`UnknownWord` at ``place`` otherwise."""
    kind, _, number = text.partition(":")
    if text == "min":
        return Minimize()
    if kind in ("at-most", "exactly") and number.isascii() and number.isdecimal():
        return AtMost(int(number)) if kind == "at-most" else Exactly(int(number))
    raise UnknownWord("goal", text, ("at-most:N", "exactly:N", "min"), place)


def as_goal(said: Goal | str) -> Goal:
    """A goal, or the one that a word names; raises ``TypeError`` for anything else."""
    if isinstance(said, str):
        return parse_goal(said, "goal")
    if not isinstance(said, Goal):
        raise TypeError(f"goal must be a Goal, 'min', 'at-most:N' or 'exactly:N', not {said!r}")
    return said
