"""What is asked of one neuron: the sum of what its pre-activations cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.domain import Domain

Ints = npt.NDArray[np.int64]

FAR = 2**60  # beyond every pre-activation: an end that there is not


@dataclass(frozen=True, eq=False)
class Problem:
    """One neuron with m weights and a bias over ``domain``; what it costs is a sum over *terms*.

    Term t is paid if the pre-activation on row t of ``inputs`` (terms, m), Σ w·x − bias, lies in
    ``first[t]`` … ``last[t]``, both included. It costs ``price[t]`` ≥ 1 times ``unit``. All prices add up to
    less than 2^62. Parameters are the weights, then the bias.
    """

    domain: Domain
    inputs: Ints
    first: Ints
    last: Ints
    price: Ints
    unit: int = 1

    @classmethod
    def of_labels(cls, domain: Domain, inputs: Ints, of: Ints, lo: Ints, hi: Ints, counts: Ints) -> Problem:
        """What is paid for points that show no label, or one of the less frequent.

        A point costs the count of its most frequent label, less that of the label that it shows. ``inputs``
        (n, m) are the points. Label r belongs to point ``of[r]``, is shown by pre-activations from ``lo[r]``
        to ``hi[r]``, and counts ``counts[r]`` ≥ 1. Labels of one point do not overlap.
        """
        order = np.lexsort((-counts, of))
        labels = list(zip(*(each[order].tolist() for each in (of, lo, hi, counts)), strict=True))
        terms: list[tuple[int, int, int, int]] = []
        shown: list[tuple[int, int]] = []
        for (i, a, b, count), (following, _, _, least) in zip(
            labels, [*labels, (-1, 0, 0, 0)][1:], strict=True
        ):
            shown.append((a, b))
            paid = count - (least if following == i else 0)
            if paid:
                terms += [(i, *gap, paid) for gap in gaps(shown)]
            if following != i:
                shown = []
        point, first, last, price = np.array(terms, dtype=np.int64).reshape(-1, 4).T
        unit = int(np.gcd.reduce(price, initial=0)) or 1
        return cls(domain, inputs[point], first, last, price // unit, unit)

    @property
    def reach(self) -> int:
        """How far from 0 a pre-activation can lie."""
        return (len(self.inputs.T) + 1) * self.domain.hi**2

    @cached_property
    def columns(self) -> Ints:
        """(m + 1, terms) what each parameter, times its value, adds to the pre-activations."""
        return np.vstack([self.inputs.T, np.full((1, len(self.inputs)), -1)])

    def costs(self, parameters: Ints) -> Ints:
        """(k,) what neurons cost, in units, given their parameters (k, m + 1)."""
        z = parameters @ self.columns
        return np.asarray(((self.first <= z) & (z <= self.last)) @ self.price, dtype=np.int64)


def gaps(shown: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The intervals of integers, none of them empty, that disjoint intervals leave of −FAR … FAR."""
    start = -FAR
    for a, b in sorted(shown):
        if start < a:
            yield start, a - 1
        start = b + 1
    if start <= FAR:
        yield start, FAR


def intervals(activation: Activation, levels: Ints) -> tuple[Ints, Ints]:
    """The least and the greatest pre-activation of each level, any shape; ±FAR if there is none."""
    thresholds = activation.thresholds
    ends = [[-FAR, *thresholds], [*(t - 1 for t in thresholds), FAR]]
    lo, hi = (np.array(end, dtype=np.int64)[levels] for end in ends)
    return lo, hi
