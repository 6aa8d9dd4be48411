"""Short inputs that would grow without end are refused, in a line that says how to raise the cap."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from qnnt.exceptions import InputError
from qnnt.files.arrays import load_numpy
from qnnt.instance import Instance
from qnnt.sizes import VARIABLE, most_bytes, require_room

HUGE = 10**9


@pytest.fixture(autouse=True)
def one_mebibyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")


def test_the_cap_is_a_number_of_mebibytes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert most_bytes() == 2**20
    monkeypatch.delenv(VARIABLE)
    assert most_bytes() == 2**29
    for wrong in ("", "0", "-1", "1e3", "٣", "9" * 20):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(InputError, match=f"{VARIABLE}: must be a positive number of MiB"):
            most_bytes()


@pytest.mark.parametrize(("digits", "words"), [(10, "954 MiB"), (40, r"10\^32 MiB"), (5001, r"10\^4993 MiB")])
def test_a_size_of_any_length_is_shown(digits: int, words: str) -> None:
    with pytest.raises(InputError, match=f"size: the points need {words}"):
        require_room(10 ** (digits - 1), "size", "the points need")


def test_what_unpacks_is_read_up_to_the_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Path(__file__).parents[1] / "examples" / "teacher.json"
    path = tmp_path / "i.json.gz"
    path.write_bytes(gzip.compress(small.read_bytes() + b" " * 2**21))
    with pytest.raises(
        InputError, match=r"i\.json\.gz: holds at least 2 MiB, more than 1; QNNT_MOST_MIB raises"
    ):
        Instance.load(path)
    monkeypatch.setenv(VARIABLE, "3")
    assert Instance.load(path).dataset == Instance.load(small).dataset


def test_a_device_is_read_up_to_the_cap() -> None:
    with pytest.raises(InputError, match="/dev/zero: holds at least"):
        Instance.load("/dev/zero")


def packed(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


def npy(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_arrays_are_no_larger_than_their_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unpacks to 3 MiB, more than 1"):
        load_numpy(packed(tmp_path / "bomb.npz", a=npy(np.zeros(2**18))))
    honest = npy(np.arange(3))
    for lie in (b"(3000000000000,)", b"(-3,)", b"(0,)", b"(3, 3)", b"(" + b"9" * 5000 + b",)"):
        # A header is padded to 64 bytes; this one may become longer, and says so.
        text = honest[10:].partition(b"\n")[0].replace(b"(3,)", lie).rstrip() + b"\n"
        data = honest[:8] + len(text).to_bytes(2, "little") + text + honest[128:]
        (tmp_path / "lie.npy").write_bytes(data)
        for path in (tmp_path / "lie.npy", packed(tmp_path / "lie.npz", a=data)):
            with pytest.raises(InputError, match=r"is not a \.npy or \.npz file"):
                load_numpy(path)
    found = load_numpy(packed(tmp_path / "good.npz", a=honest, b=npy(np.zeros((0, 2), dtype="<U3"))))
    assert (found["a"].tolist(), found["b"].shape) == ([0, 1, 2], (0, 2))


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_as_they_were(tmp_path: Path, order: str) -> None:
    array = np.asarray(np.arange(6).reshape(2, 3), order=order)
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(load_numpy(tmp_path / "a.npy"), array)


@pytest.mark.parametrize(
    "words",
    [
        ["hitting-set", "{hgr}", "--size", HUGE],
        ["hitting-set", "{hgr}", "--size", 10**30],
        ["hitting-set", "{wide}", "--size", 1],
        ["exact-cover", "{wide}"],
        ["three-sat", "{cnf}"],
        ["balanced-sat", "{cnf}"],
        ["teacher", "--d", 3, "--layers", f"{HUGE},1", "--points", 1],
        ["teacher", "--d", 3, "--layers", "100000,100000", "--points", 1],
        ["teacher", "--d", 3, "--layers", "2,1", "--points", HUGE],
        ["table", "{csv}", "--d", 3, "--target", "y", "--hidden", HUGE],
        ["family", "hitting-set", "--sizes", HUGE, "--out", "{tmp}/family"],
    ],
)
def test_sizes_that_nobody_can_hold_are_refused(qnnt, tmp_path: Path, words: list[object]) -> None:
    texts = {
        "hgr": "p hs 3 1\n1 2\n",
        "wide": f"p hs {HUGE} 1\n1 2\n",
        "cnf": f"p cnf {HUGE} 1\n1 0\n",
        "csv": "a,y\n1,0\n2,1\n",
    }
    places = {name: tmp_path / name for name in texts}
    for name, text in texts.items():
        places[name].write_text(text)
    run = qnnt("generate", *(str(word).format(tmp=tmp_path, **places) for word in words))
    assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
    assert "MiB, more than 1; QNNT_MOST_MIB raises this cap" in run.err


def test_a_dense_architecture_of_too_many_arcs_is_refused(tmp_path: Path) -> None:
    layers = [[f"x{i}" for i in range(999)], [f"y{i}" for i in range(999)]]
    document = {
        "format": "qnnt-instance",
        "version": 1,
        "d": 3,
        "layers": layers,
        "arcs": "dense",
        "data": [],
    }
    (tmp_path / "i.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="layers: the arcs between so many neurons need 16 MiB"):
        Instance.load(tmp_path / "i.json")
