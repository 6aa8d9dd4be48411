"""The journal: a run that was killed goes on, and no other instance's journal is taken for its own."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cubing import IMPOSSIBLE, LEAST_2, LESS_THAN_2, OnePart, SpaceEncoder
from processes import alive, descendants, end_soon

import qnnt
from qnnt.box import Box
from qnnt.cubes import Cubes
from qnnt.cubes.journal import Journal, Plan, Refuted, _order, digest


def run(instance: qnnt.Instance, journal: Path, count: int = 6, **more: Any) -> qnnt.Result:
    return qnnt.solve(instance, cubes=Cubes(count, journal=journal), isolate=False, **more)


def lines(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


def keep(journal: Path, count: int) -> None:
    """Leave so many lines, as if the run had been killed then."""
    text = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(text[:count]))


def test_every_cube_is_a_line(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    assert run(IMPOSSIBLE, journal).status == "UNSATISFIABLE"
    head, *cubes = lines(journal)
    assert (head["format"], head["asked"], head["budget"]) == ("qnnt-cubes", 6, None)
    assert sorted(each["cube"] for each in cubes) == list(range(len(head["boxes"]) - head["refuted"]))
    assert head["by"] == "backend 'sat:cadical153' with encoder 'clauses'"


def test_what_is_in_the_journal_is_not_run_again(tmp_path: Path) -> None:
    """The parts that are left are counted; a journal that is complete needs none."""
    journal, folder = tmp_path / "j", tmp_path / "parts"
    folder.mkdir()
    counting = {"backend": OnePart("abort", 999, str(folder)), "encoder": SpaceEncoder()}
    assert run(LESS_THAN_2, journal, **counting).status == "UNSATISFIABLE"
    all_parts = len(list(folder.iterdir()))
    assert all_parts == len(lines(journal)) - 1
    keep(journal, 4)
    result = run(LESS_THAN_2, journal, **counting)
    assert result.status == "UNSATISFIABLE"
    assert result.statistics.sizes["from the journal"] == 3
    assert len(list(folder.iterdir())) == all_parts + all_parts - 3
    assert run(LESS_THAN_2, journal, **counting).status == "UNSATISFIABLE"
    assert len(list(folder.iterdir())) == all_parts + all_parts - 3


@pytest.mark.parametrize("count", range(1, 9))
def test_a_minimum_goes_on_from_any_line(tmp_path: Path, count: int) -> None:
    journal = tmp_path / "j"
    whole = run(LEAST_2, journal)
    assert any("network" in line for line in lines(journal))
    keep(journal, count)
    again = run(LEAST_2, journal)
    assert (again.status, again.errors, again.lower_bound) == ("OPTIMAL", 2, 2)
    assert whole.errors == 2


def test_what_is_refuted_below_a_better_network_is_asked_again_without_it(tmp_path: Path) -> None:
    """The first run begins from the best network: its cubes are refuted for less than two errors only."""
    journal = tmp_path / "j"
    best = qnnt.solve(LEAST_2, backend="enumeration").network
    run(LEAST_2, journal, start=best)
    assert {line.get("budget") for line in lines(journal)} == {1}
    again = run(LEAST_2, journal)
    assert (again.status, again.errors) == ("OPTIMAL", 2)
    assert again.network is not None


def test_another_backend_does_not_go_on_with_a_journal(tmp_path: Path) -> None:
    """Its result would name one backend for what another one refuted, which could then confirm itself."""
    journal = tmp_path / "j"
    assert run(IMPOSSIBLE, journal, backend="cpsat").status == "UNSATISFIABLE"
    before = journal.read_bytes()
    words = "holds answers of backend 'cpsat' with encoder 'cpsat', not of backend "
    for other in ({"backend": "sat", "confirm": True}, {"backend": "cpsat", "encoder": "cpsat-textbook"}):
        with pytest.raises(qnnt.InputError, match=words):
            run(IMPOSSIBLE, journal, **other)
    assert journal.read_bytes() == before
    for first, second in (("auto", "sat"), ("sat", "auto")):
        journal.unlink()
        run(IMPOSSIBLE, journal, backend=first)
        assert run(IMPOSSIBLE, journal, backend=second).status == "UNSATISFIABLE"


def test_a_network_in_the_journal_is_replayed(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    easy = LEAST_2.with_goal(qnnt.AtMost(2))
    assert run(easy, journal).status == "SATISFIABLE"
    result = run(easy, journal)
    assert (result.status, result.errors, result.verified) == ("SATISFIABLE", 2, True)
    head, *_, last = lines(journal)
    for value in (7, 2**70):
        last["network"][0] = value
        journal.write_text("".join(json.dumps(line) + "\n" for line in (head, last)))
        with pytest.raises(qnnt.InputError, match="does not fit"):
            run(easy, journal)


@pytest.mark.parametrize(
    "torn", ['{"cube": 1, "refu', "{", "\x00\x00", '{"cube": 1, "refuted": true, "budget": null}']
)
def test_a_torn_last_line_is_dropped(tmp_path: Path, torn: str) -> None:
    journal = tmp_path / "j"
    run(IMPOSSIBLE, journal)
    keep(journal, 3)
    with journal.open("a") as file:
        file.write(torn)
    assert run(IMPOSSIBLE, journal).status == "UNSATISFIABLE"
    assert [line["cube"] for line in lines(journal)[1:]] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("start", ["", '{"format": "qnnt-cubes", "ver'])
def test_a_run_that_was_killed_at_once_begins_anew(tmp_path: Path, start: str) -> None:
    journal = tmp_path / "j"
    journal.write_text(start)
    assert run(IMPOSSIBLE, journal).status == "UNSATISFIABLE"
    assert len(lines(journal)) == 7


def changed(journal: Path, **fields: Any) -> None:
    head, *rest = lines(journal)
    journal.write_text("".join(json.dumps(line) + "\n" for line in ({**head, **fields}, *rest)))


def test_a_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    run(IMPOSSIBLE, journal)
    before = journal.read_bytes()
    for instance in (
        LESS_THAN_2,
        IMPOSSIBLE.with_goal(qnnt.AtMost(1)),
        IMPOSSIBLE.with_goal(qnnt.Minimize()),
    ):
        with pytest.raises(qnnt.InputError, match=f"{journal}: belongs to another instance"):
            run(instance, journal)
    with pytest.raises(qnnt.InputError, match="a split for 6 cubes, not for 7"):
        run(IMPOSSIBLE, journal, count=7)
    with pytest.raises(qnnt.InputError, match="was begun with the order of neurons"):
        run(IMPOSSIBLE, journal, symmetry=False)
    assert journal.read_bytes() == before
    for key in ("order", "qnnt"):
        changed(journal, **{key: "another"})
        with pytest.raises(qnnt.InputError, match="another version"):
            run(IMPOSSIBLE, journal)
        journal.write_bytes(before)


@pytest.mark.parametrize("file", ["symmetry.py", "cubes/split.py", "encoders/clauses.py"])
def test_a_journal_belongs_to_the_code_that_orders_neurons(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, copy = Path(qnnt.__file__).parent, tmp_path / "qnnt"
    for each in (here / "symmetry.py", here / "cubes" / "split.py", *here.glob("encoders/**/*.py")):
        there = copy / each.relative_to(here)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(each.read_bytes())
    before = _order()
    monkeypatch.setattr(qnnt, "__file__", str(copy / "__init__.py"))
    assert _order.__wrapped__() == before
    with (copy / file).open("a") as changed:
        changed.write("# changed\n")
    assert _order.__wrapped__() != before


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        [[[0, -1, 0]]],
        [[[0, -1, 1]], [[0, -1, 1]]],
        [[[0, 1]]],
        [[[99, 0, 0]]],
        [[[0, -1, 0]], [[0, 1, float("inf")]]],
        [[[0, -1, 0.9]], [[0, 1, 1]]],
        None,
    ],
)
def test_boxes_that_are_no_partition_are_refused(tmp_path: Path, boxes: Any) -> None:
    """Else a cube that is missing would be taken for refuted."""
    journal = tmp_path / "j"
    run(IMPOSSIBLE, journal)
    changed(journal, boxes=boxes, refuted=0)
    with pytest.raises(qnnt.InputError, match="line 1: is damaged"):
        run(IMPOSSIBLE, journal)


@pytest.mark.parametrize(
    "text", ["hello", "hello\n", "\n{}\n", "{}\n", "[1]\n", '{"format": "qnnt-instance"}\n']
)
def test_what_is_no_journal_is_left_alone(tmp_path: Path, text: str) -> None:
    journal = tmp_path / "j"
    journal.write_text(text)
    with pytest.raises(qnnt.InputError, match=str(journal)):
        run(IMPOSSIBLE, journal)
    assert journal.read_text() == text


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        '{"cube": 99, "refuted": true, "budget": null}',
        '{"cube": 0}',
        '{"cube": 0, "refuted": true, "budget": 3}',
    ],
)
def test_a_line_in_the_middle_that_says_nothing_is_named(tmp_path: Path, line: str) -> None:
    journal = tmp_path / "j"
    run(IMPOSSIBLE, journal)
    text = journal.read_text().splitlines()
    journal.write_text("\n".join([*text[:2], line, *text[2:]]) + "\n")
    with pytest.raises(qnnt.InputError, match="line 3"):
        run(IMPOSSIBLE, journal)


@contextmanager
def room_for(count: int) -> Iterator[None]:
    """A disk that takes so many lines, and is full then."""
    room, real = [count], os.fsync

    def full(fd: int) -> None:
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        yield


def test_a_full_disk_ends_the_run_with_what_it_has_and_leaves_whole_lines(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    with room_for(3):
        result = run(IMPOSSIBLE, journal)
    assert (result.status, result.limit, result.verified) == ("UNKNOWN", None, True)
    assert result.reason == f"{journal}: cannot be used: No space left on device"
    assert len(lines(journal)) == 3
    assert run(IMPOSSIBLE, journal).status == "UNSATISFIABLE"


def test_a_full_disk_keeps_the_network_that_could_not_be_written(tmp_path: Path) -> None:
    run(LEAST_2, tmp_path / "whole")
    before = ["network" in line for line in lines(tmp_path / "whole")].index(True)
    with room_for(before):
        result = run(LEAST_2, tmp_path / "j")
    assert (result.status, result.errors) == ("UNKNOWN", 2)


class Pressing(ThreadPoolExecutor):
    """Ctrl-C comes as the second part is handed over; the first one ends in time."""

    parts = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.parts += 1
        if self.parts == 2:
            raise KeyboardInterrupt
        return super().submit(fn, *args, **kwargs)


def test_ctrl_c_on_a_full_disk_is_no_error(tmp_path: Path) -> None:
    with room_for(1), Pressing(1) as executor:
        cubes, limits = Cubes(6, journal=tmp_path / "j", executor=executor), qnnt.Limits(threads=2)
        result = qnnt.solve(LEAST_2, cubes=cubes, limits=limits, isolate=False)
    assert (result.status, result.reason) == ("UNKNOWN", "interrupted")


def test_a_disk_that_is_full_at_once_is_an_error(tmp_path: Path) -> None:
    with room_for(0), pytest.raises(qnnt.InputError, match="cannot be used: No space left"):
        run(IMPOSSIBLE, tmp_path / "j")


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(qnnt.InputError, match="cannot be used: Is a directory"):
        run(IMPOSSIBLE, tmp_path)


def test_a_journal_is_one_runs_at_a_time(tmp_path: Path) -> None:
    """Also if the run has forked a child that outlives it."""
    journal = tmp_path / "j"
    hold = f"""
