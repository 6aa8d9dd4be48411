"""``qnnt generate`` from formulas and sets, and ``qnnt lift`` back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qnnt import Instance, Network
from qnnt.generate.reference import Reference
from qnnt.reductions.sources.cnf import Cnf

FORMULA = "c four clauses\np cnf 4 4\n1 -2 -3 0\n1 -3 4 0\n-1 -2 -4 0\n2 3 4 0\n"
MATRIX = "1,0,0,1,1,0\n0,1,1,0,0,0\n1,0,0,0,0,1\n0,1,0,0,1,0\n0,0,1,0,1,0\n0,0,0,0,0,1\n"
HYPERGRAPH = "p hs 6 6\n1 4 5\n2 3\n1 6\n2 5\n3 5\n6\n"


@pytest.fixture
def path(tmp_path):
    """Writes a source and names the files of its instance and network."""

    def write(name, text):
        source = tmp_path / name
        source.write_text(text)
        return source, tmp_path / "i.json", tmp_path / "n.json"

    return write


def solved(qnnt, instance, network):
    run = qnnt("solve", instance, "--backend", "sat:cadical195", "-o", network)
    assert run.out.startswith("SATISFIABLE")


@pytest.mark.parametrize("kind", ["three-sat", "balanced-sat"])
def test_a_formula_there_and_back(qnnt, path, kind):
    formula, instance, network = path("f.cnf", FORMULA if kind == "three-sat" else "p cnf 2 1\n1 -2 0\n")
    run = qnnt("generate", kind, formula, "-o", instance)
    assert (run.status, run.out) == (0, "")
    assert run.err.startswith(f"{instance}: {kind}: d = 2, layers ")
    solved(qnnt, instance, network)
    run = qnnt("lift", instance, network)
    assert (run.status, run.err) == (0, "")
    status, values = run.out.splitlines()
    assert (status, values[0], values[-1]) == ("s SATISFIABLE", "v", "0")
    literals = np.array(values.split()[1:-1], dtype=int)
    assert Cnf.read(formula).accepts(literals > 0)


def test_an_exact_cover_there_and_back(qnnt, path):
    matrix, instance, network = path("m.csv", MATRIX)
    assert qnnt("generate", "exact-cover", matrix, "-o", instance).status == 0
    solved(qnnt, instance, network)
    assert qnnt("lift", instance, network).out == "3\n1\n2\n6\n"


def test_a_hitting_set_there_and_back(qnnt, path):
    sets, instance, network = path("h.hgr", HYPERGRAPH)
    assert qnnt("generate", "hitting-set", sets, "--size", 3, "-o", instance).status == 0
    solved(qnnt, instance, network)
    size, *chosen = map(int, qnnt("lift", instance, network).out.split())
    assert size == len(chosen) == 3
    assert all(set(chosen) & set(map(int, line.split())) for line in HYPERGRAPH.splitlines()[1:])


def test_the_printed_construction_gives_what_is_no_hitting_set(qnnt, path):
    sets, instance, network = path("h.hgr", "p hs 3 3\n1\n2\n3\n")
    qnnt("generate", "hitting-set", sets, "--size", 2, "--as-printed", "-o", instance)
    solved(qnnt, instance, network)
    run = qnnt("lift", instance, network)
    assert (run.status, run.out, run.err.count("\n")) == (1, "", 1)
    assert "does not solve the source" in run.err


def test_the_source_stays_in_the_instance(qnnt, path):
    formula, instance, _ = path("f.cnf", FORMULA)
    qnnt("generate", "three-sat", formula, "-o", instance)
    meta = Instance.load(instance).meta
    assert (meta["kind"], meta["source"]) == ("three-sat", "f.cnf")
    assert Cnf.from_document(meta["problem"]) == Cnf.read(formula)
    assert "origin           three-sat, f.cnf, theorem 4\n" in qnnt("info", instance).out


def test_lift_needs_a_network_with_few_errors(qnnt, path):
    matrix, instance, network = path("m.csv", MATRIX)
    qnnt("generate", "exact-cover", matrix, "-o", instance)
    made = Instance.load(instance)
    n = made.architecture.n_parameters
    Network.from_vector(made.architecture, made.domain, np.zeros(n, dtype=int)).save(network)
    run = qnnt("lift", instance, network)
    assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
    assert "network: has 7 errors; a solution needs at-most:0" in run.err


LATE = {"thresholds": [0], "values": [0, 1]}


def nested(depth):
    """Lists in lists."""
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize("size", [2.5, True, 10**9, 10**40])
def test_lift_of_a_hitting_set_of_no_size(qnnt, path, size):
    sets, instance, network = path("h.hgr", "p hs 3 2\n1 2\n2 3\n")
    qnnt("generate", "hitting-set", sets, "--size", 1, "-o", instance)
    solved(qnnt, instance, network)
    document = json.loads(instance.read_text())
    document["meta"]["problem"]["size"] = size
    instance.write_text(json.dumps(document))
    run = qnnt("lift", instance, network)
    assert (run.status, run.err.count("\n")) == (2, 1)
    assert "unexpected" not in run.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("meta"), "meta.kind: is missing: the instance does not come from a proof"),
        (lambda d: d["meta"].update(kind=[]), "meta.kind: no kind of source"),
        (lambda d: d["meta"].update(problem=3), "meta.problem: does not describe a source of exact-cover"),
        (lambda d: d["meta"]["problem"].update(sets=[["a"]]), "meta.problem: does not describe"),
        (lambda d: d["meta"]["problem"].update(sets=[[99]]), "meta.problem: set 1"),
        (lambda d: d["meta"]["problem"].update(sets=[[2**63]]), "set 1: 9223372036854775808 is none of"),
        (lambda d: d["meta"]["problem"].update(elements=7), "meta: describes another instance"),
        (lambda d: d["meta"]["problem"].update(elements=2.5), "meta.problem: does not describe"),
        (lambda d: d["meta"]["problem"].update(elements=True), "meta.problem: does not describe"),
        (
            lambda d: d["meta"]["problem"].update(elements=10**9),
            "more than 512; QNNT_MOST_MIB raises this cap",
        ),
        (lambda d: d["meta"]["problem"].update(sets=[[1.5]]), "meta.problem: does not describe"),
        (lambda d: d["meta"].update(problem=nested(900)), "meta: is nested more than 100 deep"),
        (lambda d: d["data"].pop(), "meta: describes another instance"),
        (lambda d: d.update(activation=LATE), "meta: describes another instance"),
    ],
)
def test_lift_of_an_instance_that_does_not_say_where_it_is_from(qnnt, path, change, words):
    matrix, instance, network = path("m.csv", MATRIX)
    qnnt("generate", "exact-cover", matrix, "-o", instance)
    solved(qnnt, instance, network)
    document = json.loads(instance.read_text())
    change(document)
    instance.write_text(json.dumps(document))
    run = qnnt("lift", instance, network)
    assert (run.status, run.err.count("\n")) == (2, 1)
    assert words in run.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("three-sat", "missing.cnf"), "cannot be read"),
        (("exact-cover", "f.cnf"), "must be 'p hs ELEMENTS SETS'"),
        (("hitting-set", "f.cnf"), "Missing option '--size'"),
        (("hitting-set", "h.hgr", "--size", -1), "size: must be at least 0"),
        (("hitting-set", "h.hgr", "--size", 0, "--as-printed"), "no input for k = 0"),
        (("balanced-sat", "h.hgr"), "line 1: must be 'p cnf"),
    ],
)
def test_wrong_input_is_one_line(qnnt, path, arguments, words, monkeypatch):
    formula, *_ = path("f.cnf", FORMULA)
    path("h.hgr", HYPERGRAPH)
    monkeypatch.chdir(formula.parent)
    run = qnnt("generate", *arguments)
    assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
    assert words in run.err


def test_a_family_on_the_command_line(qnnt, tmp_path):
    run = qnnt("generate", "family", "exact-cover", "--sizes", "4,5", "--seed", 2, "--out", tmp_path)
    assert (run.status, run.out) == (0, "")
    name = tmp_path / "exact-cover-4-planted-2"
    assert run.err.startswith(f"{name}: yes, 11 points, fewest errors 0, sat:cadical153 0.")
    lines = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()]
    assert [(line["size"], line["answer"]) for line in lines] == [
        (4, True),
        (4, False),
        (5, True),
        (5, False),
    ]
    for line in lines:
        assert line["origin"] == "qnnt generate family exact-cover --sizes 4,5 --seed 2"
        instance = Instance.load(tmp_path / f"{line['instance']}.json")
        assert qnnt("solve", tmp_path / f"{line['instance']}.json").out.startswith(
            "SATISFIABLE" if line["answer"] else "UNSATISFIABLE"
        )
        assert instance.architecture.alpha == line["alpha"]


def test_a_family_of_an_unknown_name_lists_them(qnnt, tmp_path):
    run = qnnt("generate", "family", "nothing", "--sizes", "4", "--out", tmp_path)
    assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
    assert "no family 'nothing'; there are: planted-sat, threshold-sat" in run.err


def test_a_solution_as_json(qnnt, path):
    matrix, instance, network = path("m.csv", MATRIX)
    qnnt("generate", "exact-cover", matrix, "-o", instance)
    solved(qnnt, instance, network)
    assert json.loads(qnnt("lift", instance, network, "--json").out) == {
        "kind": "exact-cover",
        "solution": [1, 2, 6],
    }


def test_a_family_as_hard_as_it_is_asked_for(qnnt, tmp_path, monkeypatch):
    """CPU seconds stand in for themselves: each size takes a hundredth of a second for each element."""
    monkeypatch.setattr(Reference, "line", by_size)
    asked = ["generate", "family", "exact-cover", "--out", tmp_path, "--optimum-time", 0, "--json"]
    run = qnnt(*asked, "--hardness", 0.2, "--sizes", "4-30")
    assert run.err.splitlines() == ["size 4: 0.04 s", "size 8: 0.08 s", "size 16: 0.16 s"]
    lines = json.loads(run.out)["instances"]
    assert [(line["size"], line["reference"]["seconds"]) for line in lines] == [(16, 0.16), (16, 0.16)]
    for more, words in (
        (
            ("--hardness", 9, "--sizes", "4-20"),
            "as hard as 9 s of sat:cadical153 in sizes of up to 20",
        ),
        (("--hardness", 0.01, "--sizes", "4,5"), "harder than 0.01 s from the first size on"),
        (("--hardness", 0), "--hardness: must be a number of seconds above 0"),
        ((), "--sizes: is missing: name sizes, or give --hardness S"),
        (
            ("--hardness", 9, "--search-time", 0),
            "is over before the size was found; none was tried",
        ),
    ):
        run = qnnt(*asked, *more)
        assert (run.status, run.out) == (2, "")
        assert words in run.err.splitlines()[-1]


def by_size(reference, name, instance, answer):
    size = int(name.split("-")[2])
    return {"solver": "sat", "limit": reference.seconds, "solved": True, "seconds": size / 100}
