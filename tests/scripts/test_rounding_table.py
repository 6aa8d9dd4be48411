from __future__ import annotations

import csv
import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from qnnt.cli.program import run

SCRIPTS = Path(__file__).parents[2] / "scripts"
SMALL = ("--hidden", "5", "--seeds", 2, "--epochs", 2, "--size", 50, "--backends", "nearest")


@pytest.fixture
def table(script):
    return script("rounding_table")


def call(table, *arguments: object) -> int:
    return run(table.app, "rounding_table", [str(a) for a in arguments])


def test_lines_tables_and_pictures(table, capfd, tmp_path):
    assert call(table, tmp_path, *SMALL, "--bits", "4,2,1") == 0
    lines = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert len(lines) == 2 * (3 + 2 * 3 + 4)  # for each seed: bits, candidates at int2 and int1, shares
    for line in lines:
        assert line["sizes"] == [64, 5, 10]
        assert line["cost"] == pytest.approx(line["nearest_cost"])
        assert line["neurons"] == 15
    assert {line["calibration_size"] for line in lines} == {50, 14, 72, 144, 359}
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert len(rows) == 3 + 6 + 4
    four = [line for line in lines if line["bits"] == 4]
    mean = np.mean([line["accuracy"] for line in four])
    spread = np.std([line["accuracy"] for line in four], ddof=1)
    assert next(row for row in rows if row["bits"] == "4")["accuracy"] == f"{mean:.4f} ± {spread:.4f}"
    out, err = capfd.readouterr()
    assert out.strip() == (tmp_path / "table.md").read_text().strip()
    assert err.count("\n") == len(lines)
    for name in ("accuracy_cost", "candidates", "calibration"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_done_is_not_done_again(table, tmp_path, monkeypatch):
    options = (*SMALL, "--experiments", "table", "--bits", "8")
    assert call(table, tmp_path, *options) == 0
    before = (tmp_path / "runs.jsonl").read_text()
    monkeypatch.setattr(table, "round_network", None)
    assert call(table, tmp_path, *options) == 0
    assert (tmp_path / "runs.jsonl").read_text() == before


def test_other_settings_need_another_folder(table, capfd, tmp_path):
    options = (*SMALL, "--experiments", "table", "--bits", "8", "--seeds", 1)
    assert call(table, tmp_path, *options) == 0
    for other in (("--epochs", 3), ("--size", 40), ("--row-time", 2), ("--threads", 2)):
        assert call(table, tmp_path, *options, *other) == 2
        assert "has roundings of digits under other settings" in capfd.readouterr().err
    runs = tmp_path / "runs.jsonl"
    line = json.loads(runs.read_text())
    del line["settings"]
    runs.write_text(json.dumps(line) + "\n")  # as they were before they had any
    assert call(table, tmp_path, *options) == 2


def test_ctrl_c_leaves_a_table_of_what_was_done(table, capfd, tmp_path, monkeypatch):
    honest, made = table.round_network, []

    def interrupted(*arguments, **options):
        if made:
            raise KeyboardInterrupt
        made.append(honest(*arguments, **options))
        return made[0]

    monkeypatch.setattr(table, "round_network", interrupted)
    assert call(table, tmp_path, *SMALL) == 130
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 1
    assert "| table | digits |" in capfd.readouterr().out


def idx(path: Path, values: np.ndarray) -> None:
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))


def test_other_data_sets(table, tmp_path):
    import rounding_data

    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (30, 4, 4), dtype=np.uint8), rng.integers(0, 3, 30, dtype=np.uint8)
    images[0, 0, 0] = 255
    for part, cut in (("train", slice(0, 20)), ("t10k", slice(20, 30))):
        idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images[cut])
        idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", labels[cut])
    parts = {"Xtr": images[:20], "ytr": labels[:20], "Xte": images[20:], "yte": labels[20:]}
    np.savez(tmp_path / "d.npz", **parts)
    for path in (tmp_path, tmp_path / "d.npz"):
        data = rounding_data.read_data(path)
        assert (data.train == images[:20].reshape(20, 16).astype(np.float32) / np.float32(255)).all()
        assert (data.test_classes == labels[20:]).all()
    options = (
        "--no-digits",
        "--data",
        f"small={tmp_path / 'd.npz'}",
        "--bits",
        "2",
        "--experiments",
        "table",
    )
    assert call(table, tmp_path / "out", *SMALL, *options) == 0
    assert "| table | small | 5 | 2 | nearest |" in (tmp_path / "out" / "table.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Missing argument"),
        (("{tmp}", "--data", "mnist"), "must be NAME=PATH"),
        (("{tmp}", "--data", "mnist={tmp}/no"), "there is no such file"),
        (("{tmp}", "--data", "mnist={tmp}", "--no-digits"), "cannot be read as an IDX file"),
        (("{tmp}", "--bits", "4,x"), "must be numbers"),
        (("{tmp}", "--bits", "40"), "1 to 16 bits"),
        (("{tmp}", "--scaling", "frob"), "scaling"),
        (("{tmp}", "--experiments", "frob"), "--experiments: 'frob' is none of"),
        (("{tmp}", "--backends", "frob"), "no rounding backend 'frob'"),
        (("{tmp}", "--hidden", "a"), "must be numbers"),
    ],
)
def test_mistakes(table, capfd, tmp_path, arguments, words):
    status = call(table, *(a.format(tmp=tmp_path) for a in arguments), "--epochs", 1, "--seeds", 1)
    out, err = capfd.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_marks_that_would_lie_on_each_other_are_drawn_side_by_side(script):
    apart = script("rounding_pictures").apart
    x, y = np.array([1.0, 1.0, 0.2, 1.0, 1.0]), np.array([0.0, 0.0, 0.0, 0.5, 0.0])
    moved = apart(x, y)
    assert moved.tolist() == [1.0, pytest.approx(1.09), 0.2, 1.0, pytest.approx(1.09**2)]
    assert x.tolist() == [1.0, 1.0, 0.2, 1.0, 1.0]


def test_pictures_show_the_deviation_of_the_table(script):
    deviation = script("rounding_pictures").deviation
    assert deviation([1.0, 2.0, 4.0]) == pytest.approx(np.std([1, 2, 4], ddof=1))
    assert deviation([1.0]) == 0
