"""Gradient descent of real parameters that stand for integers rounded at random: starts for the moves.

A real parameter θ stands for ⌊θ⌋ or ⌈θ⌉, drawn with mean θ: its variance is (θ − ⌊θ⌋)(⌈θ⌉ − θ), and 0 for an
integer. The mean and the variance of every pre-activation follow, layer by layer, as if the values of a layer
were independent; so does the probability that an input shows its label. Descent makes these probabilities
large, and so draws the parameters to integers that fit together (cf. Soudry, Hubara, Meir 2014; Shayer, Levi,
Fetaya 2018). Small batches keep it from settling too soon: the rate falls as a temperature does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from qnnt.backends.local_search.arrays import Floats, Graph, Integers, Points
from qnnt.backends.local_search.moves import State, below
from qnnt.compiled import compiled

_BATCH = 50  # inputs of a step, at most
_LOOK = 100  # steps between two roundings, at most
_WORK = 1 << 26  # arcs times inputs between two roundings, about
_LAST_RATE = 0.1  # of a step, in units of a parameter
_WIDE = 0.05  # the first rate at least, in units of max Z_d − min Z_d
_MOMENTUM, _MEMORY = np.float32(0.9), np.float32(0.99)

_F = np.float32
_HALF, _ONE, _TWO, _TINY = _F(0.5), _F(1), _F(2), _F(1e-6)
_BLUR = _F(0.02)  # variance that every pre-activation has
_LEAST = _F(1e-5)  # below this probability the logarithm goes on as a straight line


class Lesson(NamedTuple):
    """What is taught: ``inputs`` (α, P), each with one label, shown from ``low`` to ``high`` (ω, P).

    ``weight`` (P,) is how much an input counts. An input with several labels is taught the most frequent one.
    """

    inputs: Floats
    low: Floats
    high: Floats
    weight: Floats


def lesson(points: Points) -> Lesson:
    """The one label of each input."""
    low, high, weight = points.low.copy(), points.high.copy(), points.weight.copy()
    for g, p in enumerate(points.several):
        rows = slice(points.row_first[g], points.row_first[g + 1])
        best = rows.start + int(np.argmax(points.row_weight[rows]))
        low[:, p], high[:, p] = points.row_low[best], points.row_high[best]
        weight[p] = points.row_weight[best]
    return Lesson(points.inputs, low, high, weight)


class Room(NamedTuple):
    """Room for one network on a batch of B inputs, and its ``gradient`` (A + H,).

    ``mean``, ``square`` and ``spread`` (N, B) are of the values: the mean, the mean of the square, the
    variance; ``z`` and ``deviation`` (N, B) the mean and the standard deviation of the pre-activations.
    ``by_mean``, ``by_square`` (N, B), ``by_z`` and ``by_variance`` (B,) are slopes of the energy.
    """

    mean: Floats
    square: Floats
    spread: Floats
    z: Floats
    deviation: Floats
    by_mean: Floats
    by_square: Floats
    by_z: Floats
    by_variance: Floats
    gradient: Floats
    batch: Integers


def room(graph: Graph, size: int) -> Room:
    """Room for batches of ``size`` inputs."""
    n, parameters = len(graph.layer), len(graph.source) + len(graph.first) - 1
    return Room(
        mean=np.zeros((n, size), _F),
        square=np.zeros((n, size), _F),
        spread=np.zeros((n, size), _F),
        z=np.zeros((n, size), _F),
        deviation=np.zeros((n, size), _F),
        by_mean=np.zeros((n, size), _F),
        by_square=np.zeros((n, size), _F),
        by_z=np.zeros(size, _F),
        by_variance=np.zeros(size, _F),
        gradient=np.zeros(parameters, _F),
        batch=np.zeros(size, np.int64),
    )


@compiled()
def _variance(parameter: Any) -> Any:
    part = parameter - np.floor(parameter)
    return part * (_ONE - part)


@compiled(fastmath=True)
def _forward(graph: Graph, parameters: Floats, at: Room) -> None:
    """Means and variances of all neurons, from those of the inputs."""
    for v in range(graph.n_inputs, graph.layer.shape[0]):
        h = v - graph.n_inputs
        bias, z, deviation = parameters[graph.source.shape[0] + h], at.z[v], at.deviation[v]
        z[:] = -bias
        deviation[:] = _BLUR + _variance(bias)
        for a in range(graph.first[h], graph.first[h + 1]):
            mean, square, spread = (
                at.mean[graph.source[a]],
                at.square[graph.source[a]],
                at.spread[graph.source[a]],
            )
            weight, variance = parameters[a], _variance(parameters[a])
            for p in range(z.shape[0]):
                z[p] += weight * mean[p]
                deviation[p] += weight * weight * spread[p] + variance * square[p]
        for p in range(z.shape[0]):
            deviation[p] = np.sqrt(deviation[p])
        layer = graph.layer[v] - 1
        if layer + 1 < graph.tops.shape[0]:
            top = graph.tops[layer]
            _show(v, graph.thresholds[layer, :top], graph.values[layer, : top + 1], at)


@compiled(fastmath=True)
def _show(v: int, thresholds: Floats, values: Floats, at: Room) -> None:
    """The mean and the variance of what a hidden neuron shows.

    The probability to be u deviations or less above a threshold is (1 + u / √(1 + u²)) / 2, Student's
    distribution with two degrees of freedom: it needs no exponential, and its tails tell far from near.
    """
    z, deviation, mean, square, spread = at.z[v], at.deviation[v], at.mean[v], at.square[v], at.spread[v]
    mean[:] = values[0]
    square[:] = values[0] * values[0]
    for t in range(thresholds.shape[0]):
        step, steps = values[t + 1] - values[t], values[t + 1] * values[t + 1] - values[t] * values[t]
        threshold = thresholds[t] - _HALF
        for p in range(z.shape[0]):
            u = (z[p] - threshold) / deviation[p]
            reached = _HALF + _HALF * u / np.sqrt(_ONE + u * u)
            mean[p] += step * reached
            square[p] += steps * reached
    for p in range(z.shape[0]):
        left = square[p] - mean[p] * mean[p]
        spread[p] = left if left > _F(0) else _F(0)


@compiled(fastmath=True)
def _label(v: int, low: Floats, high: Floats, weight: Floats, at: Room) -> None:
    """The slopes of −weight · log(probability that an output shows the label), by its pre-activation."""
    z, deviation = at.z[v], at.deviation[v]
    for p in range(z.shape[0]):
        i, s = at.batch[p], deviation[p]
        u, w = (z[p] - low[i] + _HALF) / s, (z[p] - high[i] - _HALF) / s
        a, b = _ONE / np.sqrt(_ONE + u * u), _ONE / np.sqrt(_ONE + w * w)
        above, below = _HALF * a * a / (_ONE + abs(u) * a), _HALF * b * b / (_ONE + abs(w) * b)  # the tails
        probability = _ONE - above - below
        probability = below - above if w > _F(0) else above - below if u < _F(0) else probability
        probability = probability if probability > _LEAST else _LEAST
        dense, denser = _HALF * a * a * a, _HALF * b * b * b
        factor = weight[i] / (probability * s)
        at.by_z[p] = -factor * (dense - denser)
        at.by_variance[p] = factor * (dense * u - denser * w) / (_TWO * s)


@compiled(fastmath=True)
def _hidden(v: int, thresholds: Floats, values: Floats, at: Room) -> None:
    """The slopes by a hidden neuron's pre-activation, from those by what it shows."""
    z, deviation, by_mean, by_square = at.z[v], at.deviation[v], at.by_mean[v], at.by_square[v]
    at.by_z[:] = _F(0)
    at.by_variance[:] = _F(0)
    for t in range(thresholds.shape[0]):
        step, steps = values[t + 1] - values[t], values[t + 1] * values[t + 1] - values[t] * values[t]
        threshold = thresholds[t] - _HALF
        for p in range(z.shape[0]):
            s = deviation[p]
            u = (z[p] - threshold) / s
            a = _ONE / np.sqrt(_ONE + u * u)
            slope = (step * by_mean[p] + steps * by_square[p]) * _HALF * a * a * a / s
            at.by_z[p] += slope
            at.by_variance[p] -= slope * u / (_TWO * s)


