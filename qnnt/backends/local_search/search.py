"""Epochs of descent, tempering and annealing, ever longer, in threads that share the best network."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from queue import Empty, SimpleQueue

import numpy as np
import numpy.typing as npt

from qnnt.backends.local_search.arrays import Graph, Integers, Points, graph, points
from qnnt.backends.local_search.descent import Descent, descends
from qnnt.backends.local_search.moves import (
    Scratch,
    State,
    evaluate,
    excess,
    scatter,
    scratch,
    search,
    states,
)
from qnnt.instance import Instance
from qnnt.limits import Limits

_SLICE = 0.05  # seconds between two looks at whether to stop
_LOOK = 0.1  # seconds between two looks at the clock
_PATIENCE = 200  # moves without a better network, times the cube of the number of parameters
_COLDEST = 0.2  # in units of the least step of the energy: one distance of one input
_LIVELY = 0.35  # share of moves that the hottest network accepts
_REPLICAS = 12
_SHORTEST = 64  # rounds of tempering in the first cycle
_DESCENTS = 8  # networks of a descent
_STEPS = 8  # of a descent in the first cycle, for each parameter
_MOST_STEPS = 4096  # of any descent
_ROOM = 1 << 28  # bytes of one thread's networks
_INTENSITY = 3  # moves for each parameter of a neuron, before the next neuron

Temperatures = npt.NDArray[np.float64]


class Begin(Enum):
    """Where the networks of an epoch come from: random ones, the best one, or gradient descent."""

    RANDOM = auto()
    BEST = auto()
    DESCENT = auto()


@dataclass(frozen=True)
class Epoch:
    """What is done to ``networks`` side by side: ``rounds`` of moves under the energy of ``cap``."""

    begin: Begin
    cap: float
    networks: int
    rounds: int
    steps: int = 0  # of descent


@dataclass
class Found:
    """The best network of all threads: ``parameters`` (A + H,), ``errors`` beyond the unavoidable ones."""

    parameters: Integers | None = None
    errors: int = 2**62
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> tuple[Integers | None, int]:
        """The best network and its errors."""
        with self.lock:
            return self.parameters, self.errors

    def take(self, parameters: Integers, errors: int) -> bool:
        """Keep a network if it is better."""
        with self.lock:
            if errors >= self.errors:
                return False
            self.parameters, self.errors = parameters.copy(), errors
            return True


@dataclass
class Searcher:
    """One thread's search over a graph and its points, until ``stop`` says so or patience ends.

    Epochs alternate between descent, tempering and annealing, between the two energies, and between random
    networks and the best one as starts; each cycle is twice as long as the last. ``place`` is the kind of
    epoch that this thread begins with. The search gives up after
    ``patience`` moves without a better network, or ten times as many as the best one took.
    """

    graph: Graph
    points: Points
    found: Found
    place: int
    seed: int
    enough: int
    patience: int
    stop: Callable[[], bool]
    tell: Callable[[], None]

    def run(self) -> None:
        """Search; the outcome is in ``found``."""
        room, moved, since = scratch(self.graph, self.points), 0, 0
        for number, epoch in enumerate(self._epochs()):
            state = states(self.graph, self.points, epoch.networks, self.seed * 1_000_003 + number)
            before = self.found.errors
            self._begin(state, epoch, room)
            moved += epoch.steps * epoch.networks * self._parameters
            if self.found.errors < before:
                before, since = self.found.errors, moved
            if self._over:
                return
            for heats in self._heats(state, epoch, room):
                moved += self._slice(state, epoch.cap, heats, room)[1]
                if self.found.errors < before:
                    before, since = self.found.errors, moved
                if self._over or moved - since > max(self.patience, 10 * since):
                    return

    @property
    def _parameters(self) -> int:
        return len(self.graph.source) + len(self.graph.first) - 1

    @property
    def _over(self) -> bool:
        return self.stop() or self.found.errors <= self.enough

    def _epochs(self) -> Iterator[Epoch]:
        """Cycles through all kinds of epochs."""
        steps = float(self.graph.hi) * float(max(1.0, np.abs(self.graph.values).max()))
        one = 8 * len(self.graph.layer) * self.points.inputs.shape[1]
        many = int(np.clip(_ROOM // max(1, one), 1, _REPLICAS))
        kinds = [
            (Begin.RANDOM, 3 * steps, many),
            (Begin.RANDOM, 1.0, many),
            (Begin.RANDOM, 3 * steps, 1),
            (Begin.RANDOM, 1.0, 1),
            (Begin.BEST, 1.0, many),
        ]
        if descends(self.graph):
            kinds.insert(1, (Begin.DESCENT, 3 * steps, min(many, _DESCENTS)))
        for cycle in count():
            for i in range(len(kinds)):
                begin, cap, networks = kinds[(i + self.place) % len(kinds)]
                rounds = (_SHORTEST << cycle) * many // networks
                if begin is not Begin.DESCENT:
                    yield Epoch(begin, cap, networks, rounds)
                    continue
                steps = (_STEPS << cycle) * self._parameters
                times = max(1, steps // _MOST_STEPS)
                for _ in range(times):
                    yield Epoch(begin, cap, networks, rounds // times // 4, min(steps, _MOST_STEPS))

    def _begin(self, state: State, epoch: Epoch, room: Scratch) -> None:
        """Set up the networks of an epoch."""
        if epoch.begin is Begin.DESCENT:
            self._descend(state, epoch, room)
        for r in range(epoch.networks):
            if epoch.begin is Begin.BEST and (best := self.found.now()[0]) is not None:
                state.parameters[r] = best
            elif epoch.begin is not Begin.DESCENT:
                scatter(self.graph, state, r)
            evaluate(self.graph, self.points, state, r, epoch.cap, room)

    def _descend(self, state: State, epoch: Epoch, room: Scratch) -> None:
        """Fill in the best networks that descents pass through when they are rounded."""
        descent = Descent(self.graph, self.points, int(state.random[0]))
        lowest, best = np.full(epoch.networks, 2**62), state.parameters.copy()
        for networks in descent.run(epoch.networks, epoch.steps):
            state.parameters[:] = networks
            for r in range(epoch.networks):
                evaluate(self.graph, self.points, state, r, epoch.cap, room)
                errors = int(excess(state.before[r, -self.graph.n_outputs :], self.points))
                if errors < lowest[r]:
                    lowest[r], best[r] = errors, networks[r]
                    if self.found.take(networks[r], errors):
                        self.tell()
            if self._over:
                break
        state.parameters[:] = best

    def _heats(self, state: State, epoch: Epoch, room: Scratch) -> Iterator[Temperatures]:
        """The temperatures (rounds, networks) of the slices of an epoch."""
        coldest = _COLDEST / epoch.cap
        hottest = self._hottest(state, epoch.cap, room) if epoch.begin is Begin.RANDOM else 3 * coldest
        if epoch.networks == 1:
            ladder = np.geomspace(hottest, coldest, epoch.rounds)[:, None]
        else:
            ladder = np.tile(np.geomspace(coldest, hottest, epoch.networks), (epoch.rounds, 1))
        begin, size = 0, 1
        while begin < epoch.rounds:
            clock = time.monotonic()
            yield ladder[begin : begin + size]
            begin += size
            size = 2 * size if time.monotonic() - clock < _SLICE / 2 else max(1, size // 2)

    def _hottest(self, state: State, cap: float, room: Scratch) -> float:
        """A temperature at which the moves of network 0 are often accepted."""
        heat = 1.0 / cap
        scattered = states(self.graph, self.points, 1, self.seed)
        scattered.parameters[0] = state.parameters[0]
        evaluate(self.graph, self.points, scattered, 0, cap, room)
        for _ in range(8):
            if self.stop() or self._slice(scattered, cap, np.full((2, 1), heat), room)[0] > _LIVELY:
                break
            heat *= 1.6
        return heat

    def _slice(self, state: State, cap: float, heats: Temperatures, room: Scratch) -> tuple[float, int]:
        """Rounds at these temperatures: the share of moves accepted in the hottest network, and all moves."""
        best, lowest = np.empty_like(state.parameters[0]), np.array([self.found.errors])
        share, moved = search(
            self.graph,
            self.points,
            state,
            np.float32(cap),
            heats,
            _INTENSITY,
            self.enough,
            best,
            lowest,
            room,
        )
        if lowest[0] < self.found.errors and self.found.take(best, int(lowest[0])):
            self.tell()
        return float(share), int(moved)


class Team:
    """The searches of all threads, from one seed, for ``enough`` errors beyond the unavoidable ones.

    ``listen`` is called now and then, to put what others found into ``found``.
    """

    def __init__(
        self, instance: Instance, found: Found, limits: Limits, *, enough: int, listen: Callable[[], None]
    ) -> None:
        self._found, self._enough, self._listen = found, enough, listen
        self._deadline = math.inf if limits.time is None else time.monotonic() + limits.time
        self._stopped, self._news = threading.Event(), SimpleQueue[None]()
        patience = _PATIENCE * (instance.architecture.n_parameters + 10) ** 3
        network, data = graph(instance), points(instance)
        self._searchers = [
            Searcher(
                network,
                data,
                found,
                place=i,
                seed=limits.seed * 1009 + i,
                enough=enough,
                patience=patience,
                stop=self._stopped.is_set,
                tell=lambda: self._news.put(None),
            )
            for i in range(limits.threads)
        ]

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._deadline

    def run(self) -> Iterator[tuple[Integers, int]]:
        """Better and better networks, until it is enough, the time is over, or every thread has given up.

        Raises whatever a thread raised.
        """
        told = 2**62
        with ThreadPoolExecutor(len(self._searchers)) as pool:
            futures = [pool.submit(searcher.run) for searcher in self._searchers]
            for future in futures:
                future.add_done_callback(lambda _: self._news.put(None))
            try:
                while self._found.errors > self._enough and not self.late:
                    if all(future.done() for future in futures) or any(map(_failed, futures)):
                        break
                    with suppress(Empty):
                        self._news.get(timeout=_LOOK)
                    self._listen()
                    best, errors = self._found.now()
                    if best is not None and errors < told:
                        told = errors
                        yield best, errors
            finally:
                self._stopped.set()
        for future in futures:
            future.result()


def _failed(future: Future[None]) -> bool:
    return future.done() and future.exception() is not None
