"""The table of known answers: right, wrong and unknown ones are told apart."""

from __future__ import annotations

import json

import pytest

from qnnt import Limit, Result, Status
from qnnt.cli.program import run

MANIFEST = """file\torigin\tanswer
sat/yes.cnf\tby hand\tSAT
sat/no.cnf\tby hand\tUNSAT
xc/yes.csv\tby hand\t1 cover
xc/no.csv\tby hand\t0 covers
hs/two.hgr\tby hand\t2
hs/open.hgr\tby hand\tunknown
"""
FILES = {
    "sat/yes.cnf": "p cnf 2 2\n1 2 0\n-1 2 0\n",
    "sat/no.cnf": "p cnf 1 2\n1 0\n-1 0\n",
    "xc/yes.csv": "1,0\n0,1\n1,1\n",
    "xc/no.csv": "1,0\n1,0\n",
    "hs/two.hgr": "p hs 3 3\n1 2\n2 3\n1 3\n",
    "hs/open.hgr": "p hs 1 1\n1\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in {"MANIFEST.tsv": MANIFEST, **FILES}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def call(script, *arguments):
    return run(script("reductions_table").app, "reductions_table", [str(a) for a in arguments])


def test_every_known_answer_is_found(script, folder, capsys):
    assert call(script, folder) == 0
    *lines, xc, three, hs, balanced = capsys.readouterr().out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert all(row["right"] for row in rows)
    assert {(row["file"], row["kind"], row["status"]) for row in rows if row["kind"] == "hitting-set"} == {
        ("hs/two.hgr k=2", "hitting-set", "SATISFIABLE"),
        ("hs/two.hgr k=1", "hitting-set", "UNSATISFIABLE"),
    }
    for line, kind in (
        (xc, "exact-cover"),
        (three, "three-sat"),
        (hs, "hitting-set"),
        (balanced, "balanced-sat"),
    ):
        assert line.startswith(f"{kind}: 2 of 2 right, 0 unknown, 0 wrong; slowest ")


def test_a_wrong_answer_is_told(script, folder, capsys):
    (folder / "MANIFEST.tsv").write_text(MANIFEST.replace("1 cover", "0 covers"))
    assert call(script, folder, "--kinds", "exact-cover") == 1
    assert "exact-cover: 1 of 2 right, 0 unknown, 1 wrong" in capsys.readouterr().out


def test_only_some_of_it(script, folder, capsys):
    assert call(script, folder, "--kinds", "three-sat", "--match", "yes") == 0
    assert "three-sat: 1 of 1 right" in capsys.readouterr().out
    assert call(script, folder, "--kinds", "nothing") == 2


def test_ctrl_c_ends_it(script, folder, capsys, monkeypatch):
    module = script("reductions_table")
    stopped = Result(Status.UNKNOWN, "at-most:0", "sat:cadical195", "clauses", limit=Limit.INTERRUPT)
    monkeypatch.setattr(module, "solve", lambda *_, **__: stopped)
    assert run(module.app, "reductions_table", [str(folder)]) == 130
    assert capsys.readouterr().out.count("\n") == 1
