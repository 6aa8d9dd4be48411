"""The instances that backends and encoders are tried on: few networks, a name each, always the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from qnnt.activation import Activation, ActivationLike
from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.goals import AtMost, Exactly, Goal, Minimize
from qnnt.instance import Instance
from qnnt.testing.brute_force import Truth

Point = tuple[Sequence[int], Sequence[int], int]
"""Input, label and count of a data point."""

_SPARSE = Architecture(
    [["x0", "x1"], ["h0", "h1"], ["y0"]], [("x0", "h0"), ("x1", "h1"), ("h0", "y0"), ("h1", "y0")]
)
_SMALLEST = {"relu": 2, "step": 2, "sign": 3}  # the least d whose domain has the values of the activation


@cache
def family() -> dict[str, Truth]:
    """The instances by name, each with the truth about all of its networks.

    Each is there for what its name says: domain, shape, or the data that it has to get along with. The goal
    that they carry has no meaning.
    """
    return {name: Truth(instance) for name, instance in _family()}


def goals(truth: Truth) -> list[Goal]:
    """The goals at which an answer changes: the minimum, and both sides of every border of what is possible.

    At most: the minimum, and one below it. Exactly: the ends of each run of possible errors, and their
    neighbours outside.
    """
    possible, least = set(truth.possible), truth.least
    borders = {e for e in possible if not {e - 1, e + 1} <= possible}
    outside = {e + step for e in borders for step in (-1, 1)} - possible
    decisions: list[Goal] = [AtMost(e) for e in (least, least - 1) if e >= 0]
    return [Minimize(), *decisions, *(Exactly(e) for e in sorted(borders | outside) if e >= 0)]


def title(goal: Goal) -> str:
    """What the name of a case calls a goal."""
    return "minimize" if goal.minimizes else str(goal).replace(":", "-")


def _instance(
    d: int, shape: Architecture | Sequence[int], activation: ActivationLike, points: Sequence[Point]
) -> Instance:
    architecture = shape if isinstance(shape, Architecture) else Architecture.dense(shape)
    n = len(points)
    dataset = Dataset(
        np.array([x for x, _, _ in points], dtype=np.int64).reshape(n, architecture.alpha),
        np.array([y for _, y, _ in points], dtype=np.int64).reshape(n, architecture.omega),
        np.array([count for _, _, count in points], dtype=np.int64),
    )
    return Instance(Domain(d), architecture, dataset, activation=activation)


def _family() -> Iterator[tuple[str, Instance]]:
    yield "relu-d1", _instance(1, [2, 1, 1], "relu", [([0, 0], [0], 2)])
    for name, smallest in _SMALLEST.items():
        for d in range(smallest, 6):
            yield f"{name}-d{d}", _neuron(d, name)
        yield from ((f"{name}-{what}", instance) for what, instance in _of_three_values(name))
    yield from _of_one_kind()
    yield from _mixed()


def _neuron(d: int, name: str) -> Instance:
    """One neuron for points that no neuron gets all right, over the ends of the domain."""
    lo, hi = Domain(d).lo, Domain(d).hi
    low, high = _ends(name, Domain(d))
    points: list[Point] = [([lo, hi], [high], 1), ([hi, lo], [high], 2), ([hi, hi], [low], 2)]
    return _instance(d, [2, 1], name, [*points, ([0, 0], [low], 1), ([lo, lo], [high], 1)])


def _ends(name: str, domain: Domain) -> tuple[int, int]:
    """The least and the greatest value of a named activation."""
    return (-1, 1) if name == "sign" else (0, domain.hi if name == "relu" else 1)


def _of_three_values(name: str) -> Iterator[tuple[str, Instance]]:
    """Shapes and data for an activation over Z_3, whose values ``low`` and ``high`` are."""
    low, high = _ends(name, Domain(3))
    xor: list[Point] = [([-1, -1], [low], 1), ([-1, 1], [high], 1), ([1, -1], [high], 2), ([1, 1], [low], 1)]
    bump: list[Point] = [([-1], [low], 1), ([0], [high], 1), ([1], [low], 2)]
    both: list[Point] = [([-1], [low, high], 1), ([0], [high, high], 2), ([1], [low, low], 1)]
    yield "outputs", _instance(3, [1, 2], name, both)
    yield "hidden", _instance(3, [1, 1, 1], name, bump)
    yield "deep", _instance(3, [1, 1, 1, 1], name, bump)
    yield "twins", _instance(3, [1, 2, 1], name, bump)
    yield "sparse", _instance(3, _SPARSE, name, xor)
    yield "contradicting", _instance(3, [1, 1], name, [([1], [low], 2), ([1], [high], 3), ([0], [high], 1)])
    unreachable = 0 if name == "sign" else -1
    yield "unreachable", _instance(3, [1, 1], name, [([0], [unreachable], 2), ([0], [high], 1)])
    repeated: list[Point] = [([1], [low], 30_000), ([1], [high], 20_000), ([1], [high], 4_999)]
    yield "repeated", _instance(3, [1, 1], name, repeated)


def _of_one_kind() -> Iterator[tuple[str, Instance]]:
    """What has little to do with the activation, once, and dense networks over Z_2."""
    yield "no-data", _instance(3, [1, 2, 1], "relu", [])
    yield "no-network-helps", _instance(3, [1, 1, 1], "relu", [([0], [-1], 1), ([1], [-1], 2)])
    yield "huge-counts", _instance(3, [1, 1], "relu", [([1], [0], 10**9), ([1], [1], 10**9 + 1)])
    for exponent in (31, 55):  # beyond 32 bits, and beyond the integers of a double
        c = 2**exponent
        hollow: list[Point] = [([-1], [1], c), ([0], [0], c + 1), ([1], [1], c + 2)]
        yield f"counts-above-2-{exponent}", _instance(3, [1, 1], "relu", hollow)
    points: list[Point] = [([0, 0], [0], 1), ([0, 1], [1], 1), ([1, 0], [1], 1), ([1, 1], [0], 1)]
    yield "dense", _instance(2, [2, 2, 1], "relu", points)
    yield "dense-step", _instance(2, [2, 2, 1], "step", points)
    yield "relu-d7", _neuron(7, "relu")
    yield "three-outputs", _instance(3, [1, 3], "relu", [([0], [1, 0, 1], 1), ([1], [0, 1, 0], 2)])
    yield "wide-outputs", _instance(2, [1, 2, 2], "relu", [([0], [1, 0], 1), ([1], [0, 1], 2)])


def _mixed() -> Iterator[tuple[str, Instance]]:
    """Hidden and output neurons that differ, and step functions without a name."""
    bump: list[Point] = [([-1], [0], 1), ([0], [1], 1), ([1], [0], 2)]
    yield "sign-then-step", _instance(3, [1, 2, 1], ("sign", "step"), bump)
    yield "relu-then-sign", _instance(3, [1, 1, 1], ("relu", "sign"), [([-1], [1], 1), ([1], [-1], 2)])
    yield "step-then-relu", _instance(4, [1, 1, 1], ("step", "relu"), [([-1], [2], 1), ([2], [1], 2)])
    ternary = Activation((-1, 2), (-1, 0, 1))
    yield "ternary", _instance(3, [1, 1, 1], ternary, [([-1], [1], 1), ([0], [0], 1), ([1], [-1], 1)])
    uneven = Activation((-3, 0, 1), (-1, 0, 1, 2))
    yield "uneven", _instance(4, [2, 1], uneven, [([2, 2], [1], 1), ([-1, 1], [2], 1), ([0, 0], [-1], 1)])
    gap = Activation((0,), (-2, 2))
    yield "gap", _instance(5, [2, 1], gap, [([2, -2], [-2], 2), ([1, 1], [2], 1), ([-1, 2], [-2], 1)])
    constant = Activation((), (1,))
    yield "constant", _instance(3, [1, 1, 1], ("relu", constant), [([0], [1], 2), ([1], [0], 1)])
    yield "constant-hidden", _instance(3, [1, 1, 1], (constant, "relu"), [([0], [1], 2), ([1], [0], 1)])
    far = Activation((-(2**53), 0, 2**53), (-1, 0, 1, 2))
    yield "far", _instance(4, [1, 1], far, [([1], [2], 1), ([0], [0], 2), ([-1], [-1], 1)])
    never = Activation((100,), (0, 1))
    yield "never", _instance(3, [1, 1, 1], (never, "sign"), [([0], [1], 1), ([1], [-1], 1)])
    always = Activation((-100,), (0, 1))
    yield "always", _instance(3, [1, 1], always, [([0], [1], 1), ([1], [0], 2)])
