from __future__ import annotations

import json
import sys


def test_a_phase_is_timed_where_its_case_is_there(script, monkeypatch, capsys) -> None:
    phases = script("phases")
    monkeypatch.setattr(
        phases, "ENCODINGS", (("clauses", "exact-cover-infeasible-9-x2-s0"), ("clauses", "no-such-case"))
    )
    for phase, there in ((1, True), (2, False)):
        monkeypatch.setattr(sys, "argv", ["phases.py", "--phase", str(phase)])
        phases.main()
        assert (json.loads(capsys.readouterr().out) is not None) == there
    monkeypatch.setattr(sys, "argv", ["phases.py", "--profile", "3"])
    phases.main()
    assert "function calls" in capsys.readouterr().out


def test_the_ratio_is_that_of_the_medians(script, monkeypatch, capsys, tmp_path) -> None:
    phases = script("phases")
    seconds = iter([0.1, 0.4, 0.3, 0.4, 0.2, 0.6] * 2 + [None, 1.0] * 3)
    monkeypatch.setattr(phases, "ENCODINGS", (("clauses", "one"), ("clauses", "two")))
    monkeypatch.setattr(phases, "timed", lambda checkout, phase: next(seconds))
    (tmp_path / "qnnt").mkdir()
    monkeypatch.setattr(sys, "argv", ["phases.py", "--against", str(tmp_path)])
    phases.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line[48:].split("  ")[1:] for line in lines[:2]] == [
        ["0.20 s", "before 0.40 s, 2.00 times faster"]
    ] * 2
    assert lines[2].split() == ["clauses", "two", "not", "here"]
