"""What measuring scripts share: a run that Ctrl-C cut short enters no figure, and errors are one line."""

from __future__ import annotations

import sys

import pytest

import qnnt
from qnnt.cli.program import run

CUT = qnnt.Result(qnnt.Status.UNKNOWN, "min", "sat", "clauses", limit=qnnt.Limit.INTERRUPT)


@pytest.mark.parametrize(
    "words",
    [
        "neuron",
        "minimise --only wine",
        "depth --deep 1",
        "scaling --sizes 20",
        "isolation_overhead",
        "encoding_speed --layers 2,1 --points 3 --repeat 1 --solve 1",
        "proofs",
    ],
)
def test_a_run_that_is_cut_short_ends_the_script(words, script, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(qnnt, "solve", lambda *_, **__: asked.append(1) or CUT)
    monkeypatch.setattr(sys, "argv", words.split())
    module, measuring = script(words.split()[0]), script("measuring")
    assert measuring.ended(module.main) == 130
    assert len(asked) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cubes", "executors", "presolve"])
def test_so_it_does_those_of_typer(name, script, monkeypatch):
    module = script(name)
    monkeypatch.setattr(module, "solve", lambda *_, **__: CUT)
    if name == "executors":
        with pytest.raises(KeyboardInterrupt):
            module._cubed(next(iter(module.CASES)), 2, 1.0, None)
        return
    if name == "cubes":
        monkeypatch.setattr(module, "gain", lambda: 1.0)
    assert run(module.app, name, []) == 130


def test_errors_are_one_line(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["isolation_overhead.py", "--backends", "nosuch"])
    assert script("measuring").ended(script("isolation_overhead").main) == 2
    assert capsys.readouterr().err.startswith("isolation_overhead: error: no backend 'nosuch'")


def test_a_name_that_no_case_has_is_refused(script, capsys):
    for name in ("cubes", "executors"):
        assert run(script(name).app, name, ["--match", "zzz"]) == 2
        assert "--match: no name holds 'zzz'" in capsys.readouterr().err


def test_lines_that_are_cut_off_are_named(script, tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text('{"a": 1}\n{"a": 2')
    with pytest.raises(qnnt.InputError, match="line 2 is no run"):
        script("measuring").kept_lines(path)


def test_only_what_neuron_proved_has_a_ratio(script, monkeypatch, capsys):
    neuron = script("neuron")
    late = qnnt.Result(qnnt.Status.UNKNOWN, "min", "neuron", "direct", errors=2, lower_bound=1)
    monkeypatch.setattr(neuron, "run", lambda *_: (late, 1.0))
    monkeypatch.setattr(sys, "argv", ["neuron.py", "--sizes", "5x12"])
    neuron.main()
    assert "×" not in capsys.readouterr().out


def test_many_points_without_a_network_and_without_a_teacher(script, monkeypatch, capsys):
    large = script("large")
    none = qnnt.Result(qnnt.Status.UNSATISFIABLE, "at-most:0", "sat", "clauses", lower_bound=3)
    monkeypatch.setattr(qnnt, "solve", lambda *_, **__: none)
    result, seconds, mebibytes = large.run(qnnt.Instance.load("examples/teacher.json"), "sat", qnnt.Limits(1))
    assert (result, seconds >= 0, mebibytes >= 0) == (none, True, True)
    words = "large.py --layers 6-2-1 --points 20 --zeros 0.2 --noise 0 --errors 0.4"
    monkeypatch.setattr(sys, "argv", words.split())
    assert script("measuring").ended(large.main) == 2
    assert "--errors: 100 teachers leave at most 24 points" in capsys.readouterr().err


def test_another_checkout_has_to_be_one(script, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["phases.py", "--against", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        script("phases").main()
    assert "there is no folder qnnt in it" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["notebooks", "make_examples"])
def test_help_writes_nothing(name, script, monkeypatch, capsys):
    module = script(name)
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    for work in {"run", "write_digits"} & set(vars(module)):
        monkeypatch.setattr(module, work, None)
    with pytest.raises(SystemExit, match="0"):
        module.main()
    assert capsys.readouterr().out.startswith("usage: ")


def test_a_reader_that_ends_its_process_is_a_finding(script, monkeypatch):
    fuzz, codes = script("fuzz"), iter([0, -9])
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "all", "--plain"])

    class Ended:
        def __init__(self, *_, **__):
            self.returncode = next(codes, 0)

    monkeypatch.setattr(fuzz.subprocess, "run", Ended)
    assert fuzz.main() == 1
