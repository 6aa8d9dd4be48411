"""What holds after every race."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest
from processes import children

from qnnt.workers import pool


@pytest.fixture(autouse=True)
def nothing_is_left(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """No process and no folder but those of idle workers, which end with the program."""
    pool.close_workers()
    before, folder = children(), tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    pool.close_workers()
    assert children() <= before
    assert list(folder.iterdir()) == []
