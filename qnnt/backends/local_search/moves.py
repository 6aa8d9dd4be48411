"""Compiled moves: one neuron after another is changed, weight by weight, under the rule of Metropolis.

The energy of a network is a sum over the inputs. If the pre-activations of the outputs lie at a distance D
from those that show the label, an input pays weight · min(D, cap) / cap. With cap 1 that is the errors; with
a larger cap it also tells how far a wrong answer is from a right one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qnnt.backends.local_search.arrays import Floats, Graph, Integers, Points
from qnnt.compiled import compiled

_INTENSITY = 3  # moves for each parameter of a neuron, before the next neuron
_F = np.float32
_ZERO = np.float32(0)


class State(NamedTuple):
    """Networks that are searched side by side.

    ``parameters`` (R, A + H), pre-activations ``before`` and values ``shown`` (R, N, P), ``energy`` (R,);
    ``order`` (R,) is which network is at which temperature; ``random`` (1,) the state of the random numbers.
    """

    parameters: Integers
    before: Floats
    shown: Floats
    energy: Any
    order: Integers
    random: Any


class Scratch(NamedTuple):
    """Room for what a block of moves works out: see :func:`_block`."""

    before: Floats
    shown: Floats
    change: Floats
    gain: Floats
    outputs: Floats
    value: Floats
    costs: Floats
    ones: Floats
    row_rest: Floats
    touched: Integers
    mark: Integers


def scratch(graph: Graph, points: Points) -> Scratch:
    """Room for one thread."""
    n, p = len(graph.layer), points.inputs.shape[1]
    steps = graph.thresholds.shape[1]
    return Scratch(
        before=np.zeros((n, p), _F),
        shown=np.zeros((n, p), _F),
        change=np.zeros((n, p), _F),
        gain=np.zeros((steps, p), _F),
        outputs=np.zeros((graph.n_outputs, p), _F),
        value=np.zeros(p, _F),
        costs=np.zeros((2, p), _F),
        ones=np.ones(p, _F),
        row_rest=np.zeros(len(points.row_weight), _F),
        touched=np.zeros(n, np.int64),
        mark=np.full(n, -1, np.int64),
    )


def states(graph: Graph, points: Points, replicas: int, seed: int) -> State:
    """Room for so many networks; all parameters are 0."""
    n, p = len(graph.layer), points.inputs.shape[1]
    parameters = len(graph.source) + n - graph.n_inputs
    start = np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1)
    return State(
        parameters=np.zeros((replicas, parameters), np.int64),
        before=np.zeros((replicas, n, p), _F),
        shown=np.zeros((replicas, n, p), _F),
        energy=np.zeros(replicas),
        order=np.arange(replicas),
        random=start,
    )


@compiled()
def _draw(random: Any) -> Any:
    """A random 64-bit number by xorshift64* (Vigna 2016)."""
    x = random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    random[0] = x
    return x * np.uint64(2685821657736338717)


@compiled()
def below(random: Any, n: int) -> Any:
    """A random integer from 0 to n − 1, for n below 2^31."""
    return np.int64((_draw(random) >> np.uint64(33)) * np.uint64(n) >> np.uint64(31))


@compiled()
def _uniform(random: Any) -> Any:
    return (np.float64(_draw(random) >> np.uint64(11)) + 0.5) / 9007199254740992.0


@compiled(fastmath=True)
def _add(z: Floats, x: Floats, w: Any, out: Floats) -> None:
    for p in range(z.shape[0]):
        out[p] = z[p] + w * x[p]


@compiled()
def _copy(values: Any, out: Any) -> None:
    """Copy (n,). To assign a slice to a slice would take numba seconds to compile: that can fail."""
    for p in range(values.shape[0]):
        out[p] = values[p]


@compiled(fastmath=True)
def _minus(values: Floats, others: Floats, out: Floats) -> None:
    for p in range(values.shape[0]):
        out[p] = values[p] - others[p]


@compiled(fastmath=True)
def _total(values: Floats) -> Any:
    total = _ZERO
    for p in range(values.shape[0]):
        total += values[p]
    return np.float64(total)


@compiled(fastmath=True)
def _show(z: Floats, thresholds: Floats, values: Floats, even: bool, out: Floats) -> None:
    if even:
        step, before = values[1] - values[0], thresholds[0] - _F(1)
        top = _F(thresholds.shape[0])
        for p in range(z.shape[0]):
            x = z[p] - before
            x = x if x > _ZERO else _ZERO
            x = x if x < top else top
            out[p] = values[0] + step * x
        return
    out[:] = values[0]
    for t in range(thresholds.shape[0]):
        threshold, step = thresholds[t], values[t + 1] - values[t]
        for p in range(z.shape[0]):
            out[p] += step if z[p] >= threshold else _ZERO


@compiled(fastmath=True)
def _hidden_energy(z: Floats, x: Floats, w: Any, thresholds: Floats, gain: Floats) -> Any:
    """What the energy changes, against a neuron that shows its lowest value, at pre-activations z + w·x."""
    total = _ZERO
    for t in range(thresholds.shape[0]):
        threshold, gains = thresholds[t], gain[t]
        for p in range(z.shape[0]):
            total += gains[p] if z[p] + w * x[p] >= threshold else _ZERO
    return np.float64(total)


@compiled(fastmath=True)
def _output_energy(
    z: Floats, x: Floats, w: Any, low: Floats, high: Floats, rest: Floats, weight: Floats, cap: Any
) -> Any:
    """The energy of inputs with one label when this output's pre-activations are z + w·x."""
    total = _ZERO
    for p in range(z.shape[0]):
        y = z[p] + w * x[p]
        below, above = low[p] - y, y - high[p]
        far = below if below > above else above
        far = (far if far > _ZERO else _ZERO) + rest[p]
        total += weight[p] * (far if far < cap else cap)
    return np.float64(total)


