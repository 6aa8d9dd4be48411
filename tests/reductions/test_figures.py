"""The paper's own examples."""

from __future__ import annotations

import numpy as np
import pytest

import qnnt
from qnnt.reductions import balanced_sat
from qnnt.reductions.catalogue import PROOFS
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet

# Figures 2 and 4: U = [6]; elements count from 0 here.
SETS = [[0, 3, 4], [1, 2], [0, 5], [1, 4], [2, 4], [5]]
# Figures 3 and 5.
FORMULA = Cnf.of([[1, -2, -3], [1, -3, 4], [-1, -2, -4], [2, 3, 4]])
ASSIGNMENT = np.array([False, True, False, True])

FIGURES = {
    "figure 2": (PROOFS["exact-cover"].reduction, ExactCover.of(SETS, 6), np.array([0, 1, 5])),
    "figure 3": (balanced_sat.BALANCED_SAT, FORMULA, ASSIGNMENT),
    "figure 4": (PROOFS["hitting-set"].reduction, HittingSet.of(SETS, 6, 3), np.array([1, 4, 5])),
    "figure 4 as printed": (
        PROOFS["hitting-set-as-printed"].reduction,
        HittingSet.of(SETS, 6, 3),
        np.array([1, 4, 5]),
    ),
    "figure 5": (PROOFS["three-sat"].reduction, FORMULA, ASSIGNMENT),
}
ERRORS = {"figure 4": 3 * (6 - 1), "figure 4 as printed": 3 * (6 - 1)}


@pytest.mark.parametrize("figure", FIGURES)
def test_the_solution_of_the_figure_plants_to_the_claimed_error(figure):
    reduction, source, solution = FIGURES[figure]
    instance, lift = reduction.apply(source)
    replayed = qnnt.check(instance, reduction.plant(source, solution))
    assert (replayed.errors, replayed.meets_goal) == (ERRORS.get(figure, 0), True)
    assert np.array_equal(lift(reduction.plant(source, solution)), solution)


@pytest.mark.parametrize("figure", [f for f in FIGURES if "printed" not in f])
def test_training_the_figure_lifts_to_a_solution(figure):
    reduction, source, _ = FIGURES[figure]
    instance, lift = reduction.apply(source)
    result = qnnt.solve(instance, backend="sat:cadical195", isolate=False)
    assert source.accepts(lift(result.network))


def test_figure_2_is_the_network_that_is_drawn():
    reduction, source, solution = FIGURES["figure 2"]
    network = reduction.plant(source, solution)
    assert network.architecture.layers[0] == ("S1", "S2", "S3", "S4", "S5", "S6", "S*", "x1", "x2")
    assert network.weights.tolist() == [1, 1, 0, 0, 0, 1, 1, 1, 1]
    assert network.biases.tolist() == [1]


def test_figure_5_is_the_network_that_is_drawn():
    reduction, source, solution = FIGURES["figure 5"]
    network = reduction.plant(source, solution)
    assert network.weights.all()
    # x1 ~x1 … x4 ~x4, then v1 … v4, then c1 … c4
    assert network.biases.tolist() == [1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0]


def test_figure_4_has_no_smaller_hitting_set():
    instance, _ = PROOFS["hitting-set"].reduction.apply(HittingSet.of(SETS, 6, 2))
    assert qnnt.solve(instance, backend="sat", isolate=False).status is qnnt.Status.UNSATISFIABLE
