from __future__ import annotations

import sys

import numpy as np


def test_proofs_are_accepted_and_mutants_rejected(script, monkeypatch, capsys) -> None:
    kinds = "exact-cover,minimum-neuron"
    monkeypatch.setattr(sys, "argv", ["proofs.py", "--seeds", "1", "--kinds", kinds, "--time-limit", "20"])
    assert script("proofs").main() == 0
    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines()[1:4]] == [
        ["exact-cover", "1"],
        ["minimum-neuron", "1"],
        ["all", "2"],
    ]
    assert "2 proofs accepted by all checkers" in out
    assert "ACCEPTED" not in out
    assert "WRONG" not in out


def test_the_judge_takes_no_step_for_hopeless_that_holds(script) -> None:
    mutants = script("proof_mutants")
    rows = [[1, 2], [-1, 2], [1, -2], [-1, -2]]
    judge = mutants.Judge(rows)
    assert not judge.refuses([2], set())  # by propagation
    assert not judge.refuses([3], set())  # nothing has -3
    assert not judge.contradicts([])
    loose = mutants.Judge(rows[:3])
    assert loose.refuses([-1], set())
    assert not loose.refuses([-1], {frozenset(row) for row in rows})
    assert mutants.has_model(rows[:3])
    assert not mutants.has_model(rows)
    made = {m.kind: m for m in mutants.mutants(rows, [(False, [2])], np.random.default_rng(0))}
    assert made["clause left out"].hopeless
    assert made["all steps left out"].hopeless
    assert made["unit put before the steps"].hopeless is False  # every unit follows here
