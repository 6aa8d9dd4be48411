"""Schemes, and round_layer's promises beyond the solvers' own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from layers import Layer, distance, layers

import qnnt
from qnnt.exceptions import InputError, UnknownWord
from qnnt.rounders.annealing import AnnealingRounder
from qnnt.rounding import Affine, Scheme, round_layer

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"


@pytest.mark.parametrize(("bits", "lo", "hi"), [(1, -1, 0), (2, -2, 1), (4, -8, 7), (8, -128, 127)])
@pytest.mark.parametrize("scaling", ["symmetric", "max"])
@pytest.mark.parametrize("per", ["tensor", "row"])
def test_ranges_and_scales(bits, lo, hi, scaling, per):
    scheme = Scheme(bits, scaling, per)
    assert scheme.weight_range == (lo, hi)
    W = np.array([[1.0, -2.0], [0.25, 0.5], [0.0, 0.0]])
    scale = scheme.weight_scale(W)
    most = np.array([2.0, 0.5, 1.0]) if per == "row" else np.full(3, 2.0)
    rows = slice(None) if per == "tensor" else slice(2)
    expected = 2 * most / (2**bits - 1) if scaling == "symmetric" else most / 2 ** (bits - 1)
    assert np.allclose(scale[rows], expected[rows], rtol=1e-7)
    assert (scale > 0).all()
    assert (scale == scale.astype(np.float32)).all()


@given(layers(most_bits=10))
def test_inputs_are_stored_within_half_a_step(layer: Layer):
    code = layer.scheme.inputs(layer.X)
    codes = code.codes(layer.X)
    assert codes.min() >= -128
    assert codes.max() <= 127
    assert np.abs(code.values(codes) - layer.X).max() <= code.scale * (0.5 + 1e-4)
    assert (code.codes(code.values(codes)) == codes).all()
    assert code.values(code.codes(0.0)) == 0


@given(layers(most_bits=20, most_neurons=4))
def test_codes_keep_the_range_and_cost_what_is_said(layer: Layer):
    result = round_layer(
        layer.W,
        layer.b,
        layer.X,
        scheme=layer.scheme,
        backend="beam",
        candidates=layer.candidates,
        reference=layer.reference,
    )
    lo, hi = layer.scheme.weight_range
    assert lo <= result.codes.min() <= result.codes.max() <= hi
    assert (result.cost <= result.nearest_cost * (1 + 1e-9) + 1e-300).all() or layer.reference is not None
    stored = result.inputs.values(result.inputs.codes(layer.X))
    y = stored @ layer.W.T + layer.b if layer.reference is None else layer.reference
    direct = ((y - result(layer.X)) ** 2).mean(axis=0)
    room = 1e-9 * result.nearest_cost + 1e-20 * (y**2).mean(axis=0)
    assert (np.abs(result.cost - direct) <= room).all()
    assert (
        np.abs(stored @ result.weights.T + result.biases - result(layer.X)) <= 1e-9 * np.abs(y).max() + 1e-300
    ).all()


def test_nearest_is_the_yardstick():
    layer = Layer.random(0, 3, 5, 20)
    result = round_layer(layer.W, layer.b, layer.X, backend="nearest")
    expected = np.clip(np.rint(layer.W / result.weight_scale[:, None]), -2, 1)
    assert (result.codes == expected).all()
    assert (result.bias_codes == np.rint(layer.b / result.bias_scale)).all()
    assert (result.cost == result.nearest_cost).all()
    assert not result.proved.any()
    assert set(result.reasons) == {"rounding to nearest proves nothing"}


def test_a_wider_box_is_never_worse():
    layer = Layer.random(5, 3, 6, 30, bits=3)
    costs = [round_layer(layer.W, layer.b, layer.X, bits=3, candidates=c).cost.sum() for c in (2, 4, 6)]
    assert costs[0] >= costs[1] * (1 - 1e-9) >= costs[2] * (1 - 2e-9)


def test_clipping_afterwards_is_the_papers():
    differed = 0
    for seed in range(20):
        layer = Layer.random(seed, 2, 6, 20)
        fixed = round_layer(layer.W, layer.b, layer.X)
        after = round_layer(layer.W, layer.b, layer.X, clip="after")
        assert fixed.proved.all()
        assert after.codes.max() <= 1
        assert (after.cost >= fixed.cost * (1 - 1e-9)).all()
        assert (after.lower_bound <= fixed.cost * (1 + 1e-9)).all()
        differed += int((after.cost > fixed.cost * (1 + 1e-6)).any())
        assert (~after.proved | (after.cost <= fixed.cost * (1 + 2e-6))).all()
    assert differed


def test_a_scheme_of_ones_own():
    @dataclass(frozen=True)
    class Ternary(Scheme):
        @property
        def weight_range(self):
            return -1, 1

        def weight_scale(self, W):
            return np.full(len(W), 0.5)

    layer = Layer.random(0, 3, 5, 20)
    result = round_layer(layer.W, layer.b, layer.X, scheme=Ternary(2))
    assert set(np.unique(result.codes)) <= {-1, 0, 1}
    assert (result.weight_scale == 0.5).all()
    own = Affine(0.01, 3)
    result = round_layer(layer.W, layer.b, layer.X, scheme=Ternary(2), inputs=own)
    assert (result.input_scale, result.input_zero_point) == (0.01, 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"W": [[1.0, np.nan]]}, "W: entry (0, 1) is not finite"),
        ({"W": [1.0]}, "W: 2 dimensions"),
        ({"b": [1.0, 2.0]}, "b: one bias"),
        ({"X": [[1.0]]}, "X: 2 columns"),
        ({"X": np.zeros((0, 2))}, "X: no rows"),
        ({"W": [["a", "b"]]}, "W: not an array of numbers"),
        ({"bits": 0}, "bits: "),
        ({"bits": 3, "scheme": Scheme(2)}, "bits: give bits or a scheme, not both"),
        ({"candidates": 1}, "candidates: "),
        ({"candidates": 2**16 + 1}, "candidates: "),
        ({"X": [[1e300, 0.0]]}, "X: their range is beyond"),
        ({"inputs": Affine(np.inf, 0)}, "inputs: their scale"),
        ({"row_time": np.inf}, "row_time: "),
        ({"reference": [[1.0]]}, "reference: shape"),
        ({"row_time": 0.0}, "row_time: "),
        ({"b": [1e300]}, "b: "),
    ],
)
def test_bad_input_names_its_place(change, words):
    arguments = {"W": [[1.0, 2.0]], "b": [0.5], "X": [[1.0, 2.0], [3.0, 4.0]], **change}
    with pytest.raises(InputError) as error:
        round_layer(**arguments)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (partial(Scheme, scaling="frob"), "no scaling 'frob'; there are: symmetric, max"),
        (partial(Scheme, per="frob"), "no scale per 'frob'; there are: tensor, row"),
        (partial(round_layer, [[1.0]], [0.0], [[1.0]], clip="frob"), "no clip 'frob'; there are: fix, after"),
        (
            partial(round_layer, [[1.0]], [0.0], [[1.0]], backend="frob"),
            "no rounding backend 'frob'; there are",
        ),
        (
            partial(AnnealingRounder, "frob"),
            "no annealing variant 'frob'; there are: scaled",
        ),
    ],
)
def test_unknown_words(make, words):
    with pytest.raises(UnknownWord, match=f"^{words}"):
        make()


def test_constant_inputs():
    """Gram matrices of rank 1: nothing is divided by what rounding errors leave."""
    layer = Layer.random(0, 3, 20, 40)
    for X in (np.full((40, 20), 3.0), np.zeros((40, 20)), np.tile(np.linspace(-1, 2, 20), (40, 1))):
        for name in ("closest-vector", "beam", "nearest-plane"):
            result = round_layer(layer.W, layer.b, X, backend=name, row_time=0.5)
            assert not any("Warning" in (reason or "") for reason in result.reasons)
            assert (result.cost <= result.nearest_cost * (1 + 1e-9)).all()


def test_all_zeros():
    result = round_layer(np.zeros((2, 3)), np.zeros(2), np.zeros((4, 3)))
    assert (result.codes == 0).all()
    assert (result.cost == 0).all()
    assert result.proved.all()


@pytest.mark.skipif(not MNIST.is_file(), reason="the data files are not here")
def test_the_second_layer_of_an_mnist_net_is_proved():
    from sklearn.linear_model import LogisticRegression

    with np.load(MNIST) as data:
        some = np.random.default_rng(0).choice(
            len(data["ytr"]), 1000, replace=False
        )  # they are sorted by class
        X, y = data["Xtr"][some].reshape(1000, -1) / 255.0, data["ytr"][some]
    hidden = np.maximum(X @ np.random.default_rng(0).normal(size=(784, 64)) / 28, 0)
    model = LogisticRegression(max_iter=2000).fit(hidden, y)
    result = round_layer(model.coef_, model.intercept_, hidden, row_time=60)
    assert result.proved.all()
    assert result.cost.sum() < 0.5 * result.nearest_cost.sum()
    layer = Layer(model.coef_, model.intercept_, hidden[:], Scheme(2))
    codes = np.append(result.codes[0], result.bias_codes[0])
    assert distance(layer, 0, codes) == pytest.approx(result.cost[0])


def test_without_a_folder_to_keep_what_is_compiled():
    """The package, the home and NUMBA_CACHE_DIR cannot be written to; numba tries by a temporary file."""
    program = """
