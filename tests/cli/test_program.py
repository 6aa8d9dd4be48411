"""What holds for every command: exit statuses, one line for an error, light imports, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

import qnnt.pipeline as pipeline
from qnnt import __version__
from qnnt.exceptions import WrongAnswer

HEAVY = {"numpy", "msgspec", "pysat", "ortools", "pulp", "highspy", "exact", "networkx", "rich", "packaging"}


def test_help_and_version_load_nothing_heavy():
    script = """
import sys, qnnt, qnnt.cli
status = [qnnt.cli.main(["--help"]), qnnt.cli.main(["--version"])]
print(status, sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stderr.startswith("[0, 0]")
    assert not {name for name in HEAVY if f"'{name}'" in run.stderr}
    assert f"qnnt {__version__}\n" in run.stdout


def test_the_module_is_the_program():
    run = subprocess.run([sys.executable, "-m", "qnnt", "--help"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("Usage: qnnt ")
    for command in ("solve", "check", "info", "generate", "encode", "backends"):
        assert f"\n  {command} " in run.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frob"], "frob"),
        (["solve"], "see qnnt solve --help"),
        (["solve", "{xor}", "--frob"], "--frob"),
        (["solve", "{xor}", "--threads", "two"], "--threads"),
        (["solve", "{xor}", "--threads", "0"], "at least one thread"),
        (["solve", "{xor}", "--threads", "2", "--backend", "maxsat"], "one thread"),
        (["solve", "{xor}", "--time-limit", "0"], "time limit"),
        (["solve", "{xor}", "--time-limit", "nan"], "time limit"),
        (["solve", "{xor}", "--time-limit", "inf"], "time limit"),
        (["solve", "{xor}", "--memory-limit", "0"], "memory limit"),
        (["solve", "{xor}", "--seed", "-1"], "seed"),
        (
            ["solve", "{xor}", "--errors", "few"],
            "--errors: no goal 'few'; there are: at-most:N, exactly:N, min",
        ),
        (["solve", "{xor}", "--backend", "maxsat:frob"], "no maxsat variant 'frob'; there is none"),
        (["solve", "{xor}", "--backend", "cpsat:frob"], "no cpsat variant 'frob'; there is none"),
        (["solve", "{xor}", "--backend", "treewidth:"], "no treewidth variant ''; there is none"),
        (["solve", "{xor}", "--backend", "milp:frob"], "no milp variant 'frob'; there are: highs, cbc"),
        (["solve", "{xor}", "--backend", "frob"], "no backend 'frob'"),
        (["solve", "{xor}", "--backend", "sat:frob"], "no sat variant 'frob'; there are: cadical103"),
        (["solve", "{xor}", "--backend", "dimacs:/nowhere/solver"], "/nowhere/solver"),
        (["solve", "{xor}", "--encoder", "frob"], "no encoder 'frob'"),
        (["solve", "{xor}", "--backend", "maxsat", "--encoder", "milp"], "it takes: clauses"),
        (["solve", "{xor}", "-o", "{tmp}/nowhere/n.json"], "no folder"),
        (["solve", "{xor}", "-o", "{tmp}"], "folder"),
        (["solve", "{tmp}/nowhere.json"], "cannot be read"),
        (["solve", "{tmp}"], "cannot be read"),
        (["solve", "{bad}"], "data[0].x[1]"),
        (["info", "{bad}"], "data[0].x[1]"),
        (["check", "{xor}", "{tmp}/nowhere.json"], "cannot be read"),
        (["check", "{xor}", "{xor}"], "format"),
        (["encode", "{xor}", "--format", "frob", "-o", "{tmp}/f"], "no format 'frob'"),
        (["encode", "{xor}", "--format", "cnf", "-o", "{tmp}/no/f"], "no folder"),
        (["encode", "{xor}", "--format", "cnf"], "-o"),
        (["encode", "{xor}", "--format", "wcnf", "-o", "{tmp}/f"], "goal min"),
        (["encode", "{xor}", "--format", "cnf", "--errors", "min", "-o", "{tmp}/f"], "--errors"),
        (["encode", "{xor}", "--format", "cnf", "--encoder", "milp", "-o", "{tmp}/f"], "it holds: clauses"),
        (
            ["generate", "table", "{tmp}/no.csv", "--target", "y", "--d", "3", "--hidden", "2"],
            "cannot be read",
        ),
        (["generate", "table", "{csv}", "--target", "z", "--d", "3", "--hidden", "2"], "no column 'z'"),
        (["generate", "table", "{csv}", "--target", "y", "--d", "3", "--hidden", "2,x"], "--hidden"),
        (["generate", "table", "{csv}", "--target", "y", "--d", "3", "--hidden", "2,0"], "hidden[1]"),
        (["generate", "teacher", "--d", "1", "--layers", "2,1", "--points", "4"], "d: "),
        (["generate", "teacher", "--d", "3", "--layers", "2", "--points", "4"], "layers"),
        (["generate", "teacher", "--d", "3", "--layers", "2,1", "--points", "4", "--noise", "2"], "noise"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(qnnt, xor, tmp_path, arguments, words):
    bad, table = tmp_path / "bad.json", tmp_path / "table.csv"
    bad.write_text(xor.read_text().replace('"x": [0, 0]', '"x": [0, 7]'))
    table.write_text("a,y\n0,0\n1,1\n")
    places = {"xor": xor, "tmp": tmp_path, "bad": bad, "csv": table}
    before = set(tmp_path.iterdir())
    run = qnnt(*(a.format(**places) for a in arguments))
    assert run.status == 2
    assert run.out == ""
    assert run.err.startswith("qnnt: error: ")
    assert run.err.count("\n") == 1
    assert words in run.err
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (WrongAnswer("it lies"), "it lies"),
        (RuntimeError("two\nlines"), "unexpected RuntimeError: two lines"),
        (MemoryError(), "out of memory"),
        (OSError(28, "No space left"), "cannot write the output: No space left"),
        (OSError(36, "File name too long", "a" * 300), "aaa: File name too long"),
    ],
)
def test_any_other_failure_is_one_line_and_status_1(qnnt, xor, monkeypatch, error, words):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(pipeline, "solve", fail)
    monkeypatch.delenv("QNNT_DEBUG", raising=False)
    run = qnnt("solve", xor)
    assert (run.status, run.out, run.err.count("\n")) == (1, "", 1)
    assert words in run.err
    monkeypatch.setenv("QNNT_DEBUG", "1")
    assert "Traceback" in qnnt("solve", xor).err


def test_ctrl_c_outside_of_a_run_is_quiet(qnnt, xor, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "solve", interrupt)
    run = qnnt("solve", xor)
    assert (run.status, run.out, run.err) == (130, "", "")


def test_a_reader_that_has_seen_enough():
    """Its end is closed long before the first line is written."""
    command = [
        sys.executable,
        "-m",
        "qnnt",
        "generate",
        "teacher",
        "--d",
        "9",
        "--layers",
        "9,1",
        "--points",
        "9999",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 1


def processes() -> dict[int, int]:
    """The parent of every process."""
    table = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    return {int(pid): int(parent) for pid, parent in map(str.split, table.splitlines())}


@pytest.mark.parametrize("backend", ["sat", "portfolio:sat+maxsat"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_tells_what_it_has_and_leaves_nothing_behind(hard, number, backend):
    """On a terminal, so that the progress line is seen too."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "qnnt", "solve", str(hard), "--json", "--backend", backend]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment) as run:
        os.close(theirs)
        shown = b""
        while b"solve " not in shown:
            shown += os.read(ours, 4096)
        workers = [pid for pid, parent in processes().items() if parent == run.pid]
        run.send_signal(number)
        result = json.loads(run.stdout.read())
    os.close(ours)
    assert run.returncode == 3
    assert (result["status"], result["limit"], result["verified"]) == ("UNKNOWN", "interrupt", True)
    assert b"Traceback" not in shown
    assert 1 <= len(workers) <= (2 if "+" in backend else 1)  # the second one begins when its turn comes
    assert not set(workers) & processes().keys()


def test_files_of_the_current_folder_are_not_run(xor, tmp_path):
    """Neither by the program, started as it is installed, nor by its worker."""
    folder = tmp_path / "here"
    (folder / "qnnt").mkdir(parents=True)
    for name in ("contextlib.py", "pickle.py", "qnnt/__init__.py", "qnnt/job.py"):
        (folder / name).write_text("open('was_run', 'w').close()\nraise SystemExit(7)\n")
    before = set(folder.rglob("*"))
    for backend in ("enumeration", "sat"):
        run = subprocess.run(
            [sys.executable, "-P", "-m", "qnnt", "solve", str(xor), "--backend", backend],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout.startswith("SATISFIABLE")
    assert set(folder.rglob("*")) == before
