"""A checker of DRAT proofs: each clause has to follow from those before it, and at last the empty one does.

It goes forwards and looks at every step: a clause follows if unit propagation refutes its denial (RUP), or if
it is a RAT on its first literal (Wetzler, Heule, Hunt 2014). It knows no encoder and no backend. Deleting a
clause that fixes a literal is left undone, which only makes later steps harder to take.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.files.drat import Steps
from qnnt.verify.propagation import PARTS, Store, replay

_FEW = 1000  # steps that are checked without a compiler
_MANY = 2_000_000  # clauses that may be looked at without one


@dataclass(frozen=True)
class Clauses:
    """Clause c has the literals ``literals[starts[c]:starts[c + 1]]``; ``starts`` is (m + 1,)."""

    literals: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Checked:
    """Whether the proof refutes the formula, after how many ``steps``, and if not, the ``reason``.

    ``accepted`` is None if a program has come to no verdict.
    """

    accepted: bool | None
    steps: int
    reason: str | None = None


def check_drat(clauses: Clauses, proof: Steps, *, compile: bool | None = None) -> Checked:
    """Check that the steps refute the clauses.

    ``compile``: whether numba compiles the loops; None if it is installed and the proof is long. Without it,
    a step takes some 30 times as long.
    """
    proof = proof.until_empty()
    every = np.concatenate([clauses.literals, proof.literals.astype(np.int64)])
    variables, dense = np.unique(np.abs(every), return_inverse=True)  # a few that are used, of any number
    codes = 2 * dense + (every < 0)
    top = 2 * len(variables)
    in_formula, formula_starts = _once(codes[: len(clauses.literals)], clauses.starts, top)
    in_proof, proof_starts = _once(codes[len(clauses.literals) :], proof.starts, top)
    adds, widths = ~proof.deletes, np.diff(proof_starts)
    lits = np.concatenate([in_formula, in_proof[np.repeat(adds, widths)]])
    start = np.append(0, np.cumsum(np.concatenate([np.diff(formula_starts), widths[adds]])))
    n = len(start) - 1
    words = np.random.default_rng(0).integers(0, 2**63, size=top, dtype=np.uint64)
    todo = _todo(
        _sums(words[in_formula], formula_starts), _sums(words[in_proof], proof_starts), proof.deletes
    )
    loop, array = _loop(_pays(len(proof), n) if compile is None else compile)
    store = Store(
        lits=array(lits.astype(np.int32)),
        start=array(start.astype(np.int64)),
        head=array(np.full(top, -1, dtype=np.int32)),
        following=array(np.full(2 * n, -1, dtype=np.int32)),
        value=array(np.zeros(top, dtype=np.int8)),
        trail=array(np.zeros(top, dtype=np.int32)),
        active=array(np.zeros(n, dtype=bool)),
    )
    done, outcome = loop(store, len(clauses.starts) - 1, array(todo))
    if outcome == 1:
        return Checked(True, int(done))
    if outcome == -1:
        return Checked(False, int(done), "the proof ends without a contradiction")
    step = proof.literals[proof.starts[done] : proof.starts[done + 1]].tolist()
    shown = " ".join(map(str, step[:8])) + (" …" if len(step) > 8 else "")
    return Checked(False, int(done), f"step {done + 1:,} does not follow: the clause {shown}")


def _todo(clauses: list[int], steps: list[int], deletes: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The clause c that each step adds, or ~c for one that it deletes.

    For a deletion of what is not there, c is the number of clauses in all. A deletion names a clause by its
    literals, which are compared by a sum of random words: ``clauses`` and ``steps`` have the sums. If two are
    equal by chance a wrong clause is deleted; from what remains nothing false follows.
    """
    there: dict[int, list[int]] = defaultdict(list)
    for c, total in enumerate(clauses):
        there[total].append(c)
    todo, latest, nothing = [], len(clauses), len(clauses) + int((~deletes).sum())
    for gone, total in zip(deletes.tolist(), steps, strict=True):
        if not gone:
            there[total].append(latest)
            todo.append(latest)
            latest += 1
        else:
            todo.append(~there[total].pop() if there[total] else ~nothing)
    return np.array(todo, dtype=np.int64)


def _sums(words: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64]) -> list[int]:
    """The sum of the words of each clause's literals, modulo 2^64."""
    sums = np.append(np.uint64(0), np.cumsum(words, dtype=np.uint64))
    result: list[int] = (sums[starts[1:]] - sums[starts[:-1]]).tolist()
    return result


def _once(
    codes: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], top: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The clauses without a literal's repetitions: a clause that watches one twice would never be a unit.

    The codes are below ``top``. What remains keeps its order, as the first literal is the one of a RAT.
    """
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    kept = np.zeros(len(codes), dtype=bool)
    kept[np.unique(rows * top + codes, return_index=True)[1]] = True
    return codes[kept], np.append(0, np.cumsum(kept))[starts]


def _pays(steps: int, clauses: int) -> bool:
    """Whether to compile the loops, which takes a second to load: a RAT looks at every clause."""
    return (steps > _FEW or steps * clauses > _MANY) and find_spec("numba") is not None


@cache
def _loop(compile: bool) -> tuple[Any, Any]:
    """The loop over the steps, and what makes of an array what it takes."""
    if not compile:
        return replay, lambda values: values.tolist()
    from numba.extending import register_jitable

    from qnnt.compiled import compiled

    for part in PARTS:
        register_jitable(part)
    return compiled()(replay), lambda values: values
