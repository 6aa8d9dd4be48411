"""What the commands say and write."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from qnnt import (
    Activation,
    Architecture,
    Dataset,
    Domain,
    Fewest,
    Instance,
    Limit,
    Minimize,
    Network,
    registry,
)
from qnnt.availability import caps
from qnnt.backends.sat import SOLVERS, solver_names
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


def test_check_shows_the_points_that_are_wrong(qnnt, xor, lone, tmp_path):
    network = tmp_path / "n.json"
    assert qnnt("solve", lone, "--errors", "exactly:2", "-o", network).status == 0
    run = qnnt("check", lone, network)
    assert (run.status, run.err) == (1, "")
    assert qnnt("check", lone, network, "--errors", "at-most:2").status == 0
    assert run.out.startswith("2 of 4 points wrong\nmeets goal: no (at-most:0)\nwrong points:\n")
    assert run.out.count("data[") == 2
    result = json.loads(qnnt("check", lone, network, "--json").out)
    assert (result["goal"], result["errors"], result["total"], result["meets_goal"]) == (
        "at-most:0",
        2,
        4,
        False,
    )
    for point in result["wrong"]:
        assert (point["count"], point["y"]) == (1, [point["x"][0] ^ point["x"][1]])
        assert point["output"] != point["y"]
    mismatch = qnnt("check", xor, network)
    assert (mismatch.status, mismatch.out) == (2, "")


def test_check_cuts_a_long_list_for_humans_only(qnnt, tmp_path):
    data = Dataset([[0]] * 30, [[1]] * 30)
    instance = Instance(Domain(2), Architecture.dense([1, 1]), data, Minimize())
    instance.save(tmp_path / "i.json")
    Network(instance.architecture, instance.domain, [0], [0]).save(tmp_path / "n.json")
    run = qnnt("check", tmp_path / "i.json", tmp_path / "n.json")
    assert run.out.count("data[") == 20
    assert "… and 10 more rows" in run.out
    assert "meets goal: yes, as every network does" in run.out
    assert (
        len(json.loads(qnnt("check", tmp_path / "i.json", tmp_path / "n.json", "--json").out)["wrong"]) == 30
    )


def test_generate_table(qnnt, tmp_path):
    (tmp_path / "t.csv").write_text('a,"b,c",same,y,z\n0,u,1,0,1\n1,v,1,1,0\n0,w,1,1,1\n')
    output = tmp_path / "i.json"
    command = (
        "generate",
        "table",
        tmp_path / "t.csv",
        "--target",
        "y",
        "--target",
        "z",
        "--d",
        3,
        "--hidden",
        "4,2",
    )
    run = qnnt(*command, "--errors", "at-most:1", "-o", output)
    assert (run.status, run.out) == (0, "")
    assert run.err.splitlines() == [
        f"{output}: table: d = 3, layers 4-4-2-2, 3 points, 0 unavoidable errors, goal at-most:1",
        "left out, one value only: same",
    ]
    instance = Instance.load(output)
    assert [len(layer) for layer in instance.architecture.layers] == [4, 4, 2, 2]
    assert instance.meta["source"] == "t.csv"
    assert str(Instance.load(output).goal) == "at-most:1"
    assert '"errors": "min"' in qnnt(*command).out


@pytest.mark.parametrize("hidden", [[], ["--hidden", "0"], ["--hidden", ""]])
def test_generate_without_hidden_layers(qnnt, tmp_path, hidden):
    (tmp_path / "t.csv").write_text("a,y\n0,0\n1,1\n")
    run = qnnt("generate", "table", tmp_path / "t.csv", "--target", "y", "--d", 2, *hidden)
    assert json.loads(run.out)["layers"] == [["a"], ["y"]]


def test_generate_teacher_to_stdout_and_file_is_the_same(qnnt, tmp_path):
    command = (
        "generate",
        "teacher",
        "--d",
        3,
        "--layers",
        "3,2,1",
        "--points",
        20,
        "--noise",
        0.1,
        "--seed",
        4,
    )
    assert qnnt(*command, "-o", tmp_path / "i.json").status == 0
    run = qnnt(*command)
    assert run.out == (tmp_path / "i.json").read_text()
    assert run.err.startswith("stdout: teacher: d = 3, layers 3-2-1, 20 points")
    assert "goal at-most:2" in run.err
    other = qnnt(*command, "--student-layers", "3,4,1", "--errors", "min")
    assert [len(layer) for layer in json.loads(other.out)["layers"]] == [3, 4, 1]
    assert json.loads(other.out)["errors"] == "min"


@pytest.mark.parametrize(
    ("name", "goal", "encoder"),
    [
        ("cnf", "at-most:0", "clauses"),
        ("wcnf", "min", "clauses"),
        ("opb", "exactly:1", "pseudo-boolean"),
        ("lp", "min", "milp"),
        ("mps", "at-most:1", "milp"),
        ("cpsat", "min", "cpsat"),
    ],
)
def test_encode_picks_the_encoder_for_the_format(qnnt, lone, tmp_path, name, goal, encoder):
    output = tmp_path / f"model.{name}"
    run = qnnt("encode", lone, "--format", name, "--errors", goal, "-o", output)
    assert (run.status, run.out) == (0, "")
    assert run.err.startswith(f"{output}: {name} by encoder {encoder}: ")
    assert output.stat().st_size
    parameters = json.loads((tmp_path / f"model.{name}.map.json").read_text())["parameters"]
    assert set(parameters) == {"weight[x0,y]", "weight[x1,y]", "bias[y]"}


def test_encode_by_a_named_encoder(qnnt, xor, tmp_path):
    command = ("encode", xor, "--format", "lp", "-o", tmp_path / "m.lp", "--encoder")
    assert "by encoder pseudo-boolean" in qnnt(*command, "pseudo-boolean").err
    free = qnnt("encode", xor, "--format", "cnf", "-o", tmp_path / "f.cnf", "--no-symmetry").err
    assert free != qnnt("encode", xor, "--format", "cnf", "-o", tmp_path / "f.cnf").err


def test_backends_lists_all_and_folds_the_variants(qnnt):
    run = qnnt("backends")
    assert (run.status, run.err) == (0, "")
    assert "sat:SOLVER" in run.out
    assert "  cadical103, cadical153, " in run.out
    assert "name a solver program: dimacs:PATH" in run.out
    listed = json.loads(qnnt("backends", "--json").out)
    found = {b["name"]: b for b in listed if b["task"] == "train"}
    rounders = {b["name"]: b for b in listed if b["task"] == "round"}
    assert rounders["closest-vector"]["capabilities"] == ["bounds", "prove"]
    assert rounders["nearest"]["available"]
    assert {f"sat:{name}" for name in SOLVERS} < set(found)
    assert found["cpsat"]["encoders"] == ["clauses", "cpsat", "cpsat-textbook", "plain"]
    assert found["enumeration"]["accepts"] == ["Instance"]
    assert (found["dimacs"]["available"], found["dimacs"]["version"]) == (False, None)
    assert found["portfolio"]["available"]
    assert "portfolio:A+B" in run.out


def test_backends_says_which_version_is_newer_than_the_tested(qnnt, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99.1" if name == "ortools" else "0")
    listed = json.loads(qnnt("backends", "--json").out)
    noted = {(b["task"], b["name"]): b["note"] for b in listed if b["note"]}
    cap = caps(importlib.metadata.requires("qnnt"))["ortools"]
    note = f"ortools 99.1 is newer than what was tested: below {cap}"
    assert noted == {("train", "cpsat"): note, ("round", "cpsat"): note}
    assert qnnt("backends").out.count(f"\n  {note}\n") == 2


def test_the_solvers_listed_are_those_of_pysat():
    assert set(solver_names().values()) == set(SOLVERS)


def test_a_large_network_is_cut_and_says_so(capsys):
    architecture, domain = Architecture.dense([20, 60, 1]), Domain(3)
    print(Network(architecture, domain, [-1] * architecture.n_arcs, [1] * architecture.n_biases))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 42
    assert lines[1].startswith("  h0   =  ReLU(-x0 - x1 - ")
    assert lines[1].endswith(" + … (8 more terms) - 1)")
    assert lines[-1] == "  … and 21 more neurons; a network file holds them all"


def test_a_neuron_of_zeros_and_names_that_would_upset_a_terminal(capsys):
    architecture, domain = Architecture([["\x1b[31m"], ["y\n"]], [("\x1b[31m", "y\n")]), Domain(3)
    print(Network(architecture, domain, [0], [0]))
    print(Network(architecture, domain, [1], [-1]))
    out = capsys.readouterr().out
    assert "ReLU(0)" in out
    assert r"y\n  =  ReLU(\x1b[31m + 1)" in out


def test_names_of_files_reach_no_terminal_as_they_are(qnnt, xor, tmp_path):
    """ESC and a mark that turns the writing direction; and what matplotlib would take for a formula."""
    odd = "a\x1b[31m\u202e$\\frac$"
    instance, plot = tmp_path / f"{odd}.json", tmp_path / f"{odd}.svg"
    instance.write_bytes(xor.read_bytes())
    missing = tmp_path / f"{odd}.nowhere"
    teacher = ["generate", "teacher", "--d", 3, "--layers", "2,1", "--points", 3]
    commands = [
        ["info", instance, "--plot", plot],
        ["encode", instance, "--format", "cnf", "-o", tmp_path / f"{odd}.cnf"],
        [*teacher, "-o", tmp_path / f"{odd}2.json"],
        ["solve", instance, "-v", "-o", tmp_path / f"{odd}3.json"],
        ["info", missing],
        ["solve", instance, "--backend", f"dimacs:{missing}"],
    ]
    for words in commands:
        run = qnnt(*words)
        assert run.status == (2 if str(missing) in str(words[-1]) else 0), run
        assert "".join((run.out + run.err).split("\n")).isprintable()
    assert ET.parse(plot).getroot().tag.endswith("svg")


def test_activations_are_called_by_their_names(capsys):
    architecture, domain = Architecture.dense([1, 1, 1]), Domain(5)
    for activation in ("sign", ("relu", "step"), (Activation((0, 5), (-1, 0, 2)), Activation((0,), (0, 2)))):
        print(Network(architecture, domain, [1, 1], [0, 0], activation))
    assert capsys.readouterr().out.splitlines() == [
        "Network, where sign is -1 below 0, 1 from 0 on; weights of 0 are left out:",
        "  h0  =  sign(x0)",
        "  y0  =  sign(h0)",
        "Network, where ReLU maps below 0 to 0 and above 2 to 2, and step is 0 below 1, 1 from 1 on; "
        "weights of 0 are left out:",
        "  h0  =  ReLU(x0)",
        "  y0  =  step(h0)",
        "Network, where f is -1 below 0, 0 from 0 on, 2 from 5 on, and g is 0 below 0, 2 from 0 on; "
        "weights of 0 are left out:",
        "  h0  =  f(x0)",
        "  y0  =  g(h0)",
    ]


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

    monkeypatch.setattr("qnnt.pipeline.with_fewest_weights", cut_short)
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
