from __future__ import annotations

from pathlib import Path

import pytest
from program import Run


@pytest.fixture
def xor(tmp_path: Path) -> Path:
    """XOR for a hidden layer of two."""
    return write_instance(tmp_path / "xor.json", [["x0", "x1"], ["h0", "h1"], ["y"]])


@pytest.fixture
def lone(tmp_path: Path) -> Path:
    """XOR for one neuron, which gets one point wrong at best."""
    return write_instance(tmp_path / "lone.json", [["x0", "x1"], ["y"]])


@pytest.fixture
def hard(tmp_path: Path, qnnt: Run) -> Path:
    """An instance that no backend solves within a test."""
    path = tmp_path / "hard.json"
    made = qnnt("generate", "teacher", "--d", 5, "--layers", "6,4,2", "--points", 400, "-o", path)
    assert made.status == 0
    return path


def write_instance(path: Path, layers: list[list[str]]) -> Path:
    import json

    points = [{"x": [a, b], "y": [a ^ b]} for a in (0, 1) for b in (0, 1)]
    document = {
        "format": "qnnt-instance",
        "version": 1,
        "d": 3,
        "layers": layers,
        "arcs": "dense",
        "data": points,
    }
    path.write_text(json.dumps(document))
    return path
