"""Local search: its arithmetic against the definition, and that it finds what there is."""

from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, instances

import qnnt
from qnnt.activation import Activation
from qnnt.backends.base import Start
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.backends.local_search import moves
from qnnt.backends.local_search.arrays import graph, points
from qnnt.backends.local_search.backend import LocalSearchBackend
from qnnt.generate.teacher import teacher_instance

pytestmark = pytest.mark.usefixtures("unaided")


def energy(instance, network, cap):
    """The energy by its definition, unscaled: each input pays for the label that is cheapest to match."""
    choices, output = instance.choices, instance.activations[-1]
    hidden = network.activations(choices.inputs)[-2]
    connection = instance.architecture.connections[-1]
    total = 0.0
    for i in range(len(choices.inputs)):
        rows = np.flatnonzero(choices.of == i)
        pays = []
        for r in rows:
            distance = 0
            for o in range(instance.architecture.omega):
                weights = network.weights[connection.arcs(o)]
                z = int(weights @ hidden[i, connection.sources(o)]) - int(
                    network.biases[connection.biases][o]
                )
                level = int(choices.levels[r, o])
                if level > 0:
                    distance += max(0, output.thresholds[level - 1] - z)
                if level < output.top:
                    distance += max(0, z - (output.thresholds[level] - 1))
            most = choices.counts[rows[0]]
            pays.append(most - choices.counts[r] + choices.counts[r] * min(distance, cap) / cap)
        total += min(pays, default=0.0)
    return total


@given(instances(max_networks=10**30, activation=activations), st.data(), st.sampled_from([1.0, 2.0, 5.0]))
def test_the_arithmetic_of_the_moves_is_that_of_the_definition(instance, data, cap):
    if instance.domain.d == 1:
        return
    network, inputs = graph(instance), points(instance)
    state = moves.states(network, inputs, 3, data.draw(st.integers(0, 1000)))
    room = moves.scratch(network, inputs)
    for r in range(3):
        moves.scatter(network, state, r)
        moves.evaluate(network, inputs, state, r, np.float32(cap), room)
    best, lowest = state.parameters[0].copy(), np.array([2**62])
    heats = np.tile([0.1, 0.5, 2.0], (3, 1))
    moves.search(network, inputs, state, np.float32(cap), heats, -1, best, lowest, room)
    scale = 1.0
    if len(instance.choices.of):
        first = np.unique(instance.choices.of, return_index=True)[1]
        scale = instance.choices.counts[first].mean()
    for r in range(3):
        trained = instance.network(state.parameters[r])
        errors = trained.error(instance.dataset)
        outputs = state.before[r, -instance.architecture.omega :]
        assert instance.choices.unavoidable + moves.excess(outputs, inputs) == errors
        assert state.energy[r] * scale == pytest.approx(energy(instance, trained, cap), rel=1e-4, abs=1e-4)
        before, shown = state.before[r].copy(), state.shown[r].copy()
        moves.evaluate(network, inputs, state, r, np.float32(cap), room)
        hidden = slice(instance.architecture.alpha, None)
        assert (state.before[r, hidden] == before[hidden]).all()
        assert (state.shown[r] == shown).all()
    assert instance.network(best).error(instance.dataset) == instance.choices.unavoidable + lowest[0]


@given(instances(max_networks=2000, activation=activations))
def test_small_minima_are_found(instance):
    least = min(int(count_errors(instance, block).min()) for block in parameter_blocks(instance))
    result = qnnt.solve(instance, goal=qnnt.Minimize(), backend="local-search", isolate=False)
    assert result.errors == least
    assert (result.status is qnnt.Status.OPTIMAL) == (least == instance.choices.unavoidable)
    if least:
        missed = qnnt.solve(instance, goal=qnnt.AtMost(least - 1), backend="local-search", isolate=False)
        counted = least == instance.choices.unavoidable  # the data alone rule it out
        assert missed.status is (qnnt.Status.UNSATISFIABLE if counted else qnnt.Status.UNKNOWN)
    met = qnnt.solve(instance, goal=qnnt.AtMost(least), backend="local-search", isolate=False)
    assert met.status is qnnt.Status.SATISFIABLE


def test_a_planted_network_is_found_again_by_one_thread_and_by_two():
    instance = teacher_instance(3, [8, 4, 2], 60, seed=1)
    for threads in (1, 2):
        limits = qnnt.Limits(threads=threads)
        assert qnnt.solve(instance, backend="local-search", limits=limits, isolate=False).errors == 0


def test_a_seed_repeats_and_another_differs():
    instance = teacher_instance(3, [6, 2, 1], 40, noise=0.2, seed=3, goal=qnnt.Minimize())
    networks = [
        qnnt.solve(
            instance, backend="local-search", encoder="direct", limits=qnnt.Limits(seed=seed), isolate=False
        ).network
        for seed in (1, 1, 2)
    ]
    assert networks[0] == networks[1]
    assert networks[0] != networks[2]


def test_what_it_declines():
    instance = teacher_instance(3, [4, 2, 1], 10)
    declines = LocalSearchBackend().refuses
    assert "try " in declines(instance.with_goal(qnnt.Exactly(1)))
    steep = Activation(range(-400, 400), range(-400, 401))
    wide = qnnt.Instance(qnnt.Domain(1001), instance.architecture, instance.dataset, activation=steep)
    assert "thresholds" in declines(wide)
    far = qnnt.Instance(qnnt.Domain(10_001), instance.architecture, instance.dataset, activation="sign")
    assert "pre-activations" in declines(far)
    assert declines(instance) is None


def test_more_values_than_it_holds_are_declined(monkeypatch):
    instance = teacher_instance(3, [4, 2, 1], 10)
    values = instance.architecture.n_neurons * len(instance.choices.inputs)
    monkeypatch.setattr("qnnt.backends.local_search.backend.MOST_VALUES", values)
    assert LocalSearchBackend().refuses(instance) is None
    monkeypatch.setattr("qnnt.backends.local_search.backend.MOST_VALUES", values - 1)
    assert "try sat" in LocalSearchBackend().refuses(instance)


def test_a_late_answer_says_so_and_keeps_what_it_has():
    instance = teacher_instance(3, [12, 8, 4], 400, noise=0.3, seed=0, goal=qnnt.Minimize())
    heard = []
    result = qnnt.solve(
        instance,
        backend="local-search",
        limits=qnnt.Limits(time=1.0),
        isolate=False,
        progress=lambda news: heard.append(news.incumbent),
    )
    assert (result.status, result.limit) == (qnnt.Status.UNKNOWN, qnnt.Limit.TIME)
    incumbents = [errors for errors in heard if errors is not None]
    assert incumbents == sorted(incumbents, reverse=True)
    assert result.errors == incumbents[-1]


def test_a_network_that_others_found_counts_as_its_own() -> None:
    """By itself it would hardly find just the teacher."""
    rng, domain, architecture = np.random.default_rng(0), qnnt.Domain(5), qnnt.Architecture.dense([12, 8, 3])
    teacher, inputs = (rng.integers(-2, 3, size) for size in (architecture.n_parameters, (300, 12)))
    labels = qnnt.Network.from_vector(architecture, domain, teacher).predict(inputs)
    instance = qnnt.Instance(domain, architecture, qnnt.Dataset(inputs, labels))
    report = Mock(known=lambda: Start(np.arange(len(teacher)), teacher, 0))
    found = LocalSearchBackend().run(instance, qnnt.Limits(time=60.0), report)
    assert (found.status, found.cost) == (qnnt.Status.SATISFIABLE, 0)
    assert np.array_equal(found.assignment, teacher)
