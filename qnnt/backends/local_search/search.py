"""Epochs of families, tempering and annealing in threads that share the best network."""

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

from qnnt.architecture import Architecture
from qnnt.backends.local_search.arrays import Graph, Integers, Points, graph, points
from qnnt.backends.local_search.descent import Lesson, descend, draw, lesson
from qnnt.backends.local_search.family import Family
from qnnt.backends.local_search.ladder import Temperatures, slices
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
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.goals import AtMost
from qnnt.instance import Instance
from qnnt.limits import Limits

_LOOK = 0.1  # seconds between two looks at the clock
_PATIENCE = 200  # moves without a better network, times the cube of the number of parameters
_COLDEST = 0.2  # in units of the least step of the energy: one distance of one input
_LIVELY = 0.35  # share of moves that the hottest network accepts
_REPLICAS = 12
_SHORTEST = 64  # rounds of tempering in the first cycle
_BARREN = 16  # generations of a family without a better network, before its end
_ROOM = 1 << 28  # bytes of one thread's networks


class Begin(Enum):
    """Where the networks of an epoch come from: random ones, the best one, or a family of descents."""

    RANDOM = auto()
    BEST = auto()
    FAMILY = auto()


@dataclass(frozen=True)
class Epoch:
    """What is done to ``networks`` side by side, under the energy of ``cap``; ``rounds`` are of moves."""

    begin: Begin
    cap: float
    networks: int
    rounds: int


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

    Epochs alternate between families, tempering and annealing, between the two energies, and between random
    networks and the best one as starts; each cycle of tempering and annealing is twice as long as the last.
    ``place`` is the kind of epoch that this thread begins with. The search gives up after ``patience`` moves
    without a better network, or ten times as many as the best one took.
    """

    graph: Graph
    points: Points
    lesson: Lesson
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
            if self._over:
                return
            state = states(self.graph, self.points, epoch.networks, self.seed * 1_000_003 + number)
            before = self.found.errors
            for moves in self._run(state, epoch, room):
                moved += moves
                if self.found.errors < before:
                    before, since = self.found.errors, moved
                if self._over or moved - since > max(self.patience, 10 * since):
                    return

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
            (Begin.FAMILY, 3 * steps, many),
            (Begin.RANDOM, 1.0, many),
            (Begin.RANDOM, 3 * steps, 1),
            (Begin.RANDOM, 1.0, 1),
            (Begin.BEST, 1.0, many),
        ]
        for cycle in count():
            for i in range(len(kinds)):
                begin, cap, networks = kinds[(i + self.place) % len(kinds)]
                yield Epoch(begin, cap, networks, (_SHORTEST << cycle) * many // networks)

    def _run(self, state: State, epoch: Epoch, room: Scratch) -> Iterator[int]:
        """An epoch; yields, now and then, how many moves were made since."""
        if epoch.begin is Begin.FAMILY:
            family = Family(
                self.graph,
                self.points,
                self.lesson,
                state,
                room,
                epoch.cap,
                self.enough,
                take=self._take,
                over=lambda: self._over,
            )
            yield from family.run(_BARREN)
            return
        for r in range(epoch.networks):
            if epoch.begin is Begin.BEST and (best := self.found.now()[0]) is not None:
                state.parameters[r] = best
            else:
                scatter(self.graph, state, r)
            evaluate(self.graph, self.points, state, r, np.float32(epoch.cap), room)
        for heats in slices(self._ladder(state, epoch, room)):
            yield self._slice(state, epoch.cap, heats, room)[1]

    def _take(self, parameters: Integers, errors: int) -> None:
        if self.found.take(parameters, errors):
            self.tell()

    def _ladder(self, state: State, epoch: Epoch, room: Scratch) -> Temperatures:
        """The temperatures (rounds, networks) of an epoch: tempering, or annealing of a single network."""
        coldest = _COLDEST / epoch.cap
        hottest = self._hottest(state, epoch.cap, room) if epoch.begin is Begin.RANDOM else 3 * coldest
        if epoch.networks == 1:
            return np.geomspace(hottest, coldest, epoch.rounds)[:, None]
        return np.tile(np.geomspace(coldest, hottest, epoch.networks), (epoch.rounds, 1))

    def _hottest(self, state: State, cap: float, room: Scratch) -> float:
        """A temperature at which the moves of network 0 are often accepted."""
        heat = 1.0 / cap
        scattered = states(self.graph, self.points, 1, self.seed)
        scattered.parameters[0] = state.parameters[0]
        evaluate(self.graph, self.points, scattered, 0, np.float32(cap), room)
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
            self.enough,
            best,
            lowest,
            room,
        )
        if lowest[0] < self.found.errors:
            self._take(best, int(lowest[0]))
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
        taught = lesson(data)
        self._searchers = [
            Searcher(
                network,
                data,
                taught,
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


def prepare() -> None:
    """Run all that is compiled on a tiny instance; what numba compiles is the same for every other."""
    tiny = Instance(Domain(3), Architecture.dense([1, 1, 1]), Dataset([[1]], [[1]]), AtMost(0))
    network, data = graph(tiny), points(tiny)
    state, room, cap = states(network, data, 2, 1), scratch(network, data), np.float32(1)
    scatter(network, state, 0)
    evaluate(network, data, state, 0, cap, room)
    best, lowest = np.empty_like(state.parameters[0]), np.array([2])
    search(network, data, state, cap, np.ones((1, 2)), 0, best, lowest, room)
    excess(state.before[0, -1:], data)
    for _ in descend(network, lesson(data), draw(network, state), 1, 1.0, state.random):
        pass


def _failed(future: Future[None]) -> bool:
    return future.done() and future.exception() is not None
