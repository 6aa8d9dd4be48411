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


@dataclass(frozen=True)
class Clauses:
    """Clause c has the literals ``literals[starts[c]:starts[c + 1]]``; ``starts`` is (m + 1,)."""

    literals: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Checked:
    """Whether the proof refutes the formula, after how many ``steps``, and if not, the ``reason``."""

    accepted: bool
    steps: int
    reason: str | None = None


def check_drat(clauses: Clauses, proof: Steps, *, compile: bool | None = None) -> Checked:
    """Check that the steps refute the clauses.

    ``compile``: whether numba compiles the loops; None if it is installed and the proof is long. Without it,
    a step takes some 30 times as long.
    """
    proof = proof.until_empty()
    adds = ~proof.deletes
    widths = np.diff(proof.starts)
    added = proof.literals[np.repeat(adds, widths)]
    literals = np.concatenate([clauses.literals, added]).astype(np.int64)
    starts = np.append(0, np.cumsum(np.concatenate([np.diff(clauses.starts), widths[adds]])))
    given = len(clauses.starts) - 1
    codes = 2 * np.abs(literals) + (literals < 0)
    top, n = 2 * int(np.abs(literals).max(initial=0)) + 2, len(starts) - 1
    loop, array = _loop(_pays(proof) if compile is None else compile)
    store = Store(
        lits=array(codes.astype(np.int32)),
        start=array(starts),
        head=array(np.full(top, -1, dtype=np.int32)),
        following=array(np.full(2 * n, -1, dtype=np.int32)),
        value=array(np.zeros(top, dtype=np.int8)),
        trail=array(np.zeros(top, dtype=np.int32)),
        active=array(np.zeros(n, dtype=bool)),
    )
    done, outcome = loop(store, given, array(_todo(clauses, proof)))
    if outcome == 1:
        return Checked(True, int(done))
    if outcome == -1:
        return Checked(False, int(done), "the proof ends without a contradiction")
    step = proof.literals[proof.starts[done] : proof.starts[done + 1]].tolist()
    shown = " ".join(map(str, step[:8])) + (" …" if len(step) > 8 else "")
    return Checked(False, int(done), f"step {done + 1:,} does not follow: the clause {shown}")


def _todo(clauses: Clauses, proof: Steps) -> npt.NDArray[np.int64]:
    """The clause c that each step adds, or ~c for one that it deletes.

    For a deletion of what is not there, c is the number of clauses in all. A deletion names a clause by its
    literals, which are compared by a sum of random words. If two sums are equal by chance a wrong clause is
    deleted; from what remains nothing false follows.
    """
    given = len(clauses.starts) - 1
    nothing = given + int((~proof.deletes).sum())
    there: dict[int, list[int]] = defaultdict(list)
    if proof.deletes.any():
        top = int(max(np.abs(clauses.literals).max(initial=0), np.abs(proof.literals).max(initial=0)))
        words = np.random.default_rng(0).integers(0, 2**63, size=2 * top + 2, dtype=np.uint64)
        for c, total in enumerate(_sums(words, clauses.literals, clauses.starts)):
            there[total].append(c)
        totals = _sums(words, proof.literals, proof.starts)
    else:
        totals = [0] * len(proof)
    todo, latest = [], given
    for deletes, total in zip(proof.deletes.tolist(), totals, strict=True):
        if not deletes:
            there[total].append(latest)
            todo.append(latest)
            latest += 1
        elif there[total]:
            todo.append(~there[total].pop())
        else:
            todo.append(~nothing)
    return np.array(todo, dtype=np.int64)


def _sums(words: Any, literals: npt.NDArray[Any], starts: npt.NDArray[np.int64]) -> list[int]:
    """The sum of the words of each clause's literals, modulo 2^64."""
    codes = 2 * np.abs(literals.astype(np.int64)) + (literals < 0)
    sums = np.append(np.uint64(0), np.cumsum(words[codes], dtype=np.uint64))
    result: list[int] = (sums[starts[1:]] - sums[starts[:-1]]).tolist()
    return result


def _pays(proof: Steps) -> bool:
    """Whether to compile the loops, which takes a second to load."""
    return len(proof) > _FEW and find_spec("numba") is not None


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
