from __future__ import annotations

import sys

import pytest


def test_solves_while_workers_are_killed(script, monkeypatch, capsys) -> None:
    words = ["soak.py", "--minutes", "0.04", "--threads", "2", "--kills", "2"]
    monkeypatch.setattr(sys, "argv", words)
    soak = script("soak")
    monkeypatch.setattr(soak, "BACKENDS", ("sat", "maxsat", "enumeration"))  # these load quickly
    assert soak.main() == 0
    assert "\n0 mistakes\n" in capsys.readouterr().out


@pytest.mark.parametrize("lie", ["status", "errors"])
def test_a_wrong_answer_is_seen(script, lie: str) -> None:
    import random
    from dataclasses import replace

    import qnnt

    soak = script("soak")
    chance = random.Random(0)
    while True:
        instance, least = soak.case(chance)
        if instance.goal.minimizes:
            break
    result = qnnt.solve(instance, backend="enumeration", isolate=False)
    assert soak.mistake(instance, least, result) is None
    lies = {"status": {"status": qnnt.Status.UNSATISFIABLE}, "errors": {"errors": least + 1}}
    assert soak.mistake(instance, least, replace(result, **lies[lie])) is not None
