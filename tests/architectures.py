"""Layered architectures of bounded treewidth, with instances planted on them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.decompositions.graph import Graph
from qnnt.decompositions.search import decompose
from qnnt.domain import Domain
from qnnt.goals import AtMost, Exactly, Minimize
from qnnt.instance import Instance
from qnnt.network import Network


def sparse(rng: np.random.Generator, most: int = 60, treewidth: int = 4) -> Architecture:
    """Up to ``most`` neurons, few arcs, and treewidth (without the inputs) within the bound."""
    while True:
        depth, alpha, omega = (int(rng.integers(*span)) for span in ((2, 6), (1, 4), (1, 4)))
        sizes = [alpha, *(int(rng.integers(1, 12)) for _ in range(depth)), omega]
        if sum(sizes) > most:
            continue
        layers = [[f"l{i}_{j}" for j in range(size)] for i, size in enumerate(sizes)]
        arcs = set()
        for before, after in pairwise(layers):
            n = max(len(before), len(after))
            arcs |= {(before[i * len(before) // n], after[i * len(after) // n]) for i in range(n)}
            for _ in range(int(rng.integers(0, 4))):
                arcs.add((before[rng.integers(len(before))], after[rng.integers(len(after))]))
        architecture = Architecture(layers, sorted(arcs))
        if decompose(Graph.of(architecture, inputs=False), "min-degree").width <= treewidth:
            return architecture


def labelled(
    rng: np.random.Generator, architecture: Architecture, d: int, points: int, kind: str
) -> Instance:
    """Labels of a varied random network (``planted``), one of them changed (``noisy``), or random ones."""
    domain = Domain(d)
    inputs = rng.integers(domain.lo, domain.hi + 1, (points, architecture.alpha))
    labels = rng.integers(0, domain.hi + 1, (points, architecture.omega))
    if kind != "random":
        draws = rng.integers(domain.lo, domain.hi + 1, (30, architecture.n_parameters))
        shown = [Network.from_vector(architecture, domain, draw).predict(inputs) for draw in draws]
        random, labels = labels, max(shown, key=lambda s: len(np.unique(s, axis=0)))
        if kind == "noisy":
            labels = labels.copy()
            labels[0] = random[0]
    goal = (AtMost(0), Minimize(), Exactly(int(rng.integers(points))))[int(rng.integers(3))]
    return Instance(domain, architecture, Dataset(inputs, labels), goal)


def medium(seed: int) -> Instance:
    """An instance of up to 60 neurons, treewidth 4 and d = 4, with 2 to 4 points."""
    rng = np.random.Generator(np.random.PCG64(seed))
    kind = ("planted", "noisy", "random")[seed % 3]
    return labelled(rng, sparse(rng), int(rng.integers(2, 5)), int(rng.integers(2, 5)), kind)
