"""What is asked about the error ℓ: at most a bound, exactly a number, or the minimum."""

from __future__ import annotations

from dataclasses import dataclass


def _check(count: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ValueError(f"an error count must be an integer of at least 0, not {count!r}")


@dataclass(frozen=True)
class AtMost:
    """At most ``errors`` (ℓ) data points may be wrong: the decision problem of the paper."""

    errors: int = 0

    def __post_init__(self) -> None:
        _check(self.errors)

    def accepts(self, errors: int) -> bool:
        """Whether a network with this many errors meets the goal."""
        return errors <= self.errors

    def __str__(self) -> str:
        return f"at-most:{self.errors}"


@dataclass(frozen=True)
class Exactly:
    """Exactly ``errors`` (ℓ) data points must be wrong."""

    errors: int

    def __post_init__(self) -> None:
        _check(self.errors)

    def accepts(self, errors: int) -> bool:
        """Whether a network with this many errors meets the goal."""
        return errors == self.errors

    def __str__(self) -> str:
        return f"exactly:{self.errors}"


@dataclass(frozen=True)
class Minimize:
    """As few wrong data points as possible, with proof."""

    def accepts(self, errors: int) -> bool:  # noqa: ARG002 - any network is a feasible solution
        """Every network is feasible; only the proof of a bound makes it optimal."""
        return True

    def __str__(self) -> str:
        return "min"


Goal = AtMost | Exactly | Minimize


def parse_goal(text: str) -> Goal:
    """Read ``at-most:N``, ``exactly:N`` or ``min``; raises ``ValueError`` otherwise."""
    kind, _, number = text.partition(":")
    if text == "min":
        return Minimize()
    if kind in ("at-most", "exactly") and number.isascii() and number.isdecimal():
        return AtMost(int(number)) if kind == "at-most" else Exactly(int(number))
    raise ValueError(f"error goal must be at-most:N, exactly:N or min, not {text!r}")
