"""The table of cubes, on one small instance: all runs agree, and the killed one goes on."""

from __future__ import annotations

import pytest

from qnnt.cli.program import run


@pytest.fixture
def small(script, monkeypatch):
    """The script with a quick instance that has no network, and one that has."""
    module = script("cubes")
    many = lambda: module.random_labels(3, [6, 3, 1], 40, 0, "step", 1)  # noqa: E731
    few = lambda: module.random_labels(3, [6, 3, 1], 12, 0, "step", 1)  # noqa: E731
    monkeypatch.setattr(module, "CASES", {"many": many, "few": few})
    monkeypatch.setattr(module, "gain", lambda: 1.5)
    return module


def call(module, *arguments):
    return run(module.app, "cubes", [str(a) for a in arguments])


def test_three_runs_a_kill_and_the_rest(small, capsys):
    assert call(small, "--match", "many", "--cubes", 48) == 0
    *_, line, means, _, _, killed, went_on = capsys.readouterr().out.splitlines()
    assert line.startswith("many")
    assert means.endswith("; 0 runs without the answer UNSATISFIABLE")
    assert killed.startswith("many: killed after ")
    known = killed.rpartition(", ")[2].split()[0]
    assert went_on.startswith("the same command: UNSATISFIABLE after ")
    assert f"; {known} of " in went_on
    assert went_on.endswith("cubes were not run again")


def test_another_answer_is_told(small, capsys):
    assert call(small, "--match", "few", "--no-kill", "--cubes", 4) == 1
    assert "; 3 runs without the answer UNSATISFIABLE" in capsys.readouterr().out


def test_all_instances_are_what_they_are_called(script):
    module = script("cubes")
    assert len(module.CASES) == 10
    for make in module.CASES.values():
        assert make().goal.budget is not None
