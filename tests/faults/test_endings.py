"""Whatever ends a run, the best network that it found is in its output."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from processes import descendants, end_soon

from qnnt.architecture import Architecture
from qnnt.cli.incumbents import Incumbents
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.instance import Instance
from qnnt.limits import Status
from qnnt.network import Network
from qnnt.pipeline import Progress
from qnnt.result import Result
from qnnt.verify.replay import check
from qnnt.workers.folder import Folder
from qnnt.workers.pool import close_workers

WINE = Path(__file__).parents[2] / "examples" / "wine.json"
LONG = ["solve", WINE, "--errors", "min", "--backend", "sat"]  # finds a network at once, and proves it never


@pytest.fixture
def lone(tmp_path: Path) -> Path:
    """Two points of one input with different labels, and a third: 1 error is the least."""
    path = tmp_path / "lone.json"
    points = '{"x": [0], "y": [1]}, {"x": [0], "y": [0], "count": 2}, {"x": [1], "y": [1]}'
    path.write_text(
        '{"format": "qnnt-instance", "version": 1, "d": 3, "layers": [["a"], ["b"]],'
        f' "arcs": "dense", "data": [{points}]}}'
    )
    return path


@contextmanager
def sent_once(number: int, output: Path) -> Iterator[None]:
    """Send this process a signal as soon as there is an output."""

    def watch() -> None:
        for _ in range(600):
            if output.exists():
                break
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


@pytest.fixture
def heeding_hangup() -> Iterator[None]:
    """SIGHUP as a terminal's programs have it, also if the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_with_its_best_network(
    qnnt, tmp_path: Path, number: int, heeding_hangup: None
) -> None:
    output = tmp_path / "n.json"
    with sent_once(number, output):
        run = qnnt(*LONG, "-o", output)
    assert run.status == 3
    assert run.out.startswith("UNKNOWN: interrupted\n")
    assert f"errors       {check(Instance.load(WINE), Network.load(output)).errors} of 178" in run.out
    assert run.err == f"{output}: written; the network is only the best so far\n"


def test_nohup_keeps_a_run_beyond_its_terminal(qnnt, tmp_path: Path) -> None:
    output = tmp_path / "n.json"
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with sent_once(signal.SIGHUP, output):
        run = qnnt(*LONG, "--time-limit", 2, "-o", output)
    assert run.out.startswith("UNKNOWN: the time limit was reached\n")


def test_a_run_that_is_killed_leaves_its_best_network_and_no_folder(tmp_path: Path) -> None:
    output, temporary = tmp_path / "n.json", tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-m", "qnnt", *map(str, LONG), "-o", str(output)]
    run = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(temporary)})
    while not output.exists():
        assert run.poll() is None
        time.sleep(0.05)
    workers = descendants(run.pid)
    run.kill()
    run.wait()
    assert end_soon(workers)
    assert check(Instance.load(WINE), Network.load(output)).errors < 178
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert len(list(temporary.glob("qnnt-*"))) == 1  # nobody was there to remove it
    again = [*command, "--start", str(output), "--time-limit", "0.5"]
    env = {**os.environ, "TMPDIR": str(temporary)}
    assert subprocess.run(again, env=env, capture_output=True, check=False).returncode == 3
    assert list(temporary.iterdir()) == []


