"""Solver programs as they come: with arguments, with ``s`` and ``v`` lines or without, with a result file."""

import os
import shutil
import signal
import sys

import pytest

import qnnt
from qnnt.backends.dimacs import DimacsBackend

XOR = qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
TWO = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 2, 1]), XOR)
ALONE = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 1]), XOR)

HEAD = f"""#!{sys.executable}
import sys
from pysat.formula import CNF
from pysat.solvers import Solver

*options, formula = [word for word in sys.argv[1:] if not word.endswith("result")]
with Solver(name="cadical153", bootstrap_with=CNF(from_file=formula)) as solver:
    found = solver.solve()
    model = " ".join(map(str, solver.get_model() or [])) + " 0"
"""
LIKE_MINISAT = """
print("|  statistics  |")
print("SATISFIABLE" if found else "UNSATISFIABLE")
if sys.argv[-1].endswith("result"):
    with open(sys.argv[-1], "w") as file:
        file.write(f"SAT\\n{model}\\n" if found else "UNSAT\\n")
sys.exit(10 if found else 20)
"""
QUIET_UNLESS_ASKED = """
print("s SATISFIABLE" if found else "s UNSATISFIABLE")
if found and options == ["-model", "--limit=2 1"]:
    print("v", model)
sys.exit(10 if found else 20)
"""


def answers(backend):
    """The errors of a decision that can be met, of one that cannot, and of a minimum."""
    runs = (TWO, ALONE, ALONE.with_goal("min"))
    return [qnnt.solve(each, backend=backend, isolate=False) for each in runs]


def check_answers(backend):
    met, refuted, least = answers(backend)
    assert (met.status, met.errors) == (qnnt.Status.SATISFIABLE, 0)
    assert refuted.status is qnnt.Status.UNSATISFIABLE
    assert (least.status, least.errors) == (qnnt.Status.OPTIMAL, 1)


@pytest.mark.parametrize("name", ["minisat-like", "solver", "a solver with blanks"])
def test_a_model_in_a_result_file(tmp_path, name):
    program = tmp_path / name
    program.write_text(HEAD + LIKE_MINISAT)
    program.chmod(0o755)
    check_answers(f"dimacs:{program}")


def test_arguments_of_the_program(tmp_path):
    program = tmp_path / "solver"
    program.write_text(HEAD + QUIET_UNLESS_ASKED)
    program.chmod(0o755)
    check_answers(f"dimacs:{program} -model '--limit=2 1'")
    silent = answers(f"dimacs:{program}")[0]
    assert silent.status is qnnt.Status.UNKNOWN
    assert "says SATISFIABLE and shows no model" in silent.reason
    assert not DimacsBackend(f"{program} 'without end").availability().available
    assert not DimacsBackend(f"{program}x -q").availability().available


@pytest.mark.parametrize("said", ["UNSATISFIABLE", "s UNSATISFIABLE", "SATISFIABLE"])
def test_a_verdict_needs_its_exit_status(tmp_path, said):
    program = tmp_path / "minisat"
    program.write_text(f"#!/bin/sh\necho {said}\nexit 0\n")
    program.chmod(0o755)
    result = qnnt.solve(ALONE, backend=f"dimacs:{program}", isolate=False)
    assert result.status is qnnt.Status.UNKNOWN


def test_a_second_run_that_takes_back_the_first_is_no_answer(tmp_path):
    program = tmp_path / "solver"
    first = "if [ $# -eq 1 ]; then echo s SATISFIABLE; exit 10; fi"
    program.write_text(f"#!/bin/sh\n{first}\necho s UNSATISFIABLE; exit 20\n")
    program.chmod(0o755)
    result = qnnt.solve(TWO, backend=f"dimacs:{program}", isolate=False)
    assert (result.status, result.errors) == ("UNKNOWN", 2)
    assert result.reason.endswith("says SATISFIABLE, and then UNSATISFIABLE")


def test_a_program_that_leaves_another_one_behind_has_answered(tmp_path):
    """The other one holds its output, and prints nothing."""
    program, left = tmp_path / "solver", tmp_path / "left"
    program.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {left}\necho s UNSATISFIABLE; exit 20\n")
    program.chmod(0o755)
    result = qnnt.solve(ALONE, backend=f"dimacs:{program}", isolate=False)
    assert result.status is qnnt.Status.UNSATISFIABLE
    os.kill(int(left.read_text()), signal.SIGKILL)  # which is there still


def test_a_filter_that_ends_after_the_program_is_heard(tmp_path):
    program = tmp_path / "solver"
    program.write_text("#!/bin/sh\n(sleep 0.2; echo s UNSATISFIABLE) &\nexit 20\n")
    program.chmod(0o755)
    result = qnnt.solve(ALONE, backend=f"dimacs:{program}", isolate=False)
    assert result.status is qnnt.Status.UNSATISFIABLE


@pytest.mark.parametrize("command", ["minisat", "minisat -verb=0", "cadical", "cadical -q"])
def test_programs_of_debian(command):
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    check_answers(f"dimacs:{command}")
    assert DimacsBackend(command).availability().version.endswith(command)
