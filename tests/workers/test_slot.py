"""A message to a task that runs: the latest counts, once; a damaged one is none; nobody waits."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from qnnt.workers.slot import Slot


@pytest.fixture
def ends(tmp_path: Path) -> tuple[Slot, Slot]:
    """The parent's end and the child's."""
    return Slot(tmp_path), Slot(tmp_path)


def test_the_latest_message_is_found_once(ends: tuple[Slot, Slot]) -> None:
    parent, child = ends
    assert child.look() is None
    for message in ("first", "second"):
        parent.put(message)
    assert (child.look(), child.look()) == ("second", None)
    parent.put("third")
    assert (child.look(), child.look()) == ("third", None)
    parent.put("fourth")
    parent.clear()
    assert child.look() is None


def test_large_messages_wait_for_nobody(ends: tuple[Slot, Slot]) -> None:
    parent, child = ends
    for i in range(20):
        parent.put((i, bytes(1 << 20)))
    assert child.look()[0] == 19


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_torn_message_is_none_and_the_next_one_counts(
    ends: tuple[Slot, Slot], tmp_path: Path, share: float
) -> None:
    parent, child = ends
    parent.put(["a", "message"] * 10)
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    assert child.look() is None
    parent.put("whole")
    assert child.look() == "whole"


def test_what_cannot_be_unpickled_is_none(ends: tuple[Slot, Slot], tmp_path: Path) -> None:
    parent, child = ends
    parent.put(0)
    (file,) = tmp_path.iterdir()
    for data in (b"noise", b"cnowhere\nNothing\n.", pickle.dumps(1)[:-1]):
        file.write_bytes(data)
        assert child.look() is None


def test_a_message_that_is_written_in_part_does_not_replace_the_last(
    ends: tuple[Slot, Slot], monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, child = ends
    parent.put("whole")
    monkeypatch.setattr("os.write", lambda file, data: len(data) - 1)
    parent.put("in part")
    assert child.look() == "whole"


def test_a_message_to_nobody_is_lost(tmp_path: Path) -> None:
    """The folder of a worker that has gone is gone, too."""
    gone = Slot(tmp_path / "gone")
    gone.put("message")
    gone.clear()
    assert gone.look() is None
