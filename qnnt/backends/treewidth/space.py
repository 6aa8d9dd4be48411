"""The networks that the dynamic program chooses from, and how their neurons turn sums into levels."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log2

import numpy as np

from qnnt.activation import Activation
from qnnt.architecture import Architecture
from qnnt.domain import Domain, IntArray
from qnnt.instance import Instance


@dataclass(frozen=True)
class Gate:
    """How a neuron turns the sum of what its arcs bring into a level of its ``activation``.

    A bias of ``domain`` is taken off the sum. ``thresholds`` are those that some of these differences reach
    and others do not; ``first`` counts the thresholds below, which all of them reach. An arc adds from
    ``least`` to ``most``.

    While arcs that add from ``fall`` to ``rise`` are missing, a sum of t_1 − 1 + min Z_d − rise shows the
    lowest level under every bias in the end, and so does every smaller one; a sum of t_k + max Z_d − fall
    shows the highest. Beyond these two, sums are alike and may be clipped. As t_1 is reached by some sum and
    t_k is missed by some, two clipped partial sums add up to one that shows what their originals do.
    """

    domain: Domain
    activation: Activation
    least: int
    most: int
    first: int
    thresholds: Sequence[int]

    @classmethod
    def of(cls, domain: Domain, activation: Activation, least: int, most: int, arcs: int) -> Gate:
        """The gate of a neuron with so many arcs, each of which adds from ``least`` ≤ 0 to ``most`` ≥ 0."""
        t = activation.thresholds
        first = bisect_right(t, arcs * least - domain.hi)
        t = t[first : bisect_right(t, arcs * most - domain.lo)]
        if not t:
            least = most = 0  # what the arcs bring does not matter
            t = range(0)
        elif len(t) == 1:
            t = range(t[0], t[0] + 1)
        return cls(domain, activation, least, most, first, t)

    @cached_property
    def base(self) -> int:
        """How many levels there are; vectors of levels are packed in this base."""
        return self.activation.top + 1

    @cached_property
    def level_bits(self) -> float:
        """How many bits a level takes."""
        return log2(self.base)

    @property
    def level_type(self) -> np.dtype[np.signedinteger]:
        """The smallest signed integer type that holds every level."""
        return np.min_scalar_type(-self.base)

    def coming(self, missing: int) -> tuple[int, int]:
        """The least and the most that so many arcs still add."""
        return missing * self.least, missing * self.most

    def clip(self, sums: IntArray, fall: int | IntArray, rise: int | IntArray) -> None:
        """Clip sums in place where what is still to come, ``fall`` to ``rise``, no longer matters."""
        if not self.thresholds:
            sums[...] = 0
            return
        low, high = self._ends
        np.clip(sums, low - rise, high - fall, out=sums)

    def clipped(self, missing: int) -> int:
        """How many sums there are with so many arcs missing, clipped."""
        low, high = self._ends
        return high - low + 1 + missing * (self.most - self.least)

    def levels(self, z: IntArray) -> IntArray:
        """The level of each sum less a bias, in the type of z if the thresholds are evenly spaced."""
        t = self.thresholds
        if not isinstance(t, range):
            return np.searchsorted(t, z, side="right") + self.first
        if self._offset:
            z = z - self._offset
        if t.step > 1:
            z = z // t.step
        levels = np.clip(z, 0, len(t))
        return levels + self.first if self.first else levels

    def largest(self, arcs: int) -> int:
        """A bound on the numbers that come up with clipped sums of so many arcs, without sign."""
        end = max(map(abs, self._ends))
        total = arcs * self.domain.hi**2
        offset = abs(self._offset) if isinstance(self.thresholds, range) else 0
        return max(2 * (end + total), end + 2 * total + self.domain.hi + offset, self.domain.d)

    @cached_property
    def _ends(self) -> tuple[int, int]:
        if not self.thresholds:
            return 0, 0
        return self.thresholds[0] - 1 + self.domain.lo, self.thresholds[-1] + self.domain.hi

    @cached_property
    def _offset(self) -> int:
        t = self.thresholds
        assert isinstance(t, range)
        return t.start - t.step if t else 0


@dataclass(frozen=True)
class Space:
    """All networks over an architecture: parameters in ``domain``, an activation for each connection."""

    architecture: Architecture
    domain: Domain
    activations: tuple[Activation, ...]

    @classmethod
    def of(cls, instance: Instance) -> Space:
        """The networks that an instance chooses from."""
        return cls(instance.architecture, instance.domain, instance.activations)

    def gate(self, connection: int, arcs: int) -> Gate:
        """The gate of a neuron that has so many arcs of this connection; its sources show anything."""
        lo, hi = self.domain.lo, self.domain.hi
        lowest, highest = lo, hi
        if connection:
            sources = self.activations[connection - 1]
            lowest, highest = sources.lowest, sources.highest
        shares = [w * value for w in (lo, hi) for value in (lowest, highest)]
        return Gate.of(self.domain, self.activations[connection], min(0, *shares), max(0, *shares), arcs)
