"""Dense layered networks: the set of vectors that a next neuron could show, layer after layer.

A vector has a level for each input. A dense layer shows the next one a multiset of vectors; of that multiset
only the set R of vectors that a single neuron above it can show matters, and a larger R is never worse. So a
layer is described by the maximal sets R (its :class:`Family`), and the next layer's family follows from it:
all multisets of vectors of an R, their own sets, the maximal ones of these. The families of layers of one
size soon repeat, and a transition that was made is looked up: depth costs nothing.

A multiset that shows equal values for two inputs whose labels differ leads nowhere and is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, lgamma, log, log2

import numpy as np
import numpy.typing as npt

from qnnt.activation import Activation
from qnnt.architecture import Architecture
from qnnt.backends.treewidth.space import Space
from qnnt.backends.treewidth.task import Budget, Index, Mask, Rows, Stopped, Task
from qnnt.backends.treewidth.vectors import Reachable, compatible, digits, pack, places, unpack
from qnnt.limits import Limit

_BLOCK = 1 << 22  # numbers held at once
_SMALL = 1 << 16  # numbers of an array that is kept

Bits = npt.NDArray[np.uint64]


def applies(architecture: Architecture) -> bool:
    """Whether every arc that leaves no input belongs to a dense connection."""
    return all(connection.dense for connection in architecture.connections[1:])


def bits(space: Space, n: int) -> float:
    """A bound on the vectors looked at for one layer, over n inputs, as a logarithm (base 2)."""
    weights, largest = log2(space.domain.d), 0.0
    sources = int(np.diff(space.architecture.connections[0].starts).max())
    for layer, activation in zip(space.architecture.layers[1:-1], space.activations[:-1], strict=True):
        k = len(layer)
        vectors = min(n * log2(activation.top + 1), (sources + 1) * weights)
        # multisets of k of 2^vectors
        states = k * max(vectors, log2(k)) + k - lgamma(k + 1) / log(2)
        if vectors < 50:
            m = 2.0**vectors
            states = (lgamma(m + k) - lgamma(k + 1) - lgamma(m)) / log(2)
        largest = max(largest, states + (k + 1) * weights)
        sources = k
    return largest


@dataclass(frozen=True)
class Family:
    """The maximal sets of vectors that a neuron above a layer can show.

    ``sets`` are sorted arrays of packed vectors, themselves in a fixed order; ``states`` (f, k) is, for each,
    the vectors of a layer that gives it and ``parents`` (f,) the set of the layer below that they are from.
    """

    sets: tuple[Index, ...]
    states: Index
    parents: Index
    key: tuple[bytes, ...]


class Layered:
    """Decides a task over an architecture that :func:`applies` names."""

    def __init__(self, task: Task, budget: Budget) -> None:
        self._task, self._budget = task, budget
        self._space, self._domain = task.space, task.space.domain
        if any(task.n > digits(activation.top + 1) for activation in task.space.activations):
            raise Stopped(Limit.MEMORY, f"{task.n} inputs are too many for vectors; try sat or maxsat")
        self._apart = np.argwhere(np.triu(~compatible(task.allowed), 1))
        # For each layer after the inputs the first one with the same activation.
        self._alike = [task.space.activations.index(a) for a in task.space.activations]
        self._steps: dict[tuple[tuple[bytes, ...], int, int, int], Family] = {}
        self._kept: dict[tuple[int, int], Index] = {}
        self._neurons: dict[tuple[int, bytes, bytes], Reachable] = {}
        self.sets: list[int] = []  # how many there are in each hidden layer's family, as far as it was made

    def solve(self) -> Index | None:
        """The parameters (A + H,) of a network that does what the task asks, or None if there is none."""
        architecture = self._space.architecture
        first = architecture.connections[0]
        columns = self._task.inputs.T
        if architecture.depth == 0:
            found = [
                self._neuron(1, columns[first.sources(j)], self._task.allowed[:, j])
                for j in range(architecture.omega)
            ]
            if any(not len(neuron.vectors) for neuron in found):
                return None
            return self._parameters([[neuron.vectors[0] for neuron in found]])
        family = self._first()
        trail = [family]
        self.sets.append(len(family.sets))
        for layer in range(2, architecture.depth + 1):
            if not family.sets:
                return None
            self._budget.counts["layers"] = len(trail)
            family = self._next(family, layer)
            trail.append(family)
            self.sets.append(len(family.sets))
        for i, codes in enumerate(family.sets):
            outputs = self._outputs(codes)
            if outputs is not None:
                return self._parameters([*self._layers(trail, i), outputs])
        return None

    def _activation(self, layer: int) -> Activation:
        """The activation of a layer; the inputs are layer 0."""
        return self._space.activations[layer - 1]

    def _neuron(self, layer: int, sources: Index, allowed: Mask | None = None) -> Reachable:
        """What a neuron of a layer can show when its sources show these values (k, n)."""
        key = self._alike[layer - 1], sources.tobytes(), b"" if allowed is None else allowed.tobytes()
        if key not in self._neurons:
            self._neurons[key] = Reachable(
                self._domain, self._activation(layer), sources, self._budget, allowed
            )
        return self._neurons[key]

    def _packed(self, layer: int, vectors: Rows) -> Index:
        return pack(vectors, self._activation(layer).top + 1)

    def _vectors(self, layer: int, codes: Index) -> Index:
        return unpack(codes, self._activation(layer).top + 1, self._task.n)

    def _outputs(self, codes: Index) -> list[Index] | None:
        """A vector of the set for every output, or None."""
        vectors, found = self._vectors(self._space.architecture.depth + 1, codes), []
        for j in range(self._space.architecture.omega):
            allowed = self._task.allowed[:, j]
            good = np.flatnonzero(allowed[np.arange(self._task.n), vectors].all(axis=1))
            if not len(good):
                return None
            found.append(vectors[good[0]])
        return found

    def _first(self) -> Family:
        """The family of layer 1, whose neurons may have different inputs."""
        connection = self._space.architecture.connections[0]
        columns, k = self._task.inputs.T, connection.n_target
        neurons = [self._neuron(1, columns[connection.sources(j)]) for j in range(k)]
        choices = [self._packed(1, neuron.vectors) for neuron in neurons]
        same = all(np.array_equal(choice, choices[0]) for choice in choices)
        if same:
            states = choices[0][self._multisets(len(choices[0]), k)]
        else:
            count = 1
            for choice in choices:
                count *= len(choice)
                self._admit(count, 8 * k)
            grid = np.meshgrid(*choices, indexing="ij")
            states = np.stack([axis.ravel() for axis in grid], axis=1)
            _, first = np.unique(np.sort(states, axis=1), axis=0, return_index=True)
            states = states[first]
        states = states[self._alive(1, states)]
        return self._family(1, states, np.full(len(states), -1))

    def _next(self, family: Family, layer: int) -> Family:
        """The family of a layer, from that of the layer below; looked up if it was made before."""
        k = len(self._space.architecture.layers[layer])
        key = family.key, k, self._alike[layer - 1], self._alike[layer]
        if key not in self._steps:
            universe = np.unique(np.concatenate(family.sets))
            if len(universe) ** k >= 2**62:
                raise Stopped(Limit.MEMORY, "too many vectors for layers of this width; try sat or maxsat")
            separates = self._separates(layer, universe)
            ranks, parents = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
            pending, held = [(ranks, parents)], 0
            for number, codes in enumerate(family.sets):
                position = np.searchsorted(universe, codes)
                chosen = position[self._multisets(len(codes), k)]
                chosen = chosen[_all_apart(separates, chosen)]
                rank = np.zeros(len(chosen), dtype=np.int64)
                for j in range(k):
                    rank = rank * len(universe) + chosen[:, j]
                pending.append((rank, np.full(len(rank), number)))
                held += len(rank)
                if held > _BLOCK or number == len(family.sets) - 1:
                    ranks, first = np.unique(np.concatenate([p[0] for p in pending]), return_index=True)
                    parents = np.concatenate([p[1] for p in pending])[first]
                    self._admit(len(ranks), 16)
                    pending, held = [(ranks, parents)], 0
            place = len(universe) ** np.arange(k - 1, -1, -1, dtype=np.int64)
            self._steps[key] = self._family(layer, universe[ranks[:, None] // place % len(universe)], parents)
        return self._steps[key]

    def _separates(self, layer: int, codes: Index) -> Bits:
        """(m, w) which of the pairs of inputs that must stay apart each vector tells apart, as bits."""
        vectors = self._vectors(layer, codes)
        bits = vectors[:, self._apart[:, 0]] != vectors[:, self._apart[:, 1]]
        padded = np.ones((len(codes), max(64, -(-bits.shape[1] // 64) * 64)), dtype=bool)
        padded[:, : bits.shape[1]] = bits
        return np.packbits(padded, axis=1).view(np.uint64)

    def _alive(self, layer: int, states: Index) -> Mask:
        """(m,) whether a layer (m, k) tells apart all inputs that must be."""
        universe, position = np.unique(states, return_inverse=True)
        return _all_apart(self._separates(layer, universe), position.reshape(states.shape))

    def _family(self, layer: int, states: Index, parents: Index) -> Family:
        """The maximal sets above the states (m, k) of a layer, each with a state that gives it."""
        m = len(states)
        if not m:
            return Family((), states, parents, ())
        reached = self._reached(layer, states)
        universe = np.unique(reached)
        words = -(-len(universe) // 64)
        self._admit(m, 8 * words)
        bits = np.zeros((m, words), dtype=np.uint64)
        step = max(1, _BLOCK // (words * 64))
        for start in range(0, m, step):
            position = np.searchsorted(universe, reached[start : start + step])
            marks = np.zeros((len(position), words * 64), dtype=bool)
            marks[np.arange(len(position))[:, None], position] = True
            bits[start : start + step] = np.packbits(marks, axis=1).view(np.uint64)
        whole = np.bitwise_or.reduce  # a set whose vectors together leave two inputs alike is of no use
        separates = self._separates(layer + 1, universe)
        _, distinct = np.unique(bits.view(f"V{8 * words}").ravel(), return_index=True)
        useful = [
            i
            for i in distinct.tolist()
            if (whole(separates[_members(bits[i], len(universe))], axis=0) == _ALL).all()
        ]
        chosen = np.array(useful, dtype=np.int64)
        chosen = chosen[maximal(bits[chosen], self._budget)] if len(chosen) else chosen
        sets = [universe[_members(bits[i], len(universe))] for i in chosen.tolist()]
        order = sorted(range(len(sets)), key=lambda i: sets[i].tobytes())
        chosen = chosen[order]
        ordered = tuple(sets[i] for i in order)
        return Family(ordered, states[chosen], parents[chosen], tuple(s.tobytes() for s in ordered))

    def _reached(self, layer: int, states: Index) -> Index:
        """(m, d^(k+1)) the packed vectors that a neuron above each state can show, with repetitions."""
        m, k = states.shape
        lo, hi, d, n = self._domain.lo, self._domain.hi, self._domain.d, self._task.n
        below, gate = self._activation(layer), self._space.gate(layer, k)
        self._admit(m, 8 * d ** (k + 1))
        grid = np.meshgrid(*[np.arange(lo, hi + 1)] * k, indexing="ij")
        weights = np.stack([axis.ravel() for axis in grid], axis=1).astype(np.float32)
        if gate.largest(k) >= 2**24:  # 32-bit floats hold smaller integers
            raise Stopped(Limit.MEMORY, f"d = {d} is too large for tables of sums; try cpsat")
        place = places(gate.base, n)
        result = np.empty((m, len(weights), d), dtype=np.int64)
        step = max(1, _BLOCK // (len(weights) * max(n, 1)))
        for start in range(0, m, step):
            self._budget.tick()
            values = below.show(self._vectors(layer, states[start : start + step])).astype(np.float32)
            sums = np.matmul(weights, values)
            for b in range(d):
                shown = gate.levels(sums - np.float32(b + lo)).astype(np.int64)
                result[start : start + step, :, b] = shown @ place
        return result.reshape(m, -1)

    def _layers(self, trail: list[Family], i: int) -> list[list[Index]]:
        """The vectors of each hidden layer, from set i of the last family back to layer 1."""
        layers = []
        for layer, family in reversed(list(enumerate(trail, start=1))):
            layers.append(list(self._vectors(layer, family.states[i])))
            i = int(family.parents[i])
        return layers[::-1]

    def _parameters(self, layers: list[list[Index]]) -> Index:
        """Weights and biases that show the vectors of each layer, outputs last."""
        architecture = self._space.architecture
        weights = np.zeros(architecture.n_arcs, dtype=np.int64)
        biases, before = [], self._task.inputs.T
        for number, connection in enumerate(architecture.connections, start=1):
            layer = layers[number - 1]
            for j, vector in enumerate(layer):
                neuron = self._neuron(number, before[connection.sources(j)])
                weights[connection.arcs(j)], bias = neuron.parameters(neuron.find(vector))
                biases.append(bias)
            levels = np.array(layer, dtype=np.int64).reshape(len(layer), self._task.n)
            before = self._activation(number).show(levels)
        return np.concatenate([weights, np.array(biases, dtype=np.int64)])

    def _multisets(self, m: int, k: int) -> Index:
        """See :func:`multisets`; small ones are kept, as many sets have one size."""
        if (m, k) in self._kept:
            return self._kept[m, k]
        self._admit(comb(m + k - 1, k), 8 * k)
        result = multisets(m, k)
        if result.size < _SMALL:
            self._kept[m, k] = result
        return result

    def _admit(self, rows: int, row_bytes: int) -> None:
        self._budget.admit(rows, row_bytes)


_ALL = np.uint64(2**64 - 1)


def _members(bits: Bits, size: int) -> Index:
    return np.flatnonzero(np.unpackbits(bits.view(np.uint8), count=size))


def _all_apart(separates: Bits, chosen: Index) -> Mask:
    """(m,) whether vectors (m, k), rows of ``separates``, together tell apart all pairs that must be."""
    result = np.empty(len(chosen), dtype=bool)
    step = max(1, _BLOCK // (chosen.shape[1] * separates.shape[1]))
    for start in range(0, len(chosen), step):
        joined = np.bitwise_or.reduce(separates[chosen[start : start + step]], axis=1)
        result[start : start + step] = joined.min(axis=1) == _ALL
    return result


def multisets(m: int, k: int) -> Index:
    """All multisets of k of m things, as (C(m + k - 1, k), k) ascending positions."""
    rows = np.arange(m)[:, None]
    for _ in range(k - 1):
        last = rows[:, -1]
        repeat = m - last
        starts = np.repeat(np.cumsum(repeat) - repeat, repeat)
        added = np.arange(int(repeat.sum())) - starts + np.repeat(last, repeat)
        rows = np.column_stack([np.repeat(rows, repeat, axis=0), added])
    rows.flags.writeable = False
    return rows


def maximal(bits: Bits, budget: Budget) -> Index:
    """Which of distinct sets, given as bits (m, w), no other contains; positions, the largest sets first."""
    sizes = np.bitwise_count(bits).sum(axis=1)
    order = np.argsort(-sizes.astype(np.int64), kind="stable")
    kept = np.empty(0, dtype=np.int64)
    step = 256
    for start in range(0, len(order), step):
        budget.tick()
        block = order[start : start + step]
        for held in range(0, len(kept), 2048):
            outside = bits[block][:, None] & ~bits[kept[held : held + 2048]][None]
            block = block[np.asarray(outside.any(axis=2)).all(axis=1)]
            if not len(block):
                break
        if len(block):  # in a block, sets of equal size do not contain one another, larger ones come first
            inside: Mask = ~np.asarray((bits[block][:, None] & ~bits[block][None]).any(axis=2))
            np.fill_diagonal(inside, False)
            block = block[~inside.any(axis=1)]
        kept = np.concatenate([kept, block])
    return kept
