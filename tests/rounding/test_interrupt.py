"""Ctrl-C while a layer or a network is rounded: what is done is kept, the rest is marked."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np
import pytest
from layers import Layer

import qnnt.rounding.network as network_module
import qnnt.rounding.search as search_module
from qnnt.limits import Limit, Status
from qnnt.rounders.annealing import AnnealingRounder
from qnnt.rounders.nearest import NearestPlaneRounder
from qnnt.rounding import (
    DenseModel,
    RoundedLayer,
    RoundedNetwork,
    RowAnswer,
    RowProgress,
    Scheme,
    cut_short,
    nearest,
    round_layer,
    round_network,
)


def press() -> None:
    """Ctrl-C, once the main thread waits: Python may miss one that comes just as it begins to."""
    time.sleep(0.1)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@dataclass(frozen=True)
class Interrupting(NearestPlaneRounder):
    """Answers rows until the one whose bias is ``last``; once ``ready``, Ctrl-C is pressed there."""

    last: float = np.inf
    ready: threading.Event = field(default_factory=threading.Event)
    in_preparation: bool = False
    name = "interrupting"

    def prepare(self, gram, over):
        if self.in_preparation:
            press()
            while not over():
                time.sleep(1e-3)

    def run(self, model, limits, prepared, stopped):
        if round(float(model.target[-1]), 6) != self.last:
            return RowAnswer(Status.SATISFIABLE, nearest(model), reason="done")
        assert self.ready.wait(60)
        press()
        while not stopped():
            time.sleep(1e-3)
        return cut_short(model.upper, stopped, bound=1e-9)


def a_layer(rows: int = 5) -> Layer:
    """A layer whose third row has a bias of 0.25 units above an integer, and the others 0.75."""
    layer = Layer.random(0, rows, 8, 30)
    _, scale, code = layer.parts()
    layer.b = np.where(np.arange(rows) == 2, 3.25, 3.75) * scale * code.scale
    return layer


def rounded(layer: Layer, **options) -> RoundedLayer:
    return round_layer(layer.W, layer.b, layer.X, **options)


def by_planes(result: RoundedLayer, layer: Layer, rows: list[int]) -> None:
    """These rows are rounded by nearest plane, or to nearest where it is better, and marked."""
    planes = rounded(layer, backend="nearest-plane")
    for i in rows:
        assert result.row_limits[i] is Limit.INTERRUPT
        assert (result.row_status[i], result.reasons[i]) == (Status.UNKNOWN, "interrupted")
        assert result.lower_bound[i] == 0
        assert result.cost[i] == min(planes.cost[i], planes.nearest_cost[i])
    assert not result.proved[rows].any()


def test_rows_that_are_done_stay():
    layer, heard, backend = a_layer(), [], Interrupting(last=0.25)

    def hear(news: RowProgress) -> None:
        heard.append(news)
        if news.done == 2:
            backend.ready.set()

    result = rounded(layer, backend=backend, progress=hear)
    assert [news.neuron for news in heard] == [0, 1]
    assert result.reasons[:2] == ("done", "done")
    assert result.row_limits[:2] == (None, None)
    assert result.row_status[:2] == (Status.SATISFIABLE,) * 2
    by_planes(result, layer, [3, 4])
    # The row that was being searched keeps the bound that it had.
    assert (result.row_limits[2], result.reasons[2]) == (Limit.INTERRUPT, "interrupted")
    assert 0 < result.lower_bound[2] <= result.cost[2] <= result.nearest_cost[2]


def test_an_interrupt_in_the_preparation_or_before():
    layer = a_layer()
    by_planes(rounded(layer, backend=Interrupting(in_preparation=True)), layer, [0, 1, 2, 3, 4])

    pressed = []

    class Pressed(Scheme):
        def weight_scale(self, W):
            pressed.append(None)
            if len(pressed) == 1:
                raise KeyboardInterrupt
            return super().weight_scale(W)

    by_planes(rounded(layer, scheme=Pressed()), layer, [0, 1, 2, 3, 4])


def test_an_interrupt_in_the_callers_own_code_loses_no_row():
    def hear(news):
        if news.done == 2:
            raise KeyboardInterrupt

    layer = a_layer()
    result = rounded(layer, backend=Interrupting(), progress=hear)
    assert result.reasons[:2] == ("done", "done")
    assert set(result.reasons) <= {"done", "interrupted"}


def test_the_second_interrupt_gives_up():
    class Pressed(Scheme):
        def weight_scale(self, W):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rounded(a_layer(), scheme=Pressed())


@dataclass(frozen=True)
class Deaf(NearestPlaneRounder):
    """Presses Ctrl-C and does not end before it is released."""

    released: threading.Event = field(default_factory=threading.Event)
    name = "deaf"

    def run(self, model, limits, prepared, stopped):
        press()
        assert self.released.wait(60)
        return RowAnswer(Status.SATISFIABLE, nearest(model), reason="done")


def test_rows_on_an_executor_are_not_waited_for():
    layer, deaf = a_layer(), Deaf()
    with ThreadPoolExecutor(1) as executor:
        result = rounded(layer, backend=deaf, executor=executor)
        assert not deaf.released.is_set()
        deaf.released.set()
    by_planes(result, layer, [0, 1, 2, 3, 4])


@pytest.mark.parametrize(
    "backend", ["closest-vector", AnnealingRounder(reads=20_000), "enumeration", "cpsat"], ids=str
)
def test_solvers_are_stopped(backend):
    """Rows that take minutes: the one that is searched ends soon after Ctrl-C."""
    rng = np.random.default_rng(0)
    f = 25 if backend == "enumeration" else 150
    X = np.maximum(rng.normal(size=(300, f // 3)) @ rng.normal(size=(f // 3, f)), 0)
    W = rng.uniform(-0.6, 0.6, size=(3, f))
    W[:, 0] = 1.0
    pressed = threading.Timer(2.0, press)
    pressed.start()
    result = round_layer(W, rng.normal(size=3), X, row_time=300, backend=backend)
    assert not pressed.is_alive()
    assert result.row_limits == (Limit.INTERRUPT,) * 3
    assert (result.cost <= result.nearest_cost).all()
    assert (result.lower_bound <= result.cost).all()


def once(real, press_first: bool, presses: int = 1):
    """The function, with Ctrl-C pressed before or after its first calls."""
    left = [presses]

    def pressed(*args, **options):
        if not left[0]:
            return real(*args, **options)
        left[0] -= 1
        if not press_first:
            real(*args, **options)
        raise KeyboardInterrupt

    return pressed


@pytest.mark.parametrize("place", ["RowRuns.__exit__", "RowRuns.__enter__", "_Rows.take", "_status"])
def test_an_interrupt_around_the_search_loses_no_row(monkeypatch, place):
    real = attrgetter(place)(search_module)
    monkeypatch.setattr(f"qnnt.rounding.search.{place}", once(real, press_first=False))
    layer = a_layer()
    result = rounded(layer, backend=Interrupting())
    if place == "RowRuns.__enter__":
        by_planes(result, layer, [0, 1, 2, 3, 4])
    else:
        assert set(result.reasons) <= {"done", "interrupted"}
        assert result.reasons[0] == "done"
    if place in ("RowRuns.__exit__", "_status"):
        assert result.reasons == ("done",) * 5
    same = rounded(layer, backend=Interrupting())
    done = [i for i, reason in enumerate(result.reasons) if reason == "done"]
    assert (result.codes[done] == same.codes[done]).all()
    assert (result.cost[done] == same.cost[done]).all()


def a_network() -> tuple[DenseModel, np.ndarray]:
    rng, layer = np.random.default_rng(0), a_layer()
    model = DenseModel.from_arrays(
        [layer.W, rng.normal(size=(4, 5)), rng.normal(size=(3, 4))],
        [layer.b, rng.normal(size=4), rng.normal(size=3)],
        ["relu", "relu", "softmax"],
    )
    return model, layer.X


@pytest.mark.parametrize("press_first", [True, False])
@pytest.mark.parametrize("place", ["quantised_sums", "activate", "scaled", "LayerRun", "RoundedNetwork"])
def test_an_interrupt_between_layers_loses_none(monkeypatch, place, press_first):
    model, X = a_network()
    plain = round_network(model, X, backend=Interrupting())
    pressed = once(getattr(network_module, place), press_first)
    monkeypatch.setattr(f"qnnt.rounding.network.{place}", pressed)
    result = round_network(model, X, backend=Interrupting())
    counts = {"LayerRun": 0, "RoundedNetwork": 3}
    for i, (layer, other) in enumerate(zip(result.layers, plain.layers, strict=True)):
        if i < counts.get(place, 1):
            assert layer.reasons == ("done",) * len(layer.codes)
            assert (layer.codes == other.codes).all()
        else:
            assert set(layer.row_limits) == {Limit.INTERRUPT}
    assert result.predict(X).shape == (30, 3)


def test_the_second_interrupt_between_layers_gives_up(monkeypatch):
    model, X = a_network()
    pressed = once(network_module.activate, press_first=True, presses=2)
    monkeypatch.setattr("qnnt.rounding.network.activate", pressed)
    with pytest.raises(KeyboardInterrupt):
        round_network(model, X, backend=Interrupting())


def test_a_network_is_complete(tmp_path):
    model, X = a_network()
    backend = Interrupting(last=0.25)
    backend.ready.set()
    network = round_network(model, X, backend=backend)
    assert network.limit is Limit.INTERRUPT
    assert network.layers[0].reasons[:2] == ("done", "done")
    values = X
    for i, (done, real) in enumerate(zip(network.layers, model.layers, strict=True)):
        rest = Layer(real.weights, real.biases, values, Scheme(2))
        by_planes(done, rest, [3, 4] if i == 0 else list(range(len(real.biases))))
        values = np.maximum(done(values), 0).astype(np.float32)
    assert network.predict(X).shape == (30, 3)
    network.save(tmp_path / "n.npz")
    assert RoundedNetwork.load(tmp_path / "n.npz").report() == network.report()
    assert network.report()["limit"] == "interrupt"
