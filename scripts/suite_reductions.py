"""The cases of the suite that come from the hardness proofs, with sources of known answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product

from suite_cases import answered, seeded

from qnnt.comparing.runner import Case
from qnnt.instance import Instance
from qnnt.reductions.catalogue import generate
from qnnt.reductions.sources import random
from qnnt.reductions.sources.solve import Source, solve_source

Answered = tuple[Source, bool]  # a source, and whether it has a solution

# Elements and sets for each one that a cover needs: with a planted exact cover, or with none.
PLANTED_COVERS = ((30, 6), (60, 15), (100, 8))
INFEASIBLE_COVERS = ((9, 2), (30, 6), (40, 12), (60, 8), (60, 15), (100, 8))
# Variables of random 3-CNF formulas, and hundredths of a clause for each.
FORMULAS = ((120, 426), (200, 426), (250, 426), (280, 410))
DENSE_FORMULAS = ((8, 426), (8, 800), (25, 600), (60, 426))
BALANCED_FORMULAS = (300,)
# Elements and sets of three: to be hit by as many elements as are needed (optimum), and by one less (below).
HITTING_SETS = ((16, 50), (18, 60), (20, 80), (24, 80), (30, 120))


def reductions(seeds: int) -> Iterator[Case]:
    """The cases of the four families; ``seeds`` of each shape."""
    kind = "exact-cover"
    for n, decoys in PLANTED_COVERS:
        yield from _reduced(kind, f"planted-{n}-x{decoys}", seeds, partial(_planted_cover, n, decoys))
    for n, decoys in INFEASIBLE_COVERS:
        yield from _reduced(kind, f"infeasible-{n}-x{decoys}", seeds, partial(_no_cover, n, decoys))
    yield from _reduced("three-sat", "planted-150", seeds, _planted_formula)
    for n, ratio in FORMULAS:
        yield from _reduced("three-sat", f"random-{n}-{ratio}", seeds, partial(_formula, n, ratio))
    kind = "balanced-sat"
    for n in BALANCED_FORMULAS:
        yield from _reduced(kind, f"balanced-{n}", seeds, partial(_balanced_formula, n))
    for n, ratio in DENSE_FORMULAS:
        yield from _reduced(kind, f"random-{n}-{ratio}", seeds, partial(_formula, n, ratio))
    for (n, sets), below in product(HITTING_SETS, (0, 1)):
        shape = f"{'below' if below else 'optimum'}-{n}-{sets}"
        yield from _reduced("hitting-set", shape, seeds, partial(_hitting_set, n, sets, below))


def _reduced(kind: str, shape: str, seeds: int, source: Callable[[int], Answered]) -> Iterator[Case]:
    yield from seeded(kind, shape, seeds, partial(_reduce, kind, source))


def _reduce(kind: str, source: Callable[[int], Answered], seed: int) -> Instance:
    problem, answer = source(seed)
    return answered(generate(kind, problem), answer)


def _planted_cover(n: int, decoys: int, seed: int) -> Answered:
    return random.planted_exact_cover(n, seed, decoys)[0], True


def _no_cover(n: int, decoys: int, seed: int) -> Answered:
    return random.infeasible_exact_cover(n, seed, decoys), False


def _planted_formula(seed: int) -> Answered:
    return random.planted_formula(150, seed)[0], True


def _formula(n: int, ratio: int, seed: int) -> Answered:
    formula = random.threshold_formula(n, seed, ratio / 100)
    return formula, solve_source(formula) is not None


def _balanced_formula(n: int, seed: int) -> Answered:
    formula = random.balanced_formula(n, seed)
    return formula, solve_source(formula) is not None


def _hitting_set(n: int, sets: int, below: int, seed: int) -> Answered:
    """To be hit by the fewest elements that can, less ``below``."""
    source = random.random_hitting_set(n, seed, sets)
    fewest = solve_source(source)
    assert fewest is not None  # all elements together hit every set
    return replace(source, size=len(fewest) - below), not below
