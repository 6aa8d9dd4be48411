"""``qnnt decode`` and ``check-family``: outside solvers there and back; no answer is believed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pysat.examples.rc2 import RC2
from pysat.formula import WCNF

from qnnt import Instance, Network, solve
from qnnt.verify.replay import check


def printed(*words):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False).stdout


def answer_of(program, model, folder):
    """The file of what a program answers to a model."""
    path = folder / f"{model.name}.{program}"
    if program == "minisat":
        subprocess.run([program, model, path], capture_output=True, check=False)
    elif program == "cbc":
        subprocess.run([program, model, "solve", "solution", path], capture_output=True, check=False)
    elif program == "rc2":
        with RC2(WCNF(from_file=str(model))) as solver:
            values = solver.compute()
        bits = "".join(str(int(value > 0)) for value in values)
        path.write_text(f"o {solver.cost}\ns OPTIMUM FOUND\nv {bits}\n")
    else:
        path.write_text(printed(program, model))
    return path


@pytest.mark.parametrize(
    ("format", "program"),
    [
        ("cnf", "cadical"),
        ("cnf", "minisat"),
        ("cnf", "glucose"),
        ("cnf", "cryptominisat5"),
        ("cnf", "clasp"),
        ("opb", "clasp"),
        ("lp", "cbc"),
        ("mps", "cbc"),
        ("wcnf", "rc2"),
    ],
)
@pytest.mark.parametrize("name", ["xor", "lone"])
def test_there_and_back(qnnt, request, tmp_path, name, format, program):
    if program != "rc2" and not shutil.which(program):
        pytest.skip(f"no {program}")
    instance, goal = request.getfixturevalue(name), "min"
    if format == "cnf":
        goal = "at-most:0" if name == "xor" else "at-most:1"
    model, network = tmp_path / f"m.{format}", tmp_path / "n.json"
    assert qnnt("encode", instance, "--format", format, "--errors", goal, "-o", model).status == 0
    answer = answer_of(program, model, tmp_path)
    run = qnnt("decode", instance, f"{model}.map.json", answer, "-o", network)
    assert (run.status, run.out) == (0, ""), run.err
    errors = 0 if name == "xor" else 1
    assert run.err.startswith(f"{errors} of 4 points wrong, goal {goal}; the solver says ")
    assert check(Instance.load(instance), Network.load(network)).errors == errors


@pytest.fixture
def encoded(qnnt, xor, tmp_path):
    model = tmp_path / "m.cnf"
    assert qnnt("encode", xor, "--format", "cnf", "-o", model).status == 0
    return xor, f"{model}.map.json"


def test_a_network_that_misses_the_goal_is_told(qnnt, encoded, tmp_path):
    (tmp_path / "zero").write_text("s SATISFIABLE\nv 1 -2 -3 0\n")
    run = qnnt("decode", *encoded, tmp_path / "zero")
    assert run.status == 1
    assert json.loads(run.out)["format"] == "qnnt-network"
    assert "the answer is wrong: its network has 1 error, which misses at-most:0" in run.err


def test_a_map_without_a_goal_leaves_it_to_the_instance(qnnt, encoded, lone, tmp_path):
    """Of a decision and of a minimum, whose objective is checked, too."""
    (tmp_path / "zero").write_text("s SATISFIABLE\nv 1 -2 -3 0\n")
    without_goal(encoded[1])
    run = qnnt("decode", *encoded, tmp_path / "zero")
    assert run.status == 1
    assert "the answer is wrong: its network has 1 error, which misses at-most:0" in run.err
    lone.write_text(json.dumps({**json.loads(lone.read_text()), "errors": "min"}))
    model = tmp_path / "m.opb"
    assert qnnt("encode", lone, "--format", "opb", "-o", model).status == 0
    scale = without_goal(f"{model}.map.json")
    (tmp_path / "lie").write_text(f"o {-scale['offset'] // scale['unit']}\ns OPTIMUM FOUND\nv -x1 -x2\n")
    run = qnnt("decode", lone, f"{model}.map.json", tmp_path / "lie")
    assert run.status == 1
    assert "it claims as the fewest 0 errors for a network that has 3" in run.err


def without_goal(file):
    """Leave the goal out of a map; what it holds else."""
    document = json.loads(Path(file).read_text())
    del document["goal"]
    Path(file).write_text(json.dumps(document))
    return document


def test_more_errors_than_the_solver_claims(qnnt, lone, tmp_path):
    model = tmp_path / "m.opb"
    assert qnnt("encode", lone, "--format", "opb", "--errors", "min", "-o", model).status == 0
    scale = json.loads((tmp_path / "m.opb.map.json").read_text())
    objective = -scale["offset"] // scale["unit"]  # that of no error
    (tmp_path / "lie").write_text(f"o {objective}\ns OPTIMUM FOUND\nv -x1 -x2\n")
    run = qnnt("decode", lone, f"{model}.map.json", tmp_path / "lie")
    assert run.status == 1
    assert "it claims as the fewest 0 errors for a network that has 3" in run.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s UNSATISFIABLE\n", "the answer is UNSATISFIABLE"),
        ("", "no solution; have the solver print it"),
        ("v one\n", "line 1: has 'one'"),
    ],
)
def test_answers_without_a_network(qnnt, encoded, tmp_path, text, said):
    (tmp_path / "answer").write_text(text)
    run = qnnt("decode", *encoded, tmp_path / "answer")
    assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
    assert said in run.err


def test_the_map_of_another_instance(qnnt, encoded, lone, tmp_path):
    (tmp_path / "answer").write_text("v 1\n")
    run = qnnt("decode", lone, encoded[1], tmp_path / "answer")
    assert (run.status, run.err.count("\n")) == (2, 1)
    assert "is not that of this instance" in run.err
    run = qnnt("decode", lone, lone, tmp_path / "answer")
    assert run.status == 2
    assert 'format: must be "qnnt-variables"' in run.err


@pytest.fixture
def family(qnnt, tmp_path):
    """A family, and right answers to all of its models, by hand."""
    folder, answers = tmp_path / "family", tmp_path / "answers"
    for name, size in (("exact-cover", 4), ("hitting-set", 5)):
        assert qnnt("generate", "family", name, "--sizes", size, "--out", folder).status == 0
    answers.mkdir()
    for line in map(json.loads, (folder / "manifest.jsonl").read_text().splitlines()):
        _, cnf, wcnf, _ = (folder / name for name in line["files"])
        (answers / f"{cnf.name}.log").write_text(dimacs(cnf))
        answer_of("rc2", wcnf, answers)
    return folder, answers


def dimacs(cnf):
    from pysat.formula import CNF
    from pysat.solvers import Solver

    with Solver("cadical195", bootstrap_with=CNF(from_file=str(cnf))) as solver:
        if not solver.solve():
            return "s UNSATISFIABLE\n"
        return f"s SATISFIABLE\nv {' '.join(map(str, solver.get_model()))} 0\n"


def test_a_whole_run_is_right(qnnt, family):
    run = qnnt("check-family", *family)
    assert (run.status, run.err) == (0, "")
    assert [line.split() for line in run.out.splitlines()] == [
        ["right", "wrong", "unknown", "missing"],
        ["cnf", "4", "0", "0", "0"],
        ["wcnf", "4", "0", "0", "0"],
    ]


@pytest.mark.parametrize(
    ("model", "text", "said"),
    [
        ("exact-cover-4-planted-0.cnf.log", "s UNSATISFIABLE\n", "says that there is none, but there is"),
        (
            "exact-cover-4-infeasible-0.cnf.log",
            "s SATISFIABLE\n",
            "says that there is one, but there is none",
        ),
        ("exact-cover-4-infeasible-0.cnf.log", "s SATISFIABLE\nv 1\n", "which misses at-most:0"),
        ("exact-cover-4-planted-0.cnf.log", "s SATISFIABLE\nv 1\n", "which misses at-most:0"),
        ("exact-cover-4-planted-0.wcnf.rc2", "o 1\ns OPTIMUM FOUND\n", "there is a network with 0"),
        ("exact-cover-4-planted-0.wcnf.rc2", "s UNSATISFIABLE\n", "no network at all"),
        ("exact-cover-4-infeasible-0.wcnf.rc2", "o 0\ns OPTIMUM FOUND\n", "at least 1 are unavoidable"),
        (
            "exact-cover-4-planted-0.wcnf.rc2",
            "o 0\ns OPTIMUM FOUND\nv 1 -2\n",
            "for a network that has",
        ),
    ],
)
def test_a_planted_wrong_answer_is_found(qnnt, family, model, text, said):
    folder, answers = family
    (answers / model).write_text(text)
    run = qnnt("check-family", folder, answers)
    assert run.status == 1
    (line,) = [line for line in run.out.splitlines() if line.startswith("WRONG")]
    assert line.startswith(f"WRONG {model.rpartition('.')[0]}: ")
    assert said in line


def test_a_network_that_misses_the_goal_is_wrong_without_a_goal_in_the_map(qnnt, family):
    folder, answers = family
    model = "exact-cover-4-planted-0.cnf"
    without_goal(folder / f"{model}.map.json")
    (answers / f"{model}.log").write_text("s SATISFIABLE\nv 1\n")
    run = qnnt("check-family", folder, answers)
    assert run.status == 1
    assert f"WRONG {model}: its network has " in run.out


def test_what_is_neither_right_nor_wrong(qnnt, family):
    folder, answers = family
    (answers / "exact-cover-4-planted-0.cnf.log").unlink()
    (answers / "hitting-set-5-below-0.cnf.log").write_text("s UNKNOWN\n")
    (answers / "hitting-set-5-optimum-0.cnf.log").write_text("s SATISFIABLE\nv 1 garb\n")
    run = qnnt("check-family", folder, answers, "--json")
    words = {each["model"]: each["word"] for each in json.loads(run.out)}
    assert run.status == 0
    assert words["exact-cover-4-planted-0.cnf"] == "missing"
    assert words["hitting-set-5-below-0.cnf"] == "unknown"
    assert words["hitting-set-5-optimum-0.cnf"] == "unknown"


def test_bounds_do_not_confirm_an_optimum(qnnt, family):
    folder, answers = family
    manifest = folder / "manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    for line in lines:
        if not line["answer"]:
            assert line["optimum"] == line["optimum_between"][0] == line["optimum_between"][1]
            line["optimum_between"][1] += 2
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = qnnt("check-family", folder, answers)
    assert run.status == 0
    assert "wcnf  2      0      2        0" in run.out
    assert "UNKNOWN exact-cover-4-infeasible-0.wcnf: says that 1 errors are the fewest" in run.out


@pytest.mark.parametrize(
    "change",
    [
        {"files": [1, 2]},
        {"points": True},
        {"optimum_between": 3},
        {"optimum_between": [0]},
        {"optimum_between": ["0", 1]},
        {"optimum_between": [2, 1]},
        {"optimum_between": None},
    ],
)
def test_a_damaged_manifest_is_refused_with_its_line(qnnt, tmp_path, change):
    line = {"instance": "a", "answer": True, "points": 4, "files": ["a.cnf"], "optimum_between": [0, 1]}
    (tmp_path / "manifest.jsonl").write_text(f"{json.dumps(line)}\n{json.dumps({**line, **change})}\n")
    (tmp_path / "answers").mkdir()
    run = qnnt("check-family", tmp_path, tmp_path / "answers")
    assert (run.status, run.out) == (2, "")
    assert "manifest.jsonl: line 2: is no line of a family's manifest" in run.err


def test_an_answer_that_contradicts_itself_is_unknown(qnnt, family):
    folder, answers = family
    (answers / "exact-cover-4-infeasible-0.cnf.log").write_text("s SATISFIABLE\nv 1\ns UNSATISFIABLE\n")
    run = qnnt("check-family", folder, answers, "--json")
    words = {each["model"]: each["word"] for each in json.loads(run.out)}
    assert (run.status, words["exact-cover-4-infeasible-0.cnf"]) == (0, "unknown")


def test_one_answer_to_a_model_is_judged(qnnt, family):
    folder, answers = family
    log = answers / "exact-cover-4-planted-0.cnf.log"
    (answers / "exact-cover-4-planted-0.cnf.err").write_text("")
    assert qnnt("check-family", folder, answers).status == 0
    log.rename(log.with_suffix(".txt"))
    run = qnnt("check-family", folder, answers)
    assert (run.status, run.err.count("\n")) == (2, 1)
    assert "holds two answers to exact-cover-4-planted-0.cnf, exact-cover-4-planted-0.cnf.err and" in run.err


def test_folders_that_cannot_be_judged(qnnt, family, tmp_path):
    folder, _ = family
    for words, said in (
        ((folder, tmp_path / "no"), "is no folder of answers"),
        ((folder, folder), "holds no answer to a model of the family: the answer to exact-cover-4"),
        ((tmp_path, folder), "cannot be read"),
    ):
        run = qnnt("check-family", *words)
        assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
        assert said in run.err


def test_a_manifest_keeps_all_that_the_folder_holds(qnnt, tmp_path):
    words = ("generate", "family", "exact-cover", "--out", tmp_path, "--sizes")
    assert qnnt(*words, "4-6:2", "--count", 2).status == 0
    assert qnnt(*words, "4", "--seed", 1).status == 0  # there already
    assert qnnt(*words, "5,2", "--optimum-time", 0).status == 2  # 2 is too small, 5 is written
    lines = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()]
    found = [(line["size"], line["seed"]) for line in lines[::2]]
    assert found == [(4, 0), (4, 1), (6, 0), (6, 1), (5, 0)]
    assert all((tmp_path / name).is_file() for line in lines for name in line["files"])
    for line in lines:
        low, high = line["optimum_between"]
        best = solve(tmp_path / f"{line['instance']}.json", goal="min").errors
        assert low <= best <= high
        assert line["optimum"] == (best if line["size"] != 5 or line["answer"] else None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sizes", "6-4"), "must be sizes such as"),
        (("--sizes", "4-6:0"), "must be sizes such as"),
        (("--sizes", "a-b"), "must be sizes such as"),
        (("--sizes", "4", "--count", 0), "--count: must be at least 1"),
        (("--sizes", "1-9999999999999"), "must be at most 10,000 sizes"),
        (("--sizes", "4", "--search-time", 9), "--search-time: is for the search of a size"),
        (("--hardness", 1, "--reference-time", 9), "--reference-time: cannot be chosen beside --hardness"),
        (("--hardness", 200_000), "--hardness: must be a number of seconds, 0 to 100,000"),
        (("--sizes", "4", "--optimum-time", -1), "--optimum-time"),
    ],
)
def test_mistakes_of_a_family(qnnt, tmp_path, words, said):
    run = qnnt("generate", "family", "exact-cover", "--out", tmp_path, *words)
    assert (run.status, run.err.count("\n")) == (2, 1)
    assert said in run.err
