"""Epochs of tempering and annealing, restarted ever longer, in threads that share the best network."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue

import numpy as np
import numpy.typing as npt

from qnnt.backends.local_search.arrays import Graph, Integers, Points, graph, points
from qnnt.backends.local_search.moves import Scratch, State, evaluate, scatter, scratch, search, states
from qnnt.instance import Instance
from qnnt.limits import Limits

_SLICE = 0.05  # seconds between two looks at whether to stop
_LOOK = 0.1  # seconds between two looks at the clock
_PATIENCE = 200  # moves without a better network, times the cube of the number of parameters
_COLDEST = 0.2  # in units of the least step of the energy: one distance of one input
_LIVELY = 0.35  # share of moves that the hottest network accepts
_REPLICAS = 12
_SHORTEST = 64  # rounds of tempering in the first cycle
_ROOM = 1 << 28  # bytes of one thread's networks
_INTENSITY = 3  # moves for each parameter of a neuron, before the next neuron

Temperatures = npt.NDArray[np.float64]


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

    Epochs alternate between tempering and annealing, between the two energies, and between random networks
    and the best one as starts; each cycle is twice as long as the last. ``place`` is the kind of epoch
    that this thread begins with. The search gives up after
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
        for epoch, (cap, replicas, rounds, fresh) in enumerate(self._epochs()):
            state = states(self.graph, self.points, replicas, self.seed * 1_000_003 + epoch)
            for r in range(replicas):
                if fresh or self.found.parameters is None:
                    scatter(self.graph, state, r)
                else:
                    state.parameters[r] = self.found.parameters
                evaluate(self.graph, self.points, state, r, cap, room)
            for heats in self._heats(state, cap, rounds, fresh, room):
                before = self.found.errors
                moved += self._slice(state, cap, heats, room)[1]
                if self.found.errors < before:
                    since = moved
                if self.stop() or self.found.errors <= self.enough:
                    return
                if moved - since > max(self.patience, 10 * since):
                    return

    def _epochs(self) -> Iterator[tuple[float, int, int, bool]]:
        """(cap, networks, rounds, whether to begin anew) of each epoch."""
        steps = float(self.graph.hi) * float(max(1.0, np.abs(self.graph.values).max()))
        one = 8 * len(self.graph.layer) * self.points.inputs.shape[1]
        replicas = int(np.clip(_ROOM // max(1, one), 1, _REPLICAS))
        kinds = (
            (3 * steps, replicas, True),
            (1.0, replicas, True),
            (3 * steps, 1, True),
            (1.0, 1, True),
            (1.0, replicas, False),
        )
        for lap in count():
            for i in range(len(kinds)):
                cap, networks, fresh = kinds[(i + self.place) % len(kinds)]
                yield cap, networks, (_SHORTEST << lap) * replicas // networks, fresh

    def _heats(
        self, state: State, cap: float, rounds: int, fresh: bool, room: Scratch
    ) -> Iterator[Temperatures]:
        """The temperatures (rounds, networks) of the slices of an epoch."""
        coldest = _COLDEST / cap
        hottest = self._hottest(state, cap, room) if fresh else 3 * coldest
        replicas = len(state.order)
        if replicas == 1:
            ladder = np.geomspace(hottest, coldest, rounds)[:, None]
        else:
            ladder = np.tile(np.geomspace(coldest, hottest, replicas), (rounds, 1))
        begin, size = 0, 1
        while begin < rounds:
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
