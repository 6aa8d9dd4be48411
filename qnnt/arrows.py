"""Arrows: how one problem becomes another, and how solutions of the target travel back to the source.

A hardness proof (formula to instance), a presolve step (instance to instance) and an encoder (instance to
model) have the same shape: ``apply(source)`` gives the target and a *lift*. So they chain, whatever they do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

S = TypeVar("S")
A = TypeVar("A")
T = TypeVar("T")
B = TypeVar("B")
U = TypeVar("U")
C = TypeVar("C")
S_contra = TypeVar("S_contra", contravariant=True)
A_co = TypeVar("A_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)
B_contra = TypeVar("B_contra", contravariant=True)

Lift = Callable[[B], A]
"""Carries a solution of the target back to a solution of the source."""


class Arrow(Protocol[S_contra, A_co, T_co, B_contra]):
    """From sources S with solutions A to targets T with solutions B."""

    def apply(self, source: S_contra) -> tuple[T_co, Callable[[B_contra], A_co]]:
        """The target, and the lift that carries each of its solutions back to one of the source."""


@dataclass(frozen=True)
class Chain(Generic[S, A, T, B, U, C]):
    """One arrow after another; lifts compose the other way round."""

    first: Arrow[S, A, T, B]
    second: Arrow[T, B, U, C]

    def apply(self, source: S) -> tuple[U, Lift[C, A]]:
        """The target of the second arrow, and the lift all the way back to the source of the first."""
        middle, inner = self.first.apply(source)
        target, outer = self.second.apply(middle)
        return target, Composed(outer, inner)


@dataclass(frozen=True)
class Composed(Generic[C, B, A]):
    """Two lifts, one after the other."""

    outer: Lift[C, B]
    inner: Lift[B, A]

    def __call__(self, solution: C) -> A:
        """First the outer lift, then the inner one."""
        return self.inner(self.outer(solution))

    def plant(self, solution: A) -> Any:
        """The way there: what the outer lift plants of what the inner one plants; see :func:`planted`."""
        middle = planted(self.inner, solution)
        return None if middle is None else planted(self.outer, middle)

    @property
    def sizes(self) -> dict[str, int]:
        """What both lifts count, added up."""
        inner, outer = counted(self.inner), counted(self.outer)
        return {what: inner.get(what, 0) + outer.get(what, 0) for what in {**inner, **outer}}


def planted(lift: Lift[Any, A], solution: A) -> Any:
    """What a solution of the source is in the target; None for a lift without ``plant``, the way there.

    ``plant(solution)`` gives a solution of the target that the lift carries back to one as good, or None if
    there is none; the lift of an encoder gives part of an assignment.
    """
    plant = getattr(lift, "plant", None)
    return None if plant is None else plant(solution)


def counted(lift: Lift[Any, Any]) -> dict[str, int]:
    """What a lift has to tell for the statistics: its ``sizes``, if it has any."""
    return dict(getattr(lift, "sizes", {}))
