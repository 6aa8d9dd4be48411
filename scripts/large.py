"""Many points: seconds and memory until a network of few errors is found.

A random teacher labels distinct random inputs, and a share of the labels is changed. Teachers that say nearly
always the same are left out: more than three times the errors asked for remain if every point gets the most
frequent label.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

import numpy as np
import numpy.typing as npt

import qnnt

Integers = npt.NDArray[np.int64]


def taught(args: argparse.Namespace) -> Iterator[tuple[int, qnnt.Instance, int]]:
    """Seed, instance, and how many labels are not the most frequent one."""
    domain = qnnt.Domain(args.d)
    architecture = qnnt.Architecture.dense([int(size) for size in args.layers.split("-")])
    goal = qnnt.AtMost(int(args.errors * args.points))
    for seed in count():
        rng = np.random.default_rng(seed)
        x = np.unique(draw(rng, domain, args.zeros, 4 * args.points, architecture.alpha), axis=0)
        x = rng.permutation(x)[: args.points]
        if len(x) < args.points:
            raise SystemExit(
                f"fewer than {args.points:,} distinct inputs: take more inputs or a smaller --zeros"
            )
        teacher = draw(rng, domain, 0.0, 1, architecture.n_parameters)[0]
        plain = qnnt.Instance(
            domain, architecture, qnnt.Dataset(x, np.zeros((len(x), architecture.omega), int)), goal
        )
        y = plain.network(teacher).predict(x)
        changed = rng.random(len(x)) < args.noise
        y[changed] = rng.permutation(y)[changed]
        rest = len(x) - int(np.unique(y, axis=0, return_counts=True)[1].max())
        if rest > 3 * goal.budget:
            yield seed, replace(plain, dataset=qnnt.Dataset(x, y)), rest


def draw(rng: np.random.Generator, domain: qnnt.Domain, zeros: float, rows: int, columns: int) -> Integers:
    """Random numbers of Z_d, a share of which is set to 0."""
    numbers = rng.integers(domain.lo, domain.hi + 1, size=(rows, columns))
    return np.where(rng.random(numbers.shape) < zeros, 0, numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--d", type=int, default=2)
    parser.add_argument("--layers", default="30-4-1", metavar="SIZES")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--noise", type=float, default=0.02, metavar="SHARE")
    parser.add_argument("--zeros", type=float, default=0.75, metavar="SHARE", help="of the inputs, set to 0")
    parser.add_argument("--errors", type=float, default=0.05, metavar="SHARE", help="asked for, at most")
    parser.add_argument("--instances", type=int, default=5)
    parser.add_argument("--backends", default="auto,local-search")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="S")
    args = parser.parse_args()
    print(
        f"d = {args.d}, {args.layers}, {args.points:,} points, {args.noise:.0%} of the labels changed,",
        end=" ",
    )
    print(f"at most {args.errors:.0%} errors asked for, {args.threads} threads")
    columns = f"{'seed':>4} {'backend':<14} {'status':<14} {'errors':>7} {'others':>8} {'seconds':>8}"
    print(f"{columns} {'largest process':>16}")
    for seed, instance, rest in islice(taught(args), args.instances):
        for backend in args.backends.split(","):
            start = time.perf_counter()
            limits = qnnt.Limits(time=args.time_limit, threads=args.threads)
            result = qnnt.solve(instance, backend=backend, limits=limits)
            seconds = time.perf_counter() - start
            mebibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"{seed:>4} {backend:<14} {result.status:<14} {result.errors:>7,} {rest:>8,} {seconds:>8.2f} "
                f"{mebibytes:>12,.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
