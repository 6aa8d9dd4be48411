"""``--executor``: what it is for, and what cannot stand beside it; it works in tests/workers/test_dask.py."""

from __future__ import annotations

from pathlib import Path

import pytest

DIGITS = Path(__file__).parents[2] / "examples" / "digits.npz"
CUBES = ("--cubes", 2)
ROUND = ("round", DIGITS, "--calibration", DIGITS.with_name("digits-calibration.npy"))


def test_it_is_for_parts(qnnt, xor):
    run = qnnt("solve", xor, "--executor", "processes:2")
    assert (run.status, run.out) == (2, "")
    assert "--executor: is for parts of an instance: give --cubes N, too" in run.err


@pytest.mark.parametrize("command", ["solve", "compare", "round"])
def test_it_says_how_many_run_at_a_time(qnnt, xor, command):
    words = {"solve": ("solve", xor, *CUBES), "compare": ("compare", xor), "round": ROUND}[command]
    option = "--jobs" if command == "compare" else "--threads"
    run = qnnt(*words, "--executor", "processes:2", option, 2)
    assert (run.status, run.out) == (2, "")
    assert f"{option}: is for runs without --executor" in run.err


def test_a_typo_is_one_line(qnnt, xor, tmp_path):
    for words in (
        ("solve", xor, *CUBES),
        ("compare", xor),
        ROUND,
        ("generate", "family", "exact-cover", "--sizes", 4, "--out", tmp_path / "family"),
    ):
        run = qnnt(*words, "--executor", "desk:2")
        assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
        assert "--executor: must be processes:N, dask:N or dask://HOST:PORT" in run.err
    assert not (tmp_path / "family").exists()


def test_cubes_in_processes(qnnt, lone):
    run = qnnt("solve", lone, "--backend", "sat", *CUBES, "--executor", "processes:2")
    assert (run.status, run.err) == (0, "")
    assert "UNSATISFIABLE" in run.out
