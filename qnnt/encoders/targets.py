"""What the goal asks of each distinct input, shared by every encoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.instance import Instance


@dataclass(frozen=True)
class Targets:
    """Distinct inputs and the labels that each may be taught, after the unavoidable errors are taken out.

    ``inputs`` (n, α) are the distinct inputs with at least one label worth learning. Label r belongs to input
    ``of[r]`` and asks the outputs for the levels ``levels[r]`` (ω) of their activation. Labels of one input
    stand together, the most frequent first.

    ``gains`` (labels,): the gain of a label is how many more data points are wrong if the network matches the
    next label of that input instead of this one; for the last label, if it matches none. Labels with 5, 3 and
    1 data points have the gains 2, 2 and 1. A label and the ones before it form a *prefix*, and a network
    that matches none of a prefix pays the gain of its last label. So here the first label costs nothing, the
    second 2, the third 2 + 2, and none of them 5.

    ``unit`` is what divides all gains; ``gains`` and ``budget`` are counted in units. The error is
    ``offset``, which is unavoidable, plus ``unit`` times what is paid.

    ``must`` (n,): some label has to be matched, so the last gain of such an input is 0.
    ``forced`` (n,): there is just one label that can be.

    ``budget`` bounds what is paid in all: at most (or exactly, if ``exact``) that; None to minimise it. It is
    not above the sum of all gains, and no gain is above it.
    ``infeasible``: no network can meet the goal, whatever it does.
    """

    inputs: npt.NDArray[np.int64]
    of: npt.NDArray[np.int64]
    levels: npt.NDArray[np.int64]
    gains: npt.NDArray[np.int64]
    must: npt.NDArray[np.bool_]
    budget: int | None
    exact: bool
    offset: int
    unit: int
    infeasible: bool

    @property
    def forced(self) -> npt.NDArray[np.bool_]:
        """(n,) inputs whose only remaining label must be matched."""
        return np.asarray(self.must & (np.bincount(self.of, minlength=len(self.inputs)) == 1))

    @property
    def first(self) -> npt.NDArray[np.bool_]:
        """(labels,) whether a label is the first of its input."""
        return np.diff(self.of, prepend=-1) > 0


def targets(instance: Instance) -> Targets:
    """The targets of an instance under its goal.

    A label whose choice alone would exceed the budget is dropped; its input must then match another one, so
    that nothing is lost under ``Exactly`` either.
    """
    choices, goal = instance.choices, instance.goal
    best = np.zeros(len(choices.inputs), dtype=np.int64)
    np.maximum.at(best, choices.of, choices.counts)
    budget, exact = goal.budget, goal.exact
    if budget is not None:
        budget -= choices.unavoidable
    infeasible = budget is not None and budget < 0
    keep = np.ones(len(choices.of), dtype=bool)
    must = np.zeros(len(best), dtype=bool)
    if budget is not None and not infeasible:
        keep = best[choices.of] - choices.counts <= budget
        must = best > budget
    of, counts = choices.of[keep], choices.counts[keep]
    last = np.append(of[1:] != of[:-1], True)[: len(of)]
    gains = counts - np.where(last, 0, np.roll(counts, -1))
    gains[last & must[of]] = 0
    unit = int(np.gcd.reduce(gains, initial=0)) or 1
    gains //= unit
    if budget is not None:
        most = int(gains.sum())
        infeasible = infeasible or (exact and (budget % unit > 0 or budget // unit > most))
        budget = min(budget // unit, most)
    used, position = np.unique(of, return_inverse=True)
    return Targets(
        inputs=choices.inputs[used].astype(np.int64),
        of=position.astype(np.int64),
        levels=choices.levels[keep],
        gains=gains,
        must=must[used],
        budget=budget,
        exact=exact,
        offset=choices.unavoidable,
        unit=unit,
        infeasible=infeasible,
    )