@compiled()
def _several_energy(z: Floats, x: Floats, w: Any, output: int, rest: Floats, points: Points, cap: Any) -> Any:
    """The same of inputs with several labels: each pays for the label that is the cheapest to match."""
    total = np.float64(0)
    for g in range(points.several.shape[0]):
        p = points.several[g]
        y = z[p] + w * x[p]
        best = _F(np.inf)
        for r in range(points.row_first[g], points.row_first[g + 1]):
            far = rest[r] + max(points.row_low[r, output] - y, y - points.row_high[r, output], _ZERO)
            best = min(best, points.row_base[r] * cap + points.row_weight[r] * min(far, cap))
        total += best
    return total


@compiled(fastmath=True)
def _add_distance(z: Floats, low: Floats, high: Floats, out: Floats) -> None:
    for p in range(z.shape[0]):
        below, above = low[p] - z[p], z[p] - high[p]
        far = below if below > above else above
        out[p] += far if far > _ZERO else _ZERO


@compiled(fastmath=True)
def _capped(weight: Floats, cap: Any, out: Floats) -> None:
    for p in range(out.shape[0]):
        out[p] = weight[p] * (out[p] if out[p] < cap else cap)


@compiled()
def _costs(outputs: Floats, points: Points, cap: Any, out: Floats) -> None:
    """(P,) what each input pays, times the cap, at these pre-activations of the outputs (ω, P)."""
    out[:] = _ZERO
    for o in range(outputs.shape[0]):
        _add_distance(outputs[o], points.low[o], points.high[o], out)
    _capped(points.weight, cap, out)
    for g in range(points.several.shape[0]):
        p, best = points.several[g], _F(np.inf)
        for r in range(points.row_first[g], points.row_first[g + 1]):
            far = _ZERO
            for o in range(outputs.shape[0]):
                far += max(points.row_low[r, o] - outputs[o, p], outputs[o, p] - points.row_high[r, o], _ZERO)
            best = min(best, points.row_base[r] * cap + points.row_weight[r] * min(far, cap))
        out[p] = best


@compiled()
def excess(outputs: Floats, points: Points) -> Any:
    """How many data points beyond the unavoidable ones are wrong, at these pre-activations of the outputs."""
    errors = np.int64(0)
    for p in range(outputs.shape[1]):
        if points.point_count[p]:
            for o in range(outputs.shape[0]):
                if not points.low[o, p] <= outputs[o, p] <= points.high[o, p]:
                    errors += points.point_count[p]
                    break
    for g in range(points.several.shape[0]):
        p, best = points.several[g], points.none_count[g]
        for r in range(points.row_first[g], points.row_first[g + 1]):
            right = True
            for o in range(outputs.shape[0]):
                right &= points.row_low[r, o] <= outputs[o, p] <= points.row_high[r, o]
            if right:
                best = min(best, points.row_count[r])
        errors += best
    return errors


