"""Backends that race: the first proof wins, what one finds helps all, and nothing is left of the losers."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from brute_force import errors as all_errors
from faulty import Faulty, Starting
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import ctrl_c, end_soon
from racing import BEST, HANG, HUMP, both, raced
from strategies import instances

import qnnt
from qnnt.job import Outcome
from qnnt.limits import Limit, Limits
from qnnt.portfolio import Finish
from qnnt.workers import pool
from qnnt.workers.task import Ended


@both
@pytest.mark.parametrize("slow", ["hang", "hold-gil", "incumbent-then-hang", "child", "litter"])
def test_the_first_proof_ends_the_others(slow: str, threads: int, tmp_path: Path) -> None:
    note = tmp_path / "note"
    result = raced(Faulty(slow, str(note)), "enumeration", threads=threads)
    assert (result.status, result.errors, result.lower_bound) == (qnnt.Status.OPTIMAL, 1, 1)
    assert (result.backend, result.encoder) == ("enumeration", "direct")
    assert result.members == (f"faulty:{slow}", "enumeration")
    assert result.version is not None
    assert {"race", "encode", "solve", "check", "total"} == set(result.statistics.seconds)
    assert result.statistics.sizes == {"networks": 9}
    if slow == "child" and note.exists():
        assert end_soon({int(note.read_text())})
    if slow == "litter" and note.exists():
        assert not Path(note.read_text()).exists()


@both
@pytest.mark.parametrize(
    "fault",
    ["abort", "segfault", "exit", "torn-message", "raise", "unknown", "gives-up", "late-refusal", "chatter"],
)
def test_the_others_go_on_without_one_that_fails(fault: str, threads: int) -> None:
    """Where chatter answers a question about a minimum with a word that does not fit, that is no failure."""
    goal = qnnt.AtMost(0) if fault != "chatter" else qnnt.AtMost(1)
    result = raced(Faulty(fault, vector=BEST), "enumeration", threads=threads, goal=goal)
    wanted = qnnt.Status.SATISFIABLE if fault == "chatter" else qnnt.Status.UNSATISFIABLE
    assert result.status is wanted
    assert (result.reason, result.limit) == (None, None)


def test_the_others_go_on_without_one_that_eats_memory() -> None:
    result = raced(Faulty("eat-memory"), "enumeration", threads=1, memory=2000)
    assert (result.status, result.backend) == (qnnt.Status.OPTIMAL, "enumeration")
    assert result.limits == Limits(60.0, 2000)


@both
def test_the_others_go_on_without_one_that_gets_no_worker(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class First(pool.Worker):
        left = 1

        def __init__(self, warm_up: str = "") -> None:
            if not First.left:
                raise qnnt.Unavailable("no worker process can be started: no more processes")
            First.left -= 1
            super().__init__(warm_up)

    monkeypatch.setattr(pool, "Worker", First)
    result = raced(Faulty("incumbent-then-abort", vector=BEST), HANG, threads=threads)
    assert (result.status, result.errors) == (qnnt.Status.UNKNOWN, 1)
    assert "faulty:hang: no worker process can be started: no more processes" in str(result.reason)
    pool.close_workers()
    First.left = 1
    assert raced("enumeration", HANG, threads=threads).status == "OPTIMAL"


@both
def test_if_all_fail_each_reason_is_told(threads: int) -> None:
    result = raced(Faulty("abort"), Faulty("raise"), Faulty("late-refusal"), threads=threads)
    assert (result.status, result.backend, result.errors) == (qnnt.Status.UNKNOWN, "portfolio", 2)
    assert (result.limit, len(result.members)) == (None, 3)
    abort, crash, refusal = result.reason.split("; faulty:")
    assert abort.startswith("faulty:abort: the solver process ended with signal 6")
    assert crash == "raise: ArithmeticError: two and two make five"
    assert refusal == "late-refusal: the model is too large; try another"


@both
def test_a_time_limit_ends_all(threads: int) -> None:
    slow = Faulty("incumbent-then-hang", vector=BEST)
    began = time.monotonic()
    result = raced(slow, Faulty("hold-gil"), HANG, threads=threads, time=1.5)
    assert time.monotonic() - began < 30
    assert (result.status, result.limit, result.errors) == (qnnt.Status.UNKNOWN, Limit.TIME, 1)
    assert (result.reason, result.backend) == ("the time limit was reached", "portfolio")
    assert result.encoder == "direct"


def test_each_has_what_is_left_of_the_time(tmp_path: Path) -> None:
    first, later = tmp_path / "first", tmp_path / "later"
    raced(Faulty("unknown"), Faulty("time-note", str(first)), time=60.0)
    assert 30 < float(first.read_text()) < 60
    limit = 10.0**6  # the longest that there is
    raced(HANG, Faulty("time-note", str(later)), "enumeration", threads=1, time=limit)
    assert limit - 30 < float(later.read_text()) < limit - 0.15


def test_the_limit_of_a_race_is_that_of_all_or_time() -> None:
    late, full = Ended[Outcome](limit=Limit.TIME), Ended[Outcome](limit=Limit.MEMORY)
    crash = Ended[Outcome](reason="crash")
    assert Finish((full, full)).limit is Limit.MEMORY
    assert Finish((full, crash, late, None)).limit is Limit.TIME
    assert Finish((full, crash)).limit is None


def test_each_reason_is_told_once() -> None:
    usual = {None: "no reason", Limit.TIME: "late"}
    names, crash = ["a", "b", "c"], Ended[Outcome](reason="crash")
    late = Ended(Outcome(qnnt.Status.UNKNOWN, limit=Limit.TIME))
    assert Finish((crash, crash, None)).reason(names, usual) == "crash"
    assert Finish((crash, late, None)).reason(names, usual) == "a: crash; b: late"
    assert Finish((late, Ended(limit=Limit.TIME, reason="late"))).reason(names[:2], usual) == "late"
    assert Finish((Ended(Outcome(qnnt.Status.UNKNOWN)), None)).reason(names[:2], usual) == "no reason"
    assert Finish((None, None)).reason(names[:2], usual) == "no reason"


@both
@pytest.mark.parametrize(
    ("fault", "goal"),
    [
        ("false-network", qnnt.AtMost(0)),
        ("no-network", qnnt.AtMost(0)),
        ("false-optimum", qnnt.Minimize()),
        ("false-cost", qnnt.Minimize()),
        ("false-bound", qnnt.Minimize()),
        ("false-impossible", qnnt.Minimize()),
    ],
)
def test_a_lie_is_raised_with_the_name_of_the_liar(fault: str, goal: qnnt.Goal, threads: int) -> None:
    with pytest.raises(qnnt.WrongAnswer, match=f"'faulty:{fault}'"):
        raced(HANG, Faulty(fault), threads=threads, goal=goal)


def test_what_one_finds_refutes_another() -> None:
    finds = Faulty("incumbent-then-hang", vector=BEST)
    with pytest.raises(qnnt.WrongAnswer, match=r"'faulty:bound-then-hang'.* that 2 errors are unavoidable"):
        raced(finds, Faulty("bound-then-hang"), threads=1)


def test_a_fault_of_the_input_is_raised() -> None:
    with pytest.raises(qnnt.InputError, match="not in Z_3"):
        raced(HANG, Faulty("outside"))


@both
def test_a_network_of_one_and_a_bound_of_another_make_a_proof(threads: int) -> None:
    finds, proves = Faulty("incumbent-then-hang", vector=BEST), Faulty("bound-then-hang", vector=BEST)
    result = raced(finds, HANG, proves, threads=threads)
    assert (result.status, result.errors, result.lower_bound) == (qnnt.Status.OPTIMAL, 1, 1)
    assert result.backend == "faulty:incumbent-then-hang + faulty:bound-then-hang"
    assert (result.encoder, result.version) == ("direct", None)
    assert result.members == ("faulty:incumbent-then-hang", "faulty:hang", "faulty:bound-then-hang")
    bounded = raced(Faulty("bound-then-hang"), HANG, threads=threads)
    assert (bounded.status, bounded.errors) == (qnnt.Status.OPTIMAL, 2)  # as far as one who lies is believed
    assert bounded.backend == "constant + faulty:bound-then-hang"


@both
@pytest.mark.parametrize("goal", [qnnt.AtMost(1), qnnt.Exactly(1)])
def test_a_network_that_meets_a_decision_ends_all(goal: qnnt.Goal, threads: int) -> None:
    result = raced(HANG, Faulty("incumbent-then-hang", vector=BEST), threads=threads, goal=goal)
    assert (result.status, result.errors) == (qnnt.Status.SATISFIABLE, 1)
    assert result.backend == "faulty:incumbent-then-hang"


def test_a_later_member_starts_from_what_was_found(tmp_path: Path) -> None:
    note = tmp_path / "start"
    asks = Starting("asks", str(note))
    raced(Faulty("gives-up", vector=BEST), asks, threads=1)
    assert note.read_text() == "([-1, -1], 1)"
    raced(Faulty("unknown"), asks, threads=1)
    assert note.read_text() == "None"  # the network that ignores its inputs is nobody's start
    qnnt.solve(HUMP, backend=asks)
    assert note.read_text() == "None"


@both
@pytest.mark.parametrize("third", ["hang", "abort", "torn-message", "hold-gil"])
def test_a_member_hears_of_a_better_network_while_it_runs(third: str, threads: int, tmp_path: Path) -> None:
    """With one thread it is paused when the network is found; others hear too, dead or deaf."""
    note = tmp_path / "note"
    listens, finds = Faulty("waits-for-news", str(note)), Faulty("incumbent-then-hang", vector=BEST)
    result = raced(listens, Faulty(third), finds, threads=threads)
    assert (result.status, result.errors, result.backend) == ("OPTIMAL", 1, "faulty:waits-for-news")
    assert note.read_text() == "([-1, -1], 1)"


@both
def test_ctrl_c_ends_all_and_keeps_what_was_found(threads: int) -> None:
    with ctrl_c() as press:
        result = raced(
            Faulty("hold-gil"),
            Faulty("incumbent-then-hang", vector=BEST),
            threads=threads,
            progress=lambda p: press() if p.incumbent == 1 else None,
        )
    assert (result.status, result.limit, result.errors) == (qnnt.Status.UNKNOWN, Limit.INTERRUPT, 1)
    assert (result.reason, result.backend) == ("interrupted", "portfolio")


def test_news_come_to_the_thread_of_the_caller() -> None:
    heard = []
    result = raced(
        Faulty("incumbent-then-raise", vector=BEST),
        "enumeration",
        "sat",
        progress=lambda p: heard.append((threading.get_ident(), p)),
    )
    assert result.status is qnnt.Status.OPTIMAL
    assert {thread for thread, _ in heard} == {threading.get_ident()}
    costs = [progress.incumbent for _, progress in heard]
    assert costs == sorted(costs, reverse=True)
    assert (costs[0], costs[-1]) == (2, 1)


@both
def test_what_the_callback_raises_ends_all(threads: int) -> None:
    def fail(progress: qnnt.Progress) -> None:
        raise BrokenPipeError("of the caller")

    with pytest.raises(BrokenPipeError, match="of the caller"):
        raced(HANG, "enumeration", threads=threads, progress=fail)


NAMES = ["enumeration", "sat", "maxsat", "cpsat"]


@settings(max_examples=max(20, settings().max_examples // 4))
@given(
    instances(max_networks=300, min_points=2),
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=3, unique=True),
    st.integers(1, 3),
)
def test_a_portfolio_agrees_with_brute_force(instance: qnnt.Instance, names: list[str], threads: int) -> None:
    errors, goal = all_errors(instance), instance.goal
    result = qnnt.solve(instance, backend=f"portfolio:{'+'.join(names)}", limits=Limits(threads=threads))
    if goal.minimizes:
        assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, errors.min())
    else:
        exists = any(goal.accepts(int(e)) for e in errors)
        assert result.status is (qnnt.Status.SATISFIABLE if exists else qnnt.Status.UNSATISFIABLE)
        assert (result.network is not None) == exists


def test_the_verdict_is_the_same_each_time() -> None:
    verdicts = {(r.status, r.errors, r.lower_bound) for r in (raced(*NAMES, threads=3) for _ in range(5))}
    assert verdicts == {(qnnt.Status.OPTIMAL, 1, 1)}


def test_threads_that_are_left_over_go_to_one_that_can_use_them() -> None:
    assert raced("enumeration", "cpsat", threads=5).limits.threads == 5
    assert raced("enumeration", "sat", threads=5).limits.threads == 2
    assert raced("enumeration", "sat", "maxsat", threads=2).limits.threads == 2


def test_members_are_named_or_given() -> None:
    by_name = qnnt.solve(HUMP, backend="portfolio:enumeration+sat:glucose4")
    assert by_name.members == ("enumeration", "sat:glucose4")
    assert (by_name.status, by_name.as_dict()["members"]) == ("OPTIMAL", ["enumeration", "sat:glucose4"])
    chosen = qnnt.solve(HUMP, backend="portfolio")
    assert (chosen.status, len(chosen.members)) == ("OPTIMAL", 3)
    alone = qnnt.solve(HUMP, backend="portfolio:enumeration")
    assert (alone.backend, alone.members, alone.limits) == ("enumeration", (), Limits())
    with pytest.raises(qnnt.InputError, match="names maxsat twice"):
        qnnt.solve(HUMP, backend="portfolio:maxsat+sat+maxsat")
    with pytest.raises(qnnt.InputError, match="no members"):
        qnnt.solve(HUMP, backend=[])
    with pytest.raises(qnnt.UnknownWord, match="no backend 'nonsense'"):
        qnnt.solve(HUMP, backend="portfolio:maxsat+nonsense")
    with pytest.raises(qnnt.Unsupported, match="processes of its own"):
        qnnt.solve(HUMP, backend="portfolio:maxsat+sat", isolate=False)
    with pytest.raises(qnnt.Unsupported, match="declines everything; try another"):
        raced("enumeration", Faulty("declines"))
    with pytest.raises(qnnt.Unavailable, match="nobody wrote it"):
        raced("enumeration", Faulty("missing"))
    with pytest.raises(qnnt.Unsupported, match="it takes: clauses, cpsat"):
        qnnt.solve(HUMP, backend="portfolio:enumeration+cpsat", encoder="direct")
