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
        ("p cnf 1 1\nc\n1\n", "line 3: the last clause does not end in 0"),
        ("c\np cnf 1 2\n1 0\n", "line 2: the p line announces 2 clauses, there are 1"),
        ("p cnf 1 2\n1 0\n\n-1\n2 0\n", "line 5: 2 is no literal of 1 variables"),
        ("p cnf 1 1\n\n 1\tx 0\n", "line 3: 'x' is no literal"),
        ("p cnf 20 1\n1_2 0\n", "line 2: '1_2' is no literal"),
        ("p cnf 20 1\n١٢ 0\n", "line 2: '١٢' is no literal"),
        ("p cnf 2 1\n+1 0\n", "line 2: '+1' is no literal"),
        ("p cnf 2 2\n1 -0 2 0\n", "line 2: '-0' is no literal"),
        ("p cnf 2 2\n1 00 2 0\n", "line 2: '00' is no literal"),
        ("p cnf ٢ 1\n1 0\n", "line 1: must be 'p cnf"),
        ("p cnf 1_0 1\n1 0\n", "line 1: must be 'p cnf"),
        (f"p cnf {9**30} 0\n", "line 1: must be 'p cnf"),
        ("p cnf 2 1\n1 0\n% a comment\n2 0\n", "line 4: stands after the line '%'"),
        ("p cnf 2 1\n1\x0b2 0\n", "line 2: holds the character U+000B"),
        ("p cnf 1 1\n- 0\n", "'-' is no literal"),
        (f"p cnf 1 1\n{9**30} 0\n", "is no literal"),
    ],
)
def test_wrong_dimacs(text, words):
    with pytest.raises(InputError) as error:
        parse_dimacs(text)
    assert words in str(error.value)


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_only_line_ends_end_a_comment(mark):
    comment = f"c a{mark}3 0"
    for end in ("\n", "\r\n", "\r"):
        assert parse_dimacs(end.join([comment, "p cnf 3 1", comment, "1 2", comment, "0", ""])) == Cnf.of(
            [[1, 2]], 3
        )
        assert parse_sets(end.join([comment, "p hs 3 1", f"c a{mark}3", "1 2", ""])) == ([[0, 1]], 3)
    with pytest.raises(InputError, match="line 2: holds the character U"):
        parse_sets(f"p hs 3 1\n1 2{mark}3\n")
    with pytest.raises(InputError, match="line 1: holds the character U"):
        parse_sets(f"a b{mark}c\n")


