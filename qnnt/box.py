"""Boxes: parts of the parameter space, in which some parameters have a smaller range."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.domain import Domain, IntArray

Ints = npt.NDArray[np.int64]

_FEW, _SPARED = 32, 0.9  # boxes that are compared at once; share of the pairs that a cut may leave


@dataclass(frozen=True)
class Box:
    """Parameter vectors (P,) that keep to the ``sides`` (p, least, greatest): least ≤ parameter p ≤ greatest.

    A parameter without a side is free. The sides are put in the order of their parameters. Raises
    ``ValueError`` for a parameter that has two sides or a number below 0, and for a side that holds no value.
    """

    sides: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        sides = tuple(sorted((int(p), int(least), int(greatest)) for p, least, greatest in self.sides))
        object.__setattr__(self, "sides", sides)
        parameters = [p for p, _, _ in sides]
        if len(set(parameters)) < len(parameters) or min(parameters, default=0) < 0:
            raise ValueError(f"a box has one side for a parameter, counted from 0: {sides}")
        for p, least, greatest in sides:
            if least > greatest:
                raise ValueError(f"parameter {p} has no value in {least}..{greatest}")

    @classmethod
    def around(cls, vector: IntArray, free: Iterable[int] = ()) -> Box:
        """The box of all vectors that equal one (P,) in all parameters but the ``free`` ones."""
        open_ = set(free)
        values = np.asarray(vector).tolist()
        return cls(tuple((p, value, value) for p, value in enumerate(values) if p not in open_))

    @property
    def arrays(self) -> tuple[Ints, Ints, Ints]:
        """The parameters that have a side, and the least and the greatest value of each, (m,) each."""
        parameters, least, greatest = np.array(self.sides, dtype=np.int64).reshape(-1, 3).T
        return parameters, least, greatest

    def __contains__(self, vector: IntArray) -> bool:
        parameters, least, greatest = self.arrays
        values = np.asarray(vector)[parameters]
        return bool(((least <= values) & (values <= greatest)).all())

    def check(self, n_parameters: int, domain: Domain) -> None:
        """Raise ``ValueError`` for a side of a parameter that there is not, or with values outside Z_d."""
        for p, least, greatest in self.sides:
            if p >= n_parameters:
                raise ValueError(f"there are {n_parameters} parameters, counted from 0, and none is {p}")
            if least < domain.lo or greatest > domain.hi:
                raise ValueError(f"parameter {p} in {least}..{greatest} leaves {domain}")

    def range(self, parameter: int, domain: Domain) -> tuple[int, int]:
        """The least and the greatest value of a parameter."""
        return next(((a, b) for p, a, b in self.sides if p == parameter), (domain.lo, domain.hi))

    def halves(self, parameter: int, threshold: int, domain: Domain) -> tuple[Box, Box]:
        """The two parts in which a parameter is below a threshold, and at least the threshold.

        Raises ``ValueError`` if one of them is empty.
        """
        others = tuple(side for side in self.sides if side[0] != parameter)
        least, greatest = self.range(parameter, domain)
        below, above = (parameter, least, threshold - 1), (parameter, threshold, greatest)
        return Box((*others, below)), Box((*others, above))


def partition(boxes: list[Box], n_parameters: int, domain: Domain) -> bool:
    """Whether each vector over the domain lies in just one of the boxes: they are apart, and large enough."""
    for box in boxes:
        box.check(n_parameters, domain)
    limited = {p for box in boxes for p, _, _ in box.sides}
    volume = sum(_volume(box, len(limited), domain.d) for box in boxes)
    if volume != domain.d ** len(limited):
        return False
    lower, upper = np.empty((2, len(boxes), len(limited)), dtype=np.int64)
    column = {p: place for place, p in enumerate(sorted(limited))}
    lower[:], upper[:] = domain.lo, domain.hi
    for row, box in enumerate(boxes):
        for p, least, greatest in box.sides:
            lower[row, column[p]], upper[row, column[p]] = least, greatest
    return _apart(lower, upper)


def _apart(lower: Ints, upper: Ints) -> bool:
    """Whether no two of the boxes (n, P) meet.

    Two that meet do so below a threshold of a parameter, or above. The threshold is taken that leaves the
    fewest pairs on both sides; without one that spares many, all pairs are looked at.
    """
    n, pairs, cut = len(lower), _SPARED * len(lower) ** 2, None
    for p in range(lower.shape[1] if n > _FEW else 0):
        thresholds = np.unique(lower[:, p])[1:]
        below = np.searchsorted(np.sort(lower[:, p]), thresholds)
        above = n - np.searchsorted(np.sort(upper[:, p]), thresholds)
        left = below**2 + above**2
        if len(left) and left.min() < pairs:
            pairs, cut = left.min(), (p, thresholds[left.argmin()])
    if cut is not None:
        p, threshold = cut
        sides = lower[:, p] < threshold, upper[:, p] >= threshold
        return all(_apart(lower[side], upper[side]) for side in sides)
    return not any(((lower[:i] <= upper[i]) & (lower[i] <= upper[:i])).all(axis=1).any() for i in range(1, n))


def _volume(box: Box, n_parameters: int, d: int) -> int:
    """How many vectors of so many parameters lie in a box that limits no others."""
    volume: int = d ** (n_parameters - len(box.sides))
    for _, least, greatest in box.sides:
        volume *= greatest - least + 1
    return volume
