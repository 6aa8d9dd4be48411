"""Runs on a real Dask scheduler and two workers, of which some are killed: the same reports as without."""

from __future__ import annotations

import re
import shutil
import threading
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest
from cubing import IMPOSSIBLE, LEAST_2, LESS_THAN_2, SpaceEncoder
from dasking import Felling, FellingPart
from layers import Layer
from processes import ctrl_c, end_soon

import qnnt
from qnnt.comparing.contestants import contestants
from qnnt.comparing.runner import Case, Comparison
from qnnt.comparing.runs import RunFile, Settings
from qnnt.cubes import Cubes
from qnnt.generate.family import write_family
from qnnt.limits import Limit, Limits
from qnnt.rounding import round_layer
from qnnt.workers.named import open_executor

dask = pytest.importorskip("dask")
pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    """Two workers; a task that two of them die of is given up."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        open_executor("dask:2") as executor,
    ):
        yield executor


XOR = qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
CASES = {
    case: qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense(layers), XOR, qnnt.AtMost(0))
    for case, layers in {"hidden": [2, 2, 1], "lone": [2, 1]}.items()
}
ROOT = Path(__file__).parents[2]
SECONDS = ("seconds", "phases", "incumbents")


def compared(folder: Path, cases: list[str], asked: str, **options) -> list[dict[str, object]]:
    """The report of a comparison: its runs without their seconds, each of which is there once."""
    folder.mkdir()
    with RunFile(folder / "runs.jsonl") as file:
        comparison = Comparison(file, Settings(60.0), lambda *_: "", **options)
        named = [Case(case, "xor", partial(CASES.__getitem__, case)) for case in cases]
        assert len(list(comparison.runs(named, contestants(asked)))) == len(file.runs)
        runs = [{k: v for k, v in asdict(run).items() if k not in SECONDS} for run in file.runs]
    assert len((folder / "runs.jsonl").read_text().splitlines()) == len(runs)
    return sorted(runs, key=lambda run: (run["case"], run["contestant"]))


def test_a_killed_worker_changes_no_report(cluster, tmp_path):
    begun, asked = tmp_path / "begun", (list(CASES), "sat,enumeration")
    begun.mkdir()
    killed = compared(tmp_path / "killed", *asked, executor=cluster, make=Felling(str(begun), once="sat"))
    assert killed == compared(tmp_path / "whole", *asked)
    assert {run["status"] for run in killed} == {"SATISFIABLE", "UNSATISFIABLE"}
    assert (begun / "sat").read_text().count("\n") >= 3  # one run was made again


def parts(folder: Path, fault: str) -> dict[str, object]:
    """A run over cubes in which part number 1 has a fault."""
    return {"backend": FellingPart(fault, 1, str(folder)), "encoder": SpaceEncoder()}


def test_cubes_lose_nothing_with_a_worker(cluster, tmp_path):
    cubes = Cubes(4, journal=tmp_path / "journal", executor=cluster)
    result = qnnt.solve(LESS_THAN_2, **parts(tmp_path, "fell"), cubes=cubes)
    assert result.status == "UNSATISFIABLE", result.reason
    begun, boxes = (tmp_path / "parts").read_text().count("\n"), result.statistics.sizes["cubes"]
    assert begun > boxes - result.statistics.sizes["refuted by propagation"]  # one part was run again
    lines = (tmp_path / "journal").read_text().splitlines()[1:]
    assert len(lines) == len(set(lines)) == boxes - result.statistics.sizes["refuted by propagation"]


def test_an_executor_of_dask_serves_too(cluster):
    with cluster._client.get_executor() as executor:
        result = qnnt.solve(IMPOSSIBLE, cubes=Cubes(4, executor=executor), limits=Limits(threads=2))
        assert result.status == "UNSATISFIABLE"


def test_ctrl_c_ends_the_parts_on_the_workers(cluster, tmp_path):
    note = tmp_path / "parts"

    def press_when_two_have_begun() -> None:
        late = time.monotonic() + 120
        while not (note.exists() and note.read_text().count("\n") > 1) and time.monotonic() < late:
            time.sleep(0.01)
        press()

    with ctrl_c() as press:
        threading.Thread(target=press_when_two_have_begun, daemon=True).start()
        result = qnnt.solve(LEAST_2, **parts(tmp_path, "hang"), cubes=Cubes(4, executor=cluster))
    assert (result.status, result.limit) == ("UNKNOWN", "interrupt")
    assert end_soon({int(note.read_text().split()[1])})


def test_rows_on_the_workers(cluster):
    layer = Layer.random(2, 5, 8, 30)
    run = partial(round_layer, layer.W, layer.b, layer.X, backend="enumeration")
    plain, others = run(row_time=120), run(row_time=120, executor=cluster)
    assert (others.codes == plain.codes).all(), others.reasons
    assert others.proved.all()
    late = run(limits=Limits(time=1e-3), executor=cluster)
    assert set(late.row_limits) == {Limit.TIME}


def test_a_family_is_the_same_from_the_workers(cluster, tmp_path):
    for folder, executor in (("here", None), ("there", cluster)):
        made = write_family("exact-cover", [4, 5], [0], tmp_path / folder, executor=executor)
        assert len(list(made)) == 4
    files = [sorted((tmp_path / folder).iterdir()) for folder in ("here", "there")]
    for here, there in zip(*files, strict=True):
        assert (here.name, here.read_bytes()) == (there.name, there.read_bytes())


def test_the_commands_of_the_page(cluster, qnnt, tmp_path, monkeypatch):
    """With the option on a scheduler that runs."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    address = cluster._cluster.scheduler_address.replace("tcp", "dask")
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    commands = re.findall(r"^qnnt (.* examples/.*|generate .*)$", page, re.M)
    assert len(commands) == 4
    for command in commands:
        assert command.endswith(" --executor dask://head:8786")
        run = qnnt(*command.replace("dask://head:8786", address).split())
        assert run.status == 0, run.err
    assert len((tmp_path / "runs" / "runs.jsonl").read_text().splitlines()) == 2
    assert len((tmp_path / "family" / "manifest.jsonl").read_text().splitlines()) == 4


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch, qnnt, tmp_path):
    CASES["lone"].save(tmp_path / "lone.json")
    monkeypatch.setattr("qnnt.workers.dask_executor._CONNECT", 0.3)
    run = qnnt("compare", tmp_path / "lone.json", "--executor", "dask://127.0.0.1:1", "-o", tmp_path / "out")
    assert run.status == 2
    assert run.err.startswith("qnnt: error: no Dask scheduler at tcp://127.0.0.1:1: ")
    assert run.err.count("\n") == 1


def test_a_cluster_whose_first_calls_fail_is_closed(monkeypatch):
    cluster = Mock()
    monkeypatch.setattr("distributed.LocalCluster", Mock(return_value=cluster))
    monkeypatch.setattr("qnnt.workers.dask_executor.connected", Mock(side_effect=OSError("comm closed")))
    with pytest.raises(qnnt.Unavailable, match="no Dask cluster can be started: comm closed"):
        open_executor("dask:1")
    cluster.close.assert_called_once_with()


def test_what_kills_one_worker_after_another_is_unknown(cluster, tmp_path):
    """The last test, as it leaves the cluster without a worker for a while."""
    make = Felling(str(tmp_path), always="sat")
    (run,) = compared(tmp_path / "out", ["lone"], "sat", executor=cluster, make=make)
    assert (run["outcome"], run["status"]) == ("unknown", "UNKNOWN")
    assert str(run["reason"]).startswith("its worker died 2 times, the last time tcp://127.0.0.1:")
