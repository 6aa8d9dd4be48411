"""Gradient descent: its slopes against differences of the energy, and the networks that it passes through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, instances

from qnnt.backends.local_search import descent as module
from qnnt.backends.local_search.arrays import graph, points
from qnnt.backends.local_search.descent import Descent, descends
from qnnt.backends.local_search.search import Begin, Found, Team
from qnnt.generate.teacher import teacher_instance
from qnnt.limits import Limits


def energy(descent, parameters, batch):
    """The energy of a batch in double precision: squares of distances, linear beyond 2."""
    z = shown = descent._inputs[batch].astype(float)[None]
    for i, layer in enumerate(descent._layers):
        z = shown @ (layer.mask * parameters[2 * i]) - parameters[2 * i + 1]
        shown = layer.show(z)[0]
    distance = np.abs(z - np.clip(z, descent._low[batch], descent._high[batch]))
    pays = np.where(distance < 2, distance**2 / 2, 2 * distance - 2)
    return (pays * descent._weight[batch]).sum()


@given(instances(max_networks=10**12, min_points=1, activation=activations), st.integers(0, 2**32))
def test_the_gradient_is_the_slope_of_the_energy(instance, seed):
    if instance.domain.d == 1:
        return
    descent = Descent(graph(instance), points(instance), seed)
    random = np.random.default_rng(seed)
    shapes = [s for layer in descent._layers for s in ((1, *layer.mask.shape), (1, 1, layer.mask.shape[1]))]
    parameters = [random.uniform(instance.domain.lo, instance.domain.hi, shape) for shape in shapes]
    for i, layer in enumerate(descent._layers):
        parameters[2 * i] *= layer.mask
    batch = random.integers(len(descent._inputs), size=4)
    single = [p.astype(np.float32) for p in parameters]
    for k, gradient in enumerate(descent._gradients(single, batch)):
        direction = random.normal(size=shapes[k])
        ahead, behind = ([p.copy() for p in parameters] for _ in range(2))
        ahead[k] += 1e-4 * direction
        behind[k] -= 1e-4 * direction
        slope = (energy(descent, ahead, batch) - energy(descent, behind, batch)) / 2e-4
        size = np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-2, abs=1e-2 * (size + 1))


@given(instances(max_networks=10**12, min_points=1, activation=activations), st.integers(0, 2**32))
def test_what_it_passes_through_are_networks(instance, seed):
    if instance.domain.d == 1:
        return
    passed = list(Descent(graph(instance), points(instance), seed).run(3, 120))
    assert [networks.shape for networks in passed] == [(3, instance.architecture.n_parameters)] * 2
    for networks in passed:
        for vector in networks:
            instance.network(vector)  # raises for a parameter outside of Z_d


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_descent_alone_finds_a_planted_network(seed):
    instance = teacher_instance(3, [8, 3, 1], 200, seed=seed)
    passed = [
        instance.network(vector).error(instance.dataset)
        for attempt in range(4)
        for networks in Descent(graph(instance), points(instance), attempt).run(8, 1500)
        for vector in networks
    ]
    assert min(passed) == 0


def test_layers_that_are_too_large_are_left_to_moves(monkeypatch):
    instance = teacher_instance(3, [4, 2, 1], 20)
    kinds = []
    for most in (10, 9):
        monkeypatch.setattr(module, "_MOST_WEIGHTS", most)
        assert descends(graph(instance)) == (most == 10)
        (searcher,) = Team(instance, Found(), Limits(), enough=0, listen=lambda: None)._searchers
        epochs = searcher._epochs()
        kinds.append({next(epochs).begin for _ in range(8)})
    assert kinds == [set(Begin), {Begin.RANDOM, Begin.BEST}]
