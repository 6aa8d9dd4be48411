"""``scripts/accuracy.py``: every model on the same rows, runs that go on, and the table."""

import json

import numpy as np
import pytest

import qnnt


def test_runs_go_on_and_are_shown(script, tmp_path, capsys, monkeypatch):
    accuracy = script("accuracy")
    quick = [(name, *more) for name, *more in accuracy.models(0, 60) if not name.startswith("logistic")]
    monkeypatch.setattr(accuracy, "models", lambda seed, time_limit: iter(quick))
    path = tmp_path / "accuracy.jsonl"
    words = ["--only", "iris", "--seeds", "1", "--time-limit", "60", "-o", str(path)]
    assert accuracy.main(words) == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["model"] for row in rows] == [name for name, *_ in quick]
    assert {row["rows"] for row in rows} == {105}
    assert rows[0]["accuracy"] == 1 / 3  # as many of each class, in both parts
    for row in rows[1:3]:
        assert row["lower_bound"] == row["errors"]
        # A network that is right in all outputs shows the class; one that is not may still show it.
        assert 1 - row["errors"] / 105 <= row["training"]
    printed = capsys.readouterr().out
    assert "| iris | majority | 0.333 ± 0.000 | 0.333 |" in printed
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    assert accuracy.main(words) == 0
    again = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["accuracy"] for row in again] == [row["accuracy"] for row in rows]
    assert [row["seconds"] for row in again[:-1]] == [row["seconds"] for row in rows[:-1]]


def test_the_spread_is_the_standard_deviation(script):
    report = script("accuracy").report(
        [
            {"table": "t", "model": "tree", "accuracy": a, "training": 1.0, "size": f"{n} leaves"}
            for a, n in ((0.5, 3), (0.75, 6), (1.0, 9))
        ]
    )
    assert f"0.750 ± {np.std([0.5, 0.75, 1.0], ddof=1):.3f} | 1.000 | 6 leaves" in report


def test_runs_of_another_time_limit_are_refused(script, tmp_path):
    accuracy, path = script("accuracy"), tmp_path / "accuracy.jsonl"
    for kept in ({"time_limit": 5.0}, {}):
        path.write_text(json.dumps(kept) + "\n")
        with pytest.raises(qnnt.InputError, match="has runs with another --time-limit"):
            accuracy.main(["--time-limit", "6", "-o", str(path)])
    with pytest.raises(FileNotFoundError):
        accuracy.main(["--report", str(tmp_path / "none.jsonl")])
