"""Each call that changes the disk fails once: one clear line, and the old file or the new one, whole."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from injection import Faults, faults  # noqa: F401 - a fixture

from qnnt.exceptions import InputError
from qnnt.network import Network
from qnnt.rounding.model import DenseModel

EXAMPLES = Path(__file__).parents[2] / "examples"
TEACHER = EXAMPLES / "teacher.json"
OLD = b"what was there before"

HITTING = ["generate", "hitting-set", "{sets}", "--size", 1, "-o"]
ENCODE = ["encode", TEACHER, "--format"]
ROUND = ["round", "{model}", "--calibration", "{data}", "--backend", "nearest", "--bits", 4]
SOURCES = {"sets": "sets.hgr", "model": "model.npz", "data": "data.npy"}
COMMANDS = {  # the words, the files, and the least number of calls
    "solve": (["solve", TEACHER, "--errors", "min", "--backend", "sat", "-o"], ["n.json"], 18),
    "generate": (HITTING, ["i.json"], 5),
    "compressed": (HITTING, ["i.json.gz"], 6),
    "cnf": ([*ENCODE, "cnf", "-o"], ["m.cnf", "m.cnf.map.json"], 9),
    "lp": ([*ENCODE, "lp", "-o"], ["m.lp", "m.lp.map.json"], 9),
    "npz": ([*ROUND, "-o"], ["r.npz"], 24),
    "onnx": ([*ROUND, "-o"], ["r.onnx"], 5),
    "report": ([*ROUND, "--report"], ["r.json"], 5),
    "plot": (["info", TEACHER, "--plot"], ["p.png"], 4),
}


def whole(path: Path, new: bytes | None) -> bool:
    """Whether a file is the old one, the new one, or a network that a run had found by then.

    Of a report, which tells the seconds, nobody knows the new one.
    """
    found = path.read_bytes()
    try:
        if new is None:
            return found == OLD or "layers" in json.loads(found)
        return found in (OLD, new) or len(Network.load(path).vector) > 0
    except (InputError, ValueError):
        return False


@pytest.mark.parametrize("name", COMMANDS)
def test_whichever_call_fails_outputs_are_whole(qnnt, faults: Faults, tmp_path: Path, name: str) -> None:  # noqa: F811
    folder = tmp_path / "outputs"
    folder.mkdir()
    words, names, least = COMMANDS[name]
    sources = {key: tmp_path / file for key, file in SOURCES.items()}
    sources["sets"].write_text("p hs 3 2\n1 2\n2 3\n")
    DenseModel.from_arrays([np.ones((1, 2)) / 3], [np.zeros(1)], ["identity"]).save(sources["model"])
    np.save(sources["data"], np.eye(2))
    outputs = [folder / each for each in names]

    def run():
        return qnnt(*(str(word).format(**sources) for word in words), outputs[0])

    assert run().status == 0  # loads what is loaded once
    new = [None if name == "report" else path.read_bytes() for path in outputs]
    assert name != "report" or whole(outputs[0], None)
    for n in count(1):
        for path in outputs:
            path.write_bytes(OLD)
        with faults.failing_at(n):
            ended = run()
        if not faults.reached:
            break
        assert sorted(path.name for path in folder.iterdir()) == sorted(names), n
        if ended.status == 0:
            assert OLD not in [path.read_bytes() for path in outputs], n
        else:
            errors = [line for line in ended.err.splitlines() if line.startswith("qnnt: error: ")]
            assert (ended.status in (1, 2, 3), len(errors)) == (True, 1), (n, ended)
            assert "unexpected" not in ended.err, (n, ended)
            assert all(map(whole, outputs, new)), n
    assert n > least, "too few calls were seen"
    assert ended.status == 0
    print(f"{name}: {n - 1} calls failed")
