"""Which backend ``auto`` takes, and what happens to limits that it cannot use."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from faulty import Faulty
from hypothesis import given
from strategies import instances

import qnnt
from qnnt import registry
from qnnt.auto import choose, member_names, members, rank
from qnnt.backends.base import Capability
from qnnt.backends.neuron.backend import separable
from qnnt.backends.treewidth import layered
from qnnt.backends.treewidth.space import Space


def by_list(instance: qnnt.Instance) -> str:
    """The choice by a list of cases: what the estimates have to come to."""
    architecture, n = instance.architecture, len(instance.choices.inputs)
    if instance.n_networks <= 20_000:
        return "enumeration"
    few = instance.domain.d ** (instance.architecture.alpha + 1) <= 10**11
    if (
        architecture.depth == 0
        and instance.domain.d <= 64
        and (architecture.omega == 1 or separable(instance))
        and (instance.goal.minimizes or few)
    ):
        return "neuron"
    if (
        architecture.depth >= 8
        and not instance.goal.minimizes
        and layered.applies(architecture)
        and layered.bits(Space.of(instance), n) <= 24
    ):
        return "treewidth"
    if instance.domain.d > 64:
        return "cpsat"
    return "maxsat" if instance.goal.minimizes else "sat:cadical153"


def instance_of(
    d: int, layers: list[int], points: int, goal: qnnt.Goal, *, thin: bool = False
) -> qnnt.Instance:
    rng, domain = np.random.default_rng(d + points), qnnt.Domain(d)
    dense = qnnt.Architecture.dense(layers)
    # Without the arc between the last neurons of the last two layers, if both have neighbours left.
    arcs = [a for a in dense.arcs if a != (dense.layers[-2][-1], dense.layers[-1][-1])]
    architecture = qnnt.Architecture(dense.layers, arcs) if thin else dense
    shape = [(points, layers[0]), (points, layers[-1])]
    x, y = (rng.integers(domain.lo, domain.hi + 1, size=s) for s in shape)
    return qnnt.Instance(domain, architecture, qnnt.Dataset(x, y), goal)


GRID = [
    (d, layers, points, goal)
    for d in (1, 2, 3, 5, 9, 64, 65, 1000)
    for layers in ([1, 1], [3, 1], [2, 2, 1], [4, 4, 2], [13, 3], [6, *[1] * 8, 1], [3, *[2] * 8, 1])
    for points in (0, 3, 40, 1000)
    for goal in (qnnt.AtMost(0), qnnt.Exactly(2), qnnt.Minimize())
]
GRID += [
    (d, [3, *[width] * depth, 1], points, qnnt.AtMost(1))
    for d in (2, 3, 5)
    for width in (1, 2, 3, 8)
    for depth in (7, 8, 40)
    for points in (2, 8, 100)
]


def test_the_estimates_come_to_the_choices_of_a_list() -> None:
    chosen = set()
    for case in GRID:
        instance = instance_of(*case)
        assert choose(instance) == by_list(instance), case
        chosen.add(choose(instance))
    assert chosen == {"enumeration", "neuron", "treewidth", "cpsat", "maxsat", "sat:cadical153"}
    for d in (2, 3):
        instance = instance_of(d, [3, *[2] * 9, 2], 4, qnnt.AtMost(0), thin=True)
        assert choose(instance) == by_list(instance) == "sat:cadical153"


@given(instances(max_networks=10**6))
def test_the_estimates_come_to_the_choices_of_a_list_on_random_instances(instance: qnnt.Instance) -> None:
    assert choose(instance) == by_list(instance)


def test_a_choice_loads_no_solver() -> None:
    script = """
import sys, numpy as np, qnnt
from qnnt.auto import choose
data = qnnt.Dataset(np.eye(5, dtype=int), np.ones((5, 1), dtype=int))
for d in (2, 3, 100):
    for layers in ([5, 1], [5, 4, 1], [5, *[2] * 9, 1]):
        for goal in (qnnt.AtMost(0), qnnt.Minimize()):
            choose(qnnt.Instance(qnnt.Domain(d), qnnt.Architecture.dense(layers), data, goal))
solvers = {"pysat", "ortools", "pulp", "highspy", "exact", "goatd", "networkx", "numba"}
print(sorted(solvers & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@dataclass(frozen=True)
class Other(Faulty):
    """A backend of another package that estimates what it is told to."""

    expects: float | None = None
    refusal: str | None = None
    capabilities = (Capability.PROVE, *Faulty.capabilities)

    def estimate(self, instance: qnnt.Instance) -> float | None:
        if self.expects == -1:
            raise ArithmeticError("no idea")
        return self.expects

    def refuses(self, instance: qnnt.Instance) -> str | None:
        return self.refusal


BIG = instance_of(3, [4, 4, 2], 20, qnnt.Minimize())
XOR = qnnt.Instance(
    qnnt.Domain(3),
    qnnt.Architecture.dense([2, 1]),
    qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]),
    qnnt.Minimize(),
)


