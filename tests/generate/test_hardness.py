"""Reference times, and the size that takes about so many seconds."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qnnt
from qnnt.generate import hardness
from qnnt.generate.family import made, write_family
from qnnt.generate.hardness import NEAR, Timed, size_for
from qnnt.generate.reference import SOLVER, Reference
from qnnt.limits import MOST_TIME, Limit, Status
from qnnt.workers.task import Ended


def test_a_manifest_tells_reference_times(tmp_path):
    reference = Reference(30)
    for line in write_family("exact-cover", [5], [0], tmp_path, optimum_time=0, reference=reference):
        told = line["reference"]
        assert (told["solver"], told["limit"], told["solved"]) == (SOLVER, 30, True)
        assert told["version"].startswith("python-sat")
        assert told["seconds"] >= 0


def test_what_takes_too_long_is_not_solved():
    *_, below = made("hitting-set", 200, 0)
    told = Reference(0.5).line(below.name, below.instance, below.answer)
    assert (told["solved"], told["seconds"]) == (False, None)
    assert "SIGXCPU" in told["reason"]


def test_what_ends_just_over_the_limit_is_not_solved(monkeypatch):
    first, *_ = made("exact-cover", 5, 0)
    ended = Ended((Status.SATISFIABLE, 30.25))
    monkeypatch.setattr("qnnt.generate.reference.run_isolated", lambda *_: ended)
    told = Reference(30).line(first.name, first.instance, first.answer)
    assert (told["solved"], told["seconds"], told["reason"]) == (False, None, "it took 30.250 s")


def test_a_time_beyond_what_limits_allow_is_cut():
    reference = Reference(2.0 * MOST_TIME, time.monotonic() + 4.0 * MOST_TIME)
    assert math.isfinite(hardness.timed("exact-cover", 5, [0], reference).seconds)


def test_a_wrong_answer_of_a_family_is_found():
    first, *_ = made("exact-cover", 5, 0)
    with pytest.raises(qnnt.WrongAnswer, match="SATISFIABLE of exact-cover-5-planted-0, whose answer is no"):
        Reference(30).line(first.name, first.instance, not first.answer)


@given(
    st.lists(st.floats(0.001, 1000), min_size=1, max_size=40),
    st.floats(0.01, 100),
    st.integers(0, 5),
)
def test_the_size_is_found_if_seconds_rise_with_it(times, seconds, first):
    """Whatever the steps between sizes: near if any size is, else the nearer of two neighbours."""
    rising, limit = sorted(times), NEAR * seconds
    sizes = range(first + 1, first + 1 + len(rising))

    def timed(name, size, seeds, reference):
        took = rising[size - first - 1]
        return Timed(size, took if took <= limit else math.inf, limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hardness, "timed", timed)
        search = {"seconds": seconds, "reference": Reference(limit)}
        near = [t for t in rising if seconds / NEAR <= t <= limit]
        if not near and (rising[0] > seconds or rising[-1] < seconds):
            with pytest.raises(qnnt.InputError, match="--hardness"):
                size_for("exact-cover", sizes, [0], **search)
            return
        found = size_for("exact-cover", sizes, [0], **search)
    assert found.seconds in near or (not near and math.isfinite(found.seconds))
    if not near:
        below = max(t for t in rising if t < seconds)
        assert found.seconds == below


def test_an_instance_gets_little_more_time_to_be_made_than_to_be_solved(monkeypatch):
    times = []

    def run_isolated(task, _):
        times.append(task.limits.time)
        return Ended(limit=Limit.TIME)

    monkeypatch.setattr(hardness, "run_isolated", run_isolated)
    found = hardness.timed("threshold-sat", 384, [0], Reference(120.0))
    assert (times, found.seconds) == ([120.0 + hardness._MAKING], math.inf)
