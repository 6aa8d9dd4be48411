"""Bounds of rounding confirmed from multipliers: never above the least cost, whatever the multipliers are."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qnnt.limits import Limits
from qnnt.models import Multipliers, QuadraticModel
from qnnt.registry import rounder
from qnnt.rounders.lattice.blocks import BlockBound
from qnnt.rounders.lattice.form import Form
from qnnt.rounders.lattice.shared import Shared
from qnnt.rounding.certificates import RowCertificate
from qnnt.verify.dual import MOST_POINTS, confirmed_bound
from qnnt.verify.rounded_rows import LOST, Verdict, check_bounds


def fractions(values) -> np.ndarray:
    return np.array([Fraction(v) for v in np.ravel(values).tolist()], dtype=object).reshape(np.shape(values))


def exact_cost(model: QuadraticModel, v) -> Fraction:
    d = fractions(v) - fractions(model.target)
    return Fraction(model.scale) * (d @ fractions(model.gram) @ d) + Fraction(model.constant)


def exact_least(model: QuadraticModel) -> Fraction:
    box = (range(a, b + 1) for a, b in zip(model.lower.tolist(), model.upper.tolist(), strict=True))
    return min(exact_cost(model, v) for v in itertools.product(*box))


def definite(matrix: np.ndarray) -> bool:
    """Whether a symmetric matrix of fractions is positive semidefinite, by LDLᵀ without rounding."""
    left = matrix.copy()
    for k in range(len(left)):
        if left[k, k] < 0 or (left[k, k] == 0 and any(left[k, k:] != 0)):
            return False
        if left[k, k] > 0:
            left[k + 1 :, k + 1 :] -= np.outer(left[k + 1 :, k], left[k, k + 1 :]) / left[k, k]
    return True


def shifted(model: QuadraticModel, S: np.ndarray) -> np.ndarray:
    """G − S of the variables that have a choice, exactly."""
    free = np.ix_(model.free, model.free)
    return fractions(model.gram[free]) - fractions(S[free])


@st.composite
def models(draw: st.DrawFn, widest: int = 3) -> QuadraticModel:
    m, n = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    integers = draw(st.booleans())
    A = (
        rng.integers(-9, 10, (n, m)).astype(float)
        if integers
        else rng.normal(size=(n, m)) * 10.0 ** rng.integers(-3, 4)
    )
    gram = A.T @ A
    lower = rng.integers(-2, 2, m)
    upper = lower + rng.integers(0, widest + 1, m)
    upper[np.diagonal(gram) == 0] = lower[np.diagonal(gram) == 0]  # as in layers: nothing depends on these
    target = lower + rng.random(m) * 2
    return QuadraticModel(
        (gram + gram.T) / 2, target, lower, upper, float(rng.random() + 0.1), float(rng.random())
    )


def run(model: QuadraticModel, name: str = "closest-vector"):
    backend = rounder(name)
    return backend.run(model, Limits(time=60), backend.prepare(model.gram, lambda: False), lambda: False)


def certificate(model: QuadraticModel) -> RowCertificate:
    answer = run(model)
    return RowCertificate(
        model, answer.assignment, model.cost(answer.assignment), answer.bound, answer.multipliers
    )


def verdict(row: RowCertificate) -> Verdict:
    return check_bounds([[row]])[0].rows[0].verdict


@given(models(), st.data())
def test_no_multipliers_give_more_than_the_least_cost(model: QuadraticModel, data: st.DataObject):
    """S is a random matrix on blocks of one to three columns, feasible or not, and x any point."""
    m, scale = len(model.target), float(np.trace(model.gram)) + 1e-3
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    factor = data.draw(st.sampled_from([0.0, 1e-9, 0.02, 0.2, 1.0, -1.0]))
    free = model.free
    block = rng.integers(0, 3, m)
    pairs = [(i, j) for i in free for j in free if j <= i and (i == j or block[i] == block[j])]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    values = factor * scale * rng.normal(size=len(rows))
    point = model.lower + rng.normal(size=m) * data.draw(st.sampled_from([0.3, 10.0]))
    found = confirmed_bound(model, Multipliers(rows, columns, values, point, 0.0))
    if found.bound is not None:
        assert found.bound <= exact_least(model)
    S = np.zeros((m, m))
    S[rows, columns] = S[columns, rows] = values
    lowered = S - 1e-5 * scale * np.eye(m)
    if definite(shifted(model, lowered)):
        # Ridges are small: what is definite by far has a factor.
        assert (
            confirmed_bound(model, Multipliers(rows, columns, lowered[rows, columns], point, 0.0)).bound
            is not None
        )
    if found.bound is not None:
        assert definite(shifted(model, S - 1e-4 * scale * np.eye(m)))


@given(models(widest=1))
def test_the_rounder_tells_multipliers_that_give_its_bound(model: QuadraticModel):
    row = certificate(model)
    assert row.multipliers is not None
    confirmed = confirmed_bound(model, row.multipliers).bound
    size = (
        float(((np.abs(model.lower - model.target) + 1) @ np.sqrt(np.diagonal(model.gram))) ** 2)
        * model.scale
    )
    assert confirmed <= exact_least(model)
    if row.multipliers.bound <= model.constant:  # a sum of squares has that anyway: no certificate holds it
        return
    assert confirmed >= (1 - LOST) * row.multipliers.bound - 1e-12 * size
    S = np.zeros_like(model.gram)
    S[row.multipliers.rows, row.multipliers.columns] = row.multipliers.values
    assert definite(shifted(model, S - 1e-9 * np.trace(model.gram) * np.eye(len(S))))
    assert verdict(row) is not Verdict.FAILED


def long_model(m: int, seed: int, *, widest: int = 1, bias: int = 1) -> QuadraticModel:
    rng = np.random.default_rng(seed)
    A = rng.integers(0, 100, (2 * m, m)).astype(float)
    upper = np.full(m, widest)
    upper[-1], target = bias, rng.random(m)
    target[-1] *= bias
    return QuadraticModel(A.T @ A, target, np.zeros(m, dtype=np.int64), upper, 0.5 / m)


def test_blocks_of_a_row_too_long_to_search():
    row = certificate(long_model(210, 1))
    assert row.bound > 0.01 * row.cost
    checked = check_bounds([[row]])[0].rows[0]
    assert checked.verdict is Verdict.CONFIRMED
    assert checked.confirmed >= (1 - LOST) * row.bound
    S = row.multipliers
    assert (S.rows != S.columns).any()
    assert verdict(replace(row, multipliers=replace(S, values=1.01 * S.values))) is Verdict.FAILED


@pytest.mark.parametrize(
    ("m", "widest", "bias", "points"), [(30, 3, 2**16, 64), (7, 1, 1, 16), (5, 2, 20, 16)]
)
def test_blocks_with_more_than_two_integers(m: int, widest: int, bias: int, points: int):
    """The last weight, with many integers, is in no block."""
    model = long_model(m, m, widest=widest, bias=bias)
    form, shared, z = Form.of(model), Shared.of(model.gram), np.rint(model.target).astype(np.int64)
    blocks = BlockBound(form, z, shared.rate, points=points)
    bound = form.bound(blocks.value(lambda _: False))
    assert bound > 0.05 * model.cost(z)
    confirmed = confirmed_bound(model, blocks.multipliers(bound)).bound
    assert (1 - LOST) * bound <= confirmed <= exact_cost(model, z)
    told = RowCertificate(model, z, model.cost(z), bound, blocks.multipliers(bound))
    assert verdict(told) is Verdict.CONFIRMED
    if m < 10:
        assert confirmed <= exact_least(model)


@pytest.fixture(scope="module")
def row() -> RowCertificate:
    """Eight bits; the bound is proved by search, the multipliers give less."""
    row = certificate(replace(long_model(8, 5), constant=1.0))
    assert 1.0 < row.multipliers.bound < 0.99 * row.bound
    return row


@pytest.mark.parametrize(
    ("change", "confirmed"),
    [
        (lambda rate: 0.5 * rate, True),
        (lambda rate: 0.0 * rate, True),
        (lambda rate: rate - 1e6, True),
        (lambda rate: rate - 1e300, True),
        (lambda rate: 2.0 * rate, False),
        (lambda rate: rate + 1e9, False),
        (lambda rate: rate + 1e308, False),
        (lambda rate: rate + np.nan, False),
        (lambda rate: rate - np.inf, False),
    ],
)
def test_other_multipliers_give_less_or_nothing(row: RowCertificate, change, confirmed: bool):
    changed = replace(row, multipliers=replace(row.multipliers, values=change(row.multipliers.values)))
    found = confirmed_bound(row.model, changed.multipliers).bound
    assert (found is not None) == confirmed
    assert found is None or found < row.multipliers.bound
    assert verdict(changed) is Verdict.FAILED
    if confirmed:  # a bound that claims no more is right
        honest = replace(changed, multipliers=replace(changed.multipliers, bound=float(found)))
        assert verdict(honest) is Verdict.SEARCH


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"integers": [2, 0, 0, 0, 0, 0, 0, 0]}, "not in the box"),
        ({"integers": [0, 0]}, "not in the box"),
        ({"cost": 0.5}, "the integers cost"),
        ({"cost": np.nan}, "the integers cost"),
        ({"bound": 1e9}, "above the cost"),
        ({"bound": np.nan}, "above the cost"),
    ],
)
def test_false_claims_of_a_row(row: RowCertificate, change: dict, says: str):
    change = {key: np.array(value) if key == "integers" else value for key, value in change.items()}
    checked = check_bounds([[row, replace(row, **change)]])[0]
    assert checked.failed == [1]
    assert says in checked.rows[1].reason


@pytest.mark.parametrize("width", [1, 2**20, 2**31, 2**53])
def test_no_false_claim_passes_for_noise_in_a_wide_box(width: int):
    none, target = np.zeros(0, dtype=np.int64), np.array([0.5])
    model = QuadraticModel(np.eye(1), target, np.array([-width]), np.array([width]))
    multipliers = Multipliers(none, none, np.zeros(0), target, 0.0)
    row = RowCertificate(model, np.array([0]), 0.25, 0.0)
    assert verdict(row) is Verdict.NONE
    assert verdict(replace(row, bound=0.2)) is Verdict.SEARCH
    for change in ({"cost": 1e6, "bound": 1e6}, {"cost": 0.2500005}, {"bound": 0.2500005}):
        assert verdict(replace(row, multipliers=multipliers, **change)) is Verdict.FAILED
    for dual in (0.2, 1e6):
        assert verdict(replace(row, multipliers=replace(multipliers, bound=dual))) is Verdict.FAILED


def test_of_a_layer_that_failed_nothing_is_confirmed(row: RowCertificate):
    outside = replace(row, integers=row.integers + 9)
    (layer,) = check_bounds([[outside, outside]])
    assert (layer.failed, layer.as_dict()["confirmed_share"]) == ([0, 1], 0.0)


def test_other_integers_have_another_cost(row: RowCertificate):
    assert verdict(row) is Verdict.SEARCH
    assert verdict(replace(row, integers=1 - row.integers)) is Verdict.FAILED
    assert verdict(replace(row, multipliers=None)) is Verdict.SEARCH
    assert verdict(replace(row, multipliers=None, bound=1.0)) is Verdict.NONE
    assert verdict(replace(row, bound=row.multipliers.bound)) is Verdict.CONFIRMED
    assert verdict(replace(row, multipliers=replace(row.multipliers, bound=row.bound))) is Verdict.FAILED
    assert verdict(replace(row, multipliers=replace(row.multipliers, bound=np.nan))) is Verdict.FAILED


def test_multipliers_that_do_not_fit(row: RowCertificate):
    S, ints = row.multipliers, np.arange(8)
    fixed = replace(row.model, upper=row.model.lower + (ints > 0))
    for model, wrong, says in [
        (row.model, replace(S, point=S.point[:-1]), "8 weights"),
        (row.model, replace(S, values=S.values[:-1]), "8 weights"),
        (row.model, replace(S, point=np.full(8, np.nan)), "not finite"),
        (row.model, replace(S, rows=S.rows - 1), "below its diagonal"),
        (row.model, replace(S, rows=S.rows + 1), "below its diagonal"),
        (row.model, replace(S, rows=0 * ints, columns=0 * ints), "twice"),
        (fixed, S, "without a choice"),
        (replace(row.model, upper=row.model.upper - 2), S, "box is empty"),
        (replace(row.model, target=row.model.target[:-1]), S, "8 entries"),
        (replace(row.model, scale=-1.0), S, "negative"),
        (replace(row.model, gram=row.model.gram + np.eye(8, k=1)), S, "not symmetric"),
        (replace(row.model, gram=row.model.gram * np.nan), S, "not finite"),
        (replace(row.model, gram=row.model.gram[:3]), S, "not square"),
        (replace(row.model, gram=-row.model.gram), S, "no Cholesky factor"),
    ]:
        found = confirmed_bound(model, wrong)
        assert found.bound is None
        assert says in found.reason
    joined = Multipliers(np.array([1]), np.array([0]), np.array([1.0]), S.point, 0.0)
    ends = np.iinfo(np.int64)
    for lower, upper in [(0, MOST_POINTS), (ends.min, ends.max)]:
        wide = replace(row.model, lower=np.full(8, lower), upper=np.full(8, upper))
        assert "points" in confirmed_bound(wide, joined).reason


def test_terms_beyond_all_doubles_are_a_failure(row: RowCertificate):
    huge = replace(row.model, gram=1e300 * row.model.gram, scale=1e10)
    checked = check_bounds([[replace(row, model=huge)]])[0].rows[0]
    assert (checked.verdict, checked.reason) == (Verdict.FAILED, "its terms are beyond what a double holds")


@given(models(), st.sampled_from([1e-300, 1e-160, 1.0, 1e150, 1e290]))
def test_extreme_sizes(model: QuadraticModel, factor: float):
    """Whatever over- or underflows, a bound that is told is right."""
    gram = factor * model.gram
    assume(np.isfinite(gram).all())
    model = replace(model, gram=gram)
    S = Multipliers.diagonal(model.free, -1e-3 * np.diagonal(gram)[model.free], model.target, 0.0)
    found = confirmed_bound(model, S)
    assert found.bound is None or found.bound <= exact_least(model)