import tempfile
def refuse(*words, **more):
    raise PermissionError(13, "Permission denied")
tempfile.TemporaryFile = refuse
from qnnt.rounders.lattice import loops
from qnnt.rounding import round_layer
assert loops.beam_block.stats.cache_path is None
result = round_layer([[0.3, 0.4, -0.8]], [0.1], [[0.5, 1.0, 0.2], [0.1, 0.0, 0.9]], backend="beam")
assert result.reasons == ("beam search proves nothing",), result.reasons
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": "/proc/none", "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=environment, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_numba_needs_no_scipy():
    program = """
import sys
sys.modules["scipy"] = None
from qnnt.rounding import round_layer
result = round_layer([[0.3, 0.4, -0.8]], [0.1], [[0.5, 1.0, 0.2], [0.1, 0.0, 0.9]], row_time=120)
assert result.proved.all(), result.reasons
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_the_package_is_loaded_lazily():
    assert qnnt.rounding.round_layer is round_layer
    assert all(getattr(qnnt.rounding, name) is not None for name in dir(qnnt.rounding))
    assert {"Rounder", "RowAnswer", "RowProgress", "Stopped", "nearest"} <= set(dir(qnnt.rounding))
    with pytest.raises(AttributeError):
        _ = qnnt.rounding.frob
