"""What docs/errata.md says of Theorem 3 as printed, and that the counterexamples there are the smallest."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hard_sources import solutions, subsets

import qnnt
from qnnt.exceptions import WrongAnswer
from qnnt.reductions import catalogue
from qnnt.reductions.balanced_sat import BALANCED_SAT
from qnnt.reductions.hitting_set import HITTING_SET, HITTING_SET_AS_PRINTED
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import HittingSet

BIASES = HittingSet.of([[0], [1], [2]], 4, 2)
BIASES_SMALLEST = HittingSet.of([[0], [1], [2]], 3, 2)
TWINS = HittingSet.of([[3], [0, 1], [2], [4]], 5, 1)
TWINS_SMALLEST = HittingSet.of([[0], [1, 2]], 3, 1)
SOURCES = {
    "biases": BIASES,
    "smallest with biases": BIASES_SMALLEST,
    "twins": TWINS,
    "smallest with twins": TWINS_SMALLEST,
}


def possible(instance):
    return qnnt.solve(instance, backend="sat:cadical153", isolate=False).status is qnnt.Status.SATISFIABLE


@pytest.mark.parametrize("name", SOURCES)
def test_as_printed_the_answer_is_wrong_and_repaired_it_is_right(name):
    source = SOURCES[name]
    assert not solutions(source)
    assert possible(HITTING_SET_AS_PRINTED.apply(source)[0])
    assert not possible(HITTING_SET.apply(source)[0])


def test_bias_1_is_what_solves_the_first():
    instance, _ = HITTING_SET_AS_PRINTED.apply(BIASES)
    n = instance.architecture.n_arcs
    network = qnnt.Network(instance.architecture, instance.domain, np.ones(n, int), np.ones(3, int))
    assert qnnt.check(instance, network).errors == instance.goal.errors


def test_lift_refuses_what_the_printed_construction_gives():
    instance = catalogue.generate("hitting-set-as-printed", BIASES)
    network = qnnt.solve(instance, backend="sat", isolate=False).network
    with pytest.raises(WrongAnswer, match="does not solve the source"):
        catalogue.lift(instance, network)


def smallest(wrong, twins):
    """The first source, by elements, sets and size, of which the printed construction is wrong."""
    for n in range(1, 5):
        sets = [s for s in subsets(n, n) if s]
        for m in range(1, 5):
            for chosen in combinations(sets, m):
                for k in (1, 2):
                    source = HittingSet.of(chosen, n, k)
                    has_twins = len(np.unique(source.incidence.T, axis=0)) < n
                    if has_twins == twins and wrong(source):
                        return source
    return None


def wrong_as_printed(source):
    return possible(HITTING_SET_AS_PRINTED.apply(source)[0]) != bool(solutions(source))


@pytest.mark.parametrize(("twins", "expected"), [(False, BIASES_SMALLEST), (True, TWINS_SMALLEST)])
def test_the_smallest_counterexamples(twins, expected):
    assert smallest(wrong_as_printed, twins) == expected


def test_size_means_at_most():
    """Two elements of one cannot be chosen, yet the construction, repaired or not, is solvable."""
    source = HittingSet.of([[0]], 1, 2)
    assert [s.tolist() for s in solutions(source)] == [[0]]
    assert possible(HITTING_SET_AS_PRINTED.apply(source)[0])
    assert possible(HITTING_SET.apply(source)[0])


def test_the_in_degree_of_theorem_2_is_three():
    source = Cnf.of([[1, 2, 3], [-1, -2, -3], [1, -2, 3], [-1, 2, -3]])
    assert (source.occurrences == 2).all()
    instance, _ = BALANCED_SAT.apply(source)
    assert np.bincount(instance.architecture.arc_index[:, 1]).max() == 3
