"""A family of networks: descents, then generations of offspring, descent again, and moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from qnnt.backends.local_search.arrays import Floats, Graph, Integers, Points
from qnnt.backends.local_search.descent import Lesson, batch_size, descend, draw
from qnnt.backends.local_search.ladder import slices
from qnnt.backends.local_search.moves import Scratch, State, evaluate, excess, search

_PARENTS = 4
_REDRAWN = 2  # hidden neurons of each child
_STEPS, _FIRST = 32, 3000  # of a descent in the first generation: for each parameter, and at most
_LATER = 5  # times fewer in later generations
_LEAST = 50
_WORK = 1 << 31  # networks times steps times arcs times inputs in the first generation, at most
_FIRST_RATE, _LATER_RATE = 0.4, 0.2
_COLDEST, _HOTTEST, _HOTTEST_ERRORS = 0.3, 1.4, 0.9  # of moves, in units of the least step of the energy


@dataclass
class Family:
    """The best networks of some generations, and how to get better ones.

    The first generation begins anywhere and descends. A child is one of the best networks so far with two of
    its hidden neurons redrawn, and descends, too. Then the children and their parents change places between
    temperatures at which a good network keeps most of what it is (parallel tempering). The energy of these
    moves is now that of distances (``cap``), now that of errors.

    ``take`` is told of each network and its errors beyond the unavoidable ones; ``over`` says when to stop.
    """

    graph: Graph
    points: Points
    lesson: Lesson
    state: State
    scratch: Scratch
    cap: float
    enough: int
    take: Callable[[Integers, int], None]
    over: Callable[[], bool]
    _best: list[tuple[int, Integers]] = field(default_factory=list)

    def run(self, barren: int) -> Iterator[int]:
        """Breed until so many generations in a row brought nothing better.

        Yields, now and then, how many moves were made since.
        """
        graph, random = self.graph, np.random.default_rng(int(self.state.random[0]))
        networks, size = len(self.state.parameters), batch_size(self.lesson)
        affordable = _WORK // (networks * size * max(1, len(graph.source)))
        first = int(np.clip(min(affordable, _STEPS * self.state.parameters.shape[1]), _LEAST, _FIRST))
        yield from self._descend(draw(graph, self.state), first, _FIRST_RATE)
        steps, since, generation = max(_LEAST, first // _LATER), 0, 0
        rounds = max(4, steps * size // (2 * max(1, self.points.inputs.shape[1])))
        while since < barren and not self.over():
            before, parents = self._best[0][0], self._best
            yield from self._descend(self._children(random), steps, _LATER_RATE)
            yield from self._temper(parents, rounds, self.cap if generation % 2 == 0 else 1.0)
            generation += 1
            since = 0 if self._best[0][0] < before else since + 1

    def _children(self, random: np.random.Generator) -> Floats:
        """As many as there is room for: the best networks, two hidden neurons redrawn in each."""
        graph, arcs = self.graph, len(self.graph.source)
        hidden = np.arange(graph.n_inputs, len(graph.layer) - graph.n_outputs)
        children = np.empty(self.state.parameters.shape, np.float32)
        for r in range(len(children)):
            child = children[r]
            child[:] = self._best[r % len(self._best)][1]
            for v in random.permutation(hidden)[:_REDRAWN]:
                own = np.flatnonzero((graph.source == v) | (graph.target == v))
                own = np.r_[own, arcs + v - graph.n_inputs]
                child[own] = random.uniform(graph.lo, graph.hi, len(own))
        return children

    def _descend(self, parameters: Floats, steps: int, rate: float) -> Iterator[int]:
        """Descend; the state's networks are then the best roundings that each of them passed through."""
        state = self.state
        lowest, best = np.full(len(parameters), 2**62), np.zeros_like(state.parameters)
        for networks, moves in descend(self.graph, self.lesson, parameters, steps, rate, state.random):
            state.parameters[:] = networks
            for r in range(len(networks)):
                evaluate(self.graph, self.points, state, r, np.float32(self.cap), self.scratch)
                errors = int(excess(state.before[r, -self.graph.n_outputs :], self.points))
                if errors < lowest[r]:
                    lowest[r], best[r] = errors, networks[r]
                    self.take(networks[r], errors)
                if self.over():
                    break
            yield moves
            if self.over():
                break
        state.parameters[:] = best
        self._keep(zip(lowest.tolist(), best, strict=True))

    def _keep(self, networks: Iterator[tuple[int, Integers]]) -> None:
        """Keep the best, without doubles."""
        known = {parameters.tobytes(): (errors, parameters) for errors, parameters in self._best}
        for errors, parameters in networks:
            known.setdefault(parameters.tobytes(), (errors, parameters.copy()))
        self._best = sorted(known.values(), key=lambda pair: pair[0])[:_PARENTS]

    def _temper(self, parents: list[tuple[int, Integers]], rounds: int, cap: float) -> Iterator[int]:
        """Moves of the children and their parents, side by side."""
        state, replicas = self.state, len(self.state.parameters)
        for r, (_, parameters) in enumerate(parents[: replicas // 2]):
            state.parameters[r] = parameters
        for r in range(replicas):
            evaluate(self.graph, self.points, state, r, np.float32(cap), self.scratch)
        state.order[:] = np.argsort(state.energy)
        hottest = _HOTTEST if cap > 1 else _HOTTEST_ERRORS
        ladder = np.tile(np.geomspace(_COLDEST, hottest, replicas) / cap, (rounds, 1))
        found, lowest = np.empty_like(state.parameters[0]), np.array([self._best[0][0]])
        for heats in slices(ladder):
            before = int(lowest[0])
            _, moves = search(
                self.graph,
                self.points,
                state,
                np.float32(cap),
                heats,
                self.enough,
                found,
                lowest,
                self.scratch,
            )
            if lowest[0] < before:
                self._keep(iter([(int(lowest[0]), found)]))
                self.take(found, int(lowest[0]))
            yield int(moves)
            if self.over():
                return
