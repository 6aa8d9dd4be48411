"""A split of the parameter space into boxes, by look-ahead.

A box is cut in two at a threshold t of a parameter w: w < t and w ≥ t. The clause encoding has a literal for
that, so unit propagation tells what follows from either half. The cut whose halves imply most is taken, as in
cube-and-conquer (Heule, Kullmann, Wieringa and Biere 2011): the product of the numbers of literals that
follow. What propagation refutes needs no search, and is kept as refuted, so that the boxes are a partition.
The next box to be cut is the one in which least is known so far.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.backends.sat import load
from qnnt.box import Box
from qnnt.domain import Domain
from qnnt.encoders.clauses import ClauseEncoder
from qnnt.instance import Instance
from qnnt.job import Event
from qnnt.limits import Limits
from qnnt.workers.task import Hear, Tell

_SOLVER = "glucose4"
_COMPARED = 12  # cuts of a box: those that were best for the box around it; of the whole space, all
_WORK = 20_000_000  # literals propagated; beyond, the cut that was best before is taken unseen


@dataclass(frozen=True)
class Split:
    """``cubes`` and ``refuted`` boxes are a partition of the parameter space.

    No network in a refuted box meets the goal of the instance that was split: unit propagation says so.
    """

    cubes: tuple[Box, ...]
    refuted: tuple[Box, ...] = ()


@dataclass(frozen=True)
class _Cut:
    """In two at a threshold of a parameter: ``literal`` says that the parameter is not below it."""

    parameter: int
    threshold: int
    literal: int

    @property
    def sides(self) -> tuple[int, int]:
        """The literals of both halves, the one below first."""
        return -self.literal, self.literal


@dataclass(order=True)
class _Node:
    """A box that is to be cut or to be a cube; one in which little is ``known`` comes first.

    ``literals`` stand for the box, ``implied`` follow from them, and ``cuts`` are in order of merit.
    """

    known: int
    number: int
    box: Box = field(compare=False)
    literals: tuple[int, ...] = field(compare=False)
    implied: frozenset[int] = field(compare=False)
    cuts: Sequence[_Cut] = field(compare=False)


def split(
    instance: Instance,
    n: int,
    *,
    symmetry: bool = True,
    told: Callable[[int, int], None] | None = None,
) -> Split:
    """At least n cubes, unless the space has fewer vectors that propagation does not refute.

    The same arguments give the same split. With ``symmetry`` networks out of order count as refuted.
    ``told`` hears how many cubes there are, and n.
    """
    model, lift = ClauseEncoder(symmetry).apply(instance)
    from pysat.solvers import Solver

    with Solver(name=_SOLVER) as solver:
        load(solver, model.hard)
        return _Splitter(solver, instance.domain, lift.index).run(n, told or (lambda *_: None))


class _Splitter:
    """One split; ``index`` (P, d - 1) are the variables [parameter ≥ threshold] of the formula."""

    def __init__(self, solver: Any, domain: Domain, index: npt.NDArray[np.int64]) -> None:
        self._solver, self._domain = solver, domain
        self._work = self._numbers = 0
        self._refuted: list[Box] = []
        self._open: list[_Node] = []  # a heap
        self._cuts = [
            _Cut(parameter, domain.lo + 1 + place, literal)
            for parameter, row in enumerate(index.tolist())
            for place, literal in enumerate(row)
        ]

    def run(self, n: int, told: Callable[[int, int], None]) -> Split:
        points: list[_Node] = []  # boxes in which no cut is left
        self._open_box(Box(), (), self._cuts)
        while self._open and len(self._open) + len(points) < n:
            node = heapq.heappop(self._open)
            if not self._cut(node):
                points.append(node)
            told(len(self._open) + len(points), n)
        cubes = sorted([*self._open, *points], key=lambda node: node.number)
        return Split(tuple(node.box for node in cubes), tuple(self._refuted))

    def _propagated(self, literals: Sequence[int]) -> list[int] | None:
        """What follows from the literals, and they themselves; None if they contradict the formula."""
        possible, implied = self._solver.propagate(assumptions=list(literals))
        self._work += len(implied)
        return implied if possible else None

    def _open_box(self, box: Box, literals: tuple[int, ...], cuts: Sequence[_Cut]) -> None:
        """Let a box wait, unless propagation refutes it."""
        implied = self._propagated(literals)
        if implied is None:
            self._refuted.append(box)
            return
        self._numbers += 1
        node = _Node(len(implied), self._numbers, box, literals, frozenset(map(abs, implied)), cuts)
        heapq.heappush(self._open, node)

    def _cut(self, node: _Node) -> bool:
        """Cut a box in two; False if propagation leaves it no cut."""
        scored: list[tuple[int, int, _Cut]] = []
        unseen: list[_Cut] = []
        for cut in node.cuts:
            least, greatest = node.box.range(cut.parameter, self._domain)
            # What the formula implies by itself, the solver does not list.
            if cut.literal in node.implied or not least < cut.threshold <= greatest:
                continue
            if (node.literals and len(scored) == _COMPARED) or self._work > _WORK:
                unseen.append(cut)
                continue
            halves = [self._propagated((*node.literals, side)) for side in cut.sides]
            if None in halves:  # what is left is a smaller box; it is looked at when it is its turn
                self._open_halves(node, cut, node.cuts)
                return True
            below, above = (len(half or ()) - node.known for half in halves)
            scored.append((-(below + 1) * (above + 1), len(scored), cut))
        cuts = [cut for _, _, cut in sorted(scored)] + unseen
        if not cuts:
            return False
        self._open_halves(node, cuts[0], cuts[1:])
        return True

    def _open_halves(self, node: _Node, cut: _Cut, cuts: Sequence[_Cut]) -> None:
        halves = node.box.halves(cut.parameter, cut.threshold, self._domain)
        for half, side in zip(halves, cut.sides, strict=True):
            self._open_box(half, (*node.literals, side), cuts)


@dataclass(frozen=True)
class SplitTask:
    """:func:`split` as a task for a worker."""

    instance: Instance
    n: int
    symmetry: bool
    limits: Limits
    family = "sat"
    runs_programs = False

    @property
    def fresh(self) -> bool:
        """Whether a new worker is needed, as for any job under a memory limit."""
        return self.limits.memory is not None

    def execute(self, tell: Tell[Event], hear: Hear) -> Split:  # noqa: ARG002 - knows all it needs
        """Split it."""
        tell(Event(phase="split"))
        return split(
            self.instance,
            self.n,
            symmetry=self.symmetry,
            told=lambda done, total: tell(Event(steps=(done, total))),
        )
