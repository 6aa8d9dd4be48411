"""Refutations of linear models: what is closed has no solution, and a tree has to cover everything."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qnnt
from qnnt.backends import milp
from qnnt.backends.base import Answer
from qnnt.limits import Limits, Status
from qnnt.models import LinearModel, Rows
from qnnt.refutation import Leaf, Refutation, Split, below, closes
from qnnt.result import Basis

small = st.integers(-3, 3)


def model_of(matrix, lower, low, high, objective=None):
    matrix = np.array(matrix)
    m, n = matrix.shape
    rows = Rows(np.arange(m + 1) * n, np.tile(np.arange(n), m), matrix.ravel(), np.array(lower))
    cost = np.zeros(n, dtype=np.int64) if objective is None else np.array(objective)
    ends = np.full(n, low), np.full(n, high)
    return LinearModel(*ends, tuple(f"x{i}" for i in range(n)), rows, cost, 0, objective is not None)


def solutions(model, rows):
    values = [range(low, high + 1) for low, high in zip(model.lower, model.upper, strict=True)]
    dense = np.zeros((len(rows), len(model.lower)), dtype=np.int64)
    np.add.at(dense, (np.repeat(np.arange(len(rows)), np.diff(rows.starts)), rows.index), rows.coef)
    return [x for x in product(*values) if (dense @ x >= rows.lower).all()]


@st.composite
def models(draw):
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    matrix = draw(st.lists(st.lists(small, min_size=n, max_size=n), min_size=m, max_size=m))
    lower = draw(st.lists(st.integers(-4, 6), min_size=m, max_size=m))
    return model_of(matrix, lower, -1, 2)


@st.composite
def trees(draw, model, depth=2):
    if depth and draw(st.booleans()):
        split = Split(draw(st.integers(0, len(model.lower) - 1)), draw(st.integers(-2, 2)))
        return [split, *draw(trees(model, depth - 1)), *draw(trees(model, depth - 1))]
    m = len(model.rows)
    return [Leaf(np.array(draw(st.lists(st.integers(0, 3), min_size=m, max_size=m))))]


@settings(max_examples=100)
@given(data=st.data(), model=models())
def test_what_a_tree_refutes_has_no_solution(data, model):
    nodes = data.draw(trees(model))
    if Refutation(tuple(nodes)).holds(model, model.rows):
        assert not solutions(model, model.rows)
        assert not Refutation(tuple(nodes[:-1])).holds(model, model.rows)  # a box is left open
        assert not Refutation((*nodes, nodes[-1])).holds(model, model.rows)


def test_a_split_that_is_needed():
    model = model_of([[2, 2], [-2, -2]], [1, -1], 0, 1)  # x + y = 1/2
    up, down = Leaf(np.array([1, 0])), Leaf(np.array([0, 1]))
    tree = (Split(0, 0), Split(1, 0), up, down, down)
    assert Refutation(tree).holds(model, model.rows)
    assert not any(Refutation(tree[:i] + tree[i + 1 :]).holds(model, model.rows) for i in range(5))
    swapped = (Split(0, 0), Split(1, 0), down, up, down)
    assert not Refutation(swapped).holds(model, model.rows)


@pytest.mark.parametrize("most", [0, 1])
def test_a_split_leaves_nothing_out(most):
    """The only solution, 1, is the first value above the split, or the last one below."""
    model = model_of([[1], [-1]], [1, -1], 0, 2)
    tree = (Split(0, most), Leaf(np.array([1, 0])), Leaf(np.array([0, 1])))
    assert not Refutation(tree).holds(model, model.rows)
    other = model_of([[2], [-2]], [most * 2 + 1, -most * 2 - 1], 0, 2)  # between the two values
    assert Refutation(tree).holds(other, other.rows)


def test_multipliers_that_may_not_be():
    model = model_of([[1]], [3], 0, 2)
    ends = model.lower, model.upper
    assert closes(np.array([1]), model.rows, *ends)
    for wrong in ([-1], [0], [], [1, 1], [2**62]):
        assert not closes(np.array(wrong, dtype=np.int64), model.rows, *ends)
    negated = replace(model, rows=replace(model.rows, coef=-model.rows.coef, lower=np.array([-1])))
    assert not closes(np.array([-1]), negated.rows, *ends)


@given(model=models(), objective=st.lists(small, min_size=3, max_size=3), least=st.integers(-5, 5))
def test_rows_below_an_objective(model, objective, least):
    model = replace(model, objective=np.array(objective[: len(model.lower)]))
    better = [x for x in solutions(model, model.rows) if model.objective @ x < least]
    assert solutions(model, below(model, least)) == better


@pytest.mark.parametrize(("d", "goal"), [(3, "at-most:0"), (64, "at-most:0"), (3, "min")])
def test_highs_is_certified_on_linear_systems(d, goal):
    if not milp.MilpBackend().availability().available:
        pytest.skip("highspy is not installed")
    rng, domain = np.random.default_rng(d), qnnt.Domain(d)
    x = np.unique(rng.integers(domain.lo, domain.hi + 1, (14, 5)), axis=0)
    data = qnnt.Dataset(x, rng.integers(0, 2, (len(x), 1)))
    instance = qnnt.Instance(domain, qnnt.Architecture.dense([5, 1]), data)
    result = qnnt.solve(instance, goal=goal, backend="milp:highs")
    assert result.status in (Status.UNSATISFIABLE, Status.OPTIMAL)
    assert result.evidence.basis is Basis.CERTIFIED
    second = qnnt.solve(instance, goal=goal, backend="maxsat")
    assert (second.status, second.errors) == (result.status, result.errors)


@pytest.mark.parametrize("status", [Status.UNSATISFIABLE, Status.OPTIMAL])
def test_a_false_word_of_highs(monkeypatch, status):
    model = model_of([[1, 1]], [1], 0, 2, objective=[1, 1])
    right, worse = np.array([1, 0]), np.array([2, 0])
    monkeypatch.setattr(milp, "refuted", lambda *_: right)
    claimed = Answer(status, worse, 2) if status is Status.OPTIMAL else Answer(status)
    answer = milp._certified(model, claimed, Limits(), 0.1)
    assert (answer.status, answer.cost, answer.certified) == (Status.UNKNOWN, 1, False)
    assert "wrong" in answer.reason


def test_the_word_of_floating_point_is_told():
    evidence = qnnt.result.Evidence(floating=True)
    result = qnnt.Result(Status.UNSATISFIABLE, "at-most:0", "milp:highs", "milp", evidence=evidence)
    assert result.evidence.basis is Basis.WORD
    assert "floating point" in dict(result.facts)["evidence"]
