"""What solvers print, read: by words as they print them, and never as another number."""

from __future__ import annotations

import pytest

from qnnt import Status
from qnnt.exceptions import InputError
from qnnt.files.answers import read_answer

NAMES = ("a", "b", "c")


@pytest.fixture
def read(tmp_path):
    def read(text, kind, names=NAMES):
        (tmp_path / "answer").write_text(text)
        answer = read_answer(tmp_path / "answer", kind, names)
        return answer.status, answer.objective, answer.values

    return read


SAT = {"1": 1, "2": 0, "13": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c x\ns SATISFIABLE\nv 1 -2\nv 13 0\n", (Status.SATISFIABLE, None, SAT)),
        ("SAT\n1 -2 13 0\n", (Status.SATISFIABLE, None, SAT)),  # minisat's file
        ("s UNSATISFIABLE\n", (Status.UNSATISFIABLE, None, None)),
        ("UNSAT\n", (Status.UNSATISFIABLE, None, None)),
        ("c s SATISFIABLE\nc interrupted\n", (None, None, None)),
        ("s UNKNOWN\n", (Status.UNKNOWN, None, None)),
        # MaxSAT, of both kinds; the last solution counts.
        ("o 7\no 3\ns OPTIMUM FOUND\nv 1 -2 13\n", (Status.OPTIMAL, 3.0, SAT)),
        ("s OPTIMUM FOUND\no 3\nv 101\n", (Status.OPTIMAL, 3.0, {"1": 1, "2": 0, "3": 1})),
        ("v 010\no 3\nv 101\r\n", (None, 3.0, {"1": 1, "2": 0, "3": 1})),
        ("v 10 11\n", (None, None, {"10": 1, "11": 1})),  # two literals
        ("o 9007199254740993\n", (None, 2**53 + 1, None)),
        ("o inf\no nan\no 1e999\n", (None, None, None)),
        ("s SATISFIABLE\nv 1 7\nv 8\ns SATISFIABLE\nv 1 -2\nv 13\n", (Status.SATISFIABLE, None, SAT)),
        ("o 4\nv 1 7\no 3\nv 1 -2 13\ns OPTIMUM FOUND\n", (Status.OPTIMAL, 3, SAT)),
        ("s SATISFIABLE\nv 1 -2 13\ns UNSATISFIABLE\n", (Status.UNKNOWN, None, SAT)),
        ("UNSAT\ns SATISFIABLE\ns UNSATISFIABLE\n", (Status.UNKNOWN, None, None)),
        ("s UNKNOWN\ns SATISFIABLE\nv 1 -2 13\n", (Status.SATISFIABLE, None, SAT)),
        ("o 1_0\no \u0663\n", (None, None, None)),
        # Pseudo-Boolean.
        ("s SATISFIABLE\nv x1 -x2 x13\n", (Status.SATISFIABLE, None, {"x1": 1, "x2": 0, "x13": 1})),
        ("v ~x1\nv x1 x2\n", (None, None, {"x1": 1, "x2": 1})),
    ],
)
def test_competitions(read, text, expected):
    assert read(text, "cnf") == expected


CBC = "Optimal - objective value 2.00000000\n      0 a   1    0\n**    2 c  -2.00000001  0\n"
HIGHS = (
    "Model status\nOptimal\n\n# Primal solution values\nFeasible\nObjective 2\n# Columns 2\na 1\nc -2\n"
    "# Rows 1\nr0 1\n\n# Dual solution values\nFeasible\n# Columns 2\na 9\nc 9\n"
)
TABLE = (
    "Columns\n Index Status Lower Upper Primal Dual Type Name\n"
    "     0         0     5      1          Integer  a\n     1  LB     0     5      0     -3   Integer  b\n"
    "     2        -3     5     -2          Integer  c\nModel status: Optimal\n"
)
SCIP = "solution status: optimal\nobjective value:      2\na    1 \t(obj:0)\nc  -2 \t(obj:0)\n"
GUROBI = "# Solution for model x\n# Objective value = 2\na 1\nc -2\nother 3.5\n"
CPLEX = (
    '<?xml version="1.0"?>\n<variables>\n<variable name="a" index="0" value="1"/>\n'
    '<variable name="c" index="2" value="-2"/>\n</variables>\n'
)


