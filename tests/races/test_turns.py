"""Whose turn it is: several share a thread, what only searches has its share, and when a race is settled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from faulty import Faulty, Proving, Searching
from processes import descendants, end_soon
from racing import BEST, HUMP, raced, ticks

import qnnt
from qnnt import registry
from qnnt.job import Event, Job
from qnnt.limits import Limit, Limits
from qnnt.portfolio import _Race
from qnnt.run import Member, Run


def test_with_one_thread_one_runs_at_a_time(tmp_path: Path) -> None:
    """Each ticks every few milliseconds: together they would alternate hundreds of times."""
    note = tmp_path / "ticks"
    result = raced(Faulty("tick", str(note)), Faulty("tock", str(note)), threads=1, time=4.0)
    assert result.limit is Limit.TIME
    ran = ticks(note)
    changes = sum(a != b for a, b in pairwise(ran))
    assert 2 <= changes <= 24
    assert min(ran.count("tick"), ran.count("tock")) > 20


def test_one_that_only_searches_has_all_threads_in_its_turns(tmp_path: Path) -> None:
    """The others run while it compiles, and not while it searches."""
    note = tmp_path / "ticks"
    search = Searching("threads-and-tick", str(note), compiling=1.0)
    provers = [Proving("tock", str(note)), Proving("tuck", str(note))]
    result = raced(search, *provers, threads=2, time=6.0)
    assert (result.limit, result.limits.threads) == (Limit.TIME, 2)
    assert "threads 2 2\n" in note.read_text()
    ran = ticks(note)
    first = ran.index("tick")
    assert {"tock", "tuck"} == set(ran[:first])
    assert {"tick", "tock", "tuck"} == set(ran[first:])
    changes = sum((a == "tick") != (b == "tick") for a, b in pairwise(ran))
    assert 2 <= changes <= 24
    assert sum(a != b for a, b in pairwise(ran)) > 2 * changes  # the others run side by side


def test_one_that_only_searches_has_the_most_of_a_long_race_if_a_proof_is_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qnnt.portfolio._LONG", 0.0)
    monkeypatch.setattr("qnnt.run._FEW", 0)
    shares = []
    for bound in ("tock", "bound-and-tock"):  # 0 of 2 errors, 1 of 2
        note = tmp_path / bound
        raced(Searching("tick", str(note)), Proving(bound, str(note), BEST), threads=1, time=5.0)
        ran = ticks(note)
        shares.append(ran.count("tick") / len(ran))
    assert shares[0] > 0.5 > shares[1]


@pytest.mark.parametrize(
    ("goal", "far", "ran", "share"),
    [
        (qnnt.AtMost(0), False, 1.0, 0.4),
        (qnnt.AtMost(0), False, 100.0, 1.0),
        (qnnt.Minimize(), False, 100.0, 0.4),
        (qnnt.Minimize(), True, 100.0, 4.0),
        (qnnt.Minimize(), True, 1.0, 0.4),
    ],
)
def test_turns_of_a_search_beside_those_of_a_proof(
    goal: qnnt.Goal, far: bool, ran: float, share: float
) -> None:
    instance, encoder = HUMP.with_goal(goal), registry.encoder("direct")
    jobs = [Job(instance, encoder, backend, Limits()) for backend in (Searching("tick"), Proving("tock"))]
    race = _Race(jobs, 1, SimpleNamespace(start=None, far=far))
    now = race._began + ran
    assert race._turn(0, now) == pytest.approx(share * race._turn(1, now))


PARENT = """
import sys
sys.path.insert(0, {tests!r})
from faulty import Faulty
from racing import raced
raced(Faulty("tick", {note!r}), Faulty("tock", {note!r}), threads=1)
"""


def test_one_that_is_paused_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "ticks"
    script = PARENT.format(tests=str(Path(__file__).parents[1]), note=str(note))
    parent = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(tmp_path)})
    while not note.exists() or len(set(ticks(note))) < 2:
        assert parent.poll() is None
        time.sleep(0.05)
    processes = descendants(parent.pid)
    assert len(processes) == 2
    parent.kill()
    parent.wait()
    assert end_soon(processes)


@pytest.mark.parametrize(
    ("goal", "bounds", "settled", "far"),
    [
        ("min", [], False, True),
        ("min", [7], False, True),
        ("min", [8], False, False),  # twice as many are not far below 20
        ("min", [8, 0], False, False),  # a lesser bound says nothing
        ("min", [20], True, False),
        ("at-most:0", [], False, False),
        ("at-most:0", [20], False, False),  # that no network meets the goal is for a member to say
        ("at-most:10", [], False, False),
        ("at-most:20", [], True, False),
        ("exactly:20", [], True, False),
        ("exactly:0", [], False, False),
    ],
)
def test_what_is_settled_and_what_is_far(goal: str, bounds: list[int], settled: bool, far: bool) -> None:
    """The best network without weights has 20 errors."""
    backend, encoder = registry.backend("enumeration"), registry.encoder("direct")
    data = HUMP.dataset
    more = qnnt.Dataset(data.inputs, data.labels, 10 * data.counts)
    instance = replace(HUMP, dataset=more).with_goal(goal)
    run = Run(instance, None, [Member(Job(instance, encoder, backend, Limits()), encoder, None)], None)
    for bound in bounds:
        run.hear(Event(bound=bound))
    assert (run.settled, run.far) == (settled, far)
