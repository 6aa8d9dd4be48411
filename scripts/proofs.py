"""Proofs that no network is better: what they cost, who accepts them, and mutants that nobody may accept.

Instances without a solution from the four hardness proofs, random teachers whose noise cannot be learned, and
minima of random data. Each is solved by SAT without and with a proof; the proof is checked by every checker
that is installed, and mutants of it (see proof_mutants.py), too. With --form veripb they are solved by Exact,
whose proofs our checker checks alone (and plane_mutants.py makes the mutants). Exit status: 1 if a proof is
rejected, a mutant that cannot hold is accepted, or checkers disagree; else 0.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from measuring import ended, uncut
from proof_mutants import Mutant, Rows, Step, mutants

import qnnt
from qnnt.files.drat import read_drat
from qnnt.files.formulas import read_dimacs
from qnnt.files.proofs import Form, ProofFolder
from qnnt.files.veripb import read_constraints, read_proof, write_proof
from qnnt.generate.teacher import teacher_instance
from qnnt.proofs.checkers import Checker, verdict_of
from qnnt.proofs.checking import check_proof, checkers
from qnnt.reductions.catalogue import generate
from qnnt.reductions.sources import random
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.solve import solve_source

if TYPE_CHECKING:
    from plane_mutants import PlaneMutant

Make = Callable[[int], qnnt.Instance]


def exact_cover(seed: int) -> qnnt.Instance:
    return generate("exact-cover", random.infeasible_exact_cover(9 + seed % 5, seed))


def three_sat(seed: int) -> qnnt.Instance:
    return generate("three-sat", random.threshold_formula(14, seed, 7.0))


def balanced_sat(seed: int) -> qnnt.Instance:
    """Of 10 random clauses of two literals."""
    rng = np.random.default_rng(seed)
    pairs = [rng.choice(3, size=2, replace=False) + 1 for _ in range(10)]
    return generate("balanced-sat", Cnf.of([(pair * rng.choice([-1, 1], size=2)).tolist() for pair in pairs]))


def hitting_set(seed: int) -> qnnt.Instance:
    """One element fewer than are needed."""
    source = random.random_hitting_set(10, seed, 20)
    return generate("hitting-set", replace(source, size=len(solve_source(source)) - 1))


def teacher(seed: int) -> qnnt.Instance:
    """One error fewer than a network has at least."""
    instance = teacher_instance(3, [4, 2, 1], 30, noise=0.2, seed=seed)
    least = uncut(qnnt.solve(instance, goal=qnnt.Minimize(), backend="maxsat")).errors
    return instance.with_goal(qnnt.AtMost(max(0, least - 1)))


def one_neuron(seed: int) -> qnnt.Instance:
    return _random(3, [6, 1], 20, seed)


def two_layers(seed: int) -> qnnt.Instance:
    return _random(3, [3, 2, 1], 12, seed)


def _random(d: int, layers: list[int], points: int, seed: int) -> qnnt.Instance:
    """Random labels of 0 and 1."""
    rng, domain = np.random.default_rng(seed), qnnt.Domain(d)
    x = rng.integers(domain.lo, domain.hi + 1, size=(points, layers[0]))
    data = qnnt.Dataset(x, rng.integers(0, 2, size=(points, layers[-1])))
    return qnnt.Instance(domain, qnnt.Architecture.dense(layers), data, qnnt.Minimize())


KINDS: dict[str, Make] = {
    "exact-cover": exact_cover,
    "three-sat": three_sat,
    "balanced-sat": balanced_sat,
    "hitting-set": hitting_set,
    "teacher": teacher,
    "minimum-neuron": one_neuron,
    "minimum-layers": two_layers,
}


@dataclass
class Row:
    """What one proof took."""

    kind: str
    status: str
    solve: float
    with_proof: float
    checks: dict[str, float]
    clauses: int
    steps: int
    size: int


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=15, help="instances of each kind that need a proof")
    parser.add_argument("--kinds", default=",".join(KINDS), metavar="A,B", help="kinds of instances")
    parser.add_argument(
        "--mutated", type=int, default=5, metavar="N", help="proofs of each kind with mutants"
    )
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="for each run and check")
    parser.add_argument("--form", choices=list(Form), default=Form.DRAT, help="of the proofs")
    args = parser.parse_args()
    form = Form(args.form)
    limits, rows, wrong = qnnt.Limits(time=args.time_limit), [], []
    tally: Counter[tuple[str, str]] = Counter()
    uncut(qnnt.solve(two_layers(0), proof=None, backend="sat"))  # what is loaded once counts for no row
    columns = ("solve, s", "with proof, s", *(c.name + ", s" for c in takers(form)), "clauses", "steps", "KB")
    print(f"{'':<16} {'proofs':>6} " + " ".join(f"{column:>17}" for column in columns))
    for kind in args.kinds.split(","):
        for seed in proved_seeds(kind, args.seeds):
            instance = KINDS[kind](seed)
            with tempfile.TemporaryDirectory(prefix="qnnt-") as place:
                folder = ProofFolder(Path(place) / "proof", form)
                row = prove(kind, instance, folder, limits, wrong, f"{kind} {seed}")
                if row is None:
                    continue
                rows.append(row)
                if sum(each.kind == kind for each in rows) <= args.mutated:
                    mutate(folder, seed, limits, tally, wrong)
        show(kind, [row for row in rows if row.kind == kind])
    show("all", rows)
    for what in sorted({what for what, _ in tally}):
        counts = {said: n for (name, said), n in sorted(tally.items()) if name == what}
        print(f"{what:<30} " + ", ".join(f"{n} {said}" for said, n in counts.items()))
    hopeless = sum(n for (_, said), n in tally.items() if said == "hopeless and rejected by all")
    print(f"{len(rows)} proofs accepted by all checkers, {hopeless} hopeless mutants rejected by all")
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


def takers(form: Form) -> list[Checker]:
    """The checkers of this form of proofs."""
    return [checker for checker in checkers() if checker.takes(form)]


def proved_seeds(kind: str, count: int) -> Iterator[int]:
    """The first seeds whose answer needs a proof: minima above 0, formulas without a model."""
    found = 0
    for seed in range(20 * count):
        if found == count:
            return
        result = uncut(qnnt.solve(KINDS[kind](seed), backend="sat", limits=qnnt.Limits(time=60)))
        if not result.evidence.network and result.status is not qnnt.Status.UNKNOWN:
            found += 1
            yield seed


def prove(
    kind: str, instance: qnnt.Instance, folder: ProofFolder, limits: qnnt.Limits, wrong: list[str], name: str
) -> Row | None:
    """Solve without and with a proof, and have it checked; what is wrong is noted."""
    backend = "sat" if folder.form is Form.DRAT else "pseudo-boolean"
    began = time.perf_counter()
    result = uncut(qnnt.solve(instance, backend=backend, limits=limits))
    alone = time.perf_counter() - began
    began = time.perf_counter()
    proved = uncut(qnnt.solve(instance, backend=backend, proof=folder.path, limits=limits))
    with_proof = time.perf_counter() - began - proved.statistics.seconds.get("check proof", 0.0)
    if proved.evidence.missing is not None or result.status is not proved.status:
        wrong.append(f"{name}: {result.status}, {proved.status}: {proved.evidence.missing or proved.reason}")
        return None
    check = check_proof(instance, folder, checkers(), limits)
    if check.accepted is not True or len(check.verdicts) < len(takers(folder.form)):
        wrong.append(f"{name}: {check.as_dict()}")
        return None
    return Row(
        kind,
        result.status,
        alone,
        with_proof,
        {verdict.checker: verdict.seconds for verdict in check.verdicts},
        check.clauses,
        n_steps(folder),
        folder.proof.stat().st_size,
    )


def mutate(
    folder: ProofFolder, seed: int, limits: qnnt.Limits, tally: Counter[tuple[str, str]], wrong: list[str]
) -> None:
    """Write mutants beside the proof, ask every checker, and count what each says."""
    other = replace(folder, path=folder.path.parent / "mutant")
    other.path.mkdir(exist_ok=True)
    for mutant in written_mutants(folder, other, np.random.default_rng(seed)):
        said = {checker.name: verdict_of(checker, other, limits).accepted for checker in takers(folder.form)}
        verdicts = set(said.values())
        if mutant.hopeless:
            rejected = verdicts == {False}
            tally[mutant.kind, "hopeless and " + ("rejected by all" if rejected else "ACCEPTED")] += 1
        else:
            rejected = len(verdicts) == 1
            tally[mutant.kind, f"may hold, {'accepted' if True in verdicts else 'rejected'}"] += 1
        if not rejected:
            wrong.append(f"{mutant.kind}: {said}")


def n_steps(folder: ProofFolder) -> int:
    """How many steps the proof in a folder has."""
    if folder.form is Form.VERIPB:
        return len(read_proof(folder.proof).steps)
    return len(read_drat(folder.proof).until_empty())


def written_mutants(
    folder: ProofFolder, other: ProofFolder, rng: np.random.Generator
) -> Iterator[Mutant | PlaneMutant]:
    """The mutants of the proof in a folder, each of them written into the other before it is handed out."""
    if folder.form is Form.VERIPB:
        from plane_mutants import plane_mutants  # which loads Exact

        for plane in plane_mutants(read_constraints(folder.formula), read_proof(folder.proof), rng):
            other.formula.write_text("".join(f"{constraint}\n" for constraint in plane.formula))
            with other.proof.open("w") as file:
                write_proof(file, plane.proof)
            yield plane
        return
    cnf, steps = read_dimacs(folder.formula), read_drat(folder.proof).until_empty()
    ends = zip(steps.starts[:-1], steps.starts[1:], strict=True)
    proof = [
        (bool(gone), steps.literals[a:b].tolist()) for gone, (a, b) in zip(steps.deletes, ends, strict=True)
    ]
    for mutant in mutants(cnf.clauses.rows(), proof, rng):
        write(other, cnf.n_variables, mutant.formula, mutant.proof)
        yield mutant


def write(folder: ProofFolder, n_variables: int, formula: Rows, proof: list[Step]) -> None:
    lines = [f"p cnf {n_variables} {len(formula)}", *(" ".join(map(str, [*row, 0])) for row in formula)]
    folder.formula.write_text("\n".join([*lines, ""]))
    steps = [f"{'d ' if gone else ''}{' '.join(map(str, [*row, 0]))}" for gone, row in proof]
    folder.proof.write_text("\n".join([*steps, "0", ""]))


def show(kind: str, rows: list[Row]) -> None:
    """A line of the table: median and, in brackets, the greatest of what the rows tell."""
    if not rows:
        print(f"{kind:<16} {0:>6}", flush=True)
        return
    figures: list[tuple[list[float], str]] = [
        ([row.solve for row in rows], ".2f"),
        ([row.with_proof for row in rows], ".2f"),
        *(([row.checks[name] for row in rows], ".2f") for name in rows[0].checks),
        ([row.clauses for row in rows], ",.0f"),
        ([row.steps for row in rows], ",.0f"),
        ([row.size / 1000 for row in rows], ",.0f"),
    ]
    cells = [f"{format(float(np.median(v)), form)} ({format(max(v), form)})" for v, form in figures]
    print(f"{kind:<16} {len(rows):>6} " + " ".join(f"{cell:>17}" for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(ended(main))
