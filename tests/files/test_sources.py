"""Formulas and set systems as files."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hard_sources import exact_covers, formulas, hitting_sets
from hypothesis import given

from qnnt.exceptions import InputError
from qnnt.files.formulas import parse_dimacs
from qnnt.files.sets import parse_sets
from qnnt.reductions.sources.cnf import Cnf
from qnnt.reductions.sources.sets import ExactCover, HittingSet


@given(formulas())
def test_dimacs_round_trip(source):
    assert parse_dimacs(source.text()) == source
    assert Cnf.from_document(source.document()) == source


@given(exact_covers())
def test_exact_cover_round_trip(source):
    assert ExactCover.of(*parse_sets(source.text())) == source
    assert ExactCover.from_document(source.document()) == source


@given(hitting_sets())
def test_hitting_set_round_trip(source):
    assert HittingSet.of(*parse_sets(source.text()), source.size) == source
    assert HittingSet.from_document(source.document()) == source


def test_dimacs_as_satlib_writes_it():
    text = "c made\nc by hand\np cnf  3  2\n 1 -2\n3 0\nc between\n-1 0\n%\n0\n\n"
    assert parse_dimacs(text) == Cnf.of([[1, -2, 3], [-1]], 3)


def test_clauses_may_share_a_line_and_be_empty():
    assert parse_dimacs("p cnf 2 3\n1 0 0 -2 0") == Cnf.of([[1], [], [-2]], 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no line 'p cnf"),
        ("1 0\n", "line 1: the line 'p cnf VARIABLES CLAUSES' must come first"),
        ("p cnf 1\n", "line 1: must be 'p cnf"),
        ("p cnf -1 0\n", "line 1: must be 'p cnf"),
        ("p cnf 1 1\np cnf 1 1\n1 0\n", "line 2: there is a second p line"),
        ("p cnf 1 1\n1\n", "does not end in 0"),
        ("p cnf 1 2\n1 0\n", "announces 2 clauses, there are 1"),
        ("p cnf 1 1\n2 0\n", "clause 1: 2 is no literal of 1 variables"),
        ("p cnf 1 1\nx 0\n", "'x' is no literal"),
        ("p cnf 1 1\n- 0\n", "'-' is no literal"),
        (f"p cnf 1 1\n{9**30} 0\n", "is no literal"),
    ],
)
def test_wrong_dimacs(text, words):
    with pytest.raises(InputError) as error:
        parse_dimacs(text)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "sets", "n"),
    [
        ("c a comment\np hs 4 2\n1 2\n4 3 4\n", [[0, 1], [3, 2, 3]], 4),
        ("p hs 2 2\n1\n\n", [[0], []], 2),
        ("p hs 2 1\n\n1 2\n\n", [[0, 1]], 2),
        ("p hs 0 0\n", [], 0),
        ("3 2\n1 2 3\n2\n", [[0, 1, 2], [1]], 3),
        ("1,0,1\n0,0,0\n", [[0, 2], []], 3),
        ("True,False\nFalse,True\n", [[0], [1]], 2),
        ("3\n1 0 0\n0 1 1\n", [[0], [1, 2]], 3),
        (" 2 3\n 1 1 1\n 2\n 1 3\n 1\n 2\n", [[0, 2], [1]], 3),
        ("a b\nc, a\n", [[0, 1], [2, 0]], 3),
    ],
)
def test_set_files(text, sets, n):
    assert parse_sets(text) == (sets, n)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("p cnf 3 2\n", "must be 'p hs ELEMENTS SETS'"),
        ("p hs 3\n", "must be 'p hs ELEMENTS SETS'"),
        ("p hs 3 2\n1\n2\n3\n", "announces 2 sets, there are 3"),
        ("p hs 3 1\n4\n", "set 1: '4' is none of the elements 1..3"),
        ("1,0\n1\n", "row 2: has 1 columns, not 2"),
        ("2 3\n1 1 1\n2\n1 3\n1\n", "ends before row 2 of 2"),
        ("2 3\n1 1 1\n2\n1 3\n1\n2\n7\n", "goes on after the last of 2 rows"),
    ],
)
def test_wrong_set_files(text, words):
    with pytest.raises(InputError) as error:
        parse_sets(text)
    assert words in str(error.value)


def test_compressed_files(tmp_path):
    path = tmp_path / "f.cnf.gz"
    path.write_bytes(gzip.compress(b"p cnf 1 1\n1 0\n"))
    assert Cnf.read(path) == Cnf.of([[1]])
    path.write_bytes(gzip.compress(b"p cnf 1 1\n9 0\n"))
    with pytest.raises(InputError, match=r"f\.cnf\.gz: clause 1"):
        Cnf.read(path)


def test_solutions_in_their_own_formats():
    assert Cnf.of([[1, -2]]).solution_text(np.array([True, False])) == "s SATISFIABLE\nv 1 -2 0\n"
    assert ExactCover.of([[0], [1]], 2).solution_text(np.array([0, 1])) == "2\n1\n2\n"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cnf.of([[0]], 1),
        lambda: Cnf.of([], -1),
        lambda: ExactCover.of([[2]], 2),
        lambda: ExactCover.of([[-1]], 2),
        lambda: HittingSet.of([], 2, -1),
        lambda: HittingSet.of([], -2, 1),
    ],
)
def test_wrong_sources(make):
    with pytest.raises(InputError):
        make()
