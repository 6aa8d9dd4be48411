from __future__ import annotations

import sys

import pytest


def test_prints_both_backends_and_their_ratio(script, monkeypatch, capsys) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(
        sys, "argv", ["neuron.py", "--sizes", "5x12,6x15", "--seeds", "2", "--time-limit", "20"]
    )
    script("neuron").main()
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines if "×" in line and "mean" not in line]
    assert [(row[0], row[1]) for row in rows] == [("5x12", "0"), ("5x12", "1"), ("6x15", "0"), ("6x15", "1")]
    for row in rows:  # errors and bound of both
        assert row[2] == row[3] == row[5] == row[6]
    assert sum("geometric mean" in line for line in lines) == 2
