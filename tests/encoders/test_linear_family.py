"""The programs with indicators, each solved by a backend and compared with exhaustive search."""

import subprocess
import sys

import numpy as np
import pytest
from brute_force import errors, expect, instances
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qnnt.architecture import Architecture
from qnnt.backends.cpsat import CpSatBackend
from qnnt.backends.milp import MilpBackend, satisfied
from qnnt.backends.pseudo_boolean import PseudoBooleanBackend
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.encoders.cpsat import CpSatEncoder, TextbookCpSatEncoder
from qnnt.encoders.indicator import program
from qnnt.encoders.milp import MilpEncoder, TextbookMilpEncoder
from qnnt.encoders.pseudo_boolean import PseudoBooleanEncoder
from qnnt.goals import AtMost, Exactly, Minimize
from qnnt.instance import Instance
from qnnt.limits import Limits
from qnnt.network import Network

PAIRS = [
    (CpSatEncoder, CpSatBackend()),
    (TextbookCpSatEncoder, CpSatBackend()),
    (MilpEncoder, MilpBackend("cbc")),
    (TextbookMilpEncoder, MilpBackend("cbc")),
    (PseudoBooleanEncoder, MilpBackend("cbc")),
    (PseudoBooleanEncoder, PseudoBooleanBackend()),
]
IDS = [f"{encoder.name}-{backend.name}" for encoder, backend in PAIRS]


class Silent:
    def incumbent(self, assignment, cost):
        pass

    def bound(self, bound):
        pass


def available(backend):
    if not backend.availability().available:
        pytest.skip(backend.availability().reason)


@pytest.mark.parametrize(("encoder", "backend"), PAIRS, ids=IDS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(instance=instances(), symmetry=st.booleans())
def test_same_answer_as_exhaustive_search(encoder, backend, instance, symmetry):
    available(backend)
    model, lift = encoder(symmetry).apply(instance)
    expect(instance, backend.run(model, Limits(), Silent()), lift)


def xor(goal, d=3):
    architecture = Architecture.dense([2, 2, 1])
    return Instance(
        Domain(d),
        architecture,
        Dataset([[0, 0], [0, 1], [1, 0], [1, 1], [1, 1]], [[0], [1], [1], [0], [1]], [2, 1, 1, 3, 1]),
        goal,
    )


@pytest.mark.parametrize("goal", [Minimize(), AtMost(0), AtMost(1), Exactly(3), Exactly(9)], ids=str)
@pytest.mark.parametrize(("encoder", "backend"), PAIRS, ids=IDS)
def test_two_hidden_neurons(encoder, backend, goal):
    available(backend)
    every = errors(xor(goal, 2))
    for symmetry in (True, False):
        model, lift = encoder(symmetry).apply(xor(goal, 2))
        answer = backend.run(model, Limits(), Silent())
        if isinstance(goal, Minimize):
            assert answer.cost == every.min() == lift(answer.assignment).error(xor(goal).dataset)
        else:
            assert (answer.assignment is not None) == any(goal.accepts(int(e)) for e in every)


@pytest.mark.parametrize("encoder", [MilpEncoder, TextbookMilpEncoder, PseudoBooleanEncoder, CpSatEncoder])
def test_no_data(encoder):
    instance = Instance(
        Domain(3), Architecture.dense([2, 2, 1]), Dataset(np.zeros((0, 2), int), np.zeros((0, 1), int))
    )
    model, lift = encoder().apply(instance)
    backend = CpSatBackend() if encoder is CpSatEncoder else MilpBackend("cbc")
    answer = backend.run(model, Limits(), Silent())
    assert answer.status == "SATISFIABLE"
    assert isinstance(lift(answer.assignment), Network)


def test_order_keeps_one_of_each_permutation():
    """All vectors of the ordered parameters that extend to a solution: just the sorted ones."""
    instance = Instance(
        Domain(3), Architecture.dense([1, 2, 1]), Dataset(np.zeros((0, 1), int), np.zeros((0, 1), int))
    )
    p = program(instance, symmetry=True)
    model, _ = MilpEncoder().apply(instance)
    n = len(p.lift.index)
    equal = len(p.lower) - n
    assert equal == 1
    kept = 0
    values = np.array(np.meshgrid(*[[-1, 0, 1]] * 4)).reshape(4, -1).T
    for w0, w1, b0, b1 in values:
        parameters = np.array([w0, w1, 0, 0, b0, b1, 0])
        extends = any(satisfied(model, np.append(parameters, e)) for e in (0, 1))
        assert extends == ((b0, w0) <= (b1, w1))
        kept += extends
    assert kept == 45


def test_bounds_are_those_of_interval_arithmetic():
    instance = Instance(Domain(4), Architecture.dense([2, 1, 1]), Dataset([[2, -1], [0, 0]], [[1], [2]]))
    p = program(instance.with_goal(Minimize()), symmetry=False)
    assert sorted(zip(p.sums.lower.tolist(), p.most.tolist(), strict=True)) == [
        (-6, 6),
        (-4, 5),
        (-3, 3),
        (-2, 1),
    ]
    assert (p.active[p.most == 1] == -1).sum() == 1


def test_modules_import_no_solver():
    code = (
        "import sys, qnnt.encoders.cpsat, qnnt.encoders.milp, qnnt.encoders.pseudo_boolean,"
        "qnnt.backends.cpsat,"
        "qnnt.backends.milp, qnnt.backends.pseudo_boolean as p, qnnt.files.models;"
        "qnnt.backends.milp.MilpBackend('cbc').availability(), p.PseudoBooleanBackend().availability();"
        "assert not {'ortools', 'pulp', 'highspy', 'exact'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
