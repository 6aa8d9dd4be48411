"""Schemes, and round_layer's promises beyond the solvers' own."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from faulty import Hurried
from hypothesis import given
from layers import Layer, distance, layers

import qnnt
from qnnt import registry
from qnnt.exceptions import InputError, UnknownWord, WrongAnswer
from qnnt.limits import Limit, Limits, Status
from qnnt.rounders.annealing import AnnealingRounder
from qnnt.rounders.base import PROVED, RowAnswer, nearest
from qnnt.rounders.nearest import NearestPlaneRounder, NearestRounder
from qnnt.rounding import Affine, Scheme, round_layer
from qnnt.rounding.qubo import QuboEncoder
from qnnt.rounding.rows import RowPlan, RowRuns

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


def test_threads_processes_and_executors_agree():
    layer = Layer.random(2, 5, 8, 30)
    run = partial(round_layer, layer.W, layer.b, layer.X, row_time=120)  # with all that a process loads
    plain = run()
    seen = []
    threads = run(limits=Limits(threads=2), progress=lambda p: seen.append((p.done, p.total)))
    assert seen == [(i + 1, 5) for i in range(5)]
    with ThreadPoolExecutor(2) as executor:
        given_one = run(executor=executor)
    isolated = run(limits=Limits(memory=8000))
    for other in (threads, given_one, isolated):
        assert (other.codes == plain.codes).all(), other.reasons
        assert (other.proved == plain.proved).all()


def test_processes_of_an_executor_agree():
    layer = Layer.random(2, 5, 8, 30)
    plain = round_layer(layer.W, layer.b, layer.X, row_time=120)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        others = round_layer(layer.W, layer.b, layer.X, row_time=120, executor=executor)
        late = round_layer(layer.W, layer.b, layer.X, limits=Limits(time=1e-3), executor=executor)
    assert (others.codes == plain.codes).all(), others.reasons
    assert others.proved.all()
    assert set(late.row_limits) == {Limit.TIME}


def test_solvers_that_bear_no_other_share_an_executor():
    layer = Layer.random(2, 2, 5, 30)
    with ThreadPoolExecutor(2) as executor:
        for name in ("cpsat", "milp"):
            result = round_layer(layer.W, layer.b, layer.X, row_time=120, backend=name, executor=executor)
            assert result.proved.all(), result.reasons


def test_a_lost_executor_loses_no_row():
    layer = Layer.random(2, 3, 5, 30)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        result = round_layer(layer.W, layer.b, layer.X, backend=Faulty(how="die"), executor=executor)
    assert all("BrokenProcessPool" in reason for reason in result.reasons)
    assert (result.cost == result.nearest_cost).all()
    assert (result.lower_bound == 0).all()


def test_dask_is_an_executor():
    distributed = pytest.importorskip("distributed")
    layer = Layer.random(2, 5, 8, 30)
    plain = round_layer(layer.W, layer.b, layer.X, row_time=120)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as c,
        distributed.Client(c) as client,
        client.get_executor() as executor,
    ):
        others = round_layer(layer.W, layer.b, layer.X, row_time=120, executor=executor)
        late = round_layer(layer.W, layer.b, layer.X, limits=Limits(time=1e-3), executor=executor)
    assert (others.codes == plain.codes).all(), others.reasons
    assert others.proved.all()
    assert set(late.row_limits) == {Limit.TIME}


@dataclass(frozen=True)
class Slow(NearestPlaneRounder):
    """Takes its time, and remembers which rows were begun."""

    seconds: float = 0.0
    begun: list[Limits] = field(default_factory=list)
    name = "slow"

    def prepare(self, gram, over):
        assert threading.current_thread() is not threading.main_thread()  # where a Ctrl-C could be lost
        while self.seconds and not over():
            time.sleep(1e-3)

    def run(self, model, limits, prepared, stopped):
        assert threading.current_thread() is not threading.main_thread()
        self.begun.append(limits)
        time.sleep(2e-3)
        return RowAnswer(Status.SATISFIABLE, nearest(model), reason="slow")


@pytest.mark.parametrize("name", sorted(rounder.name for rounder in registry.rounders()))
def test_no_time_is_a_cheap_rounding_and_no_proof(name):
    """Rows that are not reached: never worse than nearest, bounds that hold, nothing missing."""
    for seed in range(5):
        layer = Layer.random(seed, 3, 12, 40)
        exact = round_layer(layer.W, layer.b, layer.X, row_time=120)
        heard = []
        result = round_layer(
            layer.W, layer.b, layer.X, backend=name, limits=Limits(time=1e-6), progress=heard.append
        )
        assert set(result.row_status) == {Status.UNKNOWN}
        assert set(result.row_limits) == {Limit.TIME}
        assert set(result.reasons) == {"the time limit was reached"}
        assert not result.proved.any()
        assert (result.lower_bound <= exact.cost * (1 + 1e-9)).all()
        assert (result.cost <= result.nearest_cost).all()
        assert [news.done for news in heard] == [1, 2, 3]
        if name == "nearest":
            assert (result.cost == result.nearest_cost).all()
        else:
            assert result.cost.sum() < result.nearest_cost.sum()


def test_a_rounder_says_what_late_rows_become_whatever_its_name():
    class Namesake(NearestPlaneRounder):
        name = "nearest"

    class Baseline(NearestRounder):
        name = "baseline"

    layer = Layer.random(0, 3, 12, 40)
    late = {"limits": Limits(time=1e-6)}
    by_plane = round_layer(layer.W, layer.b, layer.X, backend=Namesake(), **late)
    kept = round_layer(layer.W, layer.b, layer.X, backend=Baseline(), **late)
    assert set(by_plane.row_limits) == set(kept.row_limits) == {Limit.TIME}
    assert by_plane.cost.sum() < by_plane.nearest_cost.sum()
    assert (kept.cost == kept.nearest_cost).all()


def test_a_rounder_of_bits_refuses_more_in_the_same_words():
    layer = Layer.random(0, 1, 4, 20, bits=4, candidates=3)
    model, _ = QuboEncoder(0).apply(layer.problem())
    refusals = {rounder.refuses(model) for rounder in registry.rounders()} - {None}
    assert refusals == {"takes two candidates per weight; try closest-vector or beam"}


@pytest.mark.parametrize("name", ["closest-vector", "enumeration", "cpsat", "milp"])
def test_bounds_hold_at_any_time_limit(name):
    rounder = registry.rounder(name)
    for seed in range(3):
        layer = Layer.random(seed, 1, 11, 40)
        model, _ = QuboEncoder(0).apply(layer.problem())
        best = model.cost(registry.rounder("enumeration").run(model, Limits(), None, bool).assignment)
        with RowRuns(RowPlan([model], Hurried(rounder), Limits(time=60))) as runs:
            ((_, row),) = runs.ended()
        assert row.answer.reason == "of 10"
        assert row.answer.bound <= best * (1 + PROVED)


def test_preparation_counts_and_no_row_begins_late():
    layer = Layer.random(0, 4, 5, 20)
    slow = Slow(seconds=1.0)
    result = round_layer(layer.W, layer.b, layer.X, backend=slow, limits=Limits(time=0.05))
    assert (slow.begun, set(result.row_limits)) == ([], {Limit.TIME})


def test_time_that_a_row_leaves_is_for_those_after_it():
    layer = Layer.random(0, 4, 5, 20)
    quick = Slow()
    result = round_layer(layer.W, layer.b, layer.X, backend=quick, limits=Limits(time=1000.0))
    times = [limits.time for limits in quick.begun]
    assert set(result.reasons) == {"slow"}
    assert 240 < times[0] <= 250  # a quarter, then a third …
    assert times == sorted(times)
    assert 900 < times[-1] <= 1000
    capped = Slow()
    round_layer(layer.W, layer.b, layer.X, backend=capped, limits=Limits(time=1000.0), row_time=7.0)
    assert [limits.time for limits in capped.begun] == [7.0] * 4


@dataclass(frozen=True)
class Faulty(NearestPlaneRounder):
    """Raises, or answers what it must not."""

    how: str = "raise"
    name = "faulty"

    def prepare(self, gram, over):
        if self.how == "unprepared":
            raise OSError("No space left on device")

    def run(self, model, limits, prepared, stopped):
        if self.how == "hoard":
            return RowAnswer(Status.SATISFIABLE, reason=str(len([np.ones(1 << 22) for _ in range(1000)])))
        if self.how == "die":
            os._exit(3)
        if self.how == "raise":
            raise ZeroDivisionError("of course")
        if self.how == "outside":
            return RowAnswer(Status.OPTIMAL, model.upper + 1)
        if self.how == "empty":
            return RowAnswer(Status.OPTIMAL)
        if self.how == "nan":
            return RowAnswer(Status.OPTIMAL, nearest(model), np.nan)
        return RowAnswer(Status.OPTIMAL, nearest(model), model.cost(nearest(model)) * 2 + 1)


def test_a_failing_solver_is_no_answer():
    layer = Layer.random(0, 2, 5, 20)
    faults = {
        "raise": "ZeroDivisionError: of course",
        "outside": "not in the box",
        "empty": "optimum is missing",
        "nan": "bound is nan",
        "unprepared": "No space",
    }
    for how, reason in faults.items():
        result = round_layer(layer.W, layer.b, layer.X, backend=Faulty(how=how))
        assert all(reason in r for r in result.reasons)
        assert set(result.row_status) == {Status.UNKNOWN}
        assert set(result.row_limits) == {None}
        assert not result.proved.any()
        assert (result.cost == result.nearest_cost).all()
        assert (result.lower_bound == 0).all()
    with pytest.raises(WrongAnswer, match="row 0 costs at least"):
        round_layer(layer.W, layer.b, layer.X, backend=Faulty(how="bound"))


def test_a_memory_limit_is_told_and_leaves_the_nearest_plane():
    layer = Layer.random(0, 1, 12, 40)
    limits = Limits(memory=1000)
    result = round_layer(layer.W, layer.b, layer.X, backend=Faulty(how="hoard"), limits=limits, row_time=120)
    assert result.row_limits == (Limit.MEMORY,)
    assert result.row_status == (Status.UNKNOWN,)
    assert result.reasons == ("out of memory",)
    planes = round_layer(layer.W, layer.b, layer.X, backend="nearest-plane")
    assert (result.cost == np.minimum(planes.cost, planes.nearest_cost)).all()


def test_a_status_for_every_row():
    layer = Layer.random(0, 2, 6, 20)
    statuses = {"closest-vector": Status.OPTIMAL, "beam": Status.SATISFIABLE, "nearest": Status.SATISFIABLE}
    for name, status in statuses.items():
        result = round_layer(layer.W, layer.b, layer.X, backend=name, row_time=60)
        assert result.row_status == (status,) * 2
        assert result.row_limits == (None, None)
        assert (result.reasons == (None, None)) == (status is Status.OPTIMAL)


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
assert loops.beam.stats.cache_path is None
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
