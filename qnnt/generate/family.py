"""Families of instances for developers of solvers: instances, their encodings and a manifest, from a seed.

One folder holds, for each size, a source with a solution and one without (or a formula, whose answer
is planted or found by a SAT solver), as ``<name>.json`` and as ``.cnf``, ``.wcnf`` and ``.opb`` in
competition form: exact counts, distinct literals, no tautologies, and the command that made them on top. The
CNF asks for at most ℓ errors, the WCNF and the OPB for the fewest. ``manifest.jsonl`` has a line for each
instance: the answer and how it was made certain, and what is known of the fewest errors.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from qnnt import registry
from qnnt.constant import best_constant
from qnnt.exceptions import InputError, LostTask, require_word
from qnnt.files.documents import located, read_text, write_pieces
from qnnt.files.models import write_model
from qnnt.files.text import split_lines
from qnnt.files.writing import located_writing
from qnnt.generate.reference import Reference
from qnnt.goals import Minimize
from qnnt.instance import Instance
from qnnt.limits import Limits
from qnnt.pipeline import solve
from qnnt.reductions.catalogue import generate
from qnnt.reductions.sources import random
from qnnt.reductions.sources.sets import HittingSet
from qnnt.reductions.sources.solve import Source
from qnnt.sizes import require_room
from qnnt.verify.replay import check
from qnnt.workers.executors import NamedExecutor, apart, in_order

_SOURCE = 1 << 10  # bytes for each variable or element of a source
_ENCODERS = {"cnf": "clauses", "wcnf": "clauses", "opb": "pseudo-boolean"}


@dataclass(frozen=True)
class Member:
    """A source, how it was made, whether it has a solution, and how that is known."""

    label: str
    source: Source
    answer: bool
    by: str


def _planted_sat(n: int, seed: int) -> Iterator[Member]:
    yield Member("planted", random.planted_formula(n, seed)[0], True, "planted")


def _threshold_sat(n: int, seed: int) -> Iterator[Member]:
    from qnnt.reductions.sources.solve import solve_source

    formula = random.threshold_formula(n, seed)
    yield Member("threshold", formula, solve_source(formula) is not None, "CaDiCaL on the formula")


def _balanced_sat(n: int, seed: int) -> Iterator[Member]:
    from qnnt.reductions.sources.solve import solve_source

    formula = random.balanced_formula(n, seed)
    yield Member("random", formula, solve_source(formula) is not None, "CaDiCaL on the formula")


def _exact_cover(n: int, seed: int) -> Iterator[Member]:
    yield Member("planted", random.planted_exact_cover(n, seed)[0], True, "planted")
    yield Member("infeasible", random.infeasible_exact_cover(n, seed), False, "weights modulo 3")


def _hitting_set(n: int, seed: int) -> Iterator[Member]:
    size = max(min(n, 3), n // 5)  # of less than 2, the data alone refute 'below'
    source, _ = random.planted_hitting_set(n, seed, size, n)
    yield Member("optimum", source, True, "planted")
    yield Member("below", HittingSet(n, source.sets, size - 1), False, "disjoint sets")


class Family(NamedTuple):
    """The proof whose instances these are, the sources by size and seed, and how far apart sizes lie."""

    kind: str
    members: Callable[[int, int], Iterator[Member]]
    step: int = 1


FAMILIES = {
    "planted-sat": Family("three-sat", _planted_sat),
    "threshold-sat": Family("three-sat", _threshold_sat),
    "balanced-sat": Family("balanced-sat", _balanced_sat, step=3),
    "exact-cover": Family("exact-cover", _exact_cover),
    "hitting-set": Family("hitting-set", _hitting_set),
}


@dataclass(frozen=True)
class Made:
    """An instance of a family, its ``name`` in a folder and a manifest, and the source that it is of."""

    name: str
    instance: Instance
    member: Member

    @property
    def answer(self) -> bool:
        """Whether a network meets the goal."""
        return self.member.answer


def named(name: str) -> Family:
    """The family of a name; raises :class:`UnknownWord` if there is none."""
    require_word("family", name, FAMILIES)
    return FAMILIES[name]


def made(name: str, size: int, seed: int, /, **origin: Any) -> Iterator[Made]:
    """The instances of a family of a size and from a seed; ``origin`` goes into their ``meta``."""
    family = named(name)
    for member in family.members(size, seed):
        instance = generate(family.kind, member.source, **origin, answer=member.answer)
        yield Made(f"{name}-{size}-{member.label}-{seed}", instance, member)


def _described(
    name: str, size: int, seed: int, command: str, optimum_time: float
) -> list[tuple[Made, dict[str, Any]]]:
    """The instances of a size and a seed, and what the manifest says of each."""
    origin = {"origin": command, "family": name, "size": size, "seed": seed}
    described = []
    for each in made(name, size, seed, **origin):
        about = {**origin, **parameters(each.instance), "answer": each.answer, "answer_by": each.member.by}
        described.append((each, about | _fewest(each.instance, each.member, optimum_time)))
    return described


def _described_apart(*arguments: Any) -> list[tuple[Made, dict[str, Any]]]:
    """The same in a worker process, for executors."""
    ended = apart("generating", _described, *arguments)
    if ended.error is not None:
        raise ended.error
    if ended.answer is None:
        raise LostTask(f"instances of a family could not be made: {ended.reason}")
    return ended.answer


def write_family(
    name: str,
    sizes: Sequence[int],
    seeds: Sequence[int],
    folder: str | Path,
    command: str = "",
    *,
    optimum_time: float = 10.0,
    executor: NamedExecutor | None = None,
    reference: Reference | None = None,
) -> Iterator[dict[str, Any]]:
    """Write a family into a folder, which is made if need be, and tell each line of its manifest.

    What the folder holds of other sizes, seeds and families stays, in the manifest too, even if another run
    writes it meanwhile: a line is added as soon as its files are there. The fewest errors are searched for
    that many seconds, if they are not known.
    ``reference`` adds what a stated solver takes for the CNF: CPU seconds, if it solves it within its limit.
    ``command`` is the origin that the manifest and each instance's ``meta`` note. An ``executor`` makes the
    instances and searches for their fewest errors, while this process writes the files: the same ones in the
    same order. Raises :class:`UnknownWord` for an unknown family, :class:`InputError` for sizes or a seed
    that make no sense, or files that cannot be written, and :class:`LostTask` if the executor fails.
    """
    named(name)
    folder = Path(folder)
    require_room(_SOURCE * max(sizes, default=0), "sizes", "sources of this size need")
    with located_writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    manifest = _Manifest(folder / "manifest.jsonl")
    calls = [(name, size, seed, command, optimum_time) for size, seed in product(sizes, seeds)]
    for described in in_order(executor, _described if executor is None else _described_apart, calls):
        for each, about in described:
            answer = "yes" if each.answer else "no"
            files = _write(each.instance, folder / each.name, f"{command}\n{each.name}, answer: {answer}")
            line = {"instance": each.name, **about}
            if reference is not None:
                line["reference"] = reference.line(each.name, each.instance, each.answer)
            line["files"] = files
            manifest.put(line)
            yield line


class _Manifest:
    """The lines of a family's folder by instance; raises :class:`InputError` for a file that has others."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines()

    def _lines(self) -> dict[str, str]:
        lines = dict[str, str]()
        if self._path.exists():
            with located(self._path):
                for number, text in enumerate(split_lines(read_text(self._path)), 1):
                    try:
                        lines[json.loads(text)["instance"]] = text
                    except (ValueError, TypeError, KeyError):
                        raise InputError(f"line {number}", "is no line of a family's manifest") from None
        return lines

    def put(self, line: dict[str, Any]) -> None:
        """Add a line, or replace that of the same instance; the file is whole at any time.

        It is read again: another run may write into the same folder.
        """
        with _alone(self._path):
            lines = self._lines() | {line["instance"]: json.dumps(line)}
            write_pieces(self._path, (f"{text}\n" for text in lines.values()))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other run is in such a block on the file meanwhile; the block may put a new file into its place."""
    while True:
        with located_writing(path):
            file = path.open("ab")
        with file:
            with located_writing(path):
                fcntl.flock(file, fcntl.LOCK_EX)
                current = os.path.samestat(os.fstat(file.fileno()), path.stat())
            if current:  # else another run replaced it while this one waited
                yield
                return


def _fewest(instance: Instance, member: Member, seconds: float) -> dict[str, Any]:
    """What is known of the fewest errors: the optimum, or bounds, and how it was made certain."""
    low, high = instance.choices.unavoidable, check(instance, best_constant(instance)).errors
    budget = instance.goal.budget or 0
    low, high = (low, min(high, budget)) if member.answer else (max(low, budget + 1), high)
    by = f"{member.by}, unavoidable errors"
    if low < high and seconds > 0:
        found = solve(instance.with_goal(Minimize()), backend="maxsat", limits=Limits(time=seconds))
        low, high = (
            max(low, found.lower_bound or 0),
            min(high, high if found.errors is None else found.errors),
        )
        by = f"{by}, {found.backend} in {seconds:g} s"
    return {"optimum": low if low == high else None, "optimum_between": [low, high], "optimum_by": by}


def parameters(instance: Instance) -> dict[str, int]:
    """The parameters of the paper: α, ω, width, depth, |D| and, if the goal has one, ℓ."""
    a, goal = instance.architecture, instance.goal
    found = {"alpha": a.alpha, "omega": a.omega, "width": a.width, "depth": a.depth}
    found["points"] = instance.dataset.total
    return found if goal.budget is None else {**found, "errors": goal.budget}


def _write(instance: Instance, stem: Path, origin: str) -> list[str]:
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("json", *_ENCODERS)]
    instance.save(paths[0])
    for path, (suffix, encoder) in zip(paths[1:], _ENCODERS.items(), strict=True):
        problem = instance if suffix == "cnf" else instance.with_goal(Minimize())
        model, lift = registry.encoder(encoder).apply(problem)
        write_model(model, lift, path, suffix, origin)
    return [path.name for path in paths]
