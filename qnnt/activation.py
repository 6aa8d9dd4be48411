"""Activations as data: monotone step functions from a neuron's pre-activation to values of Z_d."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.domain import Domain, IntArray
from qnnt.exceptions import InputError, UnknownWord

Ints = npt.NDArray[np.int64]

FARTHEST = 2**53  # every solver, also one that computes in floating point, holds such an integer exactly
_SHOWN = 8  # steps that are written out in words


@dataclass(frozen=True)
class Activation:
    """A neuron with pre-activation z shows ``values[j]``, where j is the number of ``thresholds`` ≤ z.

    ``thresholds`` t_1 < … < t_k and ``values`` v_0 < … < v_k are integers; j is the *level* that is shown.
    Numbers that are evenly spaced are kept as a ``range``, so that ReLU_d of a large d takes no memory.
    ``name`` does not count when activations are compared. Raises :class:`InputError` unless both rise, lie
    within ±2^53, and there is one value more than thresholds.
    """

    thresholds: Sequence[int]
    values: Sequence[int]
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for what in ("thresholds", "values"):
            object.__setattr__(self, what, _rising(what, getattr(self, what)))
        if len(self.values) != len(self.thresholds) + 1:
            counts = f"{len(self.values)} for {len(self.thresholds)} thresholds"
            raise InputError("activation.values", f"must be one more than thresholds, not {counts}")

    @property
    def top(self) -> int:
        """The highest level k; the levels are 0 … k."""
        return len(self.thresholds)

    @property
    def lowest(self) -> int:
        """The least value v_0."""
        return self.values[0]

    @property
    def highest(self) -> int:
        """The greatest value v_k."""
        return self.values[-1]

    @property
    def steps(self) -> tuple[int, ...]:
        """(k,) how much each threshold adds: v_j − v_(j−1)."""
        return tuple(b - a for a, b in pairwise(self.values))

    def levels(self, z: IntArray) -> Ints:
        """The level that each pre-activation z, any shape, reaches."""
        z = np.asarray(z, dtype=np.int64)
        t = self.thresholds
        if not isinstance(t, range):
            return np.searchsorted(t, z, side="right").astype(np.int64)
        if not t:
            return np.zeros_like(z, dtype=np.int64)
        reached = z - (t.start - t.step)
        if t.step > 1:
            reached = reached // t.step
        # Twice as fast as np.clip on the few points of a small instance.
        return np.asarray(np.minimum(np.maximum(reached, 0), self.top), dtype=np.int64)

    def show(self, levels: IntArray) -> Ints:
        """The value of each level, any shape."""
        v = self.values
        if not isinstance(v, range):
            return np.asarray(v, dtype=np.int64)[levels]
        values = levels if v.step == 1 else v.step * levels
        return np.asarray(values + v.start if v.start else values, dtype=np.int64)

    def __call__(self, z: IntArray) -> Ints:
        """The value that each pre-activation z, any shape, leads to."""
        return self.show(self.levels(z))

    def levels_of(self, values: IntArray) -> Ints:
        """The level of each value, any shape; −1 for a number that the activation never shows."""
        v = self.values
        if isinstance(v, range):
            levels = (values.astype(np.int64) - v.start) // v.step
        else:
            levels = np.searchsorted(v, values)
        levels = np.clip(levels, 0, self.top)
        return np.where(self.show(levels) == values, levels, -1)

    @property
    def document(self) -> str | dict[str, list[int]]:
        """What a file says of it: its name, or its thresholds and values."""
        return self.name or {"thresholds": list(self.thresholds), "values": list(self.values)}

    @property
    def meaning(self) -> str:
        """The step function in words: ``0 below 1, 1 from 1 on, 2 from 2 on``; of many steps, the ends."""
        if not self.thresholds:
            return f"always {self.lowest}"
        shown = range(self.top) if self.top <= _SHOWN else (0, 1, self.top - 1)
        words = [f"{self.values[j + 1]} from {self.thresholds[j]} on" for j in shown]
        if len(shown) < self.top:
            words.insert(2, "…")
        return ", ".join([f"{self.lowest} below {self.thresholds[0]}", *words])

    def __str__(self) -> str:
        return self.name or f"[{self.meaning}]"


def _rising(what: str, numbers: Sequence[int]) -> Sequence[int]:
    """The numbers as a range if they are evenly spaced, else as a tuple."""
    if not isinstance(numbers, range) or numbers.step < 1:
        numbers = _spaced(what, tuple(numbers))
    if numbers and not -FARTHEST <= numbers[0] <= numbers[-1] <= FARTHEST:
        raise InputError(f"activation.{what}", "must lie within ±2^53")
    return numbers


def _spaced(what: str, numbers: tuple[int, ...]) -> Sequence[int]:
    if any(isinstance(n, bool) or not isinstance(n, int | np.integer) for n in numbers):
        raise InputError(f"activation.{what}", f"must be integers, not {list(numbers)}")
    numbers = tuple(map(int, numbers))
    gaps = {b - a for a, b in pairwise(numbers)}
    if any(gap < 1 for gap in gaps):
        raise InputError(f"activation.{what}", f"must rise, not {list(numbers)}")
    if len(gaps) > 1:
        return numbers
    gap = gaps.pop() if gaps else 1
    return range(numbers[0], numbers[-1] + 1, gap) if numbers else range(0)


def relu(domain: Domain) -> Activation:
    """ReLU_d (paper, Section 2): below 0 becomes 0, above max Z_d becomes max Z_d."""
    return Activation(range(1, domain.hi + 1), range(domain.hi + 1), "relu")


def sign(domain: Domain) -> Activation:  # noqa: ARG001 - the same for every domain
    """−1 below 0, else 1: the neuron of binarised and ternary networks."""
    return Activation((0,), (-1, 1), "sign")


def step(domain: Domain) -> Activation:  # noqa: ARG001 - the same for every domain
    """0 below 1, else 1; for d = 2 this is ReLU_d."""
    return Activation((1,), (0, 1), "step")


NAMED: Mapping[str, Callable[[Domain], Activation]] = {"relu": relu, "sign": sign, "step": step}

One = str | Activation


@dataclass(frozen=True)
class Activations:
    """The activation of all ``hidden`` neurons and that of the ``output`` neurons."""

    hidden: Activation
    output: Activation

    @classmethod
    def of(cls, said: ActivationLike, domain: Domain) -> Activations:
        """Activations over a domain, said as a name or an activation for all, or as (hidden, output).

        Each has the name of the function that it is over the domain, and none if that has no name.
        Raises :class:`UnknownWord` for a name that there is not, :class:`InputError` for a value outside Z_d.
        """
        if isinstance(said, Activations):
            pair: tuple[One, One] = said.hidden, said.output
        elif isinstance(said, str | Activation):
            pair = said, said
        else:
            pair = said
            if not isinstance(said, tuple) or len(said) != 2:
                raise InputError("activation", f"must be one, or (hidden, output), not {said!r}")
        hidden, output = (_one(each, domain) for each in pair)
        return cls(hidden, output)

    def each(self, depth: int) -> tuple[Activation, ...]:
        """The activation of each layer after the inputs, for ``depth`` hidden layers."""
        return (*(self.hidden,) * depth, self.output)

    @property
    def document(self) -> Any:
        """What a file says: one for all, or an object of both."""
        if self.hidden == self.output:
            return self.output.document
        return {"hidden": self.hidden.document, "output": self.output.document}

    def __str__(self) -> str:
        if self.hidden == self.output:
            return str(self.output)
        return f"{self.hidden}, outputs {self.output}"


ActivationLike = One | tuple[One, One] | Activations


def parse_activation(text: str) -> ActivationLike:
    """Read ``NAME`` or ``HIDDEN,OUTPUT``; whether the names are known is found out over a domain."""
    hidden, comma, output = (part.strip() for part in text.partition(","))
    return (hidden, output) if comma else hidden


def _one(said: One, domain: Domain) -> Activation:
    if isinstance(said, str):
        if said not in NAMED:
            raise UnknownWord("activation", said, NAMED)
        said = NAMED[said](domain)
    elif not isinstance(said, Activation):
        raise InputError("activation", f"must be a name or an Activation, not {said!r}")
    outside = [v for v in (said.lowest, said.highest) if not domain.lo <= v <= domain.hi]
    if outside:
        raise InputError("activation", f"{said} has the value {outside[0]}, which is not in {domain}")
    names = [name for name, activation in NAMED.items() if activation(domain) == said]
    name = said.name if said.name in names else next(iter(names), "")
    return said if said.name == name else replace(said, name=name)
