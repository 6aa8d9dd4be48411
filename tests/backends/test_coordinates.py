"""Coordinate descent against the definition of a network, and beside the compiler."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import activations, instances

from qnnt.backends.base import Unheard
from qnnt.backends.local_search import backend, coordinates, search
from qnnt.backends.local_search.coordinates import _Descent, coordinate_descent
from qnnt.constant import best_constant
from qnnt.generate.teacher import teacher_instance


def never():
    return False


@given(instances(max_networks=10**30, activation=activations), st.integers(1, 3))
def test_the_arrays_are_those_of_the_network_and_the_energy_falls(instance, sweeps):
    descent = _Descent(instance)
    descent.scatter()
    energy = descent.energy
    for _ in range(sweeps):
        better = descent.sweep(never)
        assert (descent.energy < energy) == better
        energy = descent.energy
        shown = instance.network(descent.parameters).activations(instance.choices.inputs)
        for own, by_definition in zip(descent._shown, shown, strict=True):
            np.testing.assert_array_equal(own.T, by_definition)


@given(instances(max_networks=10**6, activation=activations))
def test_networks_get_better_and_have_the_errors_that_are_told(instance):
    told = [instance.dataset.total + 1]
    for parameters, errors in coordinate_descent(instance, 0.001, never):
        assert instance.network(parameters).error(instance.dataset) == errors < told[-1]
        told.append(errors)
    assert (len(told) > 1) == (instance.domain.d > 1)


@pytest.mark.parametrize(("layers", "share"), [([8, 1], 0.0), ([20, 2, 1], 0.5)])
def test_networks_much_better_than_a_constant_one(layers, share):
    instance = teacher_instance(3, layers, 200, seed=2)
    enough = share * best_constant(instance).error(instance.dataset)
    errors = instance.dataset.total
    for _, errors in coordinate_descent(instance, 60.0, never):
        if errors <= enough:
            break
    assert errors <= enough


def test_large_networks_are_left_alone(monkeypatch):
    instance = teacher_instance(2, [6, 4, 1], 5)
    monkeypatch.setattr(coordinates, "_LARGEST", 28)
    assert list(coordinate_descent(instance, 0.001, never))
    monkeypatch.setattr(coordinates, "_LARGEST", 27)
    assert not list(coordinate_descent(instance, 0.001, never))


def test_networks_are_reported_while_the_search_is_compiled(monkeypatch):
    found = threading.Event()

    class Report(Unheard):
        def incumbent(self, assignment, cost):
            assert instance.network(assignment).error(instance.dataset) == cost
            found.set()

    instance = teacher_instance(3, [6, 2, 1], 30, seed=1)
    monkeypatch.setattr(search, "prepare", lambda: found.wait(60) or pytest.fail("nothing was reported"))
    monkeypatch.setattr(backend, "READ", 0.0)
    backend.LocalSearchBackend().prepare(instance, Report())
    assert found.is_set()


def test_what_fails_to_compile_is_told(monkeypatch):
    def fails():
        raise RuntimeError("no compiler")

    monkeypatch.setattr(search, "prepare", fails)
    with pytest.raises(RuntimeError, match="no compiler"):
        backend.LocalSearchBackend().prepare(teacher_instance(3, [2, 1], 5), Unheard())
