from __future__ import annotations

import sys


def test_prints_seconds_by_family_and_size(script, monkeypatch, capsys) -> None:
    options = ["--families", "exact-cover,balanced-sat", "--sizes", "6,9", "--seeds", "2", "--limit", "30"]
    monkeypatch.setattr(sys, "argv", ["hardness.py", *options])
    assert script("hardness").main() == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows[1:]] == [
        "| exact-cover planted",
        "| exact-cover infeasible",
        "| balanced-sat any answer",
    ]
    assert all(0 <= float(word.strip(" |")) <= 30 for row in rows[1:] for word in row[1:])
