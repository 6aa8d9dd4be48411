"""A disk that takes no more: a limit on the size of files, which libraries in C are held to, too."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
TEACHER = EXAMPLES / "teacher.json"
OLD = b"what was there before"
ROUND = ["round", EXAMPLES / "digits.npz", "--calibration", EXAMPLES / "digits-calibration.npy"]


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process, and of those that it starts, can grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # PuLP leaves its file open
@pytest.mark.parametrize(
    ("name", "words"),
    [
        *[
            (f"m.{form}", ["encode", TEACHER, "--format", form, "-o"])
            for form in ("cnf", "opb", "lp", "mps", "cpsat")
        ],
        ("m.txt", ["encode", TEACHER, "--format", "cpsat", "-o"]),
        ("m.wcnf", ["encode", TEACHER, "--errors", "min", "--format", "wcnf", "-o"]),
        ("t.json", ["generate", "teacher", "--d", 3, "--layers", "9,9,1", "--points", 99, "-o"]),
        ("t.json.gz", ["generate", "teacher", "--d", 3, "--layers", "99,9,1", "--points", 999, "-o"]),
        ("r.npz", [*ROUND, "--backend", "nearest", "--bits", 4, "-o"]),
        ("r.onnx", [*ROUND, "--backend", "nearest", "--bits", 4, "-o"]),
        ("p.png", ["info", TEACHER, "--plot"]),
    ],
)
def test_a_full_disk_leaves_the_old_file(qnnt, tmp_path: Path, name: str, words: list[object]) -> None:
    output = tmp_path / name
    assert qnnt(*words, output).status == 0
    size = output.stat().st_size
    assert size > 2000
    for path in tmp_path.iterdir():
        path.write_bytes(OLD)
    before = set(tmp_path.iterdir())
    with files_up_to(max(1000, size // 2)):
        run = qnnt(*words, output)
    assert (run.status, run.err.count("\n")) == (2, 1)
    assert run.err.startswith(f"qnnt: error: {output}: cannot be written: ")
    assert set(tmp_path.iterdir()) == before
    assert {path.read_bytes() for path in before} == {OLD}