import os, sys, time
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from cubing import IMPOSSIBLE
from qnnt.cubes.journal import Journal
held = Journal(Path({str(journal)!r}), IMPOSSIBLE, symmetry=True, asked=6, by="sat")
child = os.fork()
if child:
    print(child, flush=True)
time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            with pytest.raises(qnnt.InputError, match="in use by another run"):
                run(IMPOSSIBLE, journal)
        finally:
            holder.kill()
    assert alive(child)
    assert run(IMPOSSIBLE, journal).status == "UNSATISFIABLE"
    os.kill(child, signal.SIGKILL)


def test_the_run_that_has_a_journal_does_not_lose_it_by_a_look_into_it(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path, IMPOSSIBLE, symmetry=True, asked=6, by="sat") as journal:
        journal.begin(Plan((Box(),), 0, None, 6))
        assert len(lines(path)) == 1
        with pytest.raises(qnnt.InputError, match="in use by another run"):  # as it is for another process
            run(IMPOSSIBLE, path)
        again = [
            sys.executable,
            "-c",
            f"import fcntl; fcntl.flock(open({str(path)!r}), fcntl.LOCK_EX | fcntl.LOCK_NB)",
        ]
        assert "BlockingIOError" in subprocess.run(again, capture_output=True, text=True, check=False).stderr
    assert subprocess.run(again, check=False).returncode == 0