def with_backend(monkeypatch: pytest.MonkeyPatch, backend: object) -> None:
    real = registry.default_backends()
    monkeypatch.setattr(registry, "default_backends", lambda: [backend, *real])


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        (Other("quick", expects=0.001), "faulty:quick"),
        (Other("slow", expects=1e9), "maxsat"),
        (Other("silent", expects=None), "maxsat"),
        (Other("unsure", expects=float("nan")), "maxsat"),
        (Other("lost", expects=-1), "maxsat"),
        (Other("missing", expects=0.001), "maxsat"),
        (Other("quick", expects=0.001, refusal="declines; try another"), "maxsat"),
        (Faulty("without an estimate"), "maxsat"),
    ],
)
def test_a_backend_of_another_package_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch, backend: Faulty, name: str
) -> None:
    with_backend(monkeypatch, backend)
    assert choose(BIG) == name


def test_a_backend_that_cannot_minimise_is_asked_for_decisions_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Other, "capabilities", (Capability.PROVE,))
    with_backend(monkeypatch, Other("quick", expects=0.001))
    assert choose(BIG) == "maxsat"
    assert choose(BIG.with_goal(qnnt.AtMost(3))) == "faulty:quick"


@pytest.mark.parametrize(("encoder", "name"), [("cpsat", "cpsat"), ("clauses", "maxsat")])
def test_only_backends_that_take_the_encoder_are_asked(encoder: str, name: str) -> None:
    data = qnnt.Dataset([[0], [1]], [[0], [1]])
    small = qnnt.Instance(qnnt.Domain(2), qnnt.Architecture.dense([1, 1]), data, qnnt.Minimize())
    assert qnnt.solve(small, isolate=False).backend == "enumeration"
    assert qnnt.solve(small, encoder=encoder, isolate=False).backend == name
    with pytest.raises(qnnt.Unavailable, match="takes a LinearModel: name one"):
        qnnt.solve(small, encoder="milp")


def test_without_any_backend_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "default_backends", lambda: [Faulty("silent")])
    with pytest.raises(qnnt.Unavailable, match="name one"):
        qnnt.solve(BIG)


@dataclass(frozen=True)
class Searcher(Other):
    """It finds networks and proves nothing."""

    capabilities = Faulty.capabilities


LARGE = instance_of(3, [6, 4, 2], 60, qnnt.Minimize())  # more than a moment's work
MINIMA = ("maxsat", "sat:cadical153", "cpsat")  # those that prove minima, in their order for LARGE


def names(instance: qnnt.Instance, threads: int = 1, **more: object) -> list[str]:
    return [backend.name for backend in members(instance, threads, **more)]


def test_the_members_differ_in_kind() -> None:
    decision = LARGE.with_goal(qnnt.AtMost(0))
    for threads, least, any_one in (
        (1, ["local-search", "maxsat"], ["local-search", "sat:cadical153"]),
        (2, ["local-search", "maxsat", "sat:cadical153"], ["local-search", "sat:cadical153", "cpsat"]),
        (3, ["local-search", *MINIMA], ["local-search", "sat:cadical153", "cpsat", "maxsat"]),
        (9, ["local-search", *MINIMA], ["local-search", "sat:cadical153", "cpsat", "maxsat"]),
    ):
        assert names(LARGE, threads) == least
        assert names(decision, threads) == any_one
    assert names(LARGE, race=True) == ["local-search", "maxsat", "sat:cadical153"]
    assert names(LARGE, 2, makes=qnnt.Formula) == ["maxsat", "sat:cadical153"]
    assert names(LARGE, 2, makes=qnnt.CpSatModel) == ["cpsat"]
    assert [offer.backend.name for offer in rank(LARGE) if offer.proves] == [*MINIMA]


def test_what_is_done_at_once_gets_one_process() -> None:
    assert names(BIG, 8) == ["maxsat"]
    assert names(XOR, 8) == ["enumeration"]
    assert names(XOR, 8, race=True) == ["local-search", "enumeration", *MINIMA]


