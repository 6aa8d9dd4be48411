"""What is run before a run that is timed."""

import pytest

import qnnt
from qnnt.comparing import attempts
from qnnt.comparing.contestants import Contestant
from qnnt.generate.teacher import teacher_instance


@pytest.fixture
def solved(monkeypatch):
    """The backends that are called, in order; nothing is run."""
    called = []

    def solve(instance, *, backend, **_):
        called.append(backend)
        raise qnnt.Unsupported("nothing is run; try another")

    monkeypatch.setattr(attempts, "solve", solve)
    return called


@pytest.mark.parametrize(
    ("backend", "limits", "warmed"),
    [
        ("maxsat", qnnt.Limits(5), ["maxsat"]),
        ("portfolio:maxsat+cpsat", qnnt.Limits(5, threads=2), ["maxsat", "cpsat"]),  # each in its own worker
        ("maxsat", qnnt.Limits(5, memory=1000), []),  # a new worker is taken all the same
        ("portfolio:maxsat+maxsat", qnnt.Limits(5), []),  # the run says what is wrong
    ],
)
def test_each_backend_of_a_run_is_loaded_before(backend, limits, warmed, solved):
    kept = attempts.library_run(teacher_instance(3, [3, 2], 10), Contestant(backend, backend), limits)
    assert kept["outcome"] == "refused"
    assert solved == [*warmed, backend]
