"""MaxSAT and pseudo-Boolean programs: right ones in both formats, and those that fail or lie."""

import shutil
import subprocess
from unittest.mock import Mock

import pytest
from agreement import OPTIMIZER, OPTIMIZERS, agree, thorough, title
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import instances

import qnnt
from qnnt import registry
from qnnt.encoders.pseudo_boolean import PseudoBooleanEncoder
from qnnt.files.opb import write_opb

pytestmark = pytest.mark.usefixtures("unaided")

COUNTS = [2**59 + 1, 2**60, 2**58 - 1, 2**60 + 2]
XOR = qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]], COUNTS)
ALONE = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 1]), XOR, qnnt.Minimize())


@pytest.mark.parametrize(("backend", "encoder"), OPTIMIZERS, ids=title)
def test_agreement_with_all_networks(backend, encoder):
    @settings(max_examples=300 if thorough() else 3)
    @given(instances(max_networks=500, min_points=3), st.booleans())
    def run(instance, symmetry):
        agree(instance, backend, encoder, symmetry)

    run()


@pytest.mark.parametrize(("backend", "encoder"), OPTIMIZERS, ids=title)
def test_large_counts(backend, encoder):
    result = qnnt.solve(ALONE, backend=backend, encoder=encoder, isolate=False)
    assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, min(COUNTS))


@pytest.mark.parametrize("backend", ["wcnf:clasp", "opb:clasp", "opb:minisat+"])
def test_programs_of_debian(backend):
    if shutil.which(backend.partition(":")[2]) is None:
        pytest.skip("it is not installed")
    for goal, status in (("min", "OPTIMAL"), ("at-most:0", "UNSATISFIABLE"), ("at-most:1", "SATISFIABLE")):
        result = qnnt.solve(xor(), goal=goal, backend=backend, isolate=False)
        assert (str(result.status), result.lower_bound) == (status, 0 if goal == "at-most:1" else 1)


@pytest.fixture
def program(tmp_path):
    """Writes a program of the shell and names the backend."""

    def write(text, family="opb"):
        path = tmp_path / "solver"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return f"{family}:{path}"

    return write


def small():
    """Two points with the same input: one is wrong in any network."""
    data = qnnt.Dataset([[0], [0], [1]], [[0], [1], [1]])
    return qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), data, qnnt.Minimize())


@pytest.mark.parametrize("family", ["wcnf", "opb"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("exit 0", "gave no answer (exit status 0): no output"),
        ("echo 's OPTIMUM FOUND'; exit 30", "shows none"),
        ("echo 's OPTIMUM FOUND'; echo 'v 00'; exit 1", "exit status 1"),
        ("echo 's OPTIMUM FOUND'; echo 'v one two'; exit 30", "has 'one', which is no literal"),
        ("echo 's OPTIMUM FOUND'; echo 'o -9'; echo 'v 00'; exit 30", "as the fewest errors and shows"),
        ("echo 's UNSATISFIABLE'; exit 30", "exit status 30"),
        ("echo 's UNKNOWN'; exit 0", "gave no answer"),
        ("echo 's OPTIMUM FOUND'; echo 's UNSATISFIABLE'; exit 20", "gave no answer"),
        ("head -c 100000 /dev/urandom; exit 30", "gave no answer"),
        ("yes v 1 2 3", "more than an answer"),
        ("exec cat /dev/zero", "more than an answer"),
        ("echo broken >&2; kill -9 $$", "exit status -9): broken"),
        (f"printf 'v {'1' * 90}'; kill -9 $$", "exit status -9)"),  # in the middle of a solution
    ],
)
def test_a_program_that_does_not_answer_properly_is_unknown(program, family, text, reason):
    result = qnnt.solve(small(), backend=program(text, family), isolate=False)
    assert result.status is qnnt.Status.UNKNOWN
    assert reason in result.reason


@pytest.mark.parametrize("family", ["wcnf", "opb"])
@pytest.mark.parametrize(
    "text", ["echo 's UNSATISFIABLE'; exit 20", f"echo 'v {'1' * 90}'; echo 's OPTIMUM FOUND'"]
)
def test_a_program_that_lies_is_caught(program, family, text):
    """No network at all; and a solution that breaks every rule."""
    with pytest.raises(qnnt.WrongAnswer):
        qnnt.solve(small(), backend=program(text, family), isolate=False)


def test_none_after_a_solution_of_a_decision_is_a_lie(program):
    """What is shown is held against the model: one that breaks it is no solution."""
    model, _ = PseudoBooleanEncoder().apply(small().with_goal(qnnt.AtMost(1)))

    def said(bits):
        lying = program(f"echo 'v {bits}'; echo 's UNSATISFIABLE'")
        return registry.backend(lying).run(model, qnnt.Limits(), Mock())

    solved = registry.backend(f"opb:{OPTIMIZER}").run(model, qnnt.Limits(), Mock())
    with pytest.raises(qnnt.WrongAnswer, match="no solution, after showing one"):
        said("".join(map(str, solved.assignment)))
    assert said("1" * len(model.lower)).status is qnnt.Status.UNSATISFIABLE


def xor():
    """What one neuron cannot learn: the fewest errors are 1, and 0 are unavoidable."""
    data = qnnt.Dataset(XOR.inputs, XOR.labels)
    return qnnt.Instance(ALONE.domain, ALONE.architecture, data, qnnt.Minimize())


@pytest.fixture
def shown(tmp_path):
    """The lines of a best solution of the OPB of :func:`xor`."""
    path = tmp_path / "model.opb"
    with path.open("w") as file:
        write_opb(file, PseudoBooleanEncoder().apply(xor())[0])
    lines = subprocess.run([OPTIMIZER, path], capture_output=True, text=True, check=False).stdout.splitlines()
    return "\n".join(line for line in lines if line[:2] in ("o ", "v "))


@pytest.mark.parametrize(
    ("text", "status", "limit"),
    [
        ("exec sleep 60", "UNKNOWN", qnnt.Limit.TIME),
        ("trap 'echo s SATISFIABLE; exit 10' TERM; while :; do sleep 0.02; done", "UNKNOWN", qnnt.Limit.TIME),
        ("trap 'echo s OPTIMUM FOUND; exit 30' TERM; while :; do sleep 0.02; done", "OPTIMAL", None),
        ("echo o 9; printf 'v x1 -x'; exec sleep 60", "UNKNOWN", qnnt.Limit.TIME),
        ("echo s SATISFIABLE", "UNKNOWN", None),
    ],
)
def test_the_last_solution_before_the_end_counts(program, shown, text, status, limit):
    backend = registry.backend(program(f"echo '{shown}'; {text}"))
    model, _ = PseudoBooleanEncoder().apply(xor())
    answer = backend.run(model, qnnt.Limits(time=1.5), Mock())
    assert (str(answer.status), answer.limit, answer.cost) == (status, limit, 1)
