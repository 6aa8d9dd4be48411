"""Random instances, each solved by several pairs of a backend and an encoder, must get one answer.

An instance is made from its number: d = 1 to 8, no to three hidden layers, dense or sparse, all activations,
labels at random or of a random network, each kind of goal. Many have more networks than brute force could go
through; those that a constant network decides are left out. Pairs are drawn at random among those that take
the instance, with and without presolve and order of neurons. Two answers disagree if a network of one refutes
the other, or if both are definite and differ. Every network is replayed by ``solve`` itself.

``--solves 100000`` goes on until so many runs are done; ``-o COUNTS.json`` keeps the counts, and the same
command goes on from there. The exit status is 1 if any two answers disagree; the instance is then kept beside
the counts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import qnnt
from qnnt import registry
from qnnt.exceptions import QnntError, Unsupported, WrongAnswer
from qnnt.files.writing import write_text
from qnnt.verify.agreement import disagreements

ACTIVATIONS = ("relu", "relu", "sign", "step", ("relu", "step"), ("sign", "step"), ("step", "sign"))
BRUTE_FORCE = 10**6  # networks: beyond that nobody goes through all
BLOCK = 50  # instances of a job between two looks at the clock
SAVED = 5.0  # seconds between two writings of the counts


def instance(number: int) -> qnnt.Instance:
    """The instance of a number."""
    rng = np.random.default_rng(number)
    d = int(rng.choice([1, 2, 2, 3, 3, 3, 4, 5, 6, 7, 8]))
    hidden = rng.integers(1, 4, size=rng.choice([0, 1, 1, 1, 2, 3]))
    sizes = [int(rng.integers(1, 5)), *map(int, hidden), int(rng.integers(1, 3))]
    architecture = qnnt.Architecture.dense(sizes)
    if rng.random() < 0.4:
        architecture = thinned(architecture, rng)
    domain, points = qnnt.Domain(d), int(rng.integers(1, 13))
    activation = ACTIVATIONS[rng.integers(len(ACTIVATIONS))] if d >= 3 else "relu"
    inputs = rng.integers(domain.lo, domain.hi + 1, size=(points, sizes[0]))
    blank = qnnt.Dataset(inputs, np.zeros((points, sizes[-1]), dtype=np.int64))
    empty = qnnt.Instance(domain, architecture, blank, activation=activation)
    if rng.random() < 0.5:
        vector = rng.integers(domain.lo, domain.hi + 1, size=architecture.n_parameters)
        labels = empty.network(vector).predict(inputs)
        wrong = rng.random(points) < rng.choice([0.0, 0.2])
        labels[wrong] = rng.permutation(labels)[wrong]
    else:
        labels = rng.choice(np.array(empty.activations[-1].values), size=(points, sizes[-1]))
    data = qnnt.Dataset(inputs, labels, rng.integers(1, rng.choice([2, 5]), size=points))
    budget = int(rng.integers(0, 1 + max(1, data.total // 4)))
    goal = [qnnt.Minimize(), qnnt.AtMost(budget), qnnt.Exactly(budget)][rng.choice(3, p=[0.5, 0.35, 0.15])]
    return qnnt.Instance(domain, architecture, data, goal, activation=activation)


def thinned(dense: qnnt.Architecture, rng: np.random.Generator) -> qnnt.Architecture:
    """The architecture without some arcs; every neuron keeps one on each side where it needs one."""
    kept = [arc for arc in dense.arcs if rng.random() < 0.6]
    sources, targets = {u for u, _ in kept}, {v for _, v in kept}
    kept += [arc for arc in dense.arcs if arc[0] not in sources or arc[1] not in targets]
    return qnnt.Architecture(dense.layers, list(dict.fromkeys(kept)))


def pairs() -> list[tuple[str, str]]:
    """All pairs of a backend and an encoder, but for SAT solvers: a few stand for the rest."""
    solvers = ("sat:cadical153", "sat:glucose4", "sat:minisat22")
    backends = [b for b in registry.backends() if not b.name.startswith(("sat:", "dimacs"))]
    backends += [registry.backend(name) for name in solvers]
    return [
        (backend.name, encoder.name)
        for backend in backends
        if backend.availability().available and backend.name != "local-search"
        for encoder in registry.encoders_of(*backend.accepts)
    ]


def share(backend: str, encoder: str) -> float:
    """How often a pair is drawn, against others: the slow ones less often."""
    return 0.1 if backend.startswith("milp") else 0.4 if encoder == "plain" else 1.0


@dataclass
class Counts:
    """What was done so far: the next number, runs, definite answers of each pair, and of each two pairs."""

    next: int = 0
    runs: int = 0
    unknown: int = 0
    instances: int = 0
    beyond: int = 0
    definite: Counter[str] = field(default_factory=Counter)
    together: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path | None) -> Counts:
        """The counts of a file, or none."""
        if path is None or not path.exists():
            return cls()
        kept = cls(**json.loads(path.read_text(encoding="utf-8")))
        kept.definite, kept.together = Counter(kept.definite), Counter(kept.together)
        return kept

    def save(self, path: Path | None) -> None:
        """Write the counts."""
        if path is not None:
            write_text(path, json.dumps(vars(self), indent=1) + "\n")


def run(
    number: int, choice: list[tuple[str, str]], each: int, limit: float
) -> tuple[qnnt.Instance, list[qnnt.Result]]:
    """The results of ``each`` random pairs that take the instance; :class:`WrongAnswer` is a disagreement."""
    problem, rng, results = instance(number), np.random.default_rng([number, 1]), []
    order = rng.exponential(size=len(choice)) / [share(*pair) for pair in choice]
    for i in np.argsort(order):
        backend, encoder = choice[i]
        symmetry, presolve = bool(rng.integers(2)), None if rng.integers(2) else ()
        try:
            result = qnnt.solve(
                problem, backend=backend, encoder=encoder, limits=limit, symmetry=symmetry, presolve=presolve
            )
        except Unsupported:
            continue
        if result.encoder == "none":  # the best constant network decides, and nothing is run
            return problem, []
        results.append(result)
        if len(results) == each:
            break
    return problem, results


def conflicts(problem: qnnt.Instance, results: list[qnnt.Result]) -> list[str]:
    """What cannot be: a claim that a network refutes, or two verdicts that differ."""
    found = [
        f"{claim.backend} with {claim.encoder} says: {what}"
        for claim, _, what in disagreements(problem.goal, results)
    ]
    definite = [r for r in results if r.status is not qnnt.Status.UNKNOWN]
    verdicts = {(r.status, r.errors if problem.goal.minimizes else None) for r in definite}
    if len(verdicts) > 1:
        found.append(", ".join(f"{r.backend} with {r.encoder}: {r.status} {r.errors}" for r in definite))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--solves", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=4, help="pairs for each instance")
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="of the first instance")
    parser.add_argument("--time-limit", type=float, default=1.0, metavar="S", help="of each run")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, metavar="COUNTS.json")
    args = parser.parse_args()
    counts, choice, lock = Counts.load(args.output), pairs(), threading.Lock()
    counts.next = max(counts.next, args.first)
    saved, kept = time.monotonic(), deepcopy(counts)  # as of the last whole block: a cut one is done again

    def take(number: int) -> None:
        nonlocal saved
        try:
            problem, results = run(number, choice, args.each, args.time_limit)
            wrong = conflicts(problem, results)
        except WrongAnswer as error:
            problem, results, wrong = instance(number), [], [str(error)]
        except QnntError as error:
            raise SystemExit(f"instance {number}: {error}") from None
        with lock:
            names = [f"{r.backend} with {r.encoder}" for r in results if r.status is not qnnt.Status.UNKNOWN]
            counts.runs += len(results)
            counts.instances += bool(results)
            counts.unknown += len(results) - len(names)
            counts.beyond += bool(results) and problem.n_networks > BRUTE_FORCE
            counts.definite.update(names)
            counts.together.update(" | ".join(sorted(two)) for two in itertools.combinations(names, 2))
            counts.disagreements += [f"instance {number}: {what}" for what in wrong]
            if wrong and args.output is not None:
                problem.save(args.output.with_name(f"disagreement-{number}.json"))
            if sys.stderr.isatty():
                print(
                    f"\r{counts.runs:,} runs, {len(counts.disagreements)} disagreements",
                    end="",
                    file=sys.stderr,
                )

    try:
        with ThreadPoolExecutor(args.jobs) as pool:
            while counts.runs < args.solves:
                block = range(counts.next, counts.next + BLOCK * args.jobs)
                list(pool.map(take, block))
                counts.next = block.stop
                kept = deepcopy(counts)
                if time.monotonic() - saved > SAVED:
                    kept.save(args.output)
                    saved = time.monotonic()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
    finally:
        kept.save(args.output)
    report(counts)
    sys.exit(1 if counts.disagreements else 0)


def report(counts: Counts) -> None:
    """Print what was done, and what disagrees."""
    print(f"\n{counts.runs:,} runs on {counts.instances:,} instances up to number {counts.next:,}:", end=" ")
    print(f"{sum(counts.definite.values()):,} definite answers, {counts.unknown:,} UNKNOWN")
    print(f"{counts.beyond:,} instances have more than {BRUTE_FORCE:,} networks")
    print(f"{sum(counts.together.values()):,} pairs of answers, of {len(counts.together):,} kinds")
    width = max(map(len, counts.definite), default=0)
    for name, number in counts.definite.most_common():
        print(f"  {name:<{width}}  {number:>9,}")
    print(f"{len(counts.disagreements)} disagreements")
    for what in counts.disagreements:
        print(f"  {what}")


if __name__ == "__main__":
    main()
