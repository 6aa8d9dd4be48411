"""Coordinate descent by numpy alone: good networks while the search proper is being compiled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from qnnt.backends.local_search.arrays import Floats, Graph, Integers, graph, points
from qnnt.instance import Instance

_INPUTS = 512  # distinct inputs that the descent looks at
_ROOM = 1 << 20  # numbers in an array of changes
_LARGEST = 1 << 22  # arcs of dense layers; larger networks are left to the search proper
_TRIED = 64  # changes of a neuron's parameters that are tried one upon the other
_NOISE = 1e-5  # of an energy, as sums of 32-bit floats differ with their order
_F = np.float32


def coordinate_descent(
    instance: Instance, seconds: float, over: Callable[[], bool]
) -> Iterator[tuple[Integers, int]]:
    """Networks (A + H,) and their errors, each better than the last, until ``over``.

    Each descent begins with random parameters. It changes a parameter of one neuron after another so that
    the outputs come nearer to what shows the labels, until no single change does. After so many seconds
    no other one begins.
    """
    if instance.domain.d == 1 or _too_large(instance):
        return
    descent, least, began = _Descent(instance), instance.dataset.total + 1, time.monotonic()
    while not over():
        descent.scatter()
        better = True
        while better and not over():
            better = descent.sweep(over)
            errors = instance.network(descent.parameters).error(instance.dataset)
            if errors < least:
                least = errors
                yield descent.parameters.copy(), errors
        if time.monotonic() - began >= seconds:
            return


def _too_large(instance: Instance) -> bool:
    sizes = [len(layer) for layer in instance.architecture.layers]
    return sum(n * m for n, m in pairwise(sizes)) > _LARGEST


class _Descent:
    """A network, and what its neurons make of some of the inputs.

    By layer: what is received ``before`` (n_l, P) and ``shown`` (n_l, P), and the ``weights`` (n_l, n_(l-1)),
    0 where there is no arc. Inputs with several labels do not count.
    """

    def __init__(self, instance: Instance) -> None:
        self._graph, data = graph(instance), points(instance)
        self._random = np.random.default_rng(0)
        sizes = [len(layer) for layer in instance.architecture.layers]
        self._starts = np.cumsum([0, *sizes])
        some = np.arange(data.inputs.shape[1])
        if len(some) > _INPUTS:
            some = self._random.choice(some, _INPUTS, replace=False)
        self._weight, self._low, self._high = data.weight[some], data.low[:, some], data.high[:, some]
        self._cap = _F(3 * self._graph.hi * max(1.0, float(np.abs(self._graph.values).max())))
        self._before: list[Floats] = [data.inputs[:, some]]
        self._shown = [data.inputs[:, some]]
        self._weights = [np.zeros((n, m), _F) for m, n in zip([0, *sizes], sizes, strict=False)]
        self.parameters = np.zeros(instance.architecture.n_parameters, np.int64)
        self.energy = 0.0

    def scatter(self) -> None:
        """Begin anew, with random parameters."""
        self.parameters = self._random.integers(self._graph.lo, self._graph.hi + 1, len(self.parameters))
        self._evaluate()

    def sweep(self, over: Callable[[], bool]) -> bool:
        """Visit each neuron once, unless it is ``over``; whether one of them had a change for the better."""
        better = False
        for v in self._random.permutation(np.arange(self._graph.n_inputs, len(self._graph.layer))):
            if over():
                break
            better |= self._improve(int(v))
        return better

    def _evaluate(self) -> None:
        """Work out everything from the parameters."""
        g, arcs = self._graph, len(self._graph.source)
        layers, biases = g.layer[g.target], self.parameters[arcs:].astype(_F)
        del self._before[1:], self._shown[1:]
        for i in range(1, len(self._starts) - 1):
            own = np.flatnonzero(layers == i)
            rows, columns = g.target[own] - self._starts[i], g.source[own] - self._starts[i - 1]
            self._weights[i][rows, columns] = self.parameters[own]
            begin = self._starts[i] - g.n_inputs
            bias = biases[begin : begin + len(self._weights[i])]
            self._before.append(self._weights[i] @ self._shown[-1] - bias[:, None])
            self._shown.append(_shown(g, i, self._before[-1]))
        self.energy = float(self._energy_of(self._before[-1][:, None])[0])

    def _improve(self, v: int) -> bool:
        """Change the parameters of neuron v for the better, one by one; whether there was such a change."""
        g, i, h = self._graph, int(self._graph.layer[v]), v - self._graph.n_inputs
        row, arcs = v - self._starts[i], np.arange(g.first[h], g.first[h + 1])
        own = np.r_[arcs, len(g.source) + h]
        sources = self._shown[i - 1][g.source[arcs] - self._starts[i - 1]]
        received = np.vstack([sources, np.full(len(self._weight), -1, _F)])  # the bias is subtracted
        now = self.parameters[own]
        anywhere = self._random.integers(g.lo, g.hi + 1, len(own))
        values = np.clip([now - 1, now + 1, -now, anywhere], g.lo, g.hi)
        kind, which = np.nonzero(values != now)
        change = (values - now)[kind, which].astype(_F)
        z, lowest, changed = self._before[i][row], self.energy, set[int]()
        size = max(1, _ROOM // max(1, max(map(len, self._weights[i:])) * len(self._weight)))
        alone = np.empty(len(which))
        for begin in range(0, len(which), size):
            part = slice(begin, begin + size)
            alone[part] = self._energies(i, row, z + change[part, None] * received[which[part]])
        for c in np.argsort(alone)[:_TRIED].tolist():
            if alone[c] >= (1 - _NOISE) * self.energy:
                break
            tried = z + change[c] * received[which[c]]
            energy = float(self._energies(i, row, tried[None])[0])
            if which[c] not in changed and energy < (1 - _NOISE) * lowest:
                self.parameters[own[which[c]]] = values[kind[c], which[c]]
                z, lowest = tried, energy
                changed.add(int(which[c]))
        if changed:
            self._evaluate()
        return bool(changed)

    def _energies(self, i: int, row: int, z: Floats) -> Floats:
        """(C,) the energies if a neuron of layer i receives z (C, P)."""
        last = len(self._before) - 1
        if i == last:
            outputs = np.repeat(self._before[i][:, None], len(z), axis=1)
            outputs[row] = z
            return self._energy_of(outputs)
        change = _shown(self._graph, i, z) - self._shown[i][row]
        outputs = self._before[i + 1][:, None] + self._weights[i + 1][:, row, None, None] * change
        for m in range(i + 2, last + 1):
            change = _shown(self._graph, m - 1, outputs) - self._shown[m - 1][:, None]
            outputs = self._before[m][:, None] + np.tensordot(self._weights[m], change, 1)
        return self._energy_of(outputs)

    def _energy_of(self, outputs: Floats) -> Floats:
        """(C,) how far pre-activations of the outputs (ω, C, P) are from what shows the labels, summed up.

        The distance of an input counts up to a cap.
        """
        far = np.maximum(self._low[:, None] - outputs, outputs - self._high[:, None])
        energies: Floats = np.minimum(np.maximum(far, 0).sum(axis=0), self._cap) @ self._weight
        return energies


def _shown(graph: Graph, i: int, z: Floats) -> Floats:
    """The values of neurons of layer i that receive z, any shape."""
    top = graph.tops[i - 1]
    thresholds, values = graph.thresholds[i - 1, :top], graph.values[i - 1]
    if graph.even[i - 1]:
        levels: Floats = np.clip(z - (thresholds[0] - _F(1)), _F(0), _F(top))
        return np.asarray(levels * (values[1] - values[0]) + values[0], _F)
    return np.asarray(values[np.searchsorted(thresholds, z, side="right")], _F)
