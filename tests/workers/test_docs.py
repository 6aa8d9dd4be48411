"""The Python of docs/cluster.md runs; its commands are in test_dask.py."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")


def test_python_blocks_run():
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    exec(compile(block, "cluster.md", "exec", dont_inherit=True), {"__name__": "cluster_page"})
