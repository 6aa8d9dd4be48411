"""Seconds of the phases before any solver runs: the start of the program, the encoding of large instances.

Each phase is timed several times in a process of its own; the median is printed. ``--against FOLDER`` times
another checkout as well, turn by turn, and prints how many times faster this one is. ``--profile N`` prints
the N functions of each encoding that take most of its time.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
START = "qnnt solve, a trivial instance"
ENCODINGS = (
    ("clauses", "planted-d3-20-10-2-p1000-s0"),
    ("clauses", "tables-digits-h0"),
    ("clauses", "tables-digits-h3"),
    ("pseudo-boolean", "balanced-sat-random-60-426-s0"),
    ("cpsat", "balanced-sat-random-60-426-s0"),
    ("milp", "balanced-sat-random-25-600-s0"),
)


def started() -> float:
    """Seconds of a whole ``qnnt solve`` on three points and two weights."""
    from qnnt.generate.teacher import teacher_instance

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trivial.json"
        teacher_instance(3, [2, 1], 3).save(path)
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-P", "-m", "qnnt", "solve", str(path)], check=True, capture_output=True
        )
        return time.perf_counter() - start


def encoded(encoder: str, case: str, functions: int) -> float | None:
    """Seconds of the processor to encode the suite's case; none if there is no such case here."""
    from suite import cases

    from qnnt import registry

    instance = next((c.make() for c in cases() if c.name == case), None)
    if instance is None:
        return None
    profile = cProfile.Profile()
    start = time.process_time()
    if functions:
        profile.enable()
    registry.encoder(encoder).apply(instance)
    seconds = time.process_time() - start
    if functions:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(functions)
    return seconds


def once(phase: int, functions: int = 0) -> float | None:
    """The seconds of a phase, by its number: the start, then the encodings."""
    return started() if phase == 0 else encoded(*ENCODINGS[phase - 1], functions)


def timed(checkout: Path, phase: int) -> float | None:
    """The seconds of a phase in a process that imports from the checkout."""
    path = os.pathsep.join([str(checkout), str(HERE / "scripts")])
    run = subprocess.run(
        [sys.executable, "-P", __file__, "--phase", str(phase)],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    seconds: float | None = json.loads(run.stdout)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout")
    parser.add_argument("--profile", type=int, default=0, metavar="N", help="functions to print, no table")
    parser.add_argument("--phase", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.against is not None and not (args.against / "qnnt").is_dir():
        parser.error(f"--against {args.against}: there is no folder qnnt in it")
    if args.phase is not None:
        print(json.dumps(once(args.phase)))
        return
    if args.profile:
        for phase in range(1, len(ENCODINGS) + 1):
            print(*ENCODINGS[phase - 1])
            once(phase, args.profile)
        return
    checkouts = [HERE] if args.against is None else [HERE, args.against.resolve()]
    for phase in range(len(ENCODINGS) + 1):
        name = START if phase == 0 else " ".join(ENCODINGS[phase - 1])
        runs = [[timed(checkout, phase) for checkout in checkouts] for _ in range(args.repeat)]
        medians = [
            statistics.median(s for s in column if s is not None)
            for column in zip(*runs, strict=True)
            if None not in column
        ]
        if len(medians) < len(checkouts):
            print(f"{name:<48}  not here")
            continue
        ratio = (
            f"  before {medians[1]:.2f} s, {medians[1] / medians[0]:.2f} times faster" if args.against else ""
        )
        print(f"{name:<48}  {medians[0]:.2f} s{ratio}")


if __name__ == "__main__":
    main()
