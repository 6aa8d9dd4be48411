from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import pytest

from qnnt import Limit, Result, Statistics, Status, WrongAnswer
from qnnt.cli.program import run
from qnnt.exceptions import InputError

PAIR = ("--backends", "auto,cpsat-textbook", "--time-limit", 30)


@pytest.fixture
def benchmark(script):
    return script("benchmark")


@pytest.fixture
def tiny(benchmark, monkeypatch):
    """A suite of three small impossible cases: 5-2 and 5-1 have a bottleneck, the last is a parity."""
    import suite

    made = [
        suite.Case("5-2", "bottleneck", lambda: suite._bottleneck(2, 5, 2, "relu")),
        suite.Case("5-1", "bottleneck", lambda: suite._bottleneck(5, 5, 1, "relu")),
        suite.Case("parity", "other", lambda: suite._parity(3, 3, 1, "sign")),
    ]
    monkeypatch.setattr(benchmark, "cases", lambda seeds, tables: iter(made))


@pytest.fixture
def runs(script):
    return script("benchmark_runs")


@pytest.fixture
def report(script):
    return script("benchmark_report")


def call(benchmark, *arguments: object) -> int:
    return run(benchmark.app, "benchmark", [str(a) for a in arguments])


@pytest.fixture
def made(runs):
    """Makes a run by hand: on a case of the family ``f``, solved in ``seconds`` or not."""

    def make(case, contestant, seconds=None, **more):
        base = {
            "case": case,
            "family": "f",
            "contestant": contestant,
            "instance": "0",
            "goal": "at-most:2",
            "time_limit": 10.0,
            "threads": 1,
            "whole_process": False,
            "outcome": "unknown" if seconds is None else "solved",
            "backend": contestant,
            "encoder": "e",
            "status": Status.UNKNOWN if seconds is None else Status.SATISFIABLE,
            "seconds": 10.0 if seconds is None else seconds,
        }
        return runs.Run(**{**base, **more})

    return make


@pytest.fixture
def grid(made, report):
    """Three cases, three contestants; ``b`` and ``auto`` tie on the first one."""
    return report.Grid.of(
        [
            made("1", "auto", 1.0),
            made("1", "b", 1.0),
            made("1", "c", 4.0),
            made("2", "auto"),
            made("2", "b", 5.0),
            made("2", "c", outcome="refused", status=None, seconds=None),
            made("3", "auto", 0.25),
            made("3", "b"),
            made("3", "c", 0.5),
        ]
    )


def test_par2_and_its_means(grid, report):
    assert grid.scores("auto") == [1.0, 20.0, 0.25]
    assert grid.scores("b") == [1.0, 5.0, 20.0]
    assert grid.scores("c") == [4.0, 20.0, 0.5]
    assert report.mean(grid.scores("auto")) == pytest.approx(21.25 / 3)
    assert report.geometric_mean(grid.scores("auto")) == pytest.approx(5.0 ** (1 / 3))
    assert report.geometric_mean([0.1, 10.0]) == pytest.approx(1.0)
    assert math.isnan(report.geometric_mean([]))
    assert report.ratio(grid, "b", "auto") == pytest.approx(20.0 ** (1 / 3))


def test_a_run_without_the_clock_that_is_asked_counts_as_unsolved(made, report):
    assert report.par2(made("1", "a", 1.0), report.whole_process) == 20.0
    assert report.par2(made("1", "a", 1.0, process_seconds=2.0), report.whole_process) == 2.0


def test_the_virtual_best_and_what_each_contributes(grid, report):
    assert report.virtual_best(grid) == [1.0, 5.0, 0.25]
    assert report.best_shares(grid) == {"auto": 0.5, "b": 0.5, "c": 0.0}  # the first case is divided
    assert report.solved_only_by(grid) == {"auto": [], "b": ["2"], "c": []}
    assert report.missed(grid) == {"2": ["b"]}
    assert report.missed(grid, "nobody") == {}
    assert report.cactus(grid) == {"auto": [0.25, 1.0], "b": [1.0, 5.0], "c": [0.5, 4.0]}


def test_counts(grid, report):
    assert report.outcomes(grid.runs("c")) == {"solved": 2, "refused": 1}
    assert report.solved_by_family(grid) == {"f": {"auto": 2, "b": 2, "c": 2, "any": 3, "cases": 3}}


def test_only_cases_that_all_have_run_count(made, report):
    some = [made("1", "a", 1.0), made("1", "b", 1.0), made("2", "a", 1.0)]
    assert list(report.Grid.of(some).cases) == ["1"]
    assert "1 case, 10 s and --threads 1 for each run; 1 more are left out" in report.report(some)
    assert report.report(some[1:]) == "No case has been run by all contestants."


