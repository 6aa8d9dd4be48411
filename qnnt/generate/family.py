"""Families of instances for developers of solvers: instances, their encodings and a manifest, from a seed.

One folder holds, for each size, a source with a solution and one without (or a formula, whose answer
is planted or found by a SAT solver), as ``<name>.json`` and as ``.cnf``, ``.wcnf`` and ``.opb`` in
competition form: exact counts, distinct literals, no tautologies, and the command that made them on top. The
CNF asks for at most ℓ errors, the WCNF and the OPB for the fewest. ``manifest.jsonl`` has a line for each
instance.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qnnt import registry
from qnnt.exceptions import require_word
from qnnt.files.models import write_model
from qnnt.files.writing import located_writing, opened
from qnnt.goals import Minimize
from qnnt.instance import Instance
from qnnt.reductions.catalogue import generate
from qnnt.reductions.sources import random
from qnnt.reductions.sources.sets import HittingSet
from qnnt.reductions.sources.solve import Source
from qnnt.sizes import require_room

_SOURCE = 1 << 10  # bytes for each variable or element of a source
_ENCODERS = {"cnf": "clauses", "wcnf": "clauses", "opb": "pseudo-boolean"}


@dataclass(frozen=True)
class Member:
    """A source, how it was made, and whether it has a solution."""

    label: str
    source: Source
    answer: bool


def _planted_sat(n: int, seed: int) -> Iterator[Member]:
    yield Member("planted", random.planted_formula(n, seed)[0], True)


def _threshold_sat(n: int, seed: int) -> Iterator[Member]:
    from qnnt.reductions.sources.solve import solve_source

    formula = random.threshold_formula(n, seed)
    yield Member("threshold", formula, solve_source(formula) is not None)


def _balanced_sat(n: int, seed: int) -> Iterator[Member]:
    from qnnt.reductions.sources.solve import solve_source

    formula = random.balanced_formula(n, seed)
    yield Member("random", formula, solve_source(formula) is not None)


def _exact_cover(n: int, seed: int) -> Iterator[Member]:
    yield Member("planted", random.planted_exact_cover(n, seed)[0], True)
    yield Member("infeasible", random.infeasible_exact_cover(n, seed), False)


def _hitting_set(n: int, seed: int) -> Iterator[Member]:
    size = max(1, n // 5)
    source, _ = random.planted_hitting_set(n, seed, size, n)
    yield Member("optimum", source, True)
    yield Member("below", HittingSet(n, source.sets, size - 1), False)


FAMILIES: dict[str, tuple[str, Callable[[int, int], Iterator[Member]]]] = {
    "planted-sat": ("three-sat", _planted_sat),
    "threshold-sat": ("three-sat", _threshold_sat),
    "balanced-sat": ("balanced-sat", _balanced_sat),
    "exact-cover": ("exact-cover", _exact_cover),
    "hitting-set": ("hitting-set", _hitting_set),
}


def write_family(
    name: str, sizes: Sequence[int], seed: int, folder: Path, command: str = ""
) -> Iterator[dict[str, Any]]:
    """Write a family into a folder, which is made if need be, and tell each line of its manifest.

    ``command`` is the origin that the manifest and each instance's ``meta`` note. Raises
    :class:`UnknownWord` for an unknown family, :class:`InputError` for sizes or a seed that make no sense, or
    files that cannot be written.
    """
    require_word("family", name, FAMILIES)
    kind, members = FAMILIES[name]
    require_room(_SOURCE * max(sizes, default=0), "sizes", "sources of this size need")
    with located_writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with opened(folder / "manifest.jsonl") as manifest:
        for size in sizes:
            for member in members(size, seed):
                origin = {"origin": command, "family": name, "size": size, "seed": seed}
                instance = generate(kind, member.source, **origin, answer=member.answer)
                stem = f"{name}-{size}-{member.label}-{seed}"
                answer = "yes" if member.answer else "no"
                files = _write(instance, folder / stem, f"{command}\n{stem}, answer: {answer}")
                line = {"instance": stem, **origin, **parameters(instance), "answer": member.answer}
                line["files"] = files
                manifest.write((json.dumps(line) + "\n").encode())
                yield line


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
