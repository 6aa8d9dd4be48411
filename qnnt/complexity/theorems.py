"""The theorems and corollaries of Figure 1, each with what it says of one instance.

A hardness theorem applies to an instance of its class: no algorithm is fast on the whole class (unless
P = NP, or W[2] = FPT), which says nothing of a single instance. A tractability theorem always applies; what
counts is how large the parameters are, so it tells the size of its table. All theorems ask for at most ℓ
errors; what is said of an instance that asks for exactly ℓ holds for at most ℓ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from qnnt.complexity.parameters import Parameters


class Complexity(StrEnum):
    """What a statement of Figure 1 shows."""

    FPT = "FPT"
    NP_HARD = "NP-hard"
    W2_HARD = "W[2]-hard"
    OPEN = "open"


@dataclass(frozen=True)
class Statement:
    """``parameters`` is the combination that the statement is about, as Figure 1 names it.

    ``applies`` says whether the instance meets its conditions, ``says`` what follows, or which fail.
    """

    name: str
    complexity: Complexity
    parameters: str
    applies: bool
    says: str


def statements(p: Parameters) -> list[Statement]:
    """Theorems 5 and 6, Corollaries 1 and 2, Theorems 1 to 4 and the open question, for one instance."""
    return [*_tractable(p), *_hard(p), _open(p)]


def error_bound(p: Parameters) -> str:
    """``ℓ = 3``, or ``ℓ = min`` when it is to be minimised."""
    return "ℓ = min" if p.ell is None else f"ℓ = {p.ell:,}"


def sized(log10: float, one: str, many: str, whole: Callable[[float], int] = round) -> str:
    """A size in words: ``1 guess``, ``12,345 guesses``, ``10^17 guesses`` with an exponent made ``whole``."""
    number = f"{round(10**log10):,}" if log10 < 6 else f"10^{whole(log10):,}"
    return f"{number} {one if number == '1' else many}"


def table_bound(p: Parameters) -> str:
    """Lemma 3's bound on a table in words."""
    return f"at most {sized(p.log10_table, 'entry', 'entries', math.ceil)} for a bag"


def guesses(p: Parameters) -> float:
    """log10 of how many guesses of the learned pairs Theorem 6 makes: at most ℓ pairs are left out."""
    if p.ell is None:
        return p.guesses_log10
    i = np.arange(1, min(p.ell, p.pairs) + 1)
    subsets = np.cumsum(np.log((p.pairs + 1 - i) / i))  # of i pairs each, as logarithms
    left_out = float(np.logaddexp.reduce(subsets, initial=0.0))
    return min(p.guesses_log10, left_out / math.log(10))


def _tractable(p: Parameters) -> list[Statement]:
    table = f"a table of {table_bound(p)}"
    by_width = _by_width(p)

    def tries(log10: float) -> str:
        return f"{sized(log10, 'guess', 'guesses')} of what is learned"

    searched = "" if p.ell is not None else "; ℓ is to be found, by search"
    return [
        Statement(
            "Theorem 5", Complexity.FPT, "α + tw + ω", True, f"{tries(p.guesses_log10)}, for each {table}"
        ),
        Statement(
            "Theorem 6",
            Complexity.FPT,
            "α + tw + ℓ",
            True,
            f"{tries(guesses(p))}, for each {table}{searched}",
        ),
        Statement("Corollary 2", Complexity.FPT, "α + width + ω", True, by_width),
        Statement("Corollary 1", Complexity.FPT, "α + width + ℓ", True, by_width + searched),
    ]


def _by_width(p: Parameters) -> str:
    if p.depth == 0:
        tries = sized((p.max_in_degree + 1) * math.log10(p.d), "network", "networks")
        return f"no hidden layer: once the learned pairs are guessed, {tries} for each output by itself"
    bound = p.width if p.depth == 1 else 2 * p.width - 1
    found = f"; {p.treewidth.upper:,} was found" if p.treewidth.upper < bound else ""
    return f"treewidth at most {bound:,} by Observation 1{found}"


def _hard(p: Parameters) -> list[Statement]:
    np_hard = "no algorithm is polynomial on all such instances unless P = NP"
    w2_hard = "no algorithm is FPT in α on all such instances unless W[2] = FPT"
    binary, exact = (p.d == 2, f"d = {p.d}, not 2"), (p.ell == 0, f"{error_bound(p)}, not 0")
    paper = (p.is_relu, f"activation {p.activation}, not ReLU_d")
    no_hidden = (p.depth == 0, f"depth {p.depth:,}, not 0")
    one_hidden = (p.depth == 1, f"depth {p.depth:,}, not 1")
    return [
        _class(
            "Theorem 1",
            Complexity.NP_HARD,
            "width + depth + ℓ + ω",
            [paper, binary, exact, no_hidden, (p.omega == 1, f"ω = {p.omega:,}, not 1")],
            f"{np_hard}; here α = {p.alpha:,}",
        ),
        _class(
            "Theorem 2",
            Complexity.NP_HARD,
            "Δ + depth + ℓ + |D|",
            [
                paper,
                binary,
                exact,
                one_hidden,
                (p.points <= 4, f"|D| = {p.points:,}, above 4"),
                (p.max_in_degree <= 3, f"in-degree {p.max_in_degree:,}, above 3"),
                (p.max_out_degree <= 3, f"out-degree {p.max_out_degree:,}, above 3"),
            ],
            f"{np_hard}; here α = {p.alpha:,}, ω = {p.omega:,}, width {p.width:,}",
        ),
        _class(
            "Theorem 3",
            Complexity.W2_HARD,
            "α + width + depth",
            [paper, binary, no_hidden],
            f"{w2_hard}; here ω = {p.omega:,}, {error_bound(p)}",
        ),
        _class(
            "Theorem 4",
            Complexity.NP_HARD,
            "α + depth + ℓ + |D|",
            [
                paper,
                binary,
                exact,
                one_hidden,
                (p.alpha == 2, f"α = {p.alpha:,}, not 2"),
                (p.points == 3, f"|D| = {p.points:,}, not 3"),
            ],
            f"{np_hard}; here width {p.width:,}, ω = {p.omega:,}",
        ),
    ]


def _class(
    name: str,
    complexity: Complexity,
    parameters: str,
    conditions: Sequence[tuple[bool, str]],
    consequence: str,
) -> Statement:
    failing = [text for holds, text in conditions if not holds]
    says = f"not in its class: {'; '.join(failing)}" if failing else f"in its class: {consequence}"
    return Statement(name, complexity, parameters, not failing, says)


def _open(p: Parameters) -> Statement:
    says = (
        f"not known for α + ω alone; here α + ω = {p.alpha + p.omega:,}, width {p.width:,}, {error_bound(p)}"
    )
    return Statement("Section 5", Complexity.OPEN, "α + ω", True, says)