@pytest.mark.parametrize("markdown", [False, True])
def test_the_report_fits_a_terminal(made, report, markdown):
    names = ["auto", "cpsat-textbook", "milp-textbook", *(f"backend-{i}" for i in range(9))]
    runs = [made(str(case), name, 0.5 + i) for case in range(3) for i, name in enumerate(names)]
    runs += [made("missed", name, None if name == "auto" else 1.0) for name in names]
    text = report.report(runs, markdown=markdown)
    assert all(name in text for name in names)
    assert text.count("cpsat-textbook / it") == 1
    if not markdown:
        assert max(map(len, text.splitlines())) <= 80
    else:
        assert "| backend-8 | 4 | 0 | 0 | 0 | 0 | 0 |" in text
        assert "- missed: cpsat-textbook, milp-textbook, backend-0" in text


def test_both_clocks_are_reported_if_there_are_two(made, report):
    one = made("1", "auto", 1.0, whole_process=True, process_seconds=3.0)
    text = report.report([one])
    assert "PAR-2 in in-process seconds" in text
    assert "PAR-2 in whole-process seconds" in text


def test_contradictions(made, runs):
    found = made("1", "a", 1.0, errors=2, lower_bound=0)
    none = made("1", "b", 1.0, status=Status.UNSATISFIABLE, lower_bound=3)
    assert runs.contradictions([found, made("1", "c")]) == []
    assert runs.contradictions([found, replace(none, case="2")]) == []
    assert runs.contradictions([found, none]) == [
        "1: b says: no network meets at-most:2, but a with e has a network with 2 errors"
    ]
    # Alone, but against what is known of the case.
    assert runs.contradictions([replace(none, known={"errors": 2})]) == [
        "1: b says: no network meets at-most:2, but the suite has a network with 2 errors"
    ]
    assert runs.contradictions([replace(found, known={"bound": 3})]) == [
        "1: the suite says: at least 3 errors, but a with e has a network with 2 errors"
    ]
    wrong = made("1", "b", outcome="wrong", status=None, reason="refuted")
    assert runs.contradictions([found, wrong]) == ["1: b: refuted"]


def test_two_optima_that_differ(made, runs):
    best = made("1", "a", 1.0, goal="min", status=Status.OPTIMAL, errors=3, lower_bound=3)
    other = replace(best, contestant="b", errors=4, lower_bound=4)
    assert len(runs.contradictions([best, other])) == 1


def test_a_torn_line_is_dropped_and_the_file_goes_on(made, runs, tmp_path):
    path = tmp_path / "runs.jsonl"
    file = runs.RunFile(path)
    first = made("1", "a", 1.0, incumbents=[(0.5, 3), (0.75, 2)], known={"errors": 2})
    file.add(first)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    again = runs.RunFile(path)
    assert again.runs == [first]
    assert path.read_bytes() == whole
    again.add(made("2", "a"))
    assert [run.case for run in runs.read_runs(path)] == ["1", "2"]
    path.write_bytes(whole[:40])
    assert runs.RunFile(path).runs == []
    assert path.read_bytes() == b""


def test_files_that_cannot_go_on(made, runs, tmp_path):
    path = tmp_path / "runs.jsonl"
    file = runs.RunFile(path)
    file.add(made("1", "a", 1.0))
    assert file.has("1", "a", "0")
    assert not file.has("1", "b", "0")
    with pytest.raises(InputError, match="another instance"):
        file.has("1", "b", "1")
    file.expect((10.0, 1, False))
    with pytest.raises(InputError, match="holds runs with 10 s and --threads 1; name another file"):
        file.expect((10.0, 2, False))
    file.add(made("2", "a", 1.0, threads=2))
    with pytest.raises(InputError, match="cannot be compared"):
        runs.read_runs(path)
    path.write_text('{"case": 1}\n{}\n')
    with pytest.raises(InputError, match="line 1: is no run"):
        runs.RunFile(path)


def test_three_cases_with_two_backends(tiny, benchmark, runs, capfd, tmp_path):
    path, plot = tmp_path / "runs.jsonl", tmp_path / "cactus.png"
    assert call(benchmark, *PAIR, "-o", path, "--plot", plot) == 0
    out, err = capfd.readouterr()
    kept = runs.read_runs(path)
    assert len(kept) == 2 * 3
    assert {run.status for run in kept} == {Status.UNSATISFIABLE}
    assert {run.contestant: run.encoder for run in kept if run.case == "5-2"} == {
        "auto": "clauses",
        "cpsat-textbook": "cpsat-textbook",
    }
    assert all(run.known == {"bound": 1} and run.lower_bound == 1 and run.seconds > 0 for run in kept)
    assert err.count("\n") == 6
    assert "3 cases, 30 s and --threads 1 for each run.\n" in out
    assert plot.read_bytes().startswith(b"\x89PNG")
    before = path.read_text()
    assert call(benchmark, *PAIR, "-o", path) == 0  # nothing is run again
    assert capfd.readouterr() == (out, "")
    assert path.read_text() == before
    assert call(benchmark, "--report", path) == 0
    assert capfd.readouterr() == (out, "")


