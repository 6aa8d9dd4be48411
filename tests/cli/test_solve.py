"""What ``qnnt solve`` says and writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qnnt import Architecture, Dataset, Domain, Fewest, Instance, Limit, Network, registry
from qnnt.constant import best_constant
from qnnt.verify.replay import check


def test_solve_says_what_was_found_and_by_whom(qnnt, xor):
    run = qnnt("solve", xor, "--backend", "sat")
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("SATISFIABLE: a network gets 0 of 4 points wrong\n")
    for words in (
        "goal         at-most:0",
        "errors       0 of 4",
        f"{registry.backend('sat').name} (python-sat",
        "clauses",
        "yes",
    ):
        assert words in run.out
    assert run.out.count("ReLU(") == 3


def test_solve_prints_and_writes_the_same_network(qnnt, xor, tmp_path):
    output = tmp_path / "n.json"
    output.write_text("old")
    run = qnnt("solve", xor, "--json", "-o", output, "--time-limit", 60, "--memory-limit", 4000, "--seed", 5)
    assert (run.status, run.err, run.out.count("\n")) == (0, "", 1)
    result = json.loads(run.out)
    assert set(result) == {
        *("status", "goal", "errors", "lower_bound", "backend", "encoder", "version", "verified", "limit"),
        *("reason", "members", "limits", "network", "statistics", "evidence", "fewest_weights"),
    }
    assert (result["status"], result["errors"], result["verified"]) == ("SATISFIABLE", 0, True)
    assert result["limits"] == {"time": 60.0, "memory": 4000, "threads": 1, "seed": 0}  # it uses none
    assert {"encode", "solve", "check", "total"} <= set(result["statistics"]["seconds"])
    assert result["network"] == json.loads(output.read_text())
    assert check(Instance.load(xor), Network.load(output)).errors == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["n.json", "xor.json"]


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ("at-most:0", "UNSATISFIABLE: every network gets 1 or more of 4 points wrong"),
        ("exactly:0", "UNSATISFIABLE: no network gets exactly 0 of 4 points wrong"),
        ("exactly:3", "SATISFIABLE: a network gets 3 of 4 points wrong"),
        ("min", "OPTIMAL: a network gets 1 of 4 points wrong, and none does better"),
    ],
)
def test_every_verdict_in_words(qnnt, lone, goal, words):
    run = qnnt("solve", lone, "--errors", goal)
    assert run.status == 0
    assert run.out.splitlines()[0] == words
    assert ("replayed     no, there is no network" in run.out) == words.startswith("UNSAT")


def test_a_portfolio_tells_who_decided_and_who_raced(qnnt, lone):
    run = qnnt("solve", lone, "--errors", "min", "--backend", "portfolio:enumeration+sat", "--threads", 2)
    assert run.out.startswith("OPTIMAL: a network gets 1 of 4 points wrong, and none does better\n")
    assert "portfolio    enumeration, sat:cadical153\n" in run.out
    run = qnnt("solve", lone, "--errors", "at-most:3")
    assert "backend      constant\n  encoder      none\n  model        none\n" in run.out
    mistake = qnnt("solve", lone, "--backend", "portfolio:sat+frob")
    assert (mistake.status, mistake.err.count("\n")) == (2, 1)


def test_no_network_is_not_written_and_leaves_an_old_one(qnnt, lone, tmp_path):
    output = tmp_path / "n.json"
    output.write_text("old")
    run = qnnt("solve", lone, "-o", output)
    assert run.status == 0
    assert run.err == f"{output}: not written, as there is no network\n"
    assert output.read_text() == "old"


def test_a_limit_is_unknown_with_the_best_so_far(qnnt, hard, tmp_path):
    output = tmp_path / "n.json"
    run = qnnt(
        "solve", hard, "--time-limit", 1.5, "--backend", "sat", "--errors", "min", "-o", output, "--json"
    )
    result = json.loads(run.out)
    assert (run.status, result["status"], result["limit"]) == (3, "UNKNOWN", "time")
    assert output.exists() == (result["network"] is not None)
    assert run.err.startswith(f"{output}: ")
    run = qnnt("solve", hard, "--time-limit", 0.5, "--backend", "cpsat")
    assert run.status == 3
    assert run.out.startswith("UNKNOWN: the time limit was reached\n")


def test_a_run_begins_from_a_network(qnnt, lone, xor, tmp_path):
    worst, best = tmp_path / "worst.json", tmp_path / "best.json"
    assert qnnt("solve", lone, "--errors", "exactly:3", "-o", worst).status == 0
    run = qnnt("solve", lone, "--errors", "min", "--start", worst, "-o", best)
    assert run.out.startswith("OPTIMAL: a network gets 1 of 4 points wrong, and none does better")
    run = qnnt("solve", lone, "--errors", "min", "--start", best, "--backend", "sat", "--json")
    result = json.loads(run.out)
    assert (result["status"], result["errors"], result["lower_bound"]) == ("OPTIMAL", 1, 1)
    assert result["network"] == json.loads(best.read_text())
    run = qnnt("solve", lone, "--errors", "at-most:1", "--start", best)
    assert run.out.startswith("SATISFIABLE: a network gets 1 of 4 points wrong")
    assert "backend      start" in run.out
    run = qnnt("solve", xor, "--start", best)
    assert (run.status, run.out) == (2, "")
    assert run.err == "qnnt: error: start: has the layers 2-1, the instance 2-2-1\n"
    assert "cannot be read" in qnnt("solve", xor, "--start", tmp_path / "nowhere.json").err


def test_a_start_is_kept_by_a_limit(qnnt, hard, tmp_path):
    """And written, as the best so far."""
    problem, start, output = Instance.load(hard), tmp_path / "s.json", tmp_path / "n.json"
    vector = best_constant(problem).vector.copy()
    vector[-3] = 1  # the bias of a neuron that no output looks at
    problem.network(vector).save(start)
    errors = check(problem, Network.load(start)).errors
    run = qnnt("solve", hard, "--start", start, "--time-limit", 0.5, "--backend", "maxsat", "-o", output)
    assert run.status == 3
    assert f"errors       {errors} of 400, the best network so far, which misses the goal" in run.out
    assert Network.load(output) == Network.load(start)


@pytest.mark.parametrize("how", ["-v", "--verbose", "QNNT_LOG"])
def test_why_is_told_on_request(qnnt, xor, monkeypatch, how):
    assert qnnt("solve", xor).err == ""
    if how == "QNNT_LOG":
        monkeypatch.setenv("QNNT_LOG", "info")
    run = qnnt("solve", xor, "--threads", 2, *([] if how == "QNNT_LOG" else [how]))
    assert run.status == 0
    assert run.err.startswith("qnnt: info: auto takes enumeration, which expects 0.0")
    assert "; runners-up: " in run.err
    assert "sat:cadical153 0.2" in run.err
    assert "qnnt: info: backend enumeration uses one thread, not 2\n" in run.err
    assert "qnnt: info: encoder 'direct' makes what backend 'enumeration' likes best\n" in run.err
    monkeypatch.delenv("QNNT_LOG", raising=False)
    assert qnnt("solve", xor).err == ""


def test_a_level_that_there_is_not(qnnt, xor, monkeypatch):
    monkeypatch.setenv("QNNT_LOG", "loud")
    run = qnnt("solve", xor)
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith("qnnt: error: QNNT_LOG: no log level 'loud'; there are: debug, info")


def test_threads_do_not_break_the_default(qnnt, xor):
    run = qnnt("solve", xor, "--threads", 2, "--json")
    result = json.loads(run.out)
    assert (run.status, run.err, result["backend"], result["limits"]["threads"]) == (0, "", "enumeration", 1)


def test_solve_simplifies_unless_told_not_to(qnnt, tmp_path):
    path = tmp_path / "zero.json"
    data = Dataset([[0, 1], [0, 0]], [[1], [0]])
    Instance(Domain(2), Architecture.dense([2, 1]), data).save(path)
    with_it, without = (
        qnnt("solve", path, "--json", "--backend", "sat", *more) for more in ([], ["--no-presolve"])
    )
    assert json.loads(with_it.out)["statistics"]["parameters removed"] == 1
    assert "parameters removed" not in json.loads(without.out)["statistics"]
    assert "presolve removed 1 of 3 parameters" in qnnt("solve", path, "--backend", "sat", "-v").err


def test_fewest_weights_are_told_and_proved(qnnt, lone, tmp_path):
    output = tmp_path / "n.json"
    run = qnnt("solve", lone, "--errors", "min", "--then", "fewest-weights", "-o", output)
    assert run.status == 0
    assert "weights      2 of 2 not 0, and no network that is as good has fewer (maxsat)\n" in run.out
    assert Network.load(output).n_weights == 2
    assert qnnt("solve", lone, "--then", "few").status == 2


def test_fewest_weights_that_are_not_proved_are_unknown(qnnt, lone, monkeypatch):
    def cut_short(instance, result, *others, **switches):
        return replace(result, fewest=Fewest(2, 1, "maxsat", Limit.TIME, "the time limit was reached"))

    monkeypatch.setattr("qnnt.fewest.with_fewest_weights", cut_short)
    run = qnnt("solve", lone, "--errors", "min", "--then", "fewest-weights")
    assert run.status == 3
    assert run.out.startswith("OPTIMAL: ")
    assert "weights      2 of 2 not 0, the best so far; 1 or more are needed: the time limit was" in run.out
    document = json.loads(qnnt("solve", lone, "--errors", "min", "--then", "fewest-weights", "--json").out)
    assert document["fewest_weights"]["optimal"] is False


def test_a_log_file_tells_what_was_chosen_and_found(qnnt, tmp_path, xor):
    log = tmp_path / "run.log"
    for _ in range(2):
        assert qnnt("solve", xor, "--errors", "min", "--backend", "sat", "--log", log).err == ""
    text = log.read_text()
    assert text.count(" wrong, gap ") >= 2  # of a minimum
    assert text.count(" INFO OPTIMAL: a network gets ") == 2
    refused = qnnt("solve", xor, "--log", tmp_path / "nowhere" / "run.log")
    assert (refused.status, refused.out, refused.err.count("\n")) == (2, "", 1)


def test_a_log_file_on_a_full_disk_does_not_end_the_run(qnnt, xor):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    run = qnnt("solve", xor, "--backend", "sat", "--log", "/dev/full")
    assert run.out.startswith(("SATISFIABLE", "UNSATISFIABLE"))
    assert run.err == "qnnt: /dev/full: cannot be written; the run goes on\n"