def test_only_folders_whose_owner_has_gone_are_swept(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("qnnt.workers.folder._SWEPT", set())
    bystander, left, elsewhere = tmp_path / "qnnt-notes", tmp_path / "qnnt-left", tmp_path / "elsewhere"
    for folder in (bystander, left, elsewhere):
        folder.mkdir()
        (folder / "file").touch()
    (left / "owner").touch()
    (elsewhere / "owner").touch()
    (tmp_path / "qnnt-link").symlink_to(elsewhere)
    with Folder() as mine:
        assert not left.exists()
        monkeypatch.setattr("qnnt.workers.folder._SWEPT", set())
        with Folder():
            assert mine.path.exists()
    names = {"qnnt-notes", "elsewhere", "qnnt-link"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert len(list(elsewhere.iterdir())) == 2


@pytest.fixture
def no_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def unmade(**named: str) -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    close_workers()  # those that stand ready have their folders
    monkeypatch.setattr(tempfile, "mkdtemp", unmade)


def test_a_missing_temporary_folder_is_one_line(qnnt, lone: Path, no_temporary_folder: None) -> None:
    for more in ([], ["--cubes", 2], ["--backend", "portfolio:sat+maxsat"]):
        run = qnnt("solve", lone, "--errors", "min", *more)
        assert (run.status, run.out) == (2, "")
        assert run.err.startswith(
            "qnnt: error: no temporary folder can be made: No usable temporary directory"
        )
        assert run.err.count("\n") == 1


def test_what_needs_no_temporary_folder_does_without(qnnt, no_temporary_folder: None) -> None:
    run = qnnt("generate", "teacher", "--d", 3, "--layers", "2,1", "--points", 3)
    assert (run.status, run.out[:1]) == (0, "{")


def test_every_better_network_is_kept(qnnt, lone: Path, tmp_path: Path) -> None:
    output = tmp_path / "n.json.gz"
    run = qnnt("solve", lone, "--errors", "min", "--backend", "sat", "-o", output, "--keep")
    assert run.status == 0
    kept = sorted(tmp_path.glob("n-*-errors.json.gz"))
    assert kept
    for path in kept:
        errors = check(Instance.load(lone), Network.load(path)).errors
        assert path.name == f"n-{errors}-errors.json.gz"
    assert kept[0].read_bytes() == output.read_bytes()
    alone = qnnt("solve", lone, "--keep")
    assert (alone.status, "-o" in alone.err) == (2, True)


def test_a_result_that_cannot_be_written_is_shown(qnnt, lone: Path, tmp_path: Path, monkeypatch) -> None:
    def full(network: Network, path: Path) -> None:
        raise InputError(str(path), "cannot be written: No space left on device")

    monkeypatch.setattr(Network, "save", full)
    run = qnnt("solve", lone, "--errors", "min", "-o", tmp_path / "n.json")
    assert run.status == 2
    assert run.out.startswith("OPTIMAL")
    assert "b  =  ReLU(" in run.out
    assert "n.json: cannot be written: No space left on device\n" in run.err


@pytest.mark.parametrize("before", [None, "an older network"])
def test_where_no_network_exists_the_run_leaves_no_new_file(tmp_path: Path, before: str | None) -> None:
    output = tmp_path / "n.json"
    if before is not None:
        output.write_text(before)
    incumbents = Incumbents(output, keep=False)
    listen = incumbents.beside(None)
    assert listen is not None
    network = Network(Architecture.dense([1, 1]), Domain(3), np.array([1]), np.array([0]))
    listen(Progress("solve", 1.0, 5, 0, network=network))
    assert Network.load(output).vector.tolist() == [1, 0]
    incumbents.finish(Result(Status.UNSATISFIABLE, "at-most:0", "sat", "clauses"))
    assert output.exists() == incumbents.replaced == (before is not None)


def test_a_disk_that_is_full_for_a_while_is_told_once(tmp_path: Path, monkeypatch, capsys) -> None:
    output = tmp_path / "n.json"
    incumbents = Incumbents(
        output, keep=True
    )  # a full disk fails at once: no network is left out for its time
    listen = incumbents.beside(None)
    assert listen is not None
    save, full = Network.save, [True]

    def sometimes(network: Network, path: Path) -> None:
        if full[0]:
            raise InputError(str(path), "cannot be written: No space left on device")
        save(network, path)

    monkeypatch.setattr(Network, "save", sometimes)
    for errors in (3, 2, 1):
        full[0] = errors > 1
        network = Network(Architecture.dense([1, 1]), Domain(3), np.array([1]), np.array([0]))
        listen(Progress("solve", 1.0, errors, 0, network=network))
    told = f"qnnt: {output}: cannot be written: No space left on device; the run goes on\n"
    assert capsys.readouterr().err == told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n-1-errors.json", "n.json"]


@pytest.mark.parametrize("words", [["solve", "{wine}", "-o"], ["info", "{wine}", "--plot"]])
def test_a_read_only_folder_is_told_before_the_work(qnnt, tmp_path: Path, monkeypatch, words) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    run = qnnt(*(word.format(wine=WINE) for word in words), tmp_path / "n.png")
    assert (run.status, run.out) == (2, "")
    assert run.err == f"qnnt: error: {tmp_path}/n.png: cannot be written: permission denied\n"


def test_a_pipe_gets_the_last_network_only(qnnt, tmp_path: Path) -> None:
    pipe, heard = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    run = qnnt(*LONG, "--time-limit", 2, "-o", pipe)
    reader.join()
    assert run.status == 3
    assert heard[0].count('"qnnt-network"') == 1
    assert qnnt(*LONG, "-o", pipe, "--keep").status == 2