def test_whole_processes(tiny, benchmark, runs, tmp_path):
    path = tmp_path / "runs.jsonl"
    options = ("--suite", "5-2", "--time-limit", 30, "--whole-process")
    assert call(benchmark, *options, "--backends", "auto,enumeration,dimacs", "-o", path) == 0
    auto, refused, missing = runs.read_runs(path)
    assert auto.status is Status.UNSATISFIABLE
    assert auto.process_seconds > auto.seconds > 0
    assert (refused.outcome, missing.outcome) == ("refused", "unavailable")
    assert "2^27" in refused.reason


def test_incumbents_are_kept(benchmark, runs, tmp_path):
    path = tmp_path / "runs.jsonl"
    options = ("--suite", "tables-iris-h1", "--backends", "cpsat", "--time-limit", 60, "-o", path)
    assert call(benchmark, *options) == 0
    (made,) = runs.read_runs(path)
    seconds, errors = zip(*made.incumbents, strict=True)
    assert list(seconds) == sorted(seconds)
    assert list(errors) == sorted(errors, reverse=True)
    assert errors[-1] == made.errors


def test_threads_are_for_those_that_can_use_them(benchmark):
    found = {c.name: c.limits(5, 2).threads for c in benchmark.contestants("auto,cpsat,maxsat,milp-textbook")}
    assert found == {"auto": 2, "cpsat": 2, "maxsat": 1, "milp-textbook": 2}


def test_all_backends(benchmark):
    names = [c.name for c in benchmark.contestants("cpsat,all,cpsat@clauses")]
    assert names[:4] == ["cpsat", "auto", "cpsat-textbook", "milp-textbook"]
    assert names[-1] == "cpsat@clauses"
    assert len(names) == len(set(names))
    assert {"maxsat", "treewidth", "dimacs", "enumeration", "pseudo-boolean"} <= set(names)


def test_a_wrong_answer_is_printed_in_full_and_fails(tiny, benchmark, capfd, monkeypatch, tmp_path):
    import attempts

    honest = attempts.solve

    def solve(instance, *, backend, **options):
        if getattr(backend, "name", "") == "cpsat" and len(instance.dataset) == 5:
            raise WrongAnswer("the replay says otherwise")
        return honest(instance, backend=backend, **options)

    monkeypatch.setattr("attempts.solve", solve)
    path = tmp_path / "runs.jsonl"
    assert call(benchmark, *PAIR, "-o", path) == 1
    out, _ = capfd.readouterr()
    line = "DISAGREEMENT 5-2: cpsat-textbook: the replay says otherwise\n"
    assert line in out
    assert call(benchmark, "--report", path) == 1
    assert line in capfd.readouterr().out


@pytest.mark.parametrize("points", [5, 3])  # of the case, and of what is solved before it to load the solver
def test_ctrl_c_says_how_to_go_on(points, tiny, benchmark, runs, capfd, monkeypatch, tmp_path):
    import attempts

    honest = attempts.solve

    def solve(instance, *, backend, **options):
        if getattr(backend, "name", "") == "cpsat" and len(instance.dataset) == points:
            seconds = Statistics({"total": 0.1})
            return Result(
                Status.UNKNOWN, "at-most:0", "cpsat", "e", limit=Limit.INTERRUPT, statistics=seconds
            )
        return honest(instance, backend=backend, **options)

    monkeypatch.setattr("attempts.solve", solve)
    path = tmp_path / "runs.jsonl"
    assert call(benchmark, *PAIR, "-o", path) == 130
    assert "interrupted after 1 of 6 runs; the same command goes on" in capfd.readouterr().err
    assert [run.contestant for run in runs.read_runs(path)] == ["auto"]
    monkeypatch.setattr("attempts.solve", honest)
    assert call(benchmark, *PAIR, "-o", path) == 0
    assert len(runs.read_runs(path)) == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--suite", "frob"), "no case is named 'frob'"),
        (("--only", "frob"), "no family 'frob'; there are: planted"),
        (("--backends", "frob"), "no backend 'frob'"),
        (("--backends", "cpsat@frob"), "no encoder 'frob'"),
        (("--time-limit", "0"), "a time limit is a positive number"),
        (("--seeds", "0"), "--seeds: must be at least 1"),
        (("--report", "/no/file"), "cannot be read"),
        (("-o", "/no/file"), "cannot be written"),
        (("--plot", "/no/file.png"), "cannot be written"),
    ],
)
def test_mistakes(benchmark, capfd, tmp_path, arguments, words):
    assert call(benchmark, "-o", tmp_path / "runs.jsonl", *arguments) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_lines_and_runs_are_the_same_thing(made, runs):
    one = made("1", "a", 1.0, incumbents=[(0.5, 3)])
    assert runs.Run.of_line(json.dumps(asdict(one))) == one