def test_what_expects_much_more_time_is_no_help() -> None:
    large = instance_of(200, [4, 4, 2], 20, qnnt.Minimize())  # too large for an order encoding
    assert names(large, 4) == ["local-search", "cpsat"]
    assert names(large, 4, race=True) == ["local-search", "cpsat", "maxsat", "sat:cadical153"]


def test_one_that_only_searches_goes_first_beside_those_that_prove(monkeypatch: pytest.MonkeyPatch) -> None:
    with_backend(monkeypatch, Searcher("search", expects=0.001))
    assert choose(LARGE) == "maxsat"
    assert names(LARGE) == ["faulty:search", "maxsat"]
    assert names(LARGE, 2) == ["faulty:search", "maxsat", "sat:cadical153"]
    assert names(XOR) == ["enumeration"]
    monkeypatch.setattr(registry, "default_backends", lambda: [Searcher("search", expects=0.001)])
    assert names(LARGE) == [choose(LARGE)] == ["faulty:search"]


@pytest.mark.parametrize(
    "searcher",
    [
        Faulty("search"),
        Searcher("search"),
        Searcher("search", expects=1.0, refusal="declines; try another"),
        Searcher("missing", expects=1.0),
    ],
)
def test_one_that_only_searches_has_to_offer_itself(
    monkeypatch: pytest.MonkeyPatch, searcher: Faulty
) -> None:
    with_backend(monkeypatch, searcher)
    assert names(LARGE) == ["local-search", "maxsat"]


def test_auto_races_where_that_is_worth_it() -> None:
    wide = LARGE.with_goal(qnnt.AtMost(0))
    result = qnnt.solve(wide, limits=qnnt.Limits(threads=2, time=60))
    assert result.status is not qnnt.Status.UNKNOWN
    assert result.members == ("local-search", "sat:cadical153", "cpsat")
    assert result.limits.threads == 2
    assert qnnt.solve(wide, isolate=False, limits=qnnt.Limits(threads=2)).members == ()
    assert qnnt.solve(XOR, limits=qnnt.Limits(threads=2)).members == ()


def test_the_choice_and_the_runners_up_are_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "qnnt")
    with_backend(monkeypatch, Other("quick", expects=0.001, refusal="declines; try another"))
    assert choose(BIG) == "maxsat"
    assert "auto passes over faulty:quick: declines; try another" in caplog.text
    assert "auto takes maxsat, which expects 0." in caplog.text
    assert ", sat:cadical153 0." in caplog.text


def test_threads_and_seeds_that_auto_cannot_use_are_ignored(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "qnnt")
    result = qnnt.solve(XOR, limits=qnnt.Limits(threads=2, seed=5))
    assert (result.backend, result.status) == ("enumeration", qnnt.Status.OPTIMAL)
    assert result.limits == qnnt.Limits()
    assert "enumeration uses one thread, not 2" in caplog.text
    assert "enumeration uses no seed: 5 is ignored" in caplog.text


def test_threads_that_a_named_backend_cannot_use_are_refused() -> None:
    with pytest.raises(qnnt.Unsupported, match="'enumeration' uses one thread, not 2"):
        qnnt.solve(XOR, backend="enumeration", limits=qnnt.Limits(threads=2))
    result = qnnt.solve(XOR, backend="cpsat", limits=qnnt.Limits(threads=2, seed=5))
    assert result.limits == qnnt.Limits(threads=2, seed=5)


def test_branch_and_cut_runs_beside_clauses_on_a_linear_system_only() -> None:
    if not registry.backend("milp:highs").availability().available:  # never loaded here, beside OR-tools
        pytest.skip("no highspy")

    def proving(layers: list[int], goal: qnnt.Goal) -> list[str]:
        instance = instance_of(3, layers, 300, goal)
        data = qnnt.Dataset(instance.dataset.inputs, abs(instance.dataset.labels))  # -1 no output shows
        offered = members(replace(instance, dataset=data), 2)
        return [backend.name for backend in offered if backend.name != "local-search"]

    assert proving([40, 1], qnnt.AtMost(0)) == ["sat:cadical153", "milp:highs"]
    assert "milp:highs" not in proving([40, 2, 1], qnnt.AtMost(0))
    assert "milp:highs" not in proving([40, 1], qnnt.AtMost(1))
    assert "milp:highs" not in proving([40, 1], qnnt.Minimize())


@pytest.mark.parametrize(
    "names", [["sat", "maxsat"], ["opb:minisat+", "sat"], ["dimacs:/a/b++", "sat:glucose4", "wcnf:c+"]]
)
def test_names_of_programs_may_hold_a_plus(names):
    assert member_names("+".join(names)) == names
