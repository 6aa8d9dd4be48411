"""Formulas, covers and hypergraphs with known answers; skipped where the files are not at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import qnnt
from qnnt.reductions.balance import BALANCE
from qnnt.reductions.catalogue import PROOFS
from qnnt.reductions.exactly_three import EXACTLY_THREE
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet
from qnnt.reductions.sources.solve import solve_source

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the data files are not here")


@pytest.mark.parametrize(("name", "answer"), [("uf50-03", True), ("uuf50-018", False)])
def test_three_sat(name, answer):
    source = Cnf.read(DATA / "sat" / f"{name}.cnf")
    instance, lift = PROOFS["three-sat"].reduction.apply(source)
    result = qnnt.solve(instance, backend="sat:cadical195", isolate=False)
    assert (result.network is not None) == answer
    assert not answer or source.accepts(lift(result.network))


@pytest.mark.parametrize(("name", "answer"), [("uf175-012", True), ("uuf100-01", False)])
def test_balanced_formulas(name, answer):
    source = Cnf.read(DATA / "sat" / f"{name}.cnf")
    target, lift = EXACTLY_THREE.then(BALANCE).apply(source)
    found = solve_source(target)
    assert (found is not None) == answer
    assert not answer or source.accepts(lift(found))


@pytest.mark.parametrize(("name", "answer"), [("knuth_example.txt", True), ("langford-5.csv", False)])
def test_exact_cover(name, answer):
    source = ExactCover.read(DATA / "xc" / name)
    assert (solve_source(source) is not None) == answer
    instance, lift = PROOFS["exact-cover"].reduction.apply(source)
    result = qnnt.solve(instance, backend="sat:cadical195", isolate=False)
    assert (result.network is not None) == answer
    assert not answer or source.accepts(lift(result.network))


def test_or_library_set_cover_is_read():
    source = HittingSet.read(DATA / "setcover" / "scpe2.txt", 5)
    assert (source.n_elements, len(source.sets)) == (500, 50)


@pytest.mark.parametrize(("name", "optimum"), [("hs/sts_data.15", 9), ("hs/hs_test_84632.hgr", 5)])
def test_hitting_sets(name, optimum):
    sets = HittingSet.read(DATA / name, optimum)
    assert solve_source(sets) is not None
    assert solve_source(HittingSet(sets.n_elements, sets.sets, optimum - 1)) is None