@compiled()
def _propagate(
    graph: Graph, parameters: Integers, before: Floats, shown: Floats, v: int, value: Floats, room: Scratch
) -> Any:
    """What follows if neuron v shows ``value`` (P,).

    New pre-activations, and values of hidden neurons, are left in ``room``. Returns how many of
    ``room.touched`` are neurons that this reaches, v first.
    """
    last = graph.tops.shape[0]
    room.touched[0], room.mark[v] = v, v
    _minus(value, shown[v], room.change[v])
    begin, end = 0, 1
    reached = 1
    for layer in range(graph.layer[v], last):
        for i in range(begin, end):
            u = room.touched[i]
            for e in range(graph.out_first[u], graph.out_first[u + 1]):
                arc = graph.out_arcs[e]
                w, t = parameters[arc], graph.target[arc]
                if w != 0 and room.mark[t] == v:
                    _add(room.before[t], room.change[u], _F(w), room.before[t])
                elif w != 0:
                    _add(before[t], room.change[u], _F(w), room.before[t])
                    room.mark[t] = v
                    room.touched[reached] = t
                    reached += 1
        if layer + 1 < last:
            top = graph.tops[layer]
            for i in range(end, reached):
                t = room.touched[i]
                thresholds, values = graph.thresholds[layer, :top], graph.values[layer, : top + 1]
                _show(room.before[t], thresholds, values, graph.even[layer], room.shown[t])
                _minus(room.shown[t], shown[t], room.change[t])
        begin, end = end, reached
    for i in range(reached):
        room.mark[room.touched[i]] = -1
    return reached


@compiled()
def evaluate(graph: Graph, points: Points, state: State, r: int, cap: Any, room: Scratch) -> None:
    """Work out the pre-activations, the values and the energy of network r from its parameters."""
    before, shown, parameters = state.before[r], state.shown[r], state.parameters[r]
    arcs, last = graph.source.shape[0], graph.tops.shape[0]
    for i in range(graph.n_inputs):
        _copy(points.inputs[i], shown[i])
    for v in range(graph.n_inputs, graph.layer.shape[0]):
        h = v - graph.n_inputs
        before[v, :] = _F(-parameters[arcs + h])
        for a in range(graph.first[h], graph.first[h + 1]):
            _add(before[v], shown[graph.source[a]], _F(parameters[a]), before[v])
        layer = graph.layer[v] - 1
        if layer + 1 < last:
            top = graph.tops[layer]
            thresholds, values = graph.thresholds[layer, :top], graph.values[layer, : top + 1]
            _show(before[v], thresholds, values, graph.even[layer], shown[v])
    _costs(before[-graph.n_outputs :], points, cap, room.costs[0])
    state.energy[r] = _total(room.costs[0]) / cap


