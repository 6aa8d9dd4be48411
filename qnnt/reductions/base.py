"""A reduction: how a source becomes a target, and how solutions travel in both directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from qnnt.arrows import A, B, C, Chain, Lift, S, T, U

__all__ = ["Lift", "Reduction"]


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

        def plant(source: S, solution: A) -> C:
            return following.plant(self.apply(source)[0], self.plant(source, solution))

        return Reduction(Chain(self, following).apply, plant)
