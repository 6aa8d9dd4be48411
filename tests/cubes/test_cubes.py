"""Runs over cubes: joined answers are those of the whole, over any executor, whatever becomes of a part."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cubing import IMPOSSIBLE, LEAST_2, LESS_THAN_2, POSSIBLE, OnePart, SpaceEncoder
from hypothesis import given, note, settings
from hypothesis import strategies as st
from processes import ctrl_c, descendants, end_soon
from strategies import activations, instances
from unaided import bad_network

import qnnt
from qnnt.box import Box
from qnnt.cubes import Cubes
from qnnt.cubes.part import Flag, Part, Raised, Whole, run_part
from qnnt.instance import Instance
from qnnt.presolve.removal import unchanged
from qnnt.testing.brute_force import Truth
from qnnt.workers.executors import NamedExecutor
from qnnt.workers.pool import close_workers

PAIRS = [
    ("sat", "clauses"),
    ("maxsat", "clauses"),
    ("cpsat", "cpsat"),
    ("cpsat", "cpsat-textbook"),
    ("milp:cbc", "milp"),
    ("pseudo-boolean", "pseudo-boolean"),
]


@pytest.mark.parametrize(("backend", "encoder"), PAIRS)
def test_joined_answers_agree_with_brute_force(
    backend: str, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Satisfiable, impossible, minimum; with and without the order of neurons and presolve."""
    monkeypatch.setattr("qnnt.run.best_constant", bad_network)
    fast = backend == "sat"

    @settings(max_examples=settings().max_examples if fast else max(5, settings().max_examples // 10))
    @given(
        instances(max_networks=500, min_points=1, activation=activations),
        st.integers(1, 9),
        st.booleans(),
        st.sampled_from([None, ()]),
    )
    def run(instance: Instance, n: int, symmetry: bool, presolve: Any) -> None:
        truth = Truth(instance)
        goals = [qnnt.Minimize(), qnnt.AtMost(truth.least), qnnt.Exactly(truth.least), instance.goal]
        goals += [qnnt.AtMost(truth.least - 1)] if truth.least else []
        goals += [qnnt.Exactly(truth.least + 1)]
        for goal in goals:
            result = qnnt.solve(
                instance,
                goal=goal,
                backend=backend,
                encoder=encoder,
                symmetry=symmetry,
                presolve=presolve,
                cubes=n,
                isolate=False,
            )
            note(f"{goal} {symmetry=} {presolve=}: {result}")
            if goal.minimizes:
                assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, truth.least)
                assert result.lower_bound == truth.least
            else:
                assert result.lower_bound <= truth.least
                exists = truth.exists(goal)
                assert result.status is (qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE)
            if result.network is not None:
                assert truth.errors_of(result.network.vector) == result.errors

    run()


@contextmanager
def executor_of(kind: str) -> Iterator[Executor | None]:
    if kind == "default":
        yield None
    elif kind == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    else:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool


@pytest.mark.parametrize("kind", ["default", "threads", "processes"])
def test_any_executor_serves(kind: str) -> None:
    limits = qnnt.Limits(threads=2)
    with executor_of(kind) as executor:
        cubes = Cubes(6, executor=executor)
        none = qnnt.solve(IMPOSSIBLE, cubes=cubes, limits=limits)
        assert (none.status, none.backend, none.encoder) == ("UNSATISFIABLE", "sat:cadical153", "clauses")
        assert none.limits.threads == 2
        assert none.statistics.sizes["cubes"] >= 6
        assert {"split", "solve", "total"} <= set(none.statistics.seconds)
        assert qnnt.solve(POSSIBLE, cubes=cubes, limits=limits).status == "SATISFIABLE"
        fewest = qnnt.solve(LEAST_2, cubes=cubes, limits=limits)
        assert (fewest.status, fewest.errors, fewest.lower_bound) == ("OPTIMAL", 2, 2)


def test_an_executor_that_is_shut_down_leaves_no_answer() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    result = qnnt.solve(IMPOSSIBLE, cubes=Cubes(4, executor=pool))
    assert result.status == "UNKNOWN"
    assert "takes no more parts" in str(result.reason)


class Gone(NamedExecutor):
    """Fails as soon as it is asked to ``fail``: to keep a value for many calls, or to run one."""

    places = 1

    def __init__(self, fail: str) -> None:
        self._fail = fail

    def _check(self, asked: str) -> None:
        if asked == self._fail:
            raise OSError("the connection to the cluster is lost")

    def share(self, value: Any) -> Any:
        self._check("share")
        return value

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._check("submit")
        raise AssertionError

    def stop(self) -> None:
        pass


@pytest.mark.parametrize("fail", ["share", "submit"])
def test_an_executor_that_fails_leaves_what_was_known(fail: str) -> None:
    result = qnnt.solve(LEAST_2, cubes=Cubes(4, executor=Gone(fail)), isolate=False)
    assert (result.status, result.errors) == ("UNKNOWN", 3)
    assert result.reason == (
        "the executor takes no more parts: OSError: the connection to the cluster is lost"
    )


class Dropping(Executor):
    """Cancels the second part, and has the third one fail on the way."""

    def __init__(self) -> None:
        self.parts = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.parts += 1
        if self.parts == 2:
            future.cancel()
            future.set_running_or_notify_cancel()
        elif self.parts == 3:
            future.set_exception(OSError("the other host has gone"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_a_part_that_is_lost_on_the_way_leaves_no_answer() -> None:
    result = qnnt.solve(IMPOSSIBLE, cubes=Cubes(6, executor=Dropping()), isolate=False)
    assert result.status == "UNKNOWN"
    assert result.reason == (
        f"2 of {result.statistics.sizes['cubes']} cubes have no answer: the executor dropped it (1); "
        "OSError: the other host has gone (1)"
    )


@pytest.fixture
def misbehaving(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The arguments of a run in which one part, counted from 0, has a fault."""

    def arguments(fault: str, which: int, vector: tuple[int, ...] = ()) -> dict[str, Any]:
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return {"backend": OnePart(fault, which, str(folder), vector), "encoder": SpaceEncoder()}

    return arguments


@pytest.mark.parametrize("fault", ["abort", "exit", "raise", "unknown", "eat-memory"])
def test_a_part_that_fails_leaves_no_answer(fault: str, misbehaving: Any) -> None:
    """All other parts are refuted, and still nothing is known of the whole."""
    limits = qnnt.Limits(memory=4000 if fault == "eat-memory" else None)
    for instance in (LESS_THAN_2, LEAST_2) if limits.memory is None else (LESS_THAN_2,):
        result = qnnt.solve(instance, **misbehaving(fault, 2), cubes=4, limits=limits)
        assert result.status == "UNKNOWN"
        assert f"1 of {result.statistics.sizes['cubes']} cubes have no answer: " in str(result.reason)
        assert result.limit == ("memory" if fault == "eat-memory" else None)
        assert result.errors == (2 if instance is LEAST_2 else 3)
        assert result.verified


def test_without_a_fault_there_is_an_answer(misbehaving: Any) -> None:
    assert qnnt.solve(LESS_THAN_2, **misbehaving("abort", 99), cubes=4).status == "UNSATISFIABLE"
    result = qnnt.solve(LEAST_2, **misbehaving("abort", 99), cubes=4)
    assert (result.status, result.errors) == ("OPTIMAL", 2)


def test_a_part_that_finds_a_network_makes_up_for_one_that_fails(misbehaving: Any) -> None:
    easy = LEAST_2.with_goal(qnnt.AtMost(2))
    assert qnnt.solve(easy, **misbehaving("abort", 0), cubes=8).status == "SATISFIABLE"


@pytest.mark.parametrize("fault", ["false-network", "no-network", "false-cost", "false-optimum"])
@pytest.mark.parametrize("isolate", [True, False])
def test_a_lie_of_a_part_is_raised(fault: str, isolate: bool, misbehaving: Any) -> None:
    for instance in (LESS_THAN_2, LEAST_2):
        with pytest.raises(qnnt.WrongAnswer):
            qnnt.solve(instance, **misbehaving(fault, 1), cubes=4, isolate=isolate)


def test_a_part_that_takes_back_its_network_is_a_liar(misbehaving: Any) -> None:
    best = qnnt.solve(LEAST_2, backend="enumeration").network
    assert best is not None
    lie = misbehaving("false-impossible", 0, tuple(best.vector.tolist()))
    with pytest.raises(qnnt.WrongAnswer, match="after reporting one"):
        qnnt.solve(LEAST_2, **lie, cubes=4, presolve=())


def test_a_part_that_declines_is_raised(misbehaving: Any) -> None:
    with pytest.raises(qnnt.Unsupported, match="too large"):
        qnnt.solve(LESS_THAN_2, **misbehaving("late-refusal", 1), cubes=4)


def test_a_time_limit_keeps_the_best_network_and_leaves_nothing(misbehaving: Any) -> None:
    limits = qnnt.Limits(time=2, threads=2)
    result = qnnt.solve(LEAST_2, **misbehaving("hang", 0), cubes=4, limits=limits)
    assert (result.status, result.limit, result.errors) == ("UNKNOWN", "time", 2)
    left = workers()
    close_workers()
    assert end_soon(left)


@pytest.mark.parametrize("kind", ["default", "threads", "processes"])
def test_ctrl_c_keeps_the_best_network_and_leaves_nothing(kind: str, misbehaving: Any) -> None:
    """One part hangs; what the others found is the answer so far."""

    def hear(progress: qnnt.Progress) -> None:
        if progress.incumbent == 2:
            press()

    close_workers()
    with executor_of(kind) as executor:
        with ctrl_c() as press:
            result = qnnt.solve(
                LEAST_2,
                **misbehaving("hang", 0),
                cubes=Cubes(4, executor=executor),
                limits=qnnt.Limits(threads=2),
                progress=hear,
            )
        assert (result.status, result.limit, result.errors) == ("UNKNOWN", "interrupt", 2)
        left = workers()
        # Those of the split and of the other parts may wait for more to do; the one that hung has gone.
        assert len(left) <= 2
        close_workers()
    assert end_soon(left)


def test_a_part_that_begins_after_the_run_does_nothing(misbehaving: Any) -> None:
    """On a host that cannot see the flag it is run."""
    backend = misbehaving("abort", 99)["backend"]
    part = Part(Box(), LESS_THAN_2.goal, qnnt.Limits())
    with Raised() as raised:
        whole = Whole(LESS_THAN_2, SpaceEncoder(), backend, raised.flag, isolate=False)
        raised.lower()
        ended = run_part(whole, part).ended
        assert (ended.answer, ended.limit) == (None, "interrupt")
        elsewhere = replace(whole, flag=Flag(raised.flag.path, ("another machine", 1, 2)))
        answer = run_part(elsewhere, part).ended.answer
    assert answer is not None
    assert answer.status == "UNSATISFIABLE"
    assert len(list(Path(backend.note).iterdir())) == 1


def workers() -> set[int]:
    """Worker processes of this process and its children."""
    found = set()
    for pid in descendants(os.getpid()):
        with suppress(OSError):
            if b"qnnt.workers.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


@dataclass(frozen=True)
class Slow:
    """A step that changes nothing; Ctrl-C comes meanwhile, or the time limit is over before."""

    interrupted: bool

    def apply(self, instance: Instance) -> Any:
        if self.interrupted:
            raise KeyboardInterrupt
        time.sleep(0.05)
        return unchanged(instance)


@pytest.mark.parametrize(("interrupted", "limit"), [(True, "interrupt"), (False, "time")])
def test_presolve_is_part_of_the_run(interrupted: bool, limit: str) -> None:
    more: Any = {"presolve": (Slow(interrupted),), "limits": None if interrupted else 0.01}
    result = qnnt.solve(IMPOSSIBLE, cubes=2, isolate=False, **more)
    assert (result.status, result.limit, result.verified) == ("UNKNOWN", limit, True)
    assert "split" not in result.statistics.seconds


def test_what_a_part_told_before_it_was_cut_short_counts(misbehaving: Any) -> None:
    best = qnnt.solve(LEAST_2, backend="enumeration").network
    assert best is not None
    telling = misbehaving("incumbent-then-hang", 0, tuple(best.vector.tolist()))
    result = qnnt.solve(LESS_THAN_2, **telling, cubes=4, limits=qnnt.Limits(time=2), presolve=())
    assert (result.status, result.limit, result.errors) == ("UNKNOWN", "time", 2)


def test_a_start_is_what_the_parts_have_to_beat() -> None:
    best = qnnt.solve(LEAST_2, backend="enumeration").network
    result = qnnt.solve(LEAST_2, start=best, cubes=4, isolate=False)
    assert (result.status, result.network) == ("OPTIMAL", best)


def test_what_takes_no_cubes_says_why() -> None:
    for backend in ("enumeration", "treewidth", "neuron", "local-search"):
        with pytest.raises(qnnt.Unsupported, match=f"'{backend}' takes no cubes.*try clauses"):
            qnnt.solve(IMPOSSIBLE, backend=backend, cubes=4)
    for several in (["sat", "cpsat"], "portfolio", "portfolio:sat+cpsat"):
        with pytest.raises(qnnt.Unsupported, match="one backend"):
            qnnt.solve(IMPOSSIBLE, backend=several, cubes=4)
    with pytest.raises(qnnt.Unsupported, match="does not take"):
        qnnt.solve(IMPOSSIBLE, backend="cpsat", encoder="direct", cubes=4)
    with pytest.raises(ValueError, match="at least one cube"):
        qnnt.solve(IMPOSSIBLE, cubes=0)


def test_auto_takes_a_backend_whose_models_can_be_bounded() -> None:
    assert qnnt.solve(LEAST_2, cubes=2, isolate=False).backend.startswith("sat")
    assert qnnt.solve(IMPOSSIBLE, encoder="cpsat", cubes=2, isolate=False).backend == "cpsat"
