"""Bounds against exact optima where doubles run out of digits: scales of 1e±30, biases of many units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from layers import Layer, optimum

from qnnt.exceptions import InputError
from qnnt.rounding import Affine, Scheme, round_layer

EXACT = ("closest-vector", "enumeration")


@dataclass(frozen=True)
class WideBias(Scheme):
    """Biases of 60 bits, so that no large one is clipped."""

    @property
    def bias_range(self):
        return -(2**60), 2**60


def rounded(layer: Layer, backend: str):
    return round_layer(
        layer.W,
        layer.b,
        layer.X,
        scheme=layer.scheme,
        backend=backend,
        reference=layer.reference,
        row_time=60,
    )


def with_bias(seed: int, units: float, scheme: Scheme, reference: str) -> Layer:
    """A layer whose biases are about so many units of their scale."""
    rng = np.random.default_rng(seed)
    layer = Layer(rng.normal(size=(2, 3)), np.zeros(2), rng.random((5, 3)), scheme)
    _, scale, code = layer.parts()
    layer.b = (units + rng.random(2)) * scale * code.scale
    if reference != "none":
        layer.reference = layer.X @ layer.W.T + (layer.b if reference == "own" else 0.0)
    return layer


@pytest.mark.parametrize("backend", EXACT)
@pytest.mark.parametrize("reference", ["none", "own", "without bias"])
@pytest.mark.parametrize("exponent", [10, 28, 30.9, 32, 45, 49.9])
def test_large_biases(backend, reference, exponent):
    for seed in range(4):
        for scheme in (Scheme(2), WideBias(2)):
            layer = with_bias(seed, 2.0**exponent, scheme, reference)
            result = rounded(layer, backend)
            for i in range(2):
                least = optimum(layer, i)
                assert result.lower_bound[i] <= least
                assert result.lower_bound[i] >= (1 - 1e-6) * least
            assert result.proved.all()


@pytest.mark.parametrize("sign", [-1, 1])
def test_more_units_than_doubles_hold(sign):
    for exponent in (50.1, 60, 200):
        with pytest.raises(InputError, match=r"^b: an entry is more than 2\^50 units"):
            rounded(with_bias(0, sign * 2.0**exponent, Scheme(2), "none"), "nearest")
    layer = with_bias(0, 1.0, Scheme(2), "none")
    layer.reference = np.full((5, 2), 1e20)
    with pytest.raises(InputError, match=r"^reference: an entry is more than 2\^50 units"):
        rounded(layer, "nearest")


def test_more_products_than_doubles_hold():
    """Codes of 25 bits: the square of one fits into a double, those of 9 do not."""
    wide, X = Affine(1.0, 0, 0, 2**25), np.full((9, 1), 2.0**25)
    result = round_layer([[0.3]], [0.2], X[:7], inputs=wide, row_time=60)
    assert result.proved.all()
    with pytest.raises(InputError, match=r"^X: sums of products of its codes are beyond"):
        round_layer([[0.3]], [0.2], X, inputs=wide)


@pytest.mark.parametrize("backend", EXACT)
@given(
    seed=st.integers(0, 2**32 - 1),
    bits=st.sampled_from([1, 2, 8]),
    scales=st.tuples(*3 * [st.sampled_from([-30, -15, 0, 15, 30])]),
    units=st.floats(0, 49),
    reference=st.sampled_from(["none", "own", "half"]),
)
def test_extreme_scales(backend, seed, bits, scales, units, reference):
    rng = np.random.default_rng(seed)
    f, N = int(rng.integers(1, 5)), int(rng.integers(1, 7))
    W, X = 10.0 ** scales[0] * rng.normal(size=(1, f)), 10.0 ** scales[1] * rng.normal(size=(N, f))
    b = 10.0 ** scales[2] * rng.normal(size=1)
    if rng.random() < 0.5:
        b = 2.0**units * np.abs(W).max() * np.abs(X).max() / 255 * rng.normal(size=1)
    goal = None if reference == "none" else (X @ W.T + b) * (1.0 if reference == "own" else 0.5)
    layer = Layer(W, b, X, Scheme(bits), 2, goal)
    try:
        result = rounded(layer, backend)
    except InputError as error:
        assume(error.place not in ("b", "W", "reference"))
        raise
    assert result.lower_bound[0] <= optimum(layer, 0)