@pytest.mark.parametrize(
    ("text", "sets", "n"),
    [
        ("c a comment\np hs 4 2\n1 2\n4 3 4\n", [[0, 1], [3, 2, 3]], 4),
        ("p hs 2 2\n1\n\n", [[0], []], 2),
        ("p hs 2 1\n\n1 2\n\n", [[0, 1]], 2),
        ("p hs 0 0\n", [], 0),
        ("3 5\n1 2 3\n2\n1\n1 3\n2\n", [[0, 1, 2], [1], [0], [0, 2], [1]], 3),
        ("3 2\n1 2 3 1\n2\n", [[0, 1, 2, 0], [1]], 3),
        ("1,0,1\n0,0,0\n", [[0, 2], []], 3),
        ("True,False\nFalse,True\n", [[0], [1]], 2),
        ("3\n1 0 0\n0 1 1\n", [[0], [1, 2]], 3),
        ("1\n0\n", [[0], []], 1),
        ("0\n1\n1\n", [[], [0], [0]], 1),
        ("1\n", [[0]], 1),
        ("0\n", [[]], 1),
        ("2\n1 1\n", [[0, 1]], 2),
        ("2\nTrue,False\n", [[0]], 2),
        ("1,0,\n0,1,\n", [[0], [1]], 2),
        ("1 4 5\n2 3\n", [[0, 1, 2], [3, 4]], 5),
        ("F 11 12\nc 12 13\n", [[0, 1, 2], [3, 2, 4]], 5),
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
        ("p cnf 3 2\n", "line 1: must be 'p hs ELEMENTS SETS'"),
        ("p tw 3 1\n1 2\n", "line 1: must be 'p hs ELEMENTS SETS'"),
        ("P HS 3 1\n1 2\n", "line 1: must be 'p hs ELEMENTS SETS'"),
        ("1 2\np hs 3 1\n", "line 1: must be 'p hs ELEMENTS SETS'"),
        ("p hs 3\n", "line 1: must end in ELEMENTS and SETS, not '3'"),
        ("c\np hs 1_0 1\n1\n", "line 2: must end in ELEMENTS and SETS"),
        ("p hs ٣ 1\n1\n", "line 1: must end in ELEMENTS and SETS"),
        ("c\np hs 3 2\n1\n2\n3\n", "line 2: announces 2 sets, there are 3"),
        ("p hs 3 3\n1\n2\n", "line 1: announces 3 sets, there are 2"),
        ("c\np hs 3 1\n4\n", "line 3: '4' is none of the elements 1..3"),
        ("p hs 30 1\n1_2\n", "line 2: '1_2' is none of the elements 1..30"),
        ("p hs 30 1\n١\n", "line 2: '١' is none of the elements 1..30"),
        ("c made\n3 2\n1\n2\n", "line 1: is a comment, or a set with the element 'c'"),
        ("1,0\n1\n", "line 2: has 1 columns, not 2"),
        ("3\n1 0 0\n\n0 1\n", "line 4: has 2 columns, not 3"),
        ("1\n1 0\n", "line 2: has 2 columns, not 1"),
        ("True,False\nTrue,Flase\n", "line 2: 'Flase' is neither 0 nor 1"),
        ("5\n2\nTrue,False\n", "line 2: '2' is neither 0 nor 1"),
        ("1,0,1\n0,1,2\n", "line 1: names '1' twice"),
        ("1,,0\n0,,1\n", "line 1: has nothing before a comma"),
        (",a,b\n1,0,1\n", "line 1: has nothing before a comma"),
        ("a,b\n1,0\n0,1\n", "line 1: has other words than the 0 and 1 of the lines below; leave out names"),
        ("101\n010\n", "line 1: is a row without commas or blanks, or a set of one element"),
        ("2\n0 1\n1 0\n", "line 1: '2' may be a number of columns or a set; a line 'p xc"),
        ("3\n", "line 1: '3' may be a number of columns or a set; a line 'p xc"),
        ("2 1\n2\n", "line 1: '2 1' may be 'ELEMENTS SETS' or a set; a line 'p xc"),
        ("3 2\n1 2 3\n2\n", "line 1: '3 2' may be 'ELEMENTS SETS' or a set; a line 'p xc"),
        ("2 4" + "\n1 2" * 4, "line 1: '2 4' may be 'ELEMENTS SETS' or OR-Library's 'ROWS COLUMNS'; a line"),
        ("2 3\n1 6\n2 5\n", "line 1: '2 3' is no header that fits (as 'ELEMENTS SETS': line 1: announces 3"),
        ("2 3\n1 1 1\n2\n1 3\n1\n", "line 5: ends before row 2 of 2"),
        ("2 3\n1 1 1\n2\n1 3\n1\n2\n7\n", "line 7: goes on after the last of 2 rows"),
        ("2 3\n1 1 1\n2\n1 3\n1\n4\n", "line 6: '4' is none of the elements 1..3"),
        (
            "3 5\n1 2 3\n2\n1\n1 3\nz\n",
            "line 6: 'z' is no whole number ≥ 0, and the first line, '3 5', looks like a",
        ),
        ("2\n1 O\n", "line 2: 'O' is no whole number ≥ 0, and the first line, '2', looks like a"),
        ("1 2\n1 2\n2 2 2\n", "line 3: row 1 names a column twice"),
        ("0 3\n", "line 1: ends within the costs of 3 columns"),
        ("a b\n" + "a b c " * 9, "line 2: names 'a' twice"),
        ("a b a\n", "line 1: names 'a' twice"),
        ("1 2 3\n01\n", "line 2: '01' is also written '1'"),
        ("1 2 3\n4.0\n", "line 2: '4.0' is no name of an element"),
        ("1 2 3\n-4\n", "line 2: '-4' is no name of an element"),
        ("1 2 3\n1_2\n", "line 2: '1_2' is no name of an element"),
        ("1;0\n0;1\n", "line 1: '1;0' is no name of an element"),
        ('{"sets": 3}\n', "line 1: '{\"sets\":' is no name of an element"),
        ("A: 1 2\n", "line 1: 'A:' is no name of an element"),
        ("A = 1 2\n", "line 1: '=' is no name of an element"),
        ("# made\n1 2 3\n", "line 1: begins with '#'"),
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
    with pytest.raises(InputError, match=r"f\.cnf\.gz: line 2: 9 is no literal"):
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
        lambda: Cnf.of([[1, -(2**63)]], 2),
    ],
)
def test_wrong_sources(make):
    with pytest.raises(InputError):
        make()
