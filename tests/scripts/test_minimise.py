"""The table of minima by several backends."""

from __future__ import annotations

import sys


def test_every_backend_is_run_and_held_against_the_first(script, monkeypatch, capsys) -> None:
    words = "--backends maxsat,sat,neuron --only teacher-d2-8*,neuron-10* --limit 60"
    monkeypatch.setattr(sys, "argv", ["minimise.py", *words.split()])
    script("minimise").main()
    head, teacher, neuron, *means, _ = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head == ["maxsat", "sat", "neuron"]
    assert (teacher[0], teacher[1], teacher[3], teacher[5:]) == (
        "teacher-d2-8-4-2-100-s1",
        "10",
        "10",
        ["declined"],
    )
    assert (neuron[1], neuron[3], neuron[5]) == ("15", "15", "15")
    assert [mean[0] for mean in means] == ["teacher:", "neuron:"]
    assert means[0][-6:] == ["1", "1.00×", "1", means[0][-3], "0", "-"]


def test_the_tables_are_read_and_a_time_limit_is_marked(script, monkeypatch, capsys, tmp_path) -> None:
    rows = [f"{i % 2},{i // 2 % 2},{i // 4 % 2},{int(i % 8 in (1, 2, 4, 7))}" for i in range(16)]
    (tmp_path / "monk1_enc.csv").write_text("a,b,c,target\n" + "\n".join(rows))
    words = f"--backends maxsat --only table-monk1* --tables {tmp_path} --limit 0.001"
    monkeypatch.setattr(sys, "argv", ["minimise.py", *words.split()])
    script("minimise").main()
    _, row, mean, _ = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert row[0] == "table-monk1-d3-2"
    assert row[-1].endswith("*")
    assert mean[-2:] == ["0", "1.00×"]
