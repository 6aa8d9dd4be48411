"""Families: what the manifest says holds of the instances, and of the files by a solver of their own."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from pysat.examples.rc2 import RC2
from pysat.formula import CNF, WCNF
from pysat.solvers import Solver

import qnnt
from qnnt.exceptions import InputError, UnknownWord
from qnnt.generate import family
from qnnt.generate.family import FAMILIES, parameters, write_family
from qnnt.reductions.catalogue import recall
from qnnt.reductions.sources.solve import solve_source

SIZES = {"balanced-sat": [3, 9]}


def literals(text, prefix):
    return [[int(w) for w in line.split()[prefix:-1]] for line in text.splitlines() if line[0] not in "cp"]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family(name, tmp_path):
    sizes = SIZES.get(name, [4, 6])
    lines = list(write_family(name, sizes, [3], tmp_path, "by hand"))
    assert [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()] == lines
    for line in lines:
        instance = qnnt.Instance.load(tmp_path / f"{line['instance']}.json")
        assert parameters(instance).items() <= line.items()
        assert (line["origin"], line["seed"]) == ("by hand", 3)
        assert (solve_source(recall(instance)[0]) is not None) == line["answer"]
        assert all((tmp_path / file).is_file() for file in line["files"])
        competition(tmp_path / line["instance"], line)


def competition(stem, line):
    text = (stem.parent / f"{stem.name}.cnf").read_text()
    cnf = CNF(from_string=text)
    answer = "yes" if line["answer"] else "no"
    counts = f"p cnf {max(abs(x) for clause in cnf.clauses for x in clause)} {len(cnf.clauses)}"
    assert len(cnf.clauses) > 2  # what the encoder refutes by itself is `1 0`, `-1 0`
    assert text.splitlines()[:3] == ["c by hand", f"c {line['instance']}, answer: {answer}", counts]
    for clause in literals(text, 0):
        assert len({abs(x) for x in clause}) == len(clause)
    with Solver("cadical195", bootstrap_with=cnf) as solver:
        assert solver.solve() == line["answer"]
    text = (stem.parent / f"{stem.name}.wcnf").read_text()
    for clause in literals(text, 1):
        assert len({abs(x) for x in clause}) == len(clause)
    if line["errors"] == 0:
        with RC2(WCNF(from_string=text)) as solver:
            solver.compute()
            assert (solver.cost == 0) == line["answer"]
    opb = (stem.parent / f"{stem.name}.opb").read_text().splitlines()
    assert int(opb[0].split()[-1]) == sum(row.endswith(";") and not row.startswith("min") for row in opb)
    assert opb[1] == "* by hand"


def test_the_same_seed_gives_the_same_files(tmp_path):
    for folder in ("a", "b"):
        list(write_family("exact-cover", [6], [1], tmp_path / folder))
    assert len(list((tmp_path / "a").iterdir())) == 2 * 7 + 1
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def names(folder):
    return [json.loads(line)["instance"] for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_two_runs_into_one_folder_keep_each_other_s_lines(tmp_path):
    one, two = (write_family("exact-cover", [size], [0], str(tmp_path), optimum_time=0) for size in (4, 5))
    made = [next(run)["instance"] for run in (one, two, one, two)]
    assert names(tmp_path) == made
    assert len(set(made)) == 4


def test_a_manifest_is_written_by_one_run_at_a_time(tmp_path):
    def put(run):
        manifest = family._Manifest(tmp_path / "manifest.jsonl")
        for i in range(20):
            manifest.put({"instance": f"{run}-{i}"})

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(put, range(3)))
    assert sorted(names(tmp_path)) == sorted(f"{run}-{i}" for run in range(3) for i in range(20))
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.jsonl"]


def test_a_manifest_of_other_lines_is_refused_at_once(tmp_path):
    (tmp_path / "manifest.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"manifest.jsonl: line 1: is no line of a family's manifest"):
        next(write_family("exact-cover", [4], [0], tmp_path))
    assert len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be(tmp_path):
    with pytest.raises(UnknownWord, match="no family 'nothing'; there are: planted-sat"):
        list(write_family("nothing", [5], [0], tmp_path))
    with pytest.raises(InputError, match="size: must be at least 3"):
        list(write_family("planted-sat", [2], [0], tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        list(write_family("planted-sat", [5], [0], tmp_path / "file"))
