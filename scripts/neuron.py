"""One neuron on random data: seconds until the minimum is proved, beside another backend on the same data.

Inputs are random in Z_d, labels random in {0, 1}. The backend runs in this process, compiled before the clock
starts; the baseline in a worker that is warm. A baseline that its time limit ends counts with what it took,
so that its ratio is a lower bound. Where neuron did not prove the minimum there is no ratio.
"""

from __future__ import annotations

import argparse
import sys
import time
from statistics import geometric_mean

import numpy as np
from measuring import ended, uncut

import qnnt


def drawn(d: int, inputs: int, points: int, seed: int) -> qnnt.Instance:
    rng, domain = np.random.default_rng(seed), qnnt.Domain(d)
    x = rng.integers(domain.lo, domain.hi + 1, size=(points, inputs))
    data = qnnt.Dataset(x, rng.integers(0, 2, size=(points, 1)))
    return qnnt.Instance(domain, qnnt.Architecture.dense([inputs, 1]), data, qnnt.Minimize())


def run(instance: qnnt.Instance, backend: str, limit: float) -> tuple[qnnt.Result, float]:
    start = time.perf_counter()
    limits = qnnt.Limits(time=limit)
    result = uncut(qnnt.solve(instance, backend=backend, limits=limits, isolate=backend != "neuron"))
    return result, time.perf_counter() - start


def shown(result: qnnt.Result, seconds: float) -> str:
    errors = "-" if result.errors is None else result.errors
    proved = result.status is qnnt.Status.OPTIMAL
    return f"{errors!s:>6} {result.lower_bound:>5} {seconds:>9.2f}{' ' if proved else '*'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="16x60,20x60,24x60", metavar="INPUTSxPOINTS,…")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--d", type=int, default=3)
    parser.add_argument("--limit", type=float, default=600.0, metavar="S", help="time limit of neuron")
    parser.add_argument("--baseline", default="maxsat", help="a backend, or none")
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="that of the baseline")
    args = parser.parse_args()
    start = time.perf_counter()
    run(drawn(args.d, 4, 12, 0), "neuron", args.limit)
    print(f"load, and compile if it is not on disk: {time.perf_counter() - start:.2f} s; d = {args.d}")
    baseline = None if args.baseline == "none" else args.baseline
    if baseline:
        run(drawn(args.d, 4, 12, 0), baseline, args.time_limit)
    columns = f"{'errors':>6} {'bound':>5} {'seconds':>9} "
    print(f"{'':>8} {'':>4}  {'neuron':<23} {(baseline or ''):<23}")
    print(f"{'size':>8} {'seed':>4}  {columns} {columns if baseline else ''}")
    for size in args.sizes.split(","):
        inputs, points = map(int, size.split("x"))
        ratios = []
        for seed in range(args.seeds):
            instance = drawn(args.d, inputs, points, seed)
            result, seconds = run(instance, "neuron", args.limit)
            line = f"{size:>8} {seed:>4}  {shown(result, seconds)}"
            if baseline:
                other, others = run(instance, baseline, args.time_limit)
                line += f" {shown(other, others)}"
                if result.status is qnnt.Status.OPTIMAL:  # else its seconds bound nothing
                    ratios.append(others / seconds)
                    line += f" {ratios[-1]:>8.1f}×"
            print(line, flush=True)
        if ratios:
            print(f"{size:>8} geometric mean of the ratios, at least {geometric_mean(ratios):.1f}×")
    print("* not proved: the time limit was reached")


if __name__ == "__main__":
    sys.exit(ended(main))
