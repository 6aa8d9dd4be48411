"""What runs come to, and the report as text."""

from __future__ import annotations

import math

import pytest

from qnnt.comparing import scores
from qnnt.comparing.report import report, run_lines, unsolved


def test_par2_and_its_means(grid):
    assert grid.scores("auto") == [1.0, 20.0, 0.25]
    assert grid.scores("b") == [1.0, 5.0, 20.0]
    assert grid.scores("c") == [4.0, 20.0, 0.5]
    assert scores.mean(grid.scores("auto")) == pytest.approx(21.25 / 3)
    assert scores.geometric_mean(grid.scores("auto")) == pytest.approx(5.0 ** (1 / 3))
    assert scores.geometric_mean([0.1, 10.0]) == pytest.approx(1.0)
    assert math.isnan(scores.geometric_mean([]))
    assert scores.ratio(grid, "b", "auto") == pytest.approx(20.0 ** (1 / 3))


def test_a_run_without_the_clock_that_is_asked_counts_as_unsolved(made):
    assert scores.par2(made("1", "a", 1.0), scores.whole_process) == 20.0
    assert scores.par2(made("1", "a", 1.0, process_seconds=2.0), scores.whole_process) == 2.0


def test_the_virtual_best_and_what_each_contributes(grid):
    assert scores.virtual_best(grid) == [1.0, 5.0, 0.25]
    assert scores.best_shares(grid) == {"auto": 0.5, "b": 0.5, "c": 0.0}  # the first case is divided
    assert scores.solved_only_by(grid) == {"auto": [], "b": ["2"], "c": []}
    assert scores.missed(grid) == {"2": ["b"]}
    assert scores.missed(grid, "nobody") == {}
    assert scores.cactus(grid) == {"auto": [0.25, 1.0], "b": [1.0, 5.0], "c": [0.5, 4.0]}


def test_counts(grid):
    assert scores.outcomes(grid.runs("c")) == {"solved": 2, "refused": 1}
    assert scores.solved_by_family(grid) == {"f": {"auto": 2, "b": 2, "c": 2, "any": 3, "cases": 3}}


def test_what_decides_the_runs_of_auto_is_counted_by_family(made):
    runs = [
        made("1", "auto", 1.0, backend="maxsat"),
        made("2", "auto", 1.0, backend="maxsat"),
        made("3", "auto", 1.0, backend="sat:cadical153", family="g"),
        made("4", "auto", backend="cpsat"),
    ]
    grid = scores.Grid.of(runs)
    assert scores.deciders(grid) == {"f": {"maxsat": 2}, "g": {"sat:cadical153": 1}}
    assert scores.deciders(grid, "nobody") == {}
    text = report(runs, markdown=True)
    rows = [
        "|  | maxsat | sat:cadical153 |",
        "|---|---:|---:|",
        "| f | 2 |  |",
        "| g |  | 1 |",
        "| all | 2 | 1 |",
    ]
    assert "\n".join(rows) in text
    assert "Backends that decided" not in report(runs[3:])


def test_a_baseline_that_is_not_installed_measures_nothing(made):
    runs = [made("1", "auto", 0.01), made("1", "cpsat-textbook", 1.0)]
    runs.append(made("1", "milp-textbook", outcome="unavailable", status=None, seconds=None))
    assert scores.baselines(scores.Grid.of(runs)) == ["cpsat-textbook"]
    text = report(runs)
    assert "cpsat-textbook / it" in text
    assert "milp-textbook / it" not in text


def test_long_means_keep_their_seconds(made):
    text = report([made("1", "a", 1827.0, time_limit=3600.0), made("1", "b", 1826.25, time_limit=3600.0)])
    assert "1,827" in text
    assert "1,826" in text


def test_a_bar_in_a_name_does_not_end_a_cell(made):
    assert "| dimacs:a\\|b | 1 |" in report([made("1", "dimacs:a|b", 1.0)], markdown=True)


def test_only_cases_that_all_have_run_count(made):
    some = [made("1", "a", 1.0), made("1", "b", 1.0), made("2", "a", 1.0)]
    assert list(scores.Grid.of(some).cases) == ["1"]
    assert "1 case, 10 s and --threads 1 for each run; 1 more are left out" in report(some)
    assert report(some[1:]) == "No case has been run by all contestants."


@pytest.mark.parametrize("markdown", [False, True])
def test_the_report_fits_a_terminal(made, markdown):
    names = ["auto", "cpsat-textbook", "milp-textbook", *(f"backend-{i}" for i in range(9))]
    runs = [made(str(case), name, 0.5 + i) for case in range(3) for i, name in enumerate(names)]
    runs += [made("missed", name, None if name == "auto" else 1.0) for name in names]
    text = report(runs, markdown=markdown)
    assert all(name in text for name in names)
    assert text.count("cpsat-textbook / it") == 1
    if not markdown:
        assert max(map(len, text.splitlines())) <= 80
    else:
        assert "| backend-8 | 4 | 0 | 0 | 0 | 0 | 0 |" in text
        assert "- missed: cpsat-textbook, milp-textbook, backend-0" in text


def test_both_clocks_are_reported_if_there_are_two(made):
    one = made("1", "auto", 1.0, whole_process=True, process_seconds=3.0)
    text = report([one])
    assert "PAR-2 in in-process seconds" in text
    assert "PAR-2 in whole-process seconds" in text


def test_a_line_for_each_run_fits_a_terminal(made):
    one = made(f"folder/{'long' * 20}-1.json", "a", 1.0, errors=2)
    other = made(f"folder/{'long' * 20}-2.json", f"b-{'long' * 20}", outcome="wrong")
    head, first, second = run_lines([one, other])
    assert {len(line) for line, _ in (head, first, second)} == {80}
    assert [wrong for _, wrong in (head, first, second)] == [False, False, True]
    assert "long-1.json  a  " in first[0]
    assert "≠ UNKNOWN" in second[0]


def test_names_cannot_upset_a_terminal(made):
    name = "\x1b[31m.json"
    text = report([made(name, "auto"), made(name, "b\x1b", 1.0)])
    assert "\x1b" not in text
    assert "\\x1b[31m.json: b\\x1b" in text


def test_reasons_are_told_once(made):
    runs = [made(str(i), "a", reason="too\x1blate") for i in range(3)] + [made("4", "b", 1.0)]
    assert unsolved(runs) == "Without a verdict:\na: too\\x1blate (3 runs)"
    assert unsolved(runs[3:]) == ""
