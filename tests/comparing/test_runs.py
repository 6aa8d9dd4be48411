"""Runs, the file that holds them, and what cannot be right of them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from qnnt import Minimize, Status
from qnnt.comparing.runs import (
    Run,
    RunFile,
    Settings,
    contradictions,
    judged,
    known_of,
    mixed_versions,
    read_runs,
)
from qnnt.exceptions import InputError


def told(runs):
    return [str(each) for each in contradictions(runs)]


def test_contradictions(made):
    found = made("1", "a", 1.0, errors=2, lower_bound=0)
    none = made("1", "b", 1.0, status=Status.UNSATISFIABLE, lower_bound=3)
    assert told([found, made("1", "c")]) == []
    assert told([found, replace(none, case="2")]) == []
    assert told([found, none]) == [
        "1: b says: no network meets at-most:2, but a with e has a network with 2 errors"
    ]
    # Alone, but against what is known of the case.
    assert told([replace(none, known={"errors": 2})]) == [
        "1: b says: no network meets at-most:2, but the instance has a network with 2 errors"
    ]
    assert told([replace(found, known={"bound": 3})]) == [
        "1: the instance says: at least 3 errors, but a with e has a network with 2 errors"
    ]
    wrong = made("1", "b", outcome="wrong", status=None, reason="refuted")
    assert told([found, wrong]) == ["1: b: refuted"]


def test_two_optima_that_differ(made):
    best = made("1", "a", 1.0, goal="min", status=Status.OPTIMAL, errors=3, lower_bound=3)
    other = replace(best, contestant="b", errors=4, lower_bound=4)
    assert len(told([best, other])) == 1


def test_a_torn_line_is_dropped_and_the_file_goes_on(made, tmp_path):
    path = tmp_path / "runs.jsonl"
    first = made("1", "a", 1.0, incumbents=[(0.5, 3), (0.75, 2)], known={"errors": 2})
    with RunFile(path) as file:
        file.add(first)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    with RunFile(path) as again:
        assert again.runs == [first]
        assert path.read_bytes() == whole
        again.add(made("2", "a"))
    assert [run.case for run in read_runs(path)] == ["1", "2"]
    path.write_bytes(whole[:40])
    with RunFile(path) as empty:
        assert empty.runs == []
    assert path.read_bytes() == b""


def test_a_file_without_a_run_begins_anew(made, tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text("\n")
    with RunFile(path) as file:
        file.add(made("1", "a", 1.0))
    assert [run.case for run in read_runs(path)] == ["1"]


@pytest.mark.parametrize(
    "more",
    [{"seconds": "abc"}, {"errors": 1.5}, {"outcome": "fine"}, {"goal": "best"}, {"incumbents": [[1]]}],
)
def test_a_line_of_other_types_is_no_run(made, more):
    line = json.dumps({**asdict(made("1", "a", 1.0)), **more})
    with pytest.raises(ValueError, match=r"Expected|outcome|goal"):
        Run.of_line(line)


def test_several_versions_are_told(made):
    one = made("1", "a", 1.0, version="1.0", qnnt_version="0.1.0")
    assert mixed_versions([one, made("1", "b", 1.0, version="3.0", qnnt_version="0.1.0")]) == []
    other = made("2", "a", 1.0, version="2.0")
    assert mixed_versions([one, other]) == ["qnnt 0.1.0 and ?", "a 1.0 and 2.0"]


def test_files_that_cannot_go_on(made, tmp_path):
    path = tmp_path / "runs.jsonl"
    with RunFile(path) as file:
        file.add(made("1", "a", 1.0))
        assert file.has("1", "a", "0")
        assert not file.has("1", "b", "0")
        with pytest.raises(InputError, match="another instance"):
            file.has("1", "b", "1")
        file.expect(Settings(10.0))
        with pytest.raises(InputError, match="holds runs with 10 s and --threads 1; name another place"):
            file.expect(Settings(10.0, threads=2))
        file.add(made("2", "a", 1.0, threads=2))
    with pytest.raises(InputError, match="cannot be compared"):
        read_runs(path)
    path.write_text('{"case": 1}\n{}\n')
    with pytest.raises(InputError, match="line 1: is no run"):
        RunFile(path)
    path.write_text("my notes")  # no torn line of ours
    with pytest.raises(InputError, match="holds no runs"):
        RunFile(path)
    assert path.read_text() == "my notes"


def test_what_was_not_available_is_tried_again(made, tmp_path):
    missing, there = made("1", "a", outcome="unavailable", status=None), made("1", "a", 1.0)
    with RunFile(tmp_path / "runs.jsonl") as file:
        file.add(missing)
        file.add(made("1", "b", 1.0))
        assert not file.has("1", "a", "0")
        file.add(there)
        assert file.has("1", "a", "0")
        assert file.runs[0] == there
    assert read_runs(tmp_path / "runs.jsonl") == [there, made("1", "b", 1.0)]


def test_a_refuted_answer_is_no_solved_run(made):
    found = made("1", "a", 1.0, errors=2, lower_bound=0)
    none = made("1", "b", 0.5, status=Status.UNSATISFIABLE, lower_bound=3)
    runs, wrong = judged([found, none])
    assert [run.outcome for run in runs] == ["solved", "wrong"]
    assert [each.run for each in wrong] == [none]
    # The network of a run is checked: what the instance says is wrong, not the run.
    runs, wrong = judged([replace(found, known={"bound": 3})])
    assert [run.outcome for run in runs] == ["solved"]
    assert [each.run for each in wrong] == [None]


def test_what_instances_say_is_known(xor):
    assert known_of(xor) == {}
    assert known_of(replace(xor, meta={"known": {"errors": 2, "bound": True, "x": 1}})) == {"errors": 2}
    assert known_of(replace(xor, meta={"answer": True})) == {"errors": 1}
    assert known_of(replace(xor, meta={"answer": False})) == {"bound": 2}
    assert known_of(replace(xor, meta={"answer": False}, goal=Minimize())) == {}


def test_lines_and_runs_are_the_same_thing(made):
    one = made("1", "a", 1.0, incumbents=[(0.5, 3)])
    assert Run.of_line(json.dumps(asdict(one))) == one
