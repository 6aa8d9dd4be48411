"""``qnnt info``: what it counts, what the theorems say, and Figure 1."""

from __future__ import annotations

import json

import pytest

from qnnt import (
    Architecture,
    Dataset,
    Domain,
    Instance,
)
from qnnt.auto import choose


def test_info_counts(qnnt, tmp_path):
    data = Dataset([[0, 0], [0, 0], [1, 1]], [[0], [1], [-1]], [3, 2, 4])
    Instance(Domain(3), Architecture.dense([2, 3, 2, 1]), data, meta={"kind": "own", "source": "x.csv"}).save(
        tmp_path / "i.json"
    )
    facts = json.loads(qnnt("info", tmp_path / "i.json", "--json").out)
    wanted = {
        "d": 3,
        "domain": [-1, 1],
        "layers": [2, 3, 2, 1],
        "alpha": 2,
        "omega": 1,
        "depth": 2,
        "width": 3,
    }
    wanted |= {"max_degree": 4, "neurons": 8, "arcs": 14, "parameters": 20, "dense": True, "points": 9}
    wanted |= {"distinct_inputs": 2, "contradicting_inputs": 1, "unavoidable_errors": 6, "goal": "at-most:0"}
    wanted |= {
        "twins": [{"layer": 1, "neurons": 3}, {"layer": 2, "neurons": 2}],
        "auto": choose(Instance.load(tmp_path / "i.json")),
        "auto_reason": None,
    }
    assert {key: facts[key] for key in wanted} == wanted
    assert facts["meta"] == {"kind": "own", "source": "x.csv"}
    run = qnnt("info", tmp_path / "i.json", "--errors", "min")
    assert run.status == 0
    for line in ("networks         3^20 ~ 10^10", "auto             maxsat", "origin           own, x.csv"):
        assert line in run.out


def test_info_where_no_solver_is_installed(qnnt, xor, monkeypatch):
    monkeypatch.setattr("qnnt.registry.default_backends", list)
    run = qnnt("info", xor)
    assert (run.status, run.err) == (0, "")
    assert "auto             none: no backend that auto may choose can run here" in run.out
    facts = json.loads(qnnt("info", xor, "--json").out)
    assert facts["auto"] is None
    assert facts["auto_reason"].startswith("no backend that auto may choose")


def test_info_tells_what_the_theorems_say(qnnt, tmp_path):
    Instance(Domain(2), Architecture.dense([3, 1]), Dataset([[0, 0, 1]], [[1]])).save(tmp_path / "i.json")
    facts = json.loads(qnnt("info", tmp_path / "i.json", "--json").out)
    assert facts["treewidth"] == {"lower": 1, "upper": 1, "bag": 2, "bag_arcs": 1}
    assert facts["treewidth_without_inputs"]["upper"] == 0
    applies = {t["name"]: t["applies"] for t in facts["theorems"]}
    assert applies["Theorem 1"] is applies["Theorem 3"] is applies["Theorem 5"] is True
    assert applies["Theorem 2"] is applies["Theorem 4"] is False
    run = qnnt("info", tmp_path / "i.json")
    assert "treewidth        1, without the inputs 0" in run.out
    assert "not in its class: depth 0, not 1" in run.out


@pytest.mark.parametrize(
    ("goal", "asked", "heading"),
    [
        ("at-most:1", "at-most:1", "The paper's theorems:"),
        ("exactly:1", "at-most:1", "The paper's theorems, for at-most:1:"),
        ("min", "min", "The paper's theorems:"),
    ],
)
def test_info_says_which_goal_the_theorems_are_about(qnnt, xor, goal, asked, heading):
    assert heading in qnnt("info", xor, "--errors", goal).out.splitlines()
    assert json.loads(qnnt("info", xor, "--errors", goal, "--json").out)["theorems_goal"] == asked


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_info_draws_figure_1(qnnt, tmp_path, suffix):
    Instance(Domain(2), Architecture.dense([3, 1]), Dataset([[0, 0, 1]], [[1]])).save(tmp_path / "i.json")
    assert qnnt("info", tmp_path / "i.json", "--plot", tmp_path / f"f.{suffix}").status == 0
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert (tmp_path / f"f.{suffix}").read_bytes().startswith(start)
    if suffix == "svg":
        text = (tmp_path / "f.svg").read_text()
        assert "this instance is one of them" in text
        assert "this instance is not one of them" in text
        assert "holds for this instance" in text


def test_info_draws_nothing_it_cannot(qnnt, tmp_path, monkeypatch):
    Instance(Domain(2), Architecture.dense([3, 1]), Dataset([[0, 0, 1]], [[1]])).save(tmp_path / "i.json")
    run = qnnt("info", tmp_path / "i.json", "--plot", tmp_path / "f.txt")
    assert (run.status, run.out) == (2, "")
    assert "--plot: must end in .svg, .png or .pdf" in run.err
    monkeypatch.setattr("qnnt.complexity.figure.find_spec", lambda name: None)
    run = qnnt("info", tmp_path / "i.json", "--plot", tmp_path / "f.png")
    assert (run.status, run.out) == (2, "")
    assert "qnnt[plot]" in run.err


def test_info_of_no_data(qnnt, tmp_path):
    empty = Dataset(Dataset([[0]], [[0]]).inputs[:0], Dataset([[0]], [[0]]).labels[:0])
    Instance(Domain(2), Architecture.dense([1, 1]), empty).save(tmp_path / "i.json")
    run = qnnt("info", tmp_path / "i.json")
    assert run.status == 0
    assert "0 with 0 distinct inputs" in run.out