@pytest.mark.parametrize(
    ("text", "status", "objective"),
    [
        (CBC, Status.OPTIMAL, 2.0),
        (CBC.replace("Optimal", "Optimal (within gap tolerance)"), Status.OPTIMAL, 2.0),
        (CBC.replace("Optimal", "Stopped on time"), Status.UNKNOWN, 2.0),
        (CBC.replace("Optimal", "Infeasible"), Status.UNSATISFIABLE, 2.0),
        (HIGHS, Status.OPTIMAL, 2.0),
        (SCIP, Status.OPTIMAL, 2.0),
        (GUROBI, None, 2.0),
        (CPLEX, None, None),
    ],
)
def test_solution_files(read, text, status, objective):
    assert read(text, "lp") == (status, objective, {"a": 1, "c": -2})


def test_the_table_of_highs(read):
    assert read(TABLE, "mps") == (Status.OPTIMAL, None, {"a": 1, "b": 0, "c": -2})
    assert read("Model status\nOptimal\nObjective 3\n", "mps")[2] is None  # no column that is known


def test_zeros_may_be_left_out_of_a_solution(read):
    assert read("Optimal - objective value 0\n", "lp") == (Status.OPTIMAL, 0.0, {})
    assert read("Model status\nInfeasible\n", "lp") == (Status.UNSATISFIABLE, None, None)


def test_the_response_of_cp_sat(read):
    text = "status: OPTIMAL\nobjective_value: 3\nsolution: 4\nsolution: -1\n"
    assert read(text, "cpsat") == (Status.OPTIMAL, 3.0, {"0": 4, "1": -1})
    assert read("solution: [4, -1]\n", "cpsat") == (None, None, {"0": 4, "1": -1})


def test_the_last_of_several_solutions_counts(read):
    """Zeros are left out of a solution, so nothing of an earlier one may stay."""
    first = "solution status: optimal\nobjective value: 1\nb 1\n"
    for one, other in (
        (first, SCIP),
        (CBC.replace("c  -2", "b  -2"), CBC),
        (GUROBI.replace("a", "b"), GUROBI),
    ):
        assert read(one + other, "lp")[1:] == (2.0, {"a": 1, "c": -2})
    assert read(SCIP + "objective value: 0\n", "lp")[1:] == (0.0, {})
    assert read(TABLE + "Objective value: 3\n", "lp")[1:] == (3.0, {"a": 1, "b": 0, "c": -2})
    response = "status: {}\nsolution: [{}]\nobjective_value: {}\n"
    two = response.format("FEASIBLE", "1, 0", 5) + response.format("OPTIMAL", "0, 1", 4)
    assert read(two, "cpsat") == (Status.OPTIMAL, 4, {"0": 0, "1": 1})
    assert read(two + "status: INFEASIBLE\n", "cpsat") == (Status.UNKNOWN, None, None)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("s SATISFIABLE\nv 1 two\n", "cnf", "line 2: has 'two', which is no literal"),
        ("v 1.5\n", "cnf", "line 1: has '1.5', which is no literal"),
        ("a 0.5\n", "lp", "line 1: has 0.5, which is no integer"),
        ("a 1_0\n", "lp", "line 1: has '1_0', which is no value"),
        ("a nan\n", "lp", "line 1: has 'nan', which is no value"),
        ("a 1e300\n", "mps", "line 1: has '1e300', which is no value"),
    ],
)
def test_what_is_no_value(read, text, kind, said):
    with pytest.raises(InputError, match=said):
        read(text, kind)
