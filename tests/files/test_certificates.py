"""Files of certificates: what was written is read, and what is damaged is refused in a line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from qnnt.exceptions import InputError
from qnnt.files.certificates import read_certificates, write_certificates
from qnnt.rounding import DenseModel, RoundedNetwork, round_network
from qnnt.verify.rounded_rows import check_bounds

MODEL = DenseModel.from_arrays(
    [np.array([[0.3, -0.2, 0.1], [0.5, 0.4, -0.6]]), np.ones((1, 2)) / 7],
    [np.zeros(2), np.zeros(1)],
    ["relu"] * 2,
)
X = np.random.default_rng(0).random((9, 3))


@pytest.fixture(scope="module")
def rounded() -> RoundedNetwork:
    return round_network(MODEL, X, bits=2, certificates=True)


@pytest.fixture(scope="module")
def file(rounded: RoundedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificates") / "c.npz"
    write_certificates(rounded.certificates, path)
    return path


def test_a_file_holds_what_was_written(rounded: RoundedNetwork, file: Path):
    read = read_certificates(file)
    assert check_bounds(read) == check_bounds(rounded.certificates)
    assert [len(rows) for rows in read] == [2, 1]
    for rows, same, layer in zip(read, rounded.certificates, rounded.layers, strict=True):
        for i, (row, other) in enumerate(zip(rows, same, strict=True)):
            assert row.cost == other.cost == layer.cost[i]
            assert row.bound == other.bound == layer.lower_bound[i]
            assert (row.integers == other.integers).all()
            assert (row.multipliers is None) == (other.multipliers is None)
            assert row.multipliers is None or (row.multipliers.values == other.multipliers.values).all()
    assert any(row.multipliers is not None for rows in read for row in rows)
    again = file.with_name("again.npz")
    write_certificates(read, again)
    assert again.read_bytes() == file.read_bytes()


def test_nothing_is_kept_unless_it_is_asked_for():
    assert round_network(MODEL, X, bits=2, backend="nearest").certificates == ()
    with pytest.raises(InputError, match="clip"):
        round_network(MODEL, X, bits=2, clip="after", certificates=True)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("point_1", lambda a: a + np.nan, "point_1: has an entry that is not finite"),
        ("dual_value_0", lambda a: a[:-1], "dual_neuron_0: must have the shape"),
        ("lower_0", lambda a: a.astype(np.float64), "lower_0: must hold int64, not float64"),
        ("upper_0", lambda a: a + 2**60, "upper_0: has an entry beyond 2^53"),
        ("gram_0", lambda a: a[:, :-1], "gram_0: is not square"),
        ("layers", lambda a: a + 10**6, "layers: 1000002 of them are not in the file"),
        ("version", lambda a: a + 1, "version: must be 1"),
        ("version", lambda a: [a, a], "version: must be 1"),
        ("dual_neuron_0", lambda a: a - 1, "dual_neuron_0: must rise from 0"),
        ("integers_1", None, "integers_1: is missing"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, file: Path, name: str, change, message: str):
    with np.load(file) as stored:
        arrays = dict(stored)
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    np.savez(tmp_path / "c.npz", **arrays)
    with pytest.raises(InputError, match=re.escape(f"c.npz: {message}")):
        read_certificates(tmp_path / "c.npz")
