"""Damaged files: a reader gives a valid object, or an error that names the file; see ``scripts/fuzz.py``."""

from __future__ import annotations

import random
from pathlib import Path

import fuzz_readers
import pytest
from fuzz_mutations import damaged
from hypothesis import given
from hypothesis import strategies as st

SEEDS = Path(__file__).parent / "seeds"

NAMES = (
    "instance packed-instance network dimacs drat veripb opb sets csv gr td npz model rounded certificates "  # noqa: SIM905
    "onnx journal rounding-journal".split()
)


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readers")
    return folder, fuzz_readers.readers(folder)


def test_every_reader_is_fuzzed_and_takes_its_seeds(readers):
    folder, table = readers
    assert list(table) == NAMES
    for reader in table.values():
        for seed in reader.seeds:
            path = folder / f"file{reader.suffix}"
            path.write_bytes(seed)
            reader.read(path)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_damaged_file_is_read_or_refused(readers, name, seed):
    folder, table = readers
    reader, chance = table[name], random.Random(seed)
    path = folder / f"file{reader.suffix}"
    first, second = chance.choice(reader.seeds), chance.choice(reader.seeds)
    path.write_bytes(damaged(first, second, chance, packed=reader.packed))
    fuzz_readers.expect_read(reader, path)


@pytest.mark.parametrize(
    "file", sorted(SEEDS.glob("*/*")), ids=lambda file: f"{file.parent.name}/{file.name}"
)
def test_what_fuzzing_once_found(readers, file):
    folder, table = readers
    reader = table[file.parent.name]
    path = folder / f"file{reader.suffix}"
    path.write_bytes(file.read_bytes())
    fuzz_readers.expect_read(reader, path)