def test_the_digest_is_of_what_matters() -> None:
    named = qnnt.Instance(
        IMPOSSIBLE.domain,
        qnnt.Architecture.full([[f"n{i}-{j}" for j in range(n)] for i, n in enumerate((4, 2, 1))]),
        IMPOSSIBLE.dataset,
        IMPOSSIBLE.goal,
        {"kind": "other"},
        IMPOSSIBLE.activation,
    )
    assert digest(named) == digest(IMPOSSIBLE)
    others = [IMPOSSIBLE.with_goal(qnnt.Exactly(0)), LESS_THAN_2, LEAST_2]
    assert len({digest(each) for each in (IMPOSSIBLE, *others)}) == 4


def test_the_digest_is_of_each_field() -> None:
    architecture, data = IMPOSSIBLE.architecture, IMPOSSIBLE.dataset
    arcs, full = architecture.arc_index, [data.inputs, data.labels, data.counts]
    others = [
        replace(IMPOSSIBLE, domain=qnnt.Domain(4)),
        *(replace(IMPOSSIBLE, activation=each) for each in ("relu", ("sign", "step"), ("step", "sign"))),
        replace(IMPOSSIBLE, architecture=qnnt.Architecture.dense([4, 3, 1])),
    ]
    for gone in (0, 1):
        left = qnnt.Architecture(architecture.layers, np.delete(arcs, gone, axis=0))
        others.append(replace(IMPOSSIBLE, architecture=left))
    for i, row in product(range(3), (0, -1)):
        tables = [each.copy() for each in full]
        first = tables[i].reshape(len(data), -1)[row, :1]
        first += 1 if i == 2 or first[0] < 1 else -1
        others.append(replace(IMPOSSIBLE, dataset=qnnt.Dataset(*tables)))
    others.append(replace(IMPOSSIBLE, dataset=qnnt.Dataset(*(each[1:] for each in full))))
    assert len({digest(each) for each in (IMPOSSIBLE, *others)}) == len(others) + 1


