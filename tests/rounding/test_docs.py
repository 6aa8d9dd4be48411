"""The Python of docs/rounding.md runs."""

from __future__ import annotations

import re
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "rounding.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_python_blocks_run(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        if "import torch" in block:
            if not (find_spec("torch") and find_spec("onnxscript")):
                pytest.skip("torch or onnxscript is not installed")
            warnings.simplefilter("ignore")  # its exporter warns of itself
        exec(compile(block, "rounding.md", "exec", dont_inherit=True), {"__name__": "rounding_page"})


def test_there_are_blocks_with_and_without_torch():
    assert {"import torch" in block for block in BLOCKS} == {True, False}
