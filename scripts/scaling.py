"""How the time of the treewidth backend grows with the number of neurons, at treewidth 2.

Random layered architectures of two inputs over Z_2: chains up to the outputs and down to the inputs grow from
random neurons, and neurons are doubled, which makes cycles. The labels are those of a random network on all
four inputs, so that a network exists; ``--noise`` changes a label, after which there is hardly one. Prints
the seconds of each phase of :func:`qnnt.solve` and the exponent that fits them; ``--plot`` draws them.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np
from measuring import ended, uncut

import qnnt
from qnnt.decompositions.graph import Graph
from qnnt.decompositions.search import decompose
from qnnt.workers.pool import close_workers


def tree_like(neurons: int, rng: np.random.Generator) -> qnnt.Architecture:
    """A layered architecture with two inputs, so many further neurons, and treewidth 2 without the inputs."""
    depth = max(4, round(np.log2(neurons)))
    layer, arcs = list(range(depth)), [(i, i + 1) for i in range(depth - 1)]
    into = [[], *([i] for i in range(depth - 1))]
    out = [*([i + 1] for i in range(depth - 1)), []]

    def add(level: int) -> int:
        layer.append(level)
        into.append([])
        out.append([])
        return len(layer) - 1

    def connect(u: int, v: int) -> None:
        arcs.append((u, v))
        out[u].append(v)
        into[v].append(u)

    while len(layer) < neurons:
        u = int(rng.integers(len(layer)))
        kind = int(rng.integers(3))
        if kind == 0 and depth - 1 - layer[u] <= neurons - len(layer):
            for level in range(layer[u] + 1, depth):
                v = add(level)
                connect(u, v)
                u = v
        elif kind == 1 and layer[u] <= neurons - len(layer):
            for level in range(layer[u] - 1, -1, -1):
                v = add(level)
                connect(v, u)
                u = v
        elif len(into[u]) == len(out[u]) == 1 and len(layer) < neurons:
            twin = add(layer[u])  # beside a path of two arcs: the graph stays series-parallel
            connect(into[u][0], twin)
            connect(twin, out[u][0])
    names = [f"n{v}" for v in range(len(layer))]
    layers = [["x0", "x1"], *([] for _ in range(depth))]
    for v, level in enumerate(layer):
        layers[level + 1].append(names[v])
    named = [(names[u], names[v]) for u, v in arcs]
    for i, name in enumerate(layers[1]):
        chosen = ("x0", "x1") if i == 0 else (("x0",), ("x1",), ("x0", "x1"))[rng.integers(3)]
        named += [(x, name) for x in chosen]
    return qnnt.Architecture(layers, named)


def planted(architecture: qnnt.Architecture, noise: bool, rng: np.random.Generator) -> qnnt.Instance:
    """All four inputs, with the labels of the most varied of some random networks."""
    domain, inputs = qnnt.Domain(2), [[0, 0], [0, 1], [1, 0], [1, 1]]
    n_arcs, draws = architecture.n_arcs, []
    for _ in range(10):  # mostly weights of 1 and biases of 0, else every label is 0
        vector = np.concatenate([rng.random(n_arcs) < 0.9, rng.random(architecture.n_biases) < 0.2])
        draws.append(qnnt.Network.from_vector(architecture, domain, vector.astype(np.int64)).predict(inputs))
    labels = max(draws, key=lambda shown: float(shown.std(axis=0).sum()))
    if noise:
        labels[0, 0] = 1 - labels[0, 0]
    return qnnt.Instance(domain, architecture, qnnt.Dataset(inputs, labels))


def plot(path: Path, rows: list[tuple[int, float]], exponent: float) -> None:
    """Seconds against neurons, both logarithmic, with the fitted line."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sizes, seconds = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.loglog(sizes, seconds, "o", color="tab:blue", label="measured")
    shift = np.log(seconds).mean() - exponent * np.log(sizes).mean()
    axes.loglog(sizes, np.exp(shift) * sizes**exponent, "-", color="tab:orange", label=f"n^{exponent:.2f}")
    axes.set(xlabel="neurons", ylabel="CPU seconds")
    axes.set_title("treewidth 2, two inputs, d = 2")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory-limit", type=int, default=4096, metavar="MIB")
    parser.add_argument("--noise", action="store_true", help="change a label")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it (needs qnnt[plot])")
    args = parser.parse_args()
    if args.plot is not None:
        from importlib.util import find_spec

        if find_spec("matplotlib") is None:
            print("--plot needs matplotlib: pip install 'qnnt[plot]'", file=sys.stderr)
            return 2
    head = (
        "neurons",
        "arcs",
        "depth",
        "width",
        "treewidth",
        "status",
        "solve s",
        "check s",
        "total s",
        "CPU s",
    )
    print(" ".join(f"{name:>13}" for name in head))
    rows = []
    for size in map(int, args.sizes.split(",")):
        rng = np.random.Generator(np.random.PCG64(args.seed))
        architecture = tree_like(size, rng)
        width = decompose(Graph.of(architecture, inputs=False), "min-degree").width
        instance = planted(architecture, args.noise, rng)
        before = _cpu()
        start = time.perf_counter()
        limits = qnnt.Limits(memory=args.memory_limit)
        result = uncut(qnnt.solve(instance, backend="treewidth", limits=limits))
        total = time.perf_counter() - start
        close_workers()  # its CPU time counts once it has ended
        cpu = _cpu() - before
        seconds = result.statistics.seconds
        cells = (size, architecture.n_arcs, architecture.depth, architecture.width, width, result.status)
        times = (f"{s:.2f}" for s in (seconds["solve"], seconds["check"], total, cpu))
        print(" ".join(f"{cell:>13}" for cell in (*map(str, cells), *times)), flush=True)
        if result.reason:
            print(result.reason)
        rows.append((size, cpu))
    sizes, taken = np.log(np.array(rows)).T
    if len(rows) > 1:
        exponent = float(np.polyfit(sizes, taken, 1)[0])
        print(f"CPU seconds grow like neurons^{exponent:.2f}")
        if args.plot is not None:
            plot(args.plot, rows, exponent)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"largest process: {most:.2f} GiB")
    return 0


def _cpu() -> float:
    """CPU seconds of this process and of the workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


if __name__ == "__main__":
    sys.exit(ended(main))
