"""Every rounding backend against all assignments: same optimum where it proves one, bounds that hold."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from layers import Layer, distance, layers, optimum, room

from qnnt import registry
from qnnt.exceptions import UnknownWord, Unsupported
from qnnt.limits import Limits
from qnnt.models import QuadraticModel
from qnnt.rounders.annealing import AnnealingRounder, beta_range
from qnnt.rounders.base import PROVED, Rounder, nearest
from qnnt.rounders.gptq import gptq_planes
from qnnt.rounders.lattice import relaxation
from qnnt.rounders.lattice.blocks import BlockBound
from qnnt.rounders.lattice.closest_vector import ClosestVectorRounder
from qnnt.rounders.lattice.form import Form
from qnnt.rounders.lattice.row import ENDLESS, Clock, RowStart, best_first
from qnnt.rounders.lattice.search import Search
from qnnt.rounders.lattice.shared import Shared, sorted_order
from qnnt.rounding import round_layer
from qnnt.rounding.qubo import QuboEncoder

ROUNDERS = {rounder.name: rounder for rounder in registry.rounders()}
SLOW = {"cpsat": 4, "milp": 4, "tabu": 4}  # a process or a timeout each: so many times fewer layers
THOROUGH = 1000  # layers for every exact backend, slow or not, in the thorough profile


def holds(name: str, layer: Layer) -> None:
    """Bounds hold, exact backends reach the optimum, and every cost is the distance of the codes."""
    result = round_layer(
        layer.W,
        layer.b,
        layer.X,
        scheme=layer.scheme,
        backend=name,
        candidates=layer.candidates,
        reference=layer.reference,
        limits=Limits(seed=1),
        row_time=0.1 if name == "tabu" else 60,  # which takes all that it is given
    )
    note(f"{result}")
    for i in range(len(layer.W)):
        exact = optimum(layer, i)
        assert result.lower_bound[i] <= exact
        best = float(exact)
        near = room(layer, i, max(result.nearest_cost[i], best))
        codes = np.append(result.codes[i], result.bias_codes[i])
        assert abs(result.cost[i] - distance(layer, i, codes)) <= near
        assert result.cost[i] >= best - near
        if ROUNDERS[name].exact:
            assert result.cost[i] <= best * (1 + PROVED) + near
            # A cost is proved to a relative 1e-6 unless rounding errors alone are larger than that.
            power = float(((layer.X @ layer.W[i] + layer.b[i]) ** 2).mean()) + result.nearest_cost[i]
            noise = 1e-9 * power
            if name == "milp":  # HiGHS keeps to tolerances of 1e-9 for every term
                linear, pairs, _ = QuboEncoder(i).apply(layer.problem())[0].bits()
                noise += 1e-8 * float(np.abs(linear).sum() + np.abs(pairs).sum())
            assert result.proved[i] or result.cost[i] - result.lower_bound[i] <= noise
        if result.proved[i]:
            assert result.cost[i] <= best * (1 + 2 * PROVED) + near
            assert result.reasons[i] is None


@pytest.mark.parametrize("name", ROUNDERS)
def test_against_all_assignments(name: str):
    wide = name not in ("annealing", "annealing:scaled", "tabu", "cpsat", "milp")
    examples, seen = settings().max_examples // 2, []
    if examples < THOROUGH or not ROUNDERS[name].exact:
        examples = max(examples // SLOW.get(name, 1), 4)

    @settings(max_examples=examples)
    @given(layers(most_bits=9, candidates=(2, 3, 4) if wide else (2,)))
    def run(layer: Layer) -> None:
        holds(name, layer)
        seen.append(layer)

    run()
    assert len(seen) >= examples


def model_of(layer: Layer) -> QuadraticModel:
    return QuboEncoder(0).apply(layer.problem())[0]


def least(model: QuadraticModel) -> float:
    box = (range(a, b + 1) for a, b in zip(model.lower, model.upper, strict=True))
    return min(model.cost(np.array(v)) for v in itertools.product(*box))


@given(layers(most_bits=9, most_neurons=1), st.integers(1, 40))
def test_bounds_hold_however_early_the_search_ends(layer: Layer, nodes: int):
    model = model_of(layer)
    form = Form.of(model)
    if not len(form.free):
        return
    best = least(model)
    room = 1e-9 * (best + model.cost(nearest(model))) + 1e-300
    z = np.zeros(len(form.free), dtype=np.int64)
    dual = np.zeros(len(z))
    if model.binary:
        dual, bound, *_ = relaxation.shor(form, z, sweeps=50, over=lambda: False)
        assert form.bound(bound) <= best + room
    relaxed = relaxation.convexified(form, dual, form.value(z))
    search = Search(form, relaxed, z, levels=3, beams=1)
    for _ in range(20):
        assert form.bound(search.bound) <= best + room
        if search.advance(nodes):
            assert model.cost(form.lift(search.best)) <= best * (1 + PROVED) + room
            break


@given(layers(most_bits=9, most_neurons=1, candidates=(2, 3, 4)), st.integers(0, 9), st.sampled_from([2, 16]))
def test_bounds_of_blocks_hold_however_early_they_end(layer: Layer, looks: int, points: int):
    model = model_of(layer)
    form, shared = Form.of(model), Shared.of(model.gram)
    if not len(form.free):
        return
    best, looked = least(model), iter(range(looks))
    z = form.position(nearest(model))
    rate = shared.rate[np.searchsorted(shared.live, form.free)]
    found = BlockBound(form, z, rate, points=points).value(lambda _: next(looked, None) is None)
    assert form.bound(found) <= best + 1e-12 * model.cost(nearest(model))


def test_the_slack_covers_the_rates_of_all_levels(monkeypatch):
    """A row at its target costs 0, and the bound lacks the slack alone."""
    A = np.random.default_rng(0).normal(size=(9, 3))
    model = QuadraticModel(A.T @ A, np.ones(3), np.zeros(3, dtype=np.int64), np.ones(3, dtype=np.int64))
    form, z = Form.of(model), np.ones(3, dtype=np.int64)
    relaxed = relaxation.convex_form(form, np.zeros(3), 0.0, 0.0)
    bounds = []
    for level in range(3):
        rates = np.zeros((3, 3))
        rates[level, 0] = 1e15
        monkeypatch.setattr("qnnt.rounders.lattice.search.separable", lambda *_, rates=rates: rates.copy())
        search = Search(form, relaxed, z, levels=3, beams=1)
        assert search.advance(1000)
        bounds.append(search.bound)
    assert bounds[0] == bounds[1] == bounds[2] < -relaxed.slack


def test_larger_blocks_have_better_bounds():
    """On correlated bits; a block of all bits leaves hardly a gap."""
    rng = np.random.default_rng(4)
    X = rng.random((40, 3)) @ rng.random((3, 6)) + 0.1 * rng.random((40, 6))
    model = model_of(Layer(rng.normal(size=(1, 6)), np.zeros(1), X, Layer.random(0, 1, 1, 1).scheme))
    form, shared = Form.of(model), Shared.of(model.gram)
    rate = shared.rate[np.searchsorted(shared.live, form.free)]
    box = itertools.product(*(range(a, b + 1) for a, b in zip(model.lower, model.upper, strict=True)))
    z = form.position(min((np.array(v) for v in box), key=model.cost))
    bounds = [BlockBound(form, z, rate, points=2**k).value(lambda _: False) for k in (1, 3, 7)]
    assert bounds[0] < bounds[1] < bounds[2]
    assert bounds[2] >= 0.95 * form.value(z)


@given(st.integers(0, 10**6), st.integers(12, 24), st.sampled_from([2, 3]))
def test_larger_rows_agree_with_another_search(seed: int, f: int, rank: int):
    """Rows too long for the definition: with and without the relaxation, and by blocks of all assignments."""
    rng = np.random.default_rng(seed)
    X = rng.random((30, rank)) @ rng.random((rank, f)) + 0.2 * rng.random((30, f))
    layer = Layer(rng.normal(size=(1, f)), rng.normal(size=1), X, Layer.random(0, 1, 1, 1).scheme)
    model = model_of(layer)
    form = Form.of(model)
    z = np.zeros(len(form.free), dtype=np.int64)
    costs = []
    dual = relaxation.shor(form, z, sweeps=200, over=lambda: False).rate
    for share in (0.0, 0.5, 0.95):
        relaxed = relaxation.convexified(form, share * dual, costs[0] if costs else np.inf)
        search = Search(form, relaxed, z, levels=5, beams=2)
        while not search.advance(100_000):
            pass
        costs.append(model.cost(form.lift(search.best)))
        assert form.bound(search.bound) <= min(costs) * (1 + 1e-9)
        assert form.bound(search.bound) >= costs[-1] * (1 - PROVED)
    if len(form.free) <= 16:
        costs.append(model.cost(ROUNDERS["enumeration"].run(model, Limits(), None, lambda: False).assignment))
    assert max(costs) <= min(costs) * (1 + 1e-9)


def test_rows_too_long_to_search_have_a_gap():
    layer = Layer.random(3, 2, 230, 600)
    result = round_layer(layer.W, layer.b, layer.X, row_time=2.0)
    assert not result.proved.any()
    assert (result.lower_bound > 0).all()
    assert (result.lower_bound < result.cost).all()
    assert (result.cost < result.nearest_cost).all()
    assert all("too many to search" in reason for reason in result.reasons)


def test_a_time_limit_leaves_a_gap():
    rng = np.random.default_rng(0)
    X = np.maximum(rng.normal(size=(400, 60)) @ rng.normal(size=(60, 160)), 0)
    layer = Layer(rng.normal(size=(1, 160)), rng.normal(size=1), X, Layer.random(0, 1, 1, 1).scheme)
    result = round_layer(layer.W, layer.b, layer.X, row_time=3)
    assert not result.proved[0]
    assert result.reasons == ("the time limit was reached",)
    assert 0 < result.lower_bound[0] < result.cost[0]


def test_backends_decline_what_they_cannot_do():
    layer = Layer.random(0, 1, 30, 40)
    with pytest.raises(Unsupported, match=r"'enumeration', row 0: takes at most 2\^26 .* try closest-vector"):
        round_layer(layer.W, layer.b, layer.X, backend="enumeration")
    for name in ("annealing", "tabu", "cpsat", "milp"):
        with pytest.raises(Unsupported, match="two candidates"):
            round_layer(layer.W, layer.b, layer.X, backend=name, candidates=3)


def test_the_registry_tells_trainers_from_rounders():
    with pytest.raises(UnknownWord, match="'closest-vector': it rounds trained layers"):
        registry.backend("closest-vector")
    with pytest.raises(UnknownWord, match="'maxsat': it trains"):
        registry.rounder("maxsat")
    with pytest.raises(UnknownWord, match="no rounding backend 'frob'; there are: annealing, "):
        registry.rounder("frob")
    for name in ("annealing:frob", "beam:frob"):
        with pytest.raises(UnknownWord, match=f"no {name.partition(':')[0]} variant 'frob'; there "):
            registry.rounder(name)
    assert registry.rounder("annealing:scaled").name == "annealing:scaled"


def test_annealing_takes_a_range_from_the_data():
    layer = Layer.random(0, 1, 30, 100)
    model = model_of(layer)
    hot, cold = beta_range(model, 0)
    assert 0 < hot < cold
    zero = Layer.random(0, 1, 3, 5)
    zero.X[:] = 0.0
    zero.b[:] = 0.0
    zero.W[:] = 0.0
    assert beta_range(model_of(zero), 0) is None
    many = AnnealingRounder(reads=20).run(model, Limits(), None, lambda: False)
    one = AnnealingRounder().run(model, Limits(), None, lambda: False)
    assert model.cost(many.assignment) <= model.cost(one.assignment)


def k_best(R: np.ndarray, r: np.ndarray, width: np.ndarray, beams: int) -> float:
    """The cost of the best of a beam search over all values of each variable."""
    kept = [(0.0, np.zeros(0))]
    for k in range(len(r) - 1, -1, -1):
        children = []
        for cost, tail in kept:
            below = R[k, k + 1 :] @ (tail - r[k + 1 :])
            for value in range(width[k] + 1):
                y = below + R[k, k] * (value - r[k])
                children.append((cost + y * y, np.append(value, tail)))
        kept = sorted(children, key=lambda child: child[0])[:beams]
    return kept[0][0]


@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from([1, 2, 3, 8]), st.integers(1, 40))
def test_beams_are_the_best_of_all_children(seed: int, m: int, beams: int, most: int):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(m + 2, m))
    R = np.ascontiguousarray(np.linalg.cholesky(A.T @ A).T)
    width = rng.integers(1, most + 1, m)
    r = rng.uniform(-5, most + 5, m)
    z = best_first(R, r, width, beams)
    assert ((z >= 0) & (z <= width)).all()
    assert ((R @ (z - r)) ** 2).sum() == pytest.approx(k_best(R, r, width, beams))


@given(st.integers(0, 10**6), st.integers(1, 150))
def test_the_order_has_the_least_entry_of_each_inverse(seed: int, m: int):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(m + 5, m))
    gram = A.T @ A
    left, expected = list(range(m)), []
    while left:
        j = left[int(np.argmin(np.diagonal(np.linalg.inv(gram[np.ix_(left, left)]))))]
        expected.append(j)
        left.remove(j)
        if len(expected) == 10:
            break
    assert sorted_order(np.linalg.inv(gram))[::-1][:10].tolist() == expected


@given(st.integers(0, 10**6), st.sampled_from([2, 3]), st.integers(0, 20))
def test_no_row_costs_more_than_gptq_and_descent(seed: int, candidates: int, fixed: int):
    rng = np.random.default_rng(seed)
    X = np.maximum(rng.normal(size=(60, 12)) @ rng.normal(size=(12, 30)), 0)
    model = model_of(Layer(rng.normal(size=(1, 30)), rng.normal(size=1), X, Layer.random(0, 1, 1, 1).scheme))
    upper = model.lower + candidates - 1
    few = rng.permutation(len(upper))[:fixed]
    upper[few] = model.lower[few]
    model = replace(model, upper=upper)
    live = np.flatnonzero(np.diagonal(model.gram))
    v = gptq_planes(model.gram).rounded(model.target[None], model.lower[None], upper[None])[0]
    value = model.cost(v)
    while True:  # the best step of one weight, as long as there is one that helps
        steps = [(i, d) for i in live for d in (-1, 1) if model.lower[i] <= v[i] + d <= upper[i]]
        tried = [v + d * (np.arange(len(v)) == i) for i, d in steps]
        best = min(tried, key=model.cost, default=v)
        if model.cost(best) >= value * (1 - 1e-12):
            break
        v, value = best, model.cost(best)
    shared = Shared.of(model.gram)
    start = RowStart(model, shared)
    assert model.cost(start.assignment) == pytest.approx(value)
    start.widen(16, ENDLESS)
    start.settle(ENDLESS)
    settled = model.cost(start.assignment)
    looks = iter(range(10))
    start.shake(Clock(np.inf, lambda: next(looks, None) is None), seed)
    found = start.assignment
    assert model.cost(found) <= settled * (1 + 1e-9)
    assert ((found >= model.lower) & (found <= upper)).all()
    assert model.cost(found) <= value * (1 + 1e-9)


def test_what_is_prepared_is_shared():
    layer = Layer.random(0, 1, 6, 20)
    layer.X[:, 3] = 0.0
    gram = layer.problem().gram
    rounder: Rounder = ClosestVectorRounder()
    shared = rounder.prepare(gram, lambda: False)
    assert shared.live.tolist() == [0, 1, 2, 4, 5, 6]
    assert sorted(shared.sorted.order.tolist()) == list(range(6))