def test_a_journal_that_was_written_is_read(tmp_path: Path) -> None:
    domain = IMPOSSIBLE.domain
    below, above = Box().halves(1, 0, domain)
    plan = Plan((below, above), 1, None, 2)
    with Journal(tmp_path / "j", IMPOSSIBLE, symmetry=False, asked=2, by="sat") as journal:
        assert journal.plan is None
        journal.begin(plan)
        journal.note_refuted(Refuted(0, None), seconds=1.0)
    with Journal(tmp_path / "j", IMPOSSIBLE, symmetry=False, asked=2, by="sat") as journal:
        assert (journal.plan, journal.refuted, journal.vectors) == (plan, [Refuted(0, None)], [])


def test_kill_9_in_mid_run_leaves_nothing_running_and_the_same_command_goes_on(tmp_path: Path) -> None:
    from cubing import labelled

    instance, journal = tmp_path / "i.json", tmp_path / "j"
    labelled(40, 1, [6, 3, 1], qnnt.AtMost(0)).save(instance)
    command = [sys.executable, "-m", "qnnt", "solve", str(instance), "--cubes", "24", "--threads", "2"]
    command += ["--journal", str(journal), "--json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as first:
        while not journal.exists() or journal.read_bytes().count(b"\n") < 5:
            assert first.poll() is None, "it was over too soon to be killed"
            time.sleep(0.01)
        workers = descendants(first.pid)
        os.kill(first.pid, signal.SIGKILL)
    assert end_soon(workers)
    known = journal.read_bytes().count(b"\n") - 1
    second = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(second.stdout)
    assert result["status"] == "UNSATISFIABLE"
    assert result["statistics"]["from the journal"] == known
    assert 4 <= known < 24
