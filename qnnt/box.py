"""Boxes: parts of the parameter space, in which some parameters have a smaller range."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qnnt.domain import Domain, IntArray

Ints = npt.NDArray[np.int64]


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

    def meets(self, other: Box) -> bool:
        """Whether a vector lies in both boxes."""
        theirs = {p: (least, greatest) for p, least, greatest in other.sides}
        shared = ((side, theirs[side[0]]) for side in self.sides if side[0] in theirs)
        return all(least <= top and bottom <= greatest for (_, least, greatest), (bottom, top) in shared)


def partition(boxes: list[Box], n_parameters: int, domain: Domain) -> bool:
    """Whether each vector over the domain lies in just one of the boxes: they are apart, and large enough."""
    for box in boxes:
        box.check(n_parameters, domain)
    limited = {p for box in boxes for p, _, _ in box.sides}
    volume = sum(_volume(box, len(limited), domain.d) for box in boxes)
    if volume != domain.d ** len(limited):
        return False
    return not any(one.meets(two) for i, one in enumerate(boxes) for two in boxes[:i])


def _volume(box: Box, n_parameters: int, d: int) -> int:
    """How many vectors of so many parameters lie in a box that limits no others."""
    volume: int = d ** (n_parameters - len(box.sides))
    for _, least, greatest in box.sides:
        volume *= greatest - least + 1
    return volume
