"""What ``check``, ``generate``, ``encode`` and ``backends`` say and write."""

from __future__ import annotations

import importlib.metadata
import json
from xml.etree import ElementTree as ET

import pytest

from qnnt import Architecture, Dataset, Domain, Instance, Minimize, Network
from qnnt.availability import caps
from qnnt.backends.sat import SOLVERS, solver_names


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