@compiled()
def _block(
    graph: Graph, points: Points, state: State, r: int, v: int, cap: Any, heat: Any, moves: int, room: Scratch
) -> Any:
    """So many moves of neuron v of network r at a temperature; returns how many were accepted.

    What a hidden neuron's values cost is worked out once: the outputs for each of them, all else unchanged.
    A move is then a sum over the inputs.
    """
    before, shown, parameters = state.before[r], state.shown[r], state.parameters[r]
    h, layer, neurons = v - graph.n_inputs, graph.layer[v] - 1, graph.layer.shape[0]
    first, fan = graph.first[h], graph.first[h + 1] - graph.first[h]
    hidden, d = layer + 1 < graph.tops.shape[0], graph.hi - graph.lo + 1
    top = graph.tops[layer]
    thresholds, values = graph.thresholds[layer, :top], graph.values[layer, : top + 1]
    gain, z, o = room.gain[:top], before[v], 0 if hidden else v - (neurons - graph.n_outputs)
    low, high, rest, several = points.low[o], points.high[o], room.costs[0], points.several.shape[0]
    base = 0.0
    if hidden:
        for level in range(top + 1):
            room.value[:] = values[level]
            reached = _propagate(graph, parameters, before, shown, v, room.value, room)
            for i in range(graph.n_outputs):
                _copy(before[neurons - graph.n_outputs + i], room.outputs[i])
            for i in range(1, reached):
                t = room.touched[i]
                if t >= neurons - graph.n_outputs:
                    _copy(room.before[t], room.outputs[t - (neurons - graph.n_outputs)])
            _costs(room.outputs, points, cap, room.costs[level % 2])
            if level == 0:
                base = _total(room.costs[0])
            else:
                _minus(room.costs[level % 2], room.costs[1 - level % 2], gain[level - 1])
        now = base + _hidden_energy(z, room.ones, _ZERO, thresholds, gain)
    else:
        rest[:] = _ZERO
        for i in range(graph.n_outputs):
            if i != o:
                _add_distance(before[neurons - graph.n_outputs + i], points.low[i], points.high[i], rest)
        for g in range(several):
            p = points.several[g]
            for row in range(points.row_first[g], points.row_first[g + 1]):
                room.row_rest[row] = _ZERO
                for i in range(graph.n_outputs):
                    if i != o:
                        y = before[neurons - graph.n_outputs + i, p]
                        far = max(points.row_low[row, i] - y, y - points.row_high[row, i], _ZERO)
                        room.row_rest[row] += far
        now = _output_energy(z, room.ones, _ZERO, low, high, rest, points.weight, cap)
        now += _several_energy(z, room.ones, _ZERO, o, room.row_rest, points, cap)
    accepted = 0
    for _ in range(moves):
        q = below(state.random, fan + 1)
        c = first + q if q < fan else graph.source.shape[0] + h
        old = parameters[c]
        new = graph.lo + below(state.random, d - 1)
        new += new >= old
        x = shown[graph.source[c]] if q < fan else room.ones
        w = _F(new - old) if q < fan else _F(old - new)
        if hidden:
            then = base + _hidden_energy(z, x, w, thresholds, gain)
        else:
            then = _output_energy(z, x, w, low, high, rest, points.weight, cap)
            if several:
                then += _several_energy(z, x, w, o, room.row_rest, points, cap)
        if then <= now or then - now < -np.log(_uniform(state.random)) * heat * cap:
            accepted += 1
            parameters[c], now = new, then
            _add(z, x, w, z)
    if accepted and hidden:
        _show(z, thresholds, values, graph.even[layer], room.value)
        reached = _propagate(graph, parameters, before, shown, v, room.value, room)
        _copy(room.value, shown[v])
        for i in range(1, reached):
            t = room.touched[i]
            _copy(room.before[t], before[t])
            if t < neurons - graph.n_outputs:
                _copy(room.shown[t], shown[t])
    state.energy[r] = now / cap
    return accepted


@compiled()
def search(
    graph: Graph,
    points: Points,
    state: State,
    cap: Any,
    heats: Any,
    enough: int,
    best: Integers,
    lowest: Integers,
    room: Scratch,
) -> Any:
    """Rounds over all networks: ``heats`` (rounds, R) are their temperatures, rising; neighbours may swap.

    In a round each neuron of a network is changed once on average, three moves for each of its
    parameters. The network with the least ``lowest[0]`` errors beyond the unavoidable ones is kept in
    ``best``; the search ends once they are ``enough``. Returns (share of accepted moves in the hottest
    network, moves).
    """
    neurons, replicas = graph.layer.shape[0], state.order.shape[0]
    accepted, hottest, moved = 0, 0, 0
    for i in range(heats.shape[0]):
        for t in range(replicas):
            r = state.order[t]
            for _ in range(neurons - graph.n_inputs):
                h = below(state.random, neurons - graph.n_inputs)
                moves = _INTENSITY * (graph.first[h + 1] - graph.first[h] + 1)
                taken = _block(graph, points, state, r, h + graph.n_inputs, cap, heats[i, t], moves, room)
                moved += moves
                if t == replicas - 1:
                    accepted += taken
                    hottest += moves
            errors = excess(state.before[r, neurons - graph.n_outputs :], points)
            if errors < lowest[0]:
                lowest[0] = errors
                _copy(state.parameters[r], best)
                if errors <= enough:
                    return accepted / hottest if hottest else 0.0, moved
        for t in range(replicas - 1):
            a, b = state.order[t], state.order[t + 1]
            pull = (1 / heats[i, t] - 1 / heats[i, t + 1]) * (state.energy[a] - state.energy[b])
            if pull >= 0 or _uniform(state.random) < np.exp(pull):
                state.order[t], state.order[t + 1] = b, a
    return accepted / max(1, hottest), moved


@compiled()
def scatter(graph: Graph, state: State, r: int) -> None:
    """Draw all parameters of network r."""
    for q in range(state.parameters.shape[1]):
        state.parameters[r, q] = graph.lo + below(state.random, graph.hi - graph.lo + 1)
