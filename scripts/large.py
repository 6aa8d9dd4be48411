"""Many points: seconds and memory until a network of few errors is found.

A random teacher labels distinct random inputs, and a share of the labels is changed. Teachers that say nearly
always the same are left out: more than three times the errors asked for remain if every point gets the most
frequent label. Each run has processes of its own, of which the largest is told, after a small instance that
counts for nothing.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import count, islice
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt
from measuring import ended, uncut

import qnnt
from qnnt.exceptions import InputError
from qnnt.workers.pool import close_workers

Integers = npt.NDArray[np.int64]
MOST_TRIED = 100  # seeds in a row whose teacher is left out


def taught(args: argparse.Namespace) -> Iterator[tuple[int, qnnt.Instance, int]]:
    """Seed, instance, and how many labels are not the most frequent one."""
    domain = qnnt.Domain(args.d)
    architecture = qnnt.Architecture.dense([int(size) for size in args.layers.split("-")])
    goal = qnnt.AtMost(int(args.errors * args.points))
    tried = 0
    for seed in count():
        rng = np.random.default_rng(seed)
        x = np.unique(draw(rng, domain, args.zeros, 4 * args.points, architecture.alpha), axis=0)
        x = rng.permutation(x)[: args.points]
        if len(x) < args.points:
            raise InputError(
                "--points",
                f"fewer than {args.points:,} distinct inputs: take more inputs or a smaller --zeros",
            )
        teacher = draw(rng, domain, 0.0, 1, architecture.n_parameters)[0]
        plain = qnnt.Instance(
            domain, architecture, qnnt.Dataset(x, np.zeros((len(x), architecture.omega), int)), goal
        )
        y = plain.network(teacher).predict(x)
        changed = rng.random(len(x)) < args.noise
        y[changed] = rng.permutation(y)[changed]
        rest = len(x) - int(np.unique(y, axis=0, return_counts=True)[1].max())
        tried += 1
        if tried > MOST_TRIED:
            raise InputError(
                "--errors", f"{MOST_TRIED} teachers leave at most {3 * goal.budget:,} points: ask for fewer"
            )
        if rest > 3 * goal.budget:
            tried = 0
            yield seed, replace(plain, dataset=qnnt.Dataset(x, y)), rest


def draw(rng: np.random.Generator, domain: qnnt.Domain, zeros: float, rows: int, columns: int) -> Integers:
    """Random numbers of Z_d, a share of which is set to 0."""
    numbers = rng.integers(domain.lo, domain.hi + 1, size=(rows, columns))
    return np.where(rng.random(numbers.shape) < zeros, 0, numbers)


def run(instance: qnnt.Instance, backend: str, limits: qnnt.Limits) -> tuple[qnnt.Result, float, float]:
    """The result, the seconds, and the MiB of the largest process."""
    data = instance.dataset
    small = replace(instance, dataset=qnnt.Dataset(data.inputs[:40], data.labels[:40]), goal=qnnt.AtMost(0))
    uncut(qnnt.solve(small, backend=backend, limits=limits))
    start = time.perf_counter()
    result = uncut(qnnt.solve(instance, backend=backend, limits=limits))
    seconds = time.perf_counter() - start
    close_workers()  # their memory is known once they have ended
    return result, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


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
            limits = qnnt.Limits(time=args.time_limit, threads=args.threads)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as own:
                result, seconds, mebibytes = own.submit(run, instance, backend, limits).result()
            errors = "-" if result.errors is None else f"{result.errors:,}"
            print(
                f"{seed:>4} {backend:<14} {result.status:<14} {errors:>7} {rest:>8,} {seconds:>8.2f} "
                f"{mebibytes:>12,.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(ended(main))
