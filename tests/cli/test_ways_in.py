"""What somebody types first: nothing, a slip, a table, a tab, a dash."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from qnnt import Instance, Network
from qnnt.cli import completion
from qnnt.cli.progress import live_line


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["generate"], ["generate", "-h"]])
def test_nothing_shows_help_with_whole_summaries(qnnt, words):
    run = qnnt(*words)
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("Usage: qnnt")
    assert "..." not in run.out.partition("Commands:")[2]
    assert max(map(len, run.out.splitlines())) <= 80


def test_the_version_has_a_letter(qnnt):
    assert qnnt("-V").out == qnnt("--version").out != ""


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("maxsta", "did you mean 'maxsat'; there are: "),
        ("glucose", "did you mean 'sat:glucose"),
        ("highs", "did you mean 'milp:highs'"),
        ("sat:cadical", "did you mean 'cadical"),
        ("nearest", "it rounds trained layers"),
        ("qqqq", "no backend 'qqqq'; there are: "),
    ],
)
def test_a_slip_in_a_name(qnnt, xor, backend, expected):
    run = qnnt("solve", xor, "--backend", backend)
    assert (run.status, run.err.count("\n")) == (2, 1)
    assert expected in run.err


def test_more_threads_than_a_backend_can_use(qnnt, xor):
    run = qnnt("solve", xor, "--backend", "sat", "--threads", 2)
    assert run.status == 2
    assert "uses one thread, not 2; try cpsat, " in run.err
    assert qnnt("solve", xor, "--backend", "cpsat", "--threads", 2).status == 0


def test_a_table_in_place_of_an_instance(qnnt, tmp_path):
    table = tmp_path / "data.csv"
    table.write_text("a,b\n1,2\n")
    run = qnnt("solve", table)
    assert run.status == 2
    assert run.err == f"qnnt: error: {table}: is a table; 'qnnt generate table' makes an instance of it\n"
    assert "No such file" in qnnt("solve", tmp_path / "none.csv").err


def test_a_dash_is_standard_input_or_output(qnnt, xor, tmp_path):
    network = tmp_path / "n.json"
    run = qnnt("solve", xor, "-o", "-")
    assert run.status == 0
    assert run.err.startswith("SATISFIABLE: a network gets 0 of 4 points wrong\n")
    network.write_text(run.out)
    assert Network.load(network).error(Instance.load(xor).dataset) == 0
    assert not Path("-").exists()
    command = [sys.executable, "-m", "qnnt", "check", "-", str(network), "--json"]
    piped = subprocess.run(command, input=xor.read_bytes(), capture_output=True, check=True)
    assert json.loads(piped.stdout)["errors"] == 0
    for words in (["solve", xor, "--json", "-o", "-"], ["encode", xor, "--format", "cnf", "-o", "-"]):
        assert qnnt(*words).err == "qnnt: error: -: must be a file: this is not written to standard output\n"


def completed(line, **environment):
    words = line.split(" ")
    asked = {"_QNNT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    run = subprocess.run(
        [sys.executable, "-m", "qnnt"],
        env={**os.environ, **asked, **environment},
        capture_output=True,
        text=True,
    )
    assert run.stderr == ""
    return run.stdout.split()


def test_shells_complete_commands_and_the_words_of_options():
    assert {"solve", "predict", "generate"} <= set(completed("qnnt "))
    assert completed("qnnt solve i.json --backend maxs") == ["maxsat"]
    script = completed("", _QNNT_COMPLETE="bash_source")
    assert "complete" in script
    assert "_QNNT_COMPLETE=complete_bash" in script


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        (completion.backends, "p", ["portfolio", "pseudo-boolean"]),
        (completion.backends, "milp:h", ["milp:highs"]),
        (completion.encoders, "cpsat", ["cpsat", "cpsat-textbook"]),
        (completion.activations, "sign,s", ["sign,sign", "sign,step"]),
        (completion.families, "hit", ["hitting-set"]),
        (completion.formats, "w", ["wcnf"]),
        (completion.contestants, "auto,cp", ["auto,cpsat-textbook", "auto,cpsat"]),
        (completion.goals, "", ["min", "at-most:", "exactly:"]),
        (completion.rounders, "near", ["nearest", "nearest-plane"]),
    ],
)
def test_words_that_fit(words, incomplete, expected):
    assert words(incomplete) == expected


@pytest.mark.parametrize("no_color", ["", "1"])
def test_no_color_is_kept(monkeypatch, no_color):
    shown = io.StringIO()
    shown.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert Console(stderr=True).is_terminal
    with live_line(lambda: ["solve", "best 3 of 4 wrong"]):
        pass
    assert "best 3 of 4 wrong" in shown.getvalue()
    assert ("\x1b[2m" in shown.getvalue()) == (not no_color)
