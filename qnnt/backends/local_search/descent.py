"""Gradient descent of real parameters that are drawn to integers: starts for the compiled moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qnnt.backends.local_search.arrays import Floats, Graph, Integers, Points

_MOST_WEIGHTS = 1 << 18  # of layers with all arcs between them
_BATCH = 100  # inputs of a step, at most
_LOOK = 100  # steps between two roundings
_SHARPNESS = np.float32(4)  # of the bends of the activations
_RATE = 0.05  # of a step, in units of max Z_d − min Z_d
_PULL = 1.0  # to integers, at the end
_FREE = 0.3  # share of the steps before the pull begins
_MOMENTUM, _MEMORY, _TINY = 0.9, 0.999, np.float32(1e-8)
_MARGIN = 0.4  # how far outside of Z_d a real parameter may lie


def descends(graph: Graph) -> bool:
    """Whether the layers are small enough."""
    sizes = np.bincount(graph.layer)
    return bool((sizes[:-1] * sizes[1:]).sum() <= _MOST_WEIGHTS)


@dataclass(frozen=True)
class _Layer:
    """A layer's place among the parameters, and its activation.

    Its arcs are ``arcs`` of all; they lie at (``rows``, ``columns``) of a matrix (n_in, n_out). ``mask``
    (n_in, n_out) is 1 there and 0 elsewhere. ``biases`` are its own among all parameters.
    """

    arcs: slice
    rows: Integers
    columns: Integers
    mask: Floats
    biases: slice
    thresholds: Floats
    values: Floats
    even: bool

    def show(self, z: Floats) -> tuple[Floats, Floats]:
        """The values (R, B, n_out) of a neuron whose steps are bent, and their slopes."""
        k, lowest, steps = _SHARPNESS, self.values[0], np.diff(self.values)
        if self.even:
            near, far = k * (z - self.thresholds[0] + 1), k * (z - self.thresholds[-1])
            value = (np.logaddexp(0, near) - np.logaddexp(0, far)) / k
            return lowest + steps[0] * value, steps[0] * (_sigmoid(near) - _sigmoid(far))
        value, slope = np.full_like(z, lowest), np.zeros_like(z)
        for threshold, step in zip(self.thresholds, steps, strict=True):
            reached = _sigmoid(k * (z - threshold + np.float32(0.5)))
            value += step * reached
            slope += step * k * reached * (1 - reached)
        return value, slope


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), dtype=np.float32)


class Descent:
    """Networks of real parameters, side by side, on mini-batches by Adam (Kingma, Ba 2015).

    A hidden neuron's steps are bent into a smooth function. An input pays the square of the distance
    between the outputs' pre-activations and those that show its label, linear where it is large. In the
    course of a descent parameters are drawn to integers, so that rounding them at the end changes little.
    An input with several labels is taught the most frequent one.
    """

    def __init__(self, graph: Graph, points: Points, seed: int) -> None:
        self._graph, self._random = graph, np.random.default_rng(seed)
        self._layers = _layers(graph)
        self._inputs = np.ascontiguousarray(points.inputs.T)
        low, high, weight = points.low.T.copy(), points.high.T.copy(), points.weight.copy()
        for g, p in enumerate(points.several):
            rows = slice(points.row_first[g], points.row_first[g + 1])
            best = rows.start + int(np.argmax(points.row_weight[rows]))
            low[p], high[p], weight[p] = points.row_low[best], points.row_high[best], points.row_weight[best]
        self._low, self._high, self._weight = low, high, weight[:, None]

    def run(self, replicas: int, steps: int) -> Iterator[Integers]:
        """Networks (R, A + H) as rounded parameters, every so many steps and at the end."""
        lo, hi, rng = self._graph.lo, self._graph.hi, self._random
        parameters = [
            rng.uniform(lo, hi, (replicas, *shape)).astype(np.float32)
            for layer in self._layers
            for shape in (layer.mask.shape, (1, layer.mask.shape[1]))
        ]
        for weights, layer in zip(parameters[::2], self._layers, strict=True):
            weights *= layer.mask
        first, second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
        rate, size = np.float32(_RATE * (hi - lo)), min(_BATCH, max(1, len(self._inputs) // 2))
        for step in range(1, steps + 1):
            batch = rng.integers(len(self._inputs), size=size)
            pull = np.float32(_PULL * max(0.0, step / steps - _FREE))
            for p, g, m, v in zip(parameters, self._gradients(parameters, batch), first, second, strict=True):
                m += (1 - _MOMENTUM) * (g - m)
                v += (1 - _MEMORY) * (g * g - v)
                p -= rate * (m / (1 - _MOMENTUM**step)) / (np.sqrt(v / (1 - _MEMORY**step)) + _TINY)
                if pull:
                    p -= rate * pull * np.sin(np.float32(2 * np.pi) * p)
                np.clip(p, lo - _MARGIN, hi + _MARGIN, out=p)
            if step % _LOOK == 0 or step == steps:
                yield self._rounded(parameters)

    def _gradients(self, parameters: list[Floats], batch: Integers) -> list[Floats]:
        """What each layer's weights and biases change in the energy of a batch."""
        weights, biases = parameters[::2], parameters[1::2]
        inputs = self._inputs[batch]
        shown: list[Floats] = [np.broadcast_to(inputs, (len(weights[0]), *inputs.shape))]
        slopes: list[Floats] = []
        z = shown[0]
        for i, layer in enumerate(self._layers):
            z = shown[i] @ weights[i] - biases[i]
            if i + 1 < len(self._layers):
                value, slope = layer.show(z)
                shown.append(value)
                slopes.append(slope)
        low, high = self._low[batch], self._high[batch]
        g = np.clip(z - np.clip(z, low, high), -2, 2) * self._weight[batch]
        gradients: list[Floats] = []
        for i in range(len(self._layers) - 1, -1, -1):
            layer = self._layers[i]
            change = layer.mask * (shown[i].transpose(0, 2, 1) @ g)
            gradients[:0] = [change, -g.sum(axis=1, keepdims=True)]
            if i:
                g = (g @ weights[i].transpose(0, 2, 1)) * slopes[i - 1]
        return gradients

    def _rounded(self, parameters: list[Floats]) -> Integers:
        graph = self._graph
        networks = np.zeros((len(parameters[0]), len(graph.source) + len(graph.first) - 1), dtype=np.int64)
        for layer, weights, biases in zip(self._layers, parameters[::2], parameters[1::2], strict=True):
            networks[:, layer.arcs] = np.rint(weights[:, layer.rows, layer.columns])
            networks[:, layer.biases] = np.rint(biases[:, 0])
        return np.clip(networks, graph.lo, graph.hi)


def _layers(graph: Graph) -> list[_Layer]:
    sizes = np.bincount(graph.layer)
    starts = np.r_[0, np.cumsum(sizes)]
    layers = []
    for i in range(1, len(sizes)):
        first, last = starts[i] - graph.n_inputs, starts[i + 1] - graph.n_inputs
        arcs = slice(int(graph.first[first]), int(graph.first[last]))
        rows, columns = graph.source[arcs] - starts[i - 1], graph.target[arcs] - starts[i]
        mask = np.zeros((sizes[i - 1], sizes[i]), dtype=np.float32)
        mask[rows, columns] = 1
        top, biases = graph.tops[i - 1], len(graph.source) + np.array([first, last])
        layers.append(
            _Layer(
                arcs=arcs,
                rows=rows,
                columns=columns,
                mask=mask,
                biases=slice(*biases.tolist()),
                thresholds=graph.thresholds[i - 1, :top],
                values=graph.values[i - 1, : top + 1],
                even=bool(graph.even[i - 1]),
            )
        )
    return layers
