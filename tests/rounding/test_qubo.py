"""The quadratic models against the distance that they stand for, computed from the outputs themselves."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layers import Layer, distance, layers, room

from qnnt.limits import Limits
from qnnt.rounders.enumeration import EnumerationRounder
from qnnt.rounding import Scheme, round_network
from qnnt.rounding.model import DenseModel
from qnnt.rounding.problem import GramProblem, RowProblem
from qnnt.rounding.qubo import QuboEncoder, row_model
from qnnt.verify.rounded_rows import check_bounds


def near(a: float, b: float, scale: float) -> bool:
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b), scale)


@given(layers(most_bits=12), st.integers(0, 2**32 - 1))
def test_the_cost_is_the_frobenius_distance(layer: Layer, seed: int):
    rng = np.random.default_rng(seed)
    problem = layer.problem()
    for i in range(problem.n):
        model, lift = QuboEncoder(i).apply(problem)
        d, S, c = model.qubo()
        assert (S == S.T).all()
        for _ in range(5):
            v = rng.integers(model.lower, model.upper + 1)
            direct = distance(layer, i, lift(v))
            # The expanded form loses digits to its constant, and to nothing else.
            assert abs(model.cost(v) - direct) <= room(layer, i, direct)
            assert abs(d @ v + v @ S @ v + c - direct) <= room(layer, i, direct) + 1e-12 * c
            once = sum(S[j, j] * v[j] ** 2 for j in range(len(v)))
            twice = sum(2 * S[j, k] * v[j] * v[k] for j in range(len(v)) for k in range(j))
            assert abs(d @ v + once + twice + c - direct) <= room(layer, i, direct) + 1e-12 * c


@given(layers(most_bits=12, candidates=(2,)), st.integers(0, 2**32 - 1))
def test_the_bits_and_the_dimod_model_have_the_same_cost(layer: Layer, seed: int):
    rng = np.random.default_rng(seed)
    problem = layer.problem()
    model, _ = QuboEncoder(0).apply(problem)
    linear, pairs, offset = model.bits()
    assert (np.tril(pairs) == 0).all()
    bqm = model.bqm()
    assert list(bqm.variables) == model.free.tolist()
    d, S, c = model.qubo()
    scale = 1e-3 * (c + np.abs(d).sum() + np.abs(S).sum()) + 1e-300  # of what is added up
    for _ in range(5):
        z = rng.integers(0, 2, len(model.free))
        v = model.lower.copy()
        v[model.free] += z
        assert near(linear @ z + z @ pairs @ z + offset, model.cost(v), scale)
        assert near(bqm.energy(dict(zip(bqm.variables, z.tolist(), strict=True))), model.cost(v), scale)


@given(layers(most_bits=10, most_neurons=3, candidates=(2,)))
def test_the_undivided_problem_splits_into_its_rows(layer: Layer):
    problem = layer.problem()
    whole, lift = QuboEncoder.undivided(problem)
    rows = [QuboEncoder(i).apply(problem)[0] for i in range(problem.n)]
    m = problem.gram.shape[0]
    blocks = whole.gram.reshape(problem.n, m, problem.n, m)
    for i, j in itertools.permutations(range(problem.n), 2):
        assert (blocks[i, :, j] == 0).all()
    best = 0.0
    for row in rows:
        best += min(
            row.cost(np.array(v))
            for v in itertools.product(*(range(a, b + 1) for a, b in zip(row.lower, row.upper, strict=True)))
        )
    # the whole is searched as a whole: all n(f+1) bits, without a word of rows
    free = np.concatenate([row.lower for row in rows]), np.concatenate([row.upper for row in rows])
    box = (range(a, b + 1) for a, b in zip(*free, strict=True))
    costs = [whole.cost(np.array(v)) for v in itertools.product(*box)]
    # A cost that is small against the others is the difference of large terms.
    near = sum(room(layer, i, best) for i in range(problem.n)) + 1e-13 * max(costs)
    assert abs(best - min(costs)) <= near
    lower = np.concatenate([row.lower for row in rows])
    codes = lift(lower).reshape(problem.n, m)
    direct = [distance(layer, i, codes[i]) for i in range(problem.n)]
    assert abs(whole.cost(lower) - sum(direct)) <= sum(room(layer, i, sum(direct)) for i in range(problem.n))


def test_a_wider_box_is_no_qubo():
    problem = Layer.random(0, 2, 3, 10, candidates=3).problem()
    model, _ = QuboEncoder(0).apply(problem)
    assert not model.binary
    with pytest.raises(ValueError, match="two values"):
        model.bits()


def test_dead_inputs_have_no_choice():
    layer = Layer.random(1, 1, 4, 6)
    layer.X[:, 2] = 0.0
    model, _ = QuboEncoder(0).apply(layer.problem())
    assert model.lower[2] == model.upper[2]
    assert 2 not in model.free


HALF_WAY = [([-1.0, 0.3], Scheme(1)), ([0.375, 1.0, 0.3], Scheme(3, "max"))]  # the first weights


@pytest.mark.parametrize(("weights", "scheme"), HALF_WAY)
def test_a_dead_input_whose_weight_lies_half_way_is_rounded_as_by_nearest(weights, scheme):
    """By both kinds of problems, and with a reference, which moves the target of the others."""
    W, b, X = np.array([weights]), np.array([0.1]), np.random.default_rng(0).random((5, len(weights)))
    X[:, 0] = 0.0
    dense = [Layer(W, b, X, scheme, reference=y).problem() for y in (None, X @ W.T, X @ W.T + 1e3)]
    gram = GramProblem.of_rows(W, None, X.T @ X, 5, scheme.weight_scale(W), scheme)
    problems: list[RowProblem] = [*dense, gram]
    for problem in problems:
        model, lift = row_model(problem, 0)
        assert problem.part[0, 0] == 0.5
        assert (
            lift(model.lower)[0] == lift(model.upper)[0] == problem.nearest(0)[0] == problem.nearest()[0, 0]
        )


@pytest.mark.parametrize(("weights", "scheme"), HALF_WAY)
def test_the_certificate_of_a_row_rounded_to_nearest_does_not_fail(weights, scheme):
    X = np.random.default_rng(0).random((5, len(weights)))
    X[:, 0] = 0.0
    model = DenseModel.from_arrays([[weights]], [[0.1]], ["identity"])
    rounded = round_network(model, X, scheme=scheme, backend="nearest", certificates=True)
    assert [check.failed for check in check_bounds(rounded.certificates)] == [[]]


@pytest.mark.parametrize("thirds", [1, 2])
def test_bounds_hold_for_a_reference_on_many_points(thirds):
    """The last bits of a square are 0101… or 1010…: in whatever order, one of the two sums is too large."""
    N, y = 10**5, (1 + thirds / 3 * 2.0**-30) ** 0.5
    X = np.zeros((N, 1))
    X[:2] = 255.0  # so that a unit is 1
    reference = np.tile([[y], [-y]], (N // 2, 1))  # no code is better than 0: its mean is 0
    layer = Layer(np.zeros((1, 1)), np.zeros(1), X, Scheme(2, "max"), reference=reference)
    model, lift = QuboEncoder(0).apply(layer.problem())
    bound = lift.bound(EnumerationRounder().run(model, Limits(), None, lambda: False).bound)
    assert (1 - 1e-9) * y**2 <= Fraction(bound) <= Fraction(y) ** 2