@compiled(fastmath=True)
def _backward(graph: Graph, parameters: Floats, taught: Lesson, at: Room) -> None:
    """``at.gradient`` of the energy, from means and variances."""
    last, neurons = graph.tops.shape[0], graph.layer.shape[0]
    at.by_mean[:] = _F(0)
    at.by_square[:] = _F(0)
    for v in range(neurons - 1, graph.n_inputs - 1, -1):
        h, layer = v - graph.n_inputs, graph.layer[v] - 1
        if layer + 1 == last:
            o = v - (neurons - graph.n_outputs)
            _label(v, taught.low[o], taught.high[o], taught.weight, at)
        else:
            top = graph.tops[layer]
            _hidden(v, graph.thresholds[layer, :top], graph.values[layer, : top + 1], at)
        for a in range(graph.first[h], graph.first[h + 1]):
            at.gradient[a] = _arc(parameters[a], graph.source[a], graph.source[a] >= graph.n_inputs, at)
        bias, by_bias, by_variance = parameters[graph.source.shape[0] + h], _F(0), _F(0)
        for p in range(at.by_z.shape[0]):
            by_bias -= at.by_z[p]
            by_variance += at.by_variance[p]
        part = bias - np.floor(bias)
        at.gradient[graph.source.shape[0] + h] = by_bias + (_ONE - _TWO * part) * by_variance


