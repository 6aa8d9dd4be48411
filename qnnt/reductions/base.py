"""A reduction: how a source becomes a target, and how solutions travel in both directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")
A = TypeVar("A")
T = TypeVar("T")
B = TypeVar("B")
U = TypeVar("U")
C = TypeVar("C")

Lift = Callable[[B], A]
"""Carries a solution of the target back to a solution of the source."""


@dataclass(frozen=True)
class Reduction(Generic[S, A, T, B]):
    """A many-one reduction from sources S with solutions A to targets T with solutions B.

    ``apply(source)`` gives the target and its lift: the target has a solution iff the source has one, and the
    lift of every solution of the target solves the source. ``plant(source, solution)`` is the solution of the
    target that the forward direction of the proof makes of one of the source; it raises
    :class:`~qnnt.InputError` for a solution that is none.
    """

    apply: Callable[[S], tuple[T, Lift[B, A]]]
    plant: Callable[[S, A], B]

    def then(self, following: Reduction[T, B, U, C]) -> Reduction[S, A, U, C]:
        """First this reduction, then another one on its target."""

        def apply(source: S) -> tuple[U, Lift[C, A]]:
            middle, inner = self.apply(source)
            target, outer = following.apply(middle)
            return target, lambda solution: inner(outer(solution))

        def plant(source: S, solution: A) -> C:
            return following.plant(self.apply(source)[0], self.plant(source, solution))

        return Reduction(apply, plant)
