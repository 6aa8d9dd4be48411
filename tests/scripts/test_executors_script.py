"""The table of executors, on small instances and this machine's processes."""

from __future__ import annotations

import pytest

from qnnt.cli.program import run


@pytest.fixture
def small(script, monkeypatch):
    """The script with a quick instance that has no network, and one that has."""
    cubes = script("cubes")
    many = lambda: cubes.random_labels(3, [4, 2, 1], 30, 0, "step", 1)  # noqa: E731
    few = lambda: cubes.random_labels(3, [4, 2, 1], 6, 0, "step", 1)  # noqa: E731
    monkeypatch.setattr(cubes, "CASES", {"many": many, "few": few})
    monkeypatch.setattr(cubes, "gain", lambda: 1.5)
    return script("executors")


def call(module, *arguments):
    words = ["--kind", "processes", "--backends", "sat", "--cubes", "4", *arguments]
    return run(module.app, "executors", words)


def test_seconds_with_one_worker_and_with_two(small, capsys):
    assert call(small, "--match", "many") == 0
    *_, compared, cubes, mean, control = capsys.readouterr().out.splitlines()
    assert compared.startswith("comparison of 1 run ")
    one, two, ratio = map(float, cubes.removeprefix("many").split())
    assert ratio == pytest.approx(one / two, rel=0.2, abs=0.2)
    assert mean.endswith(f": {ratio:.2f}")
    assert control.endswith("; 0 wrong or missing")


def test_another_answer_is_told(small, capsys):
    assert call(small, "--match", "few") == 1
    assert capsys.readouterr().out.endswith("; 2 wrong or missing\n")
