from __future__ import annotations

import pytest

from qnnt import Limit, Result, Statistics, Status, WrongAnswer
from qnnt.cli.program import run
from qnnt.comparing.runner import Case
from qnnt.comparing.runs import read_runs

PAIR = ("--backends", "auto,cpsat-textbook", "--time-limit", 30)


@pytest.fixture
def benchmark(script):
    return script("benchmark")


@pytest.fixture
def tiny(benchmark, monkeypatch):
    """A suite of three small impossible cases: 5-2 and 5-1 have a bottleneck, the last is a parity."""
    import suite

    made = [
        Case("5-2", "bottleneck", lambda: suite._bottleneck(2, 5, 2, "relu")),
        Case("5-1", "bottleneck", lambda: suite._bottleneck(5, 5, 1, "relu")),
        Case("parity", "other", lambda: suite._parity(3, 3, 1, "sign")),
    ]
    monkeypatch.setattr(benchmark, "cases", lambda seeds, tables: iter(made))


def call(benchmark, *arguments: object) -> int:
    return run(benchmark.app, "benchmark", [str(a) for a in arguments])


def test_three_cases_with_two_backends(tiny, benchmark, capfd, tmp_path):
    path, plot = tmp_path / "runs.jsonl", tmp_path / "cactus.png"
    assert call(benchmark, *PAIR, "-o", path, "--plot", plot) == 0
    out, err = capfd.readouterr()
    kept = read_runs(path)
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


def test_a_run_says_how_it_is_made_again(tiny, benchmark, tmp_path):
    path = tmp_path / "runs.jsonl"
    words = ("--suite", "5-2", "--backends", "maxsat", "--time-limit", 30, "--seeds", 3, "-o", path)
    assert call(benchmark, *words) == 0
    (one,) = read_runs(path)
    again = "python scripts/benchmark.py --suite 5-2 --backends maxsat --time-limit 30 --threads 1"
    assert one.command == f"{again} --seeds 3 -o again.jsonl"


def test_whole_processes(tiny, benchmark, tmp_path):
    path = tmp_path / "runs.jsonl"
    options = ("--suite", "5-2", "--time-limit", 30, "--whole-process")
    assert call(benchmark, *options, "--backends", "auto,enumeration,dimacs", "-o", path) == 0
    auto, refused, missing = read_runs(path)
    assert auto.status is Status.UNSATISFIABLE
    assert auto.process_seconds > auto.seconds > 0
    assert (refused.outcome, missing.outcome) == ("refused", "unavailable")
    assert "2^27" in refused.reason


def test_incumbents_are_kept(benchmark, tmp_path):
    path = tmp_path / "runs.jsonl"
    options = ("--suite", "tables-iris-h1", "--backends", "cpsat", "--time-limit", 60, "-o", path)
    assert call(benchmark, *options) == 0
    (made,) = read_runs(path)
    seconds, errors = zip(*made.incumbents, strict=True)
    assert list(seconds) == sorted(seconds)
    assert list(errors) == sorted(errors, reverse=True)
    assert errors[-1] == made.errors


def test_a_wrong_answer_is_printed_in_full_and_fails(tiny, benchmark, capfd, monkeypatch, tmp_path):
    from qnnt.comparing import attempts

    honest = attempts.solve

    def solve(instance, *, backend, **options):
        if backend == "cpsat" and len(instance.dataset) == 5:
            raise WrongAnswer("the replay says otherwise")
        return honest(instance, backend=backend, **options)

    monkeypatch.setattr("qnnt.comparing.attempts.solve", solve)
    path = tmp_path / "runs.jsonl"
    assert call(benchmark, *PAIR, "-o", path) == 1
    out, _ = capfd.readouterr()
    line = "DISAGREEMENT 5-2: cpsat-textbook: the replay says otherwise\n"
    assert line in out
    assert call(benchmark, "--report", path) == 1
    assert line in capfd.readouterr().out


@pytest.mark.parametrize("points", [5, 3])  # of the case, and of what is solved before it to load the solver
def test_ctrl_c_says_how_to_go_on(points, tiny, benchmark, capfd, monkeypatch, tmp_path):
    from qnnt.comparing import attempts

    honest = attempts.solve

    def solve(instance, *, backend, **options):
        if backend == "cpsat" and len(instance.dataset) == points:
            seconds = Statistics({"total": 0.1})
            return Result(
                Status.UNKNOWN, "at-most:0", "cpsat", "e", limit=Limit.INTERRUPT, statistics=seconds
            )
        return honest(instance, backend=backend, **options)

    monkeypatch.setattr("qnnt.comparing.attempts.solve", solve)
    path = tmp_path / "runs.jsonl"
    assert call(benchmark, *PAIR, "-o", path) == 130
    assert "interrupted after 1 of 6 runs; the same command goes on" in capfd.readouterr().err
    assert [run.contestant for run in read_runs(path)] == ["auto"]
    monkeypatch.setattr("qnnt.comparing.attempts.solve", honest)
    assert call(benchmark, *PAIR, "-o", path) == 0
    assert len(read_runs(path)) == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--suite", "frob"), "no case is named 'frob'"),
        (("--only", "frob"), "no family 'frob'; there are: planted"),
        (("--backends", "frob"), "no backend 'frob'"),
        (("--backends", "cpsat@frob"), "no encoder 'frob'"),
        (("--time-limit", "0"), "a time limit is a positive number"),
        (("--seeds", "0"), "--seeds: must be at least 1"),
        (("-o", "/no/file"), "cannot be written"),
        (("--plot", "/no/file.png"), "cannot be written"),
        (("--plot", "cactus.jsonl"), "--plot: must end in .svg, .png or .pdf"),
        (("--report", __file__), "leave out what else is said (output)"),
    ],
)
def test_mistakes(benchmark, capfd, tmp_path, arguments, words):
    assert call(benchmark, "-o", tmp_path / "runs.jsonl", *arguments) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err
