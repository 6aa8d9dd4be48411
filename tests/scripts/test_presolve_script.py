"""The table of hitting sets with and without presolve: verdicts of both, wrong ones told."""

from __future__ import annotations

import pytest

import qnnt
from qnnt.cli.program import run


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hs").mkdir()
    (tmp_path / "hs" / "two.hgr").write_text("p hs 3 3\n1 2\n2 3\n1 3\n")
    (tmp_path / "MANIFEST.tsv").write_text("file\torigin\tanswer\nhs/two.hgr\tby hand\t2\n")
    return tmp_path


def call(script, *arguments):
    return run(script("presolve").app, "presolve", [str(a) for a in arguments])


def test_every_instance_is_run_twice(script, folder, capsys):
    assert call(script, "--folder", folder, "--seeds", 1, "--match", "two,seed 0 k=7") == 0
    _, *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[-1] for line in lines] == [
        "UNSATISFIABLE, UNSATISFIABLE",
        "SATISFIABLE, SATISFIABLE",
        "UNSATISFIABLE, UNSATISFIABLE",
    ]
    assert last.startswith("answered of 3: 3 without, 3 with; ")
    assert last.endswith("; 0 wrong")


def test_a_wrong_answer_is_told(script, folder, capsys, monkeypatch):
    (folder / "MANIFEST.tsv").write_text("hs/two.hgr\tby hand\t3\n")
    assert call(script, "--folder", folder, "--seeds", 0) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("; 2 wrong")


def test_a_folder_without_a_manifest(script, tmp_path, capsys):
    assert call(script, "--folder", tmp_path, "--seeds", 0) == 2
    assert "MANIFEST.tsv" in capsys.readouterr().err


def test_the_order_and_the_steps_are_off_in_the_first_run(script, folder, monkeypatch):
    asked = []

    def solve(instance, **options):
        asked.append((options["symmetry"], options["presolve"]))
        return qnnt.solve(instance, **options)

    module = script("presolve")
    monkeypatch.setattr(module, "solve", solve)
    module.table(folder, seeds=0)
    assert asked == [(False, ()), (True, None)] * 3  # the first for nothing
