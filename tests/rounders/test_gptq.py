"""GPTQ against the algorithm as its paper writes it, weight by weight, and against nearest planes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.exceptions import UnknownWord
from qnnt.rounders.gptq import GptqRounder, gptq_planes
from qnnt.rounders.planes import Planes
from qnnt.rounding import Scheme, round_layer


def plain_gptq(w, H, scale, lowest, highest, *, by_activation):
    """Algorithm 1 of arXiv 2210.17323 for one row, without blocks, by solving for each update anew."""
    m = len(w)
    H, w = H.copy(), w.astype(float).copy()
    dead = np.diag(H) == 0
    size = np.diag(H).mean() if np.diag(H).any() else 1.0
    H[dead, dead] = size
    H += 0.01 * size * np.eye(m)
    order = sorted(range(m), key=lambda j: -H[j, j] if by_activation and not dead[j] else 0)
    codes = np.zeros(m, dtype=int)
    for position, j in enumerate(order):
        codes[j] = np.clip(np.rint(w[j] / scale), lowest, highest)
        error = w[j] - scale * codes[j]
        rest = order[position + 1 :]
        # The least squares answer of the columns left to the error of this one: δ = −H_rr⁻¹ H_rj (q − w).
        if rest:
            w[rest] += np.linalg.solve(H[np.ix_(rest, rest)], H[rest, j]) * error
    return codes


@given(st.integers(0, 10**6), st.integers(1, 9), st.sampled_from([2, 3, 4]), st.booleans(), st.booleans())
def test_it_is_the_algorithm_of_the_paper(seed, m, bits, by_activation, dead):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(20, m)) @ rng.normal(size=(m, m))
    if dead:
        A[:, rng.integers(m)] = 0
    W = rng.normal(size=(3, m))
    scale = Scheme(bits, per="row").weight_scale(W)
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    shape = np.ones(W.shape, dtype=np.int64)
    factor = gptq_planes(A.T @ A, by_activation=by_activation)
    for block in (1, 4, 128):
        found = factor.rounded(W / scale[:, None], lowest * shape, highest * shape, block)
        for row in range(3):
            expected = plain_gptq(W[row], A.T @ A, scale[row], lowest, highest, by_activation=by_activation)
            assert found[row].tolist() == expected.tolist()


def test_it_takes_any_code_of_the_range_unless_told_otherwise():
    rng = np.random.default_rng(0)
    W, b, X = rng.normal(size=(6, 12)), np.zeros(6), rng.random((40, 3)) @ rng.normal(size=(3, 12))
    scheme = Scheme(3, per="row")
    free = round_layer(W, b, X, scheme=scheme, backend="gptq")
    near = round_layer(W, b, X, scheme=scheme, backend="gptq", candidates=2)
    real = W / scheme.weight_scale(W)[:, None]
    assert (np.abs(free.codes - real) >= 1).any()
    assert (np.abs(near.codes - real).clip(0, 3) < 1 + 1e-9).all()
    assert (free.codes >= -4).all()
    assert (free.codes <= 3).all()
    assert free.cost.sum() < free.nearest_cost.sum()


def test_a_matrix_that_no_damping_of_one_percent_saves():
    gram = np.array([[1.0, 2.0], [2.0, 1.0]])  # not even positive definite, as rounding errors make it
    factor = gptq_planes(gram)
    box = np.array([[-4, -4]]), np.array([[3, 3]])
    assert factor.rounded(np.array([[0.4, 1.6]]), *box).shape == (1, 2)


@pytest.mark.parametrize("scale", [1e-320, 1e-9, 1.0, 1e9])
def test_without_damping_a_singular_matrix_gets_as_little_as_it_takes(monkeypatch, scale):
    tries, factorised = iter(range(20)), np.linalg.cholesky
    monkeypatch.setattr(np.linalg, "cholesky", lambda H: next(tries) is not None and factorised(H))
    gram = scale * np.outer([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    factor = Planes.of(gram, np.arange(3), 0.0)
    added = factor.R.T @ factor.R - gram
    assert np.abs(added).max() <= 1e-13 * gram.max() + 1e-306
    assert GptqRounder(damping=0.0).prepare(gram, lambda: False) is not None


def test_variants():
    assert GptqRounder("in-order").name == "gptq:in-order"
    with pytest.raises(UnknownWord, match="no gptq variant 'frob'; there are: in-order"):
        GptqRounder("frob")
