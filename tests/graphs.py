"""Random graphs, and the real ones where the files are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from qnnt.decompositions.graph import Graph

DATA = Path(__file__).parents[2] / "shared" / "data"


@st.composite
def graphs(draw, min_n=0, max_n=12):
    n = draw(st.integers(min_n, max_n))
    pairs = [(u, v) for v in range(n) for u in range(v)]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=30)) if pairs else []
    return Graph(n, np.array(edges, dtype=np.int64).reshape(-1, 2))


def two_tree(n, seed=1):
    """A random 2-tree: treewidth 2."""
    random = np.random.default_rng(seed)
    edges = [(0, 1)]
    for v in range(2, n):
        a, b = edges[random.integers(max(0, len(edges) - 2000), len(edges))]
        edges += [(a, v), (b, v)]
    return Graph(n, edges)


def known_treewidths():
    """File and treewidth of each ``.gr`` file of the manifest."""
    if not (DATA / "tw").is_dir():
        return []
    rows = [line.split("\t") for line in (DATA / "MANIFEST.tsv").read_text().splitlines()]
    return [(DATA / r[0], int(r[2])) for r in rows if r[0].startswith("tw/") and r[0].endswith(".gr")]