@compiled(fastmath=True)
def _arc(weight: Any, u: int, hidden: bool, at: Room) -> Any:
    """The slope by an arc's weight; what its source u shows gets its share of slopes."""
    mean, square, spread, by_z, by_variance = at.mean[u], at.square[u], at.spread[u], at.by_z, at.by_variance
    by_weight, by_spread, by_square = _F(0), _F(0), _F(0)
    for p in range(by_z.shape[0]):
        by_weight += mean[p] * by_z[p]
        by_spread += spread[p] * by_variance[p]
        by_square += square[p] * by_variance[p]
    if hidden:
        both, of_mean, of_square = weight * weight, at.by_mean[u], at.by_square[u]
        total = both + _variance(weight)
        for p in range(by_z.shape[0]):
            of_mean[p] += weight * by_z[p] - _TWO * both * mean[p] * by_variance[p]
            of_square[p] += total * by_variance[p]
    part = weight - np.floor(weight)
    return by_weight + _TWO * weight * by_spread + (_ONE - _TWO * part) * by_square


@compiled()
def slopes(graph: Graph, parameters: Floats, taught: Lesson, at: Room) -> None:
    """Work out ``at.gradient`` at real parameters (A + H,).

    The energy is −Σ weight · log(probability to show the label) over the inputs ``at.batch`` and the outputs.
    """
    for i in range(graph.n_inputs):
        for p in range(at.batch.shape[0]):
            x = taught.inputs[i, at.batch[p]]
            at.mean[i, p], at.square[i, p] = x, x * x
    _forward(graph, parameters, at)
    _backward(graph, parameters, taught, at)


@compiled()
def _steps(
    graph: Graph,
    taught: Lesson,
    parameters: Floats,
    moments: Floats,
    begin: int,
    rates: Floats,
    random: Any,
    at: Room,
) -> None:
    """Steps ``begin``, ``begin`` + 1, … of Adam (Kingma, Ba 2015) in each network, one for each of ``rates``.

    ``parameters`` (R, A + H), ``moments`` (2, R, A + H).
    """
    for r in range(parameters.shape[0]):
        real, first, second = parameters[r], moments[0, r], moments[1, r]
        for i in range(rates.shape[0]):
            for p in range(at.batch.shape[0]):
                at.batch[p] = below(random, taught.weight.shape[0])
            slopes(graph, real, taught, at)
            sure, surer = _ONE - _MOMENTUM ** (begin + i), _ONE - _MEMORY ** (begin + i)
            for q in range(real.shape[0]):
                slope = at.gradient[q]
                first[q] += (_ONE - _MOMENTUM) * (slope - first[q])
                second[q] += (_ONE - _MEMORY) * (slope * slope - second[q])
                moved = real[q] - rates[i] * (first[q] / sure) / (np.sqrt(second[q] / surer) + _TINY)
                real[q] = min(max(moved, _F(graph.lo)), _F(graph.hi))


def draw(graph: Graph, state: State) -> Floats:
    """Real parameters for as many networks as the state has."""
    random = np.random.default_rng(int(state.random[0]))
    return random.uniform(graph.lo, graph.hi, state.parameters.shape).astype(_F)


def batch_size(taught: Lesson) -> int:
    """How many inputs a step looks at."""
    return min(_BATCH, max(1, len(taught.weight) // 2))


def descend(
    graph: Graph, taught: Lesson, parameters: Floats, steps: int, rate: float, random: Any
) -> Iterator[tuple[Integers, int]]:
    """Descend from real parameters (R, A + H), which change, so many steps that begin with ``rate``.

    Yields, now and then and at the end, networks (R, A + H) of integers and how many parameters were changed
    since. ``random`` (1,) is the state of the random numbers.
    """
    size = batch_size(taught)
    at, moments = room(graph, size), np.zeros((2, *parameters.shape), _F)
    rates = np.geomspace(max(rate, _WIDE * (graph.hi - graph.lo)), _LAST_RATE, steps).astype(_F)
    look = int(np.clip(_WORK // max(1, parameters.size * size), 1, _LOOK))
    for begin in range(0, steps, look):
        now = rates[begin : begin + look]
        _steps(graph, taught, parameters, moments, begin + 1, now, random, at)
        yield np.rint(parameters).astype(np.int64), len(now) * parameters.size
