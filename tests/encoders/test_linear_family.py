"""The programs with indicators, each solved by a backend and compared with exhaustive search."""

import subprocess
import sys
from functools import cache
from itertools import product

import numpy as np
import pytest
from brute_force import errors, expect, instances
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import activations

from qnnt.activation import Activation
from qnnt.architecture import Architecture
from qnnt.backends.cpsat import CpSatBackend
from qnnt.backends.milp import MilpBackend, satisfied
from qnnt.backends.pseudo_boolean import PseudoBooleanBackend
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.encoders.cpsat import CpSatEncoder, TextbookCpSatEncoder
from qnnt.encoders.indicator import ALWAYS, NONE, Neurons, program
from qnnt.encoders.milp import MilpEncoder, TextbookMilpEncoder, chained, single
from qnnt.encoders.pseudo_boolean import PseudoBooleanEncoder
from qnnt.goals import AtMost, Exactly, Minimize
from qnnt.instance import Instance
from qnnt.limits import Limits
from qnnt.models import Rows
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
@settings(max_examples=settings().max_examples * 3 // 2, suppress_health_check=list(HealthCheck))
@given(instance=instances(activation=activations), symmetry=st.booleans())
def test_same_answer_as_exhaustive_search(encoder, backend, instance, symmetry):
    available(backend)
    model, lift = encoder(symmetry).apply(instance)
    expect(instance, backend.run(model, Limits(), Silent()), lift)


@pytest.mark.parametrize("far", [10**12, 2**53])
@pytest.mark.parametrize(("encoder", "backend"), PAIRS, ids=IDS)
def test_thresholds_that_nothing_reaches(encoder, backend, far):
    """They count as settled and overflow nowhere."""
    available(backend)
    data = Dataset([[1], [2], [-1], [-1]], [[0], [2], [0], [1]], [1, 2, 1, 1])
    hidden, output = Activation((-far, 0, far), (-1, 0, 1, 2)), Activation((0, far), (-1, 0, 2))
    for goal in (Minimize(), AtMost(2), Exactly(4)):
        architecture = Architecture.dense([1, 1, 1])
        instance = Instance(Domain(4), architecture, data, goal, activation=(hidden, output))
        model, lift = encoder().apply(instance)
        expect(instance, backend.run(model, Limits(), Silent()), lift)


@pytest.mark.parametrize(("encoder", "backend"), PAIRS, ids=IDS)
def test_a_negative_weight_times_a_negative_value(encoder, backend):
    """The output 2 takes (−2)·(−2) − (−2), the greatest sum that there is."""
    available(backend)
    activation = Activation((0,), (-2, -1)), Activation((3, 6), (0, 1, 2))
    architecture, data = Architecture.dense([1, 1, 1]), Dataset([[1], [2]], [[2], [0]], [2, 1])
    instance = Instance(Domain(5), architecture, data, Minimize(), activation=activation)
    model, lift = encoder().apply(instance)
    answer = backend.run(model, Limits(), Silent())
    expect(instance, answer, lift)
    assert lift(answer.assignment).predict([[1]]).tolist() == [[2]]


def xor(goal, d=3, activation="relu"):
    architecture = Architecture.dense([2, 2, 1])
    return Instance(
        Domain(d),
        architecture,
        Dataset([[0, 0], [0, 1], [1, 0], [1, 1], [1, 1]], [[0], [1], [1], [0], [1]], [2, 1, 1, 3, 1]),
        goal,
        activation=activation,
    )


TERNARY = Activation((-1, 2), (-1, 0, 1))
XORS = {"relu": (2, "relu"), "sign": (3, ("sign", "step")), "ternary": (3, (TERNARY, "relu"))}


@cache
def xor_errors(said):
    return errors(xor(Minimize(), *XORS[said]))


@pytest.mark.parametrize("said", XORS)
@pytest.mark.parametrize("goal", [Minimize(), AtMost(0), AtMost(1), Exactly(3), Exactly(9)], ids=str)
@pytest.mark.parametrize(("encoder", "backend"), PAIRS, ids=IDS)
def test_two_hidden_neurons(encoder, backend, goal, said):
    available(backend)
    instance, every = xor(goal, *XORS[said]), xor_errors(said)
    for symmetry in (True, False):
        model, lift = encoder(symmetry).apply(instance)
        answer = backend.run(model, Limits(), Silent())
        if isinstance(goal, Minimize):
            assert answer.cost == every.min() == lift(answer.assignment).error(instance.dataset)
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
    (neurons,) = p.neurons
    assert sorted(zip(neurons.sums.lower.tolist(), neurons.most.tolist(), strict=True)) == [
        (-6, 6),
        (-4, 5),
        (-3, 3),
        (-2, 1),
    ]
    assert (neurons.active[neurons.most == 1] == NONE).sum() == 1


def test_bits_that_interval_arithmetic_settles():
    """Both S are in [−2, 2]. The hidden neuron shows 0 or 1, since −3 is always reached: S = z − bias."""
    hidden, output = Activation((-3, 1), (-1, 0, 1)), Activation((1, 5), (-1, 0, 1))
    instance = Instance(
        Domain(3), Architecture.dense([1, 1, 1]), Dataset([[1]], [[1]]), activation=(hidden, output)
    )
    p = program(instance.with_goal(Minimize()), symmetry=False)
    first, second = p.neurons
    assert p.names == ("w0", "w1", "b2", "b3", "a4", "z5", "a6", "m7")
    assert (first.active.tolist(), second.active.tolist()) == ([[ALWAYS, 4]], [[6, NONE]])
    assert (second.sums.index.tolist(), second.sums.coef.tolist()) == ([5, 3], [1, -1])
    assert (second.sums.lower.tolist(), second.most.tolist()) == ([-2], [2])


def test_the_least_value_counts_for_the_weight_itself():
    """Sign shows 2·a − 1: S = 2·z − w − bias."""
    instance = Instance(
        Domain(3), Architecture.dense([1, 1, 1]), Dataset([[1]], [[1]]), Minimize(), activation="sign"
    )
    (neurons,) = program(instance, symmetry=False).neurons
    assert neurons.sums.index.tolist() == [0, 2, 5, 1, 3]
    assert neurons.sums.coef.tolist() == [1, -1, 2, -1, -1]
    assert (neurons.sums.lower.tolist(), neurons.most.tolist()) == ([-2, -2], [2, 2])


@given(st.sets(st.integers(-7, 7), min_size=1, max_size=4), st.integers(-5, 5), st.integers(0, 6))
def test_threshold_rows_fix_the_bits(thresholds, least, width):
    """For a sum S = x in [l, u], the rows leave just the bits "x ≥ t", wherever the thresholds lie."""
    t, most = sorted(thresholds), least + width
    settled = [ALWAYS if x <= least else NONE if x > most else 0 for x in t]
    bits = [1 + i for i in range(settled.count(0))]
    active = np.array([settled])
    active[active == 0] = bits
    x = Rows(np.array([0, 1]), np.array([0]), np.array([1]), np.array([least]))
    neurons = Neurons(np.array(t), x, np.array([most]), active)
    inside = [y for y, s in zip(t, settled, strict=True) if s == 0]
    if inside:  # the rows of MilpEncoder's docstring
        coef = [1, *-np.diff([least, *inside]), -1, *np.diff([*inside, most + 1])]
        assert chained(neurons).coef.tolist() == coef
        assert chained(neurons).lower.tolist() == [least, 1 - inside[0]]
    for rows in (chained(neurons), single(neurons, 12)):
        assert (rows.index >= 0).all()
        for value, *chosen in product(range(least, most + 1), *[(0, 1)] * len(bits)):
            if chosen != sorted(chosen, reverse=True):
                continue  # other rows exclude it
            sums = np.add.reduceat(
                np.append(rows.coef * np.array([value, *chosen])[rows.index], 0), rows.starts[:-1]
            )
            expected = [int(value >= y) for y in inside]
            assert (sums >= rows.lower).all() == (chosen == expected)


@pytest.mark.parametrize("encoder", [CpSatEncoder, TextbookCpSatEncoder, MilpEncoder])
def test_few_thresholds_of_a_large_domain_are_few_variables(encoder):
    d = 10**7 + 1
    instance = Instance(
        Domain(d),
        Architecture.dense([2, 1, 1]),
        Dataset([[4 * 10**6, -3], [-5, 7]], [[1], [-1]]),
        Minimize(),
        activation="sign",
    )
    model, _ = encoder().apply(instance)
    assert model.sizes()["variables"] < 30


def test_modules_import_no_solver():
    code = (
        "import sys, qnnt.encoders.cpsat, qnnt.encoders.milp, qnnt.encoders.pseudo_boolean,"
        "qnnt.backends.cpsat,"
        "qnnt.backends.milp, qnnt.backends.pseudo_boolean as p, qnnt.files.models;"
        "qnnt.backends.milp.MilpBackend('cbc').availability(), p.PseudoBooleanBackend().availability();"
        "assert not {'ortools', 'pulp', 'highspy', 'exact'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
