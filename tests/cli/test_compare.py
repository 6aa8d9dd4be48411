"""``qnnt compare``: runs, resumed, judged and reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qnnt import Limit, Result, Statistics, Status, WrongAnswer
from qnnt.comparing.runs import read_runs

ROOT = Path(__file__).parents[2]
TEACHER = ROOT / "examples" / "teacher.json"


@pytest.fixture
def liar(tmp_path):
    """A solver program that says of every formula that it has no model."""
    path = tmp_path / "liar"
    path.write_text("#!/bin/sh\necho 's UNSATISFIABLE'\nexit 20\n")
    path.chmod(0o755)
    return f"dimacs:{path}"


def test_lines_tables_and_a_page(qnnt, xor, lone, tmp_path):
    out = tmp_path / "out"
    words = ("compare", xor, lone, "--backends", "sat:cadical195,enumeration,treewidth", "--seeds", 2)
    words += ("--time-limit", 50)
    run = qnnt(*words, "-o", out)
    assert run.status == 0
    runs = read_runs(out / "runs.jsonl")
    assert len(runs) == 2 * 3 * 2
    assert {(r.case, r.status) for r in runs} == {
        (str(xor), Status.SATISFIABLE),
        (str(lone), Status.UNSATISFIABLE),
    }
    assert run.out.count("UNSATISFIABLE") == 6
    assert max(map(len, run.out.splitlines())) <= 80
    assert "4 cases, 50 s and --threads 1 for each run." in run.out
    assert "\x1b" not in run.out
    first = runs[0].command.split()
    assert first[:3] == ["qnnt", "solve", str(xor)]
    assert qnnt(*first[1:]).status == 0
    again = qnnt(*words, "-o", out)  # nothing is run again
    assert (again.status, again.out) == (0, run.out)
    assert "12 of 12 runs were there already" in again.err
    assert len(read_runs(out / "runs.jsonl")) == 12
    other = qnnt("compare", xor, "-o", out)  # under another limit
    assert (other.status, other.out) == (2, "")
    assert "holds runs with 50 s and --threads 1; name another place" in other.err
    only = qnnt("compare", "-o", out)  # a report without a run
    assert (only.status, only.out) == (0, run.out)
    assert "<title>" in (out / "report.html").read_text()


def test_without_a_folder_lines_are_the_output(qnnt, xor):
    run = qnnt("compare", xor, "--backends", "auto", "--errors", "min")
    (line,) = map(json.loads, run.out.splitlines())
    assert (line["goal"], line["status"]) == ("min", "OPTIMAL")
    assert "--errors min" in line["command"]
    assert "virtual best" in run.err


def test_several_at_a_time_and_a_folder_of_instances(qnnt, tmp_path):
    made = qnnt("generate", "family", "exact-cover", "--sizes", 4, "--out", tmp_path / "family")
    assert made.status == 0
    names = "maxsat,enumeration,dimacs:/no/program,treewidth@clauses"
    run = qnnt("compare", tmp_path / "family", "--backends", names, "--jobs", 2, "-o", tmp_path / "out")
    assert run.status == 0
    runs = read_runs(tmp_path / "out" / "runs.jsonl")
    assert len(runs) == 8
    assert sorted({str(r.known) for r in runs}) == ["{'bound': 1}", "{'errors': 0}"]
    assert {r.outcome for r in runs if r.contestant == "maxsat"} == {"solved"}
    assert {r.outcome for r in runs if r.contestant == "dimacs:/no/program"} == {"unavailable"}
    files = sorted((tmp_path / "family").glob("*.json"))
    assert any(path.name.endswith(".map.json") for path in files)
    again = qnnt("compare", *files, "--backends", names, "-o", tmp_path / "out")
    assert (again.status, again.out) == (0, run.out)
    assert "6 of 8 runs were there already" in again.err  # what was unavailable may be there now
    assert {r.outcome for r in runs if r.contestant == "treewidth@clauses"} == {"refused"}
    assert "dimacs:/no/program: no executable program" in run.out
    assert "-4-planted-0.json" in run.out


def test_what_is_known_today_counts(qnnt, lone, tmp_path):
    words = ("compare", lone, "--backends", "maxsat", "--errors", "min", "-o", tmp_path / "out")
    assert qnnt(*words).status == 0
    lone.write_text(json.dumps({**json.loads(lone.read_text()), "meta": {"known": {"bound": 3}}}))
    run = qnnt(*words)
    assert run.status == 1
    assert f"DISAGREEMENT {lone}: the instance says: at least 3 errors" in run.out


def test_an_instance_that_has_changed_is_told_before_any_run(qnnt, xor, lone, tmp_path):
    out = tmp_path / "out"
    assert qnnt("compare", lone, "--backends", "maxsat", "-o", out).status == 0
    lone.write_text(lone.read_text().replace('"d": 3', '"d": 5'))
    run = qnnt("compare", xor, lone, "--backends", "maxsat", "-o", out)
    assert (run.status, run.out) == (2, "")
    assert "was another instance then" in run.err
    assert len(read_runs(out / "runs.jsonl")) == 1


def test_a_folder_and_a_file_in_it_that_also_holds_a_network(qnnt, xor, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    inside = xor.rename(folder / "xor.json")
    assert qnnt("solve", inside, "-o", folder / "network.json").status == 0
    out = tmp_path / "out"
    assert qnnt("compare", folder, inside, "--backends", "maxsat", "-o", out).status == 0
    assert (out / "runs.jsonl").read_text().count("\n") == 1


def test_a_reader_of_the_tables_that_has_seen_enough_leaves_the_page(xor, tmp_path):
    command = [sys.executable, "-m", "qnnt", "compare", str(xor), "--backends", "maxsat"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*command, "-o", str(tmp_path / "out")], stdout=full, check=False)
    assert ended.returncode == 1
    assert "</html>" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_wrong_answer_is_found(qnnt, xor, liar, tmp_path, jobs):
    run = qnnt("compare", xor, "--backends", f"sat,{liar}", "--jobs", jobs, "-o", tmp_path / "out")
    assert run.status == 1
    assert "≠ UNSATISFIABLE" in run.out
    found = (
        f"DISAGREEMENT {xor}: {liar} says: no network meets at-most:0, but sat:cadical153 with clauses has"
    )
    assert found in run.out


def test_an_answer_that_the_replay_refutes(qnnt, xor, tmp_path, monkeypatch):
    def solve(instance, **options):
        raise WrongAnswer("the replay says otherwise")

    monkeypatch.setattr("qnnt.comparing.attempts.solve", solve)
    run = qnnt("compare", xor, "--backends", "maxsat", "-o", tmp_path / "out")
    assert run.status == 1
    assert f"DISAGREEMENT {xor}: maxsat: the replay says otherwise" in run.out


def test_ctrl_c_says_how_to_go_on(qnnt, xor, tmp_path, monkeypatch):
    from qnnt.comparing import attempts

    honest = attempts.solve

    def solve(instance, *, backend, **options):
        if backend == "cpsat":
            total = Statistics({"total": 0.1})
            return Result(Status.UNKNOWN, "min", "cpsat", "e", limit=Limit.INTERRUPT, statistics=total)
        return honest(instance, backend=backend, **options)

    monkeypatch.setattr("qnnt.comparing.attempts.solve", solve)
    words = ("compare", xor, "--backends", "maxsat,cpsat", "-o", tmp_path / "out")
    run = qnnt(*words)
    assert run.status == 130
    assert "interrupted after 1 of 2 runs; the same command goes on" in run.err
    monkeypatch.setattr("qnnt.comparing.attempts.solve", honest)
    assert qnnt(*words).status == 0
    assert [r.contestant for r in read_runs(tmp_path / "out" / "runs.jsonl")] == ["maxsat", "cpsat"]


def test_ctrl_c_ends_all_that_run(hard, tmp_path):
    """Two at a time, in processes of processes: none is left."""
    words = [sys.executable, "-m", "qnnt", "compare", str(hard), "--backends", "maxsat,cpsat", "--jobs", "2"]
    program = subprocess.Popen(
        [*words, "-o", str(tmp_path / "out")],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(tmp_path.glob("qnnt-*/qnnt-*")) and program.poll() is None:
        time.sleep(0.02)  # until a worker of a worker has a folder of its own
    program.send_signal(signal.SIGINT)
    _, err = program.communicate()
    assert program.returncode == 130
    assert "interrupted after 0 of 2 runs" in err
    assert list(tmp_path.glob("qnnt-*")) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "are missing"),
        ((TEACHER, "--backends", "frob"), "no backend 'frob'"),
        ((TEACHER, "--errors", "x"), "--errors"),
        (("nowhere",), "cannot be read"),
        ((TEACHER, "-o", "/dev/null/x"), "cannot be made"),
        ((TEACHER, "-o", TEACHER), "is no folder"),
        ((TEACHER, "--jobs", 0), "--jobs: must be at least 1"),
        ((TEACHER, "--time-limit", 0), "a time limit is a positive number"),
        (("-o", "nowhere"), "holds no runs"),
        (("-o", "{empty}"), "holds no runs"),
        ((ROOT / "docs",), "holds no instance"),
    ],
)
def test_mistakes(qnnt, tmp_path, words, said):
    (tmp_path / "runs.jsonl").touch()
    run = qnnt("compare", *(str(word).format(empty=tmp_path) for word in words))
    assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
    assert said in run.err
