"""A run that begins from a known network: it is not lost, makes no answer wrong, and is of use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agreement import SHALLOW
from faulty import Faulty
from hypothesis import given, note, settings
from hypothesis import strategies as st
from processes import ctrl_c
from strategies import instances, networks
from unaided import bad_network

import qnnt
from qnnt import registry
from qnnt.arrows import planted
from qnnt.backends.base import Answer, Capability, Start
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.instance import Instance
from qnnt.job import Incumbent, Job
from qnnt.network import Network
from qnnt.symmetry import arranged, interchanges
from qnnt.workers.task import run_here

PROGRAM = Path(__file__).parent / "conformance" / "dimacs_solver.py"
SAT_VARIANTS = [b.name for b in registry.backends() if b.name.startswith("sat:")]
SLOW = {"dimacs": 12, "cpsat": 4, "pseudo-boolean": 4, "local-search": 4}


def cases() -> list[tuple[str, str]]:
    """Every backend that can begin from a network, with each encoder that fits, and one that cannot.

    The plain clauses go to one SAT solver alone: to a backend, clauses are clauses.
    """
    pairs = [("sat", "clauses"), ("sat", "plain"), (f"dimacs:{PROGRAM}", "clauses")]
    for backend in registry.backends():
        if Capability.STARTS in backend.capabilities and not backend.name.startswith(("sat:", "dimacs")):
            fitting = [e.name for e in registry.encoders() if issubclass(e.makes, backend.accepts)]
            pairs += [(backend.name, encoder) for encoder in fitting if encoder != "plain"]
    return [*pairs, ("enumeration", "direct")]


def all_errors(instance: Instance) -> tuple[np.ndarray, np.ndarray]:
    """The parameters (m, A + H) and errors (m,) of every network."""
    blocks = list(parameter_blocks(instance))
    return np.concatenate(blocks), np.concatenate([count_errors(instance, block) for block in blocks])


def test_the_backends_that_can_begin_from_a_network() -> None:
    able = {b.name.partition(":")[0] for b in registry.backends() if Capability.STARTS in b.capabilities}
    assert able == {"sat", "maxsat", "dimacs", "cpsat", "pseudo-boolean", "treewidth", "local-search"}


@pytest.mark.parametrize(("backend", "encoder"), cases(), ids=lambda name: str(name).rpartition("/")[2])
def test_any_start_leaves_every_answer_as_it_is(
    backend: str, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against all networks, from the best, the worst and any other network, under every goal."""
    monkeypatch.setattr("qnnt.run.best_constant", bad_network)
    family = backend.partition(":")[0]
    available = registry.backend(backend).availability()
    if not available.available:
        pytest.skip(available.reason or "not available")
    names = st.sampled_from(SAT_VARIANTS) if family == "sat" else st.just(backend)
    proves = Capability.PROVE in registry.backend(backend).capabilities
    may_decline, hidden = not proves or backend in SHALLOW, 0 if backend in SHALLOW else 3

    @settings(max_examples=max(6, settings().max_examples // SLOW.get(family, 1)))
    @given(instances(max_networks=500, min_points=2, max_hidden=hidden), names, st.booleans(), st.data())
    def run(instance: Instance, name: str, symmetry: bool, data: st.DataObject) -> None:
        vectors, errors = all_errors(instance)
        least, worst = int(errors.min()), int(errors.max())
        missing = min(set(range(instance.dataset.total + 2)) - set(errors.tolist()))
        goals = [qnnt.Minimize(), qnnt.AtMost(least), qnnt.Exactly(least), qnnt.Exactly(missing)]
        goals += [qnnt.AtMost(least - 1)] if least else []
        any_one = data.draw(st.integers(0, len(vectors) - 1))
        for i in {int(errors.argmin()), int(errors.argmax()), any_one}:
            start = instance.network(vectors[i])
            for goal in goals:
                try:
                    result = qnnt.solve(
                        instance,
                        goal=goal,
                        backend=name,
                        encoder=encoder,
                        symmetry=symmetry,
                        start=start,
                        isolate=False,
                    )
                except qnnt.Unsupported:
                    assert may_decline
                    continue
                note(f"{name} {goal} from {errors[i]} in {least}..{worst}: {result}")
                if result.status is qnnt.Status.UNKNOWN and not proves:
                    assert goal.distance(result.errors) <= goal.distance(int(errors[i]))
                elif goal.minimizes:
                    assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, least)
                    assert result.lower_bound == least
                else:
                    exists = any(goal.accepts(int(e)) for e in errors)
                    verdict = qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE
                    assert result.status is verdict
                    assert (result.network is not None) == exists

    run()


@pytest.mark.parametrize("encoder", [e.name for e in registry.encoders()])
def test_what_is_planted_lifts_back(encoder: str) -> None:
    @settings(max_examples=20)
    @given(instances(max_networks=10**4), st.data())
    def run(instance: Instance, data: st.DataObject) -> None:
        network = data.draw(networks(instance.domain, instance.architecture))
        _, lift = registry.encoder(encoder).apply(instance)
        variables, values = planted(lift, network)
        assignment = np.zeros(int(variables.max(initial=0)) + 1, dtype=np.int64)
        assignment[variables] = values
        assert lift(assignment) == arranged(network, interchanges(instance))

    run()


@given(instances(max_networks=10**5), st.data())
def test_what_is_planted_can_be_completed_to_a_model(instance: Instance, data: st.DataObject) -> None:
    """Whatever the order of interchangeable neurons was: a hint against the model is worth nothing."""
    from pysat.solvers import Solver

    network = data.draw(networks(instance.domain, instance.architecture))
    model, lift = registry.encoder("clauses").apply(instance.with_goal(qnnt.Minimize()))
    variables, values = planted(lift, network)
    with Solver("cadical153") as solver:
        for block in model.hard:
            for clause in block.tolist():
                solver.add_clause(clause)
        assert solver.solve(assumptions=np.where(values == 1, variables, -variables).tolist())


class Log:
    """A report that keeps what is told."""

    def __init__(self) -> None:
        self.costs: list[int] = []

    def incumbent(self, assignment: Any, cost: int) -> None:
        self.costs.append(cost)

    def bound(self, bound: int) -> None:
        pass

    def progress(self, done: int, total: int) -> None:
        pass

    def known(self) -> Start | None:
        return None


@pytest.mark.parametrize("backend", ["sat", "sat:kissat404", "sat:glucose4", f"dimacs:{PROGRAM}"])
def test_a_minimum_is_sought_below_the_start_only(backend: str) -> None:
    """From the optimum there is no better network to report, and the proof is all that is left."""
    chosen = registry.backend(backend)
    model, _ = registry.encoder("clauses").apply(LEAST_2)
    free, log, nothing = Log(), Log(), np.empty(0, dtype=np.int64)
    assert chosen.run(model, qnnt.Limits(), free).cost == 2
    assert free.costs
    run: Any = chosen.run
    answer = run(model, qnnt.Limits(), log, start=Start(nothing, nothing, 2))
    assert (answer.status, answer.assignment, answer.cost, answer.bound) == ("OPTIMAL", None, 2, 2)
    assert log.costs == []
    assert run(model, qnnt.Limits(), log, start=Start(nothing, nothing, 5)).cost == 2
    assert max(log.costs) < 5


def test_treewidth_takes_the_start_as_its_bound() -> None:
    start = best_of(LEAST_2)
    log = Log()
    chosen: Any = registry.backend("treewidth")
    vector = np.arange(len(start.vector))
    answer = chosen.run(LEAST_2, qnnt.Limits(), log, start=Start(vector, start.vector, 2))
    assert (answer.status, answer.cost, answer.bound) == ("OPTIMAL", 2, 2)
    assert log.costs == []


# Contradicting labels cost one error, XOR another.
LEAST_2 = Instance(
    qnnt.Domain(3),
    qnnt.Architecture.dense([2, 1]),
    qnnt.Dataset(
        [[0, 0], [0, 1], [1, 0], [1, 1], [1, -1], [1, -1], [-1, 0]], [[0], [1], [1], [0], [1], [0], [1]]
    ),
    qnnt.Minimize(),
)


def best_of(instance: Instance) -> Network:
    vectors, errors = all_errors(instance)
    return instance.network(vectors[int(errors.argmin())])


def with_errors(instance: Instance, n: int) -> Network:
    """A network that gets ``n`` points wrong."""
    vectors, errors = all_errors(instance)
    return instance.network(vectors[int(np.flatnonzero(errors == n)[0])])


def test_the_example_is_what_it_should_be() -> None:
    assert all_errors(LEAST_2)[1].min() == 2
    assert LEAST_2.choices.unavoidable == 1


@pytest.mark.parametrize("isolate", [True, False])
def test_a_start_that_decides_needs_no_run(isolate: bool) -> None:
    start = best_of(LEAST_2)
    for goal in (qnnt.AtMost(2), qnnt.AtMost(5), qnnt.Exactly(2)):
        backend = Faulty("raise")
        result = qnnt.solve(LEAST_2, goal=goal, backend=backend, start=start, isolate=isolate)
        assert (result.status, result.errors, result.verified) == (qnnt.Status.SATISFIABLE, 2, True)
        assert (result.backend, result.encoder, result.network) == ("start", "none", start)
        assert set(result.statistics.seconds) == {"check", "total"}
    contradiction = qnnt.Dataset([[0, 0], [0, 0]], [[1], [0]])
    torn = Instance(LEAST_2.domain, LEAST_2.architecture, contradiction, qnnt.Minimize())
    result = qnnt.solve(torn, backend=Faulty("raise"), start=start, isolate=isolate)
    assert (result.status, result.errors, result.lower_bound) == (qnnt.Status.OPTIMAL, 1, 1)


@pytest.mark.parametrize(
    "fault", ["abort", "exit", "raise", "unknown", "incumbent-then-abort", "incumbent-then-raise"]
)
def test_a_start_outlives_a_crash(fault: str) -> None:
    """The zero network that some of these report has four errors."""
    start = best_of(LEAST_2)
    for goal in (qnnt.Minimize(), qnnt.AtMost(1)):
        result = qnnt.solve(LEAST_2, goal=goal, backend=Faulty(fault), start=start)
        assert (result.status, result.errors, result.network) == (qnnt.Status.UNKNOWN, 2, start)
        assert result.lower_bound == 1


def test_a_better_network_replaces_the_start() -> None:
    start, best = with_errors(LEAST_2, 5), best_of(LEAST_2)
    result = qnnt.solve(LEAST_2, backend=Faulty("abort"), start=start)
    assert (result.status, result.errors) == (qnnt.Status.UNKNOWN, 3)  # one that ignores its inputs
    for fault in ("gives-up", "incumbent-then-abort"):
        better = Faulty(fault, vector=tuple(best.vector.tolist()))
        result = qnnt.solve(LEAST_2, backend=better, start=start)
        assert (result.status, result.network) == (qnnt.Status.UNKNOWN, best)
        result = qnnt.solve(LEAST_2, backend=Faulty(fault), start=best)
        assert (result.status, result.network) == (qnnt.Status.UNKNOWN, best)


def test_near_an_exact_goal_is_what_counts() -> None:
    start, wanted = best_of(LEAST_2), with_errors(LEAST_2, 5)
    crash = Faulty("incumbent-then-abort", vector=tuple(wanted.vector.tolist()))
    result = qnnt.solve(LEAST_2, goal=qnnt.Exactly(5), backend=crash, start=start)
    assert (result.status, result.network) == (qnnt.Status.SATISFIABLE, wanted)


def test_a_start_outlives_a_time_limit_and_ctrl_c() -> None:
    start = best_of(LEAST_2)
    result = qnnt.solve(LEAST_2, backend=Faulty("hang"), start=start, limits=qnnt.Limits(time=0.3))
    assert (result.limit, result.network) == (qnnt.Limit.TIME, start)
    seen = []

    def hear(progress: qnnt.Progress) -> None:
        seen.append(progress.incumbent)
        if progress.phase == "solve":
            press()

    with ctrl_c() as press:
        result = qnnt.solve(LEAST_2, backend=Faulty("hang"), start=start, progress=hear)
    assert (result.limit, result.network, result.errors) == (qnnt.Limit.INTERRUPT, start, 2)
    assert set(seen) == {2}


@pytest.mark.parametrize("isolate", [True, False])
@pytest.mark.parametrize(
    ("fault", "goal"),
    [
        ("worst-optimum", qnnt.Minimize()),
        ("false-bound", qnnt.Minimize()),
        ("false-start-optimum", qnnt.Minimize()),
        ("false-impossible", qnnt.Minimize()),
    ],
)
def test_a_lie_about_a_start_is_raised(fault: str, goal: qnnt.Goal, isolate: bool) -> None:
    with pytest.raises(qnnt.WrongAnswer):
        qnnt.solve(LEAST_2, goal=goal, backend=Faulty(fault), start=best_of(LEAST_2), isolate=isolate)


def test_a_backend_without_the_capability_is_called_as_before() -> None:
    """It takes no argument ``start``; one with the capability gets the parameters and the errors."""
    start = best_of(LEAST_2)
    known = Incumbent(start.vector, 2)
    encoder = registry.encoder("direct")
    assert run_here(Job(LEAST_2, encoder, Faulty("unknown"), qnnt.Limits(), known), print).error is None
    given: list[Start] = []

    class Asks(Faulty):
        capabilities = (Capability.MINIMIZE, Capability.STARTS)

        def run(self, model: Any, limits: Any, report: Any, start: Start | None = None) -> Answer:
            given.append(start)
            return Answer(qnnt.Status.UNKNOWN)

    qnnt.solve(LEAST_2, backend=Asks("asks"), start=start, isolate=False)
    assert np.array_equal(given[0].values, start.vector)
    assert (given[0].variables.tolist(), given[0].cost) == ([0, 1, 2], 2)
    qnnt.solve(LEAST_2, backend=Asks("asks"), isolate=False)
    assert given[1:] == [None]


def test_a_start_that_does_not_fit_is_named() -> None:
    def refused(domain: int, layers: Any, words: str, activation: Any = "relu") -> None:
        architecture = layers if isinstance(layers, qnnt.Architecture) else qnnt.Architecture.dense(layers)
        n = architecture.n_parameters
        network = Network.from_vector(architecture, qnnt.Domain(domain), np.zeros(n, dtype=int), activation)
        with pytest.raises(qnnt.InputError, match=words) as error:
            qnnt.solve(instance, start=network)
        assert error.value.place == "start"

    instance = Instance(
        qnnt.Domain(3), qnnt.Architecture.dense([2, 2, 1]), qnnt.Dataset([[0, 1]], [[1]]), qnnt.Minimize()
    )
    layers = instance.architecture.layers
    refused(5, [2, 2, 1], r"is over Z_5.* the instance over Z_3")
    refused(3, [2, 3, 1], "has the layers 2-3-1, the instance 2-2-1")
    refused(3, qnnt.Architecture.full([["a", "b"], *layers[1:]]), "has neurons of other names")
    refused(3, qnnt.Architecture(layers, instance.architecture.arcs[1:]), "has other arcs")
    refused(3, [2, 2, 1], "has the activation", "sign")
