"""Gradient descent: its slopes against differences of the energy, and the networks that it passes through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, instances

from qnnt.backends.local_search.arrays import graph, points, reach
from qnnt.backends.local_search.descent import descend, draw, lesson, room, slopes
from qnnt.backends.local_search.family import Family
from qnnt.backends.local_search.moves import scratch, states
from qnnt.generate.teacher import teacher_instance


def reached(z, deviation, threshold):
    """The probability that a pre-activation, rounded, reaches a threshold."""
    u = (z - threshold + 0.5) / deviation
    return 0.5 + 0.5 * u / np.sqrt(1 + u * u)


def energy(instance, taught, parameters, batch):
    """−Σ weight · log(probability to show the label), from the definition, in double precision."""
    architecture, arcs = instance.architecture, len(instance.architecture.arc_index)
    parts = parameters - np.floor(parameters)
    variances = parts * (1 - parts)
    mean = dict(enumerate(taught.inputs[:, batch].astype(float)))
    spread = {u: np.zeros(len(batch)) for u in mean}
    total, index, n_layers = 0.0, 0, len(architecture.layers)
    for layer in range(1, n_layers):
        activation = instance.activations[layer - 1]
        for _ in architecture.layers[layer]:
            v = architecture.alpha + index
            z = np.full(len(batch), -parameters[arcs + index])
            variance = np.full(len(batch), 0.02 + variances[arcs + index])
            for a, (source, target) in enumerate(architecture.arc_index):
                if target == v:
                    z += parameters[a] * mean[source]
                    square = spread[source] + mean[source] ** 2
                    variance += parameters[a] ** 2 * spread[source] + variances[a] * square
            deviation = np.sqrt(variance)
            if layer == n_layers - 1:
                o = index - (architecture.n_neurons - architecture.alpha - architecture.omega)
                low, high = taught.low[o, batch].astype(float), taught.high[o, batch].astype(float)
                shown = reached(z, deviation, low) - reached(z, deviation, high + 1)
                logarithm = np.where(
                    shown > 1e-5, np.log(np.maximum(shown, 1e-5)), np.log(1e-5) + shown / 1e-5 - 1
                )
                total -= (taught.weight[batch] * logarithm).sum()
            else:
                values = np.array(activation.values, dtype=float)
                out_of_reach = reach(instance) + 1  # thresholds beyond are as good as those
                thresholds = np.clip(np.array(activation.thresholds), -out_of_reach, out_of_reach)
                above = [reached(z, deviation, t) for t in thresholds]
                chances = -np.diff([np.ones(len(batch)), *above, np.zeros(len(batch))], axis=0)
                mean[v] = values @ chances
                spread[v] = values**2 @ chances - mean[v] ** 2
            index += 1
    return total


@given(instances(max_networks=10**12, min_points=1, activation=activations), st.integers(0, 2**32))
def test_the_gradient_is_the_slope_of_the_energy(instance, seed):
    if instance.domain.d == 1:
        return
    network, taught = graph(instance), lesson(points(instance))
    random = np.random.default_rng(seed)
    whole = random.integers(instance.domain.lo, instance.domain.hi, instance.architecture.n_parameters)
    parameters = (whole + random.uniform(0.05, 0.95, len(whole))).astype(np.float32)
    at = room(network, 4)
    at.batch[:] = random.integers(len(taught.weight), size=4)
    slopes(network, parameters, taught, at)
    direction = random.normal(size=len(parameters))
    sides = [energy(instance, taught, parameters + e * direction, at.batch) for e in (1e-4, -1e-4)]
    slope = (sides[0] - sides[1]) / 2e-4
    size = np.linalg.norm(at.gradient) * np.linalg.norm(direction)
    assert (at.gradient * direction).sum() == pytest.approx(slope, rel=1e-2, abs=1e-2 * (size + 1))


@given(instances(max_networks=10**12, min_points=1, activation=activations), st.integers(0, 2**32))
def test_what_it_passes_through_are_networks(instance, seed):
    if instance.domain.d == 1:
        return
    network, data = graph(instance), points(instance)
    state = states(network, data, 3, seed)
    passed = list(descend(network, lesson(data), draw(network, state), 120, 0.4, state.random))
    assert [moves for _, moves in passed] == [n * 3 * instance.architecture.n_parameters for n in (100, 20)]
    for networks, _ in passed:
        for vector in networks:
            instance.network(vector)  # raises for a parameter outside of Z_d


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_descent_alone_finds_a_planted_network(seed):
    instance = teacher_instance(3, [8, 3, 1], 200, seed=seed)
    network, data = graph(instance), points(instance)
    state = states(network, data, 12, seed)
    passed = [
        instance.network(vector).error(instance.dataset)
        for networks, _ in descend(network, lesson(data), draw(network, state), 3000, 0.4, state.random)
        for vector in networks
    ]
    assert min(passed) == 0


def family(instance, seed=0):
    """A family, and all that it has told."""
    network, data, told = graph(instance), points(instance), []
    return (
        Family(
            network,
            data,
            lesson(data),
            states(network, data, 6, seed),
            scratch(network, data),
            cap=6.0,
            enough=0,
            take=lambda parameters, errors: told.append((parameters.copy(), int(errors))),
            over=lambda: bool(told) and min(errors for _, errors in told) == 0,
        ),
        told,
    )


@given(instances(max_networks=10**8, min_points=1, activation=activations), st.integers(0, 2**32))
def test_a_family_tells_true_errors(instance, seed):
    if instance.domain.d == 1:
        return
    bred, told = family(instance, seed)
    assert sum(bred.run(barren=2)) > 0
    for vector, errors in told:
        assert instance.network(vector).error(instance.dataset) == errors + instance.choices.unavoidable


def test_offspring_find_what_the_first_generation_missed():
    instance = teacher_instance(3, [10, 5, 2], 100, seed=0)
    reached = []
    for barren in (0, 30):
        bred, told = family(instance)
        list(bred.run(barren))
        reached.append(min(errors for _, errors in told))
    assert reached[0] > reached[1] == 0


def test_a_child_differs_from_a_parent_in_two_hidden_neurons():
    instance = teacher_instance(5, [4, 5, 2], 30, seed=1)
    bred, _ = family(instance)
    bred._keep(iter([(3, np.zeros(instance.architecture.n_parameters, dtype=np.int64))]))
    arcs = instance.architecture.arc_index
    for child in bred._children(np.random.default_rng(0)):
        changed = np.flatnonzero(child)
        biases = changed[changed >= len(arcs)] - len(arcs)
        assert len(biases) == 2
        touched = np.isin(arcs, biases + instance.architecture.alpha).any(axis=1)
        assert (child[: len(arcs)] != 0).tolist() == touched.tolist()
