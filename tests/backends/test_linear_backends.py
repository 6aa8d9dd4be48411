"""The CP-SAT, MILP and pseudo-Boolean backends on models of their own."""

import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from brute_force import expect, instances
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import activations

from qnnt import registry
from qnnt.architecture import Architecture
from qnnt.backends import milp as milp_module
from qnnt.backends.base import Answer, Capability
from qnnt.backends.cpsat import CpSatBackend
from qnnt.backends.milp import MilpBackend
from qnnt.backends.pseudo_boolean import PseudoBooleanBackend
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.encoders.cpsat import CpSatEncoder
from qnnt.encoders.milp import MilpEncoder, TextbookMilpEncoder
from qnnt.encoders.pseudo_boolean import PseudoBooleanEncoder
from qnnt.exceptions import UnknownWord
from qnnt.goals import AtMost, Minimize
from qnnt.instance import Instance
from qnnt.limits import Limit, Limits, Status
from qnnt.models import Formula, LinearModel, PseudoBooleanModel, Rows
from qnnt.pipeline import solve as solve_instance

pytestmark = pytest.mark.usefixtures("unaided")

# OR-tools and HiGHS cannot share a process, hence a child for HiGHS.
CHILD = """
import pickle, sys
from qnnt.backends.milp import MilpBackend
from qnnt.limits import Limits

class Heard:
    def __init__(self): self.costs, self.bounds = [], []
    def incumbent(self, assignment, cost): self.costs.append(cost)
    def bound(self, bound): self.bounds.append(bound)

limits, models = pickle.load(sys.stdin.buffer)
result = []
for model in models:
    heard = Heard()
    result.append((MilpBackend().run(model, limits, heard), heard.costs, heard.bounds))
with open(sys.argv[1], "wb") as file:
    pickle.dump(result, file)
"""


class Heard:
    def __init__(self):
        self.costs, self.bounds = [], []

    def incumbent(self, assignment, cost):
        self.costs.append(cost)

    def bound(self, bound):
        self.bounds.append(bound)


def highs(models, limits):
    if not MilpBackend().availability().available:
        pytest.skip("highspy is not installed")
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers"
        subprocess.run(
            [sys.executable, "-c", CHILD, answers],
            input=pickle.dumps((limits, models)),
            capture_output=True,
            check=True,
        )
        return pickle.loads(answers.read_bytes())


def solve(backend, model, limits):
    if backend == MilpBackend():
        return highs([model], limits)[0]
    if not backend.availability().available:
        pytest.skip(backend.availability().reason)
    heard = Heard()
    return backend.run(model, limits, heard), heard.costs, heard.bounds


def noisy(n, goal):
    """Random labels: hard to fit, and no network is right everywhere."""
    rng = np.random.default_rng(1)
    inputs = np.unique(rng.integers(-1, 2, (n, 8)), axis=0)
    return Instance(
        Domain(3), Architecture.dense([8, 3, 1]), Dataset(inputs, rng.integers(0, 2, (len(inputs), 1))), goal
    )


BACKENDS = [
    (CpSatEncoder(), CpSatBackend()),
    (MilpEncoder(), MilpBackend("highs")),
    (MilpEncoder(), MilpBackend("cbc")),
    (PseudoBooleanEncoder(), PseudoBooleanBackend()),
]
IDS = [backend.name for _, backend in BACKENDS]


@pytest.mark.parametrize("encoder", [MilpEncoder, TextbookMilpEncoder, PseudoBooleanEncoder])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases=st.lists(instances(300, activations), min_size=10, max_size=10), symmetry=st.booleans())
def test_highs_agrees_with_exhaustive_search(encoder, cases, symmetry):
    made = [encoder(symmetry).apply(instance) for instance in cases]
    answers = highs([model for model, _ in made], Limits(seed=3))
    for instance, (_, lift), (answer, _, bounds) in zip(cases, made, answers, strict=True):
        expect(instance, answer, lift)
        assert max(bounds, default=0) <= (answer.cost or 0)


@pytest.mark.parametrize(("encoder", "backend"), BACKENDS, ids=IDS)
def test_minimum_with_incumbents_and_bounds(encoder, backend):
    instance = noisy(18, Minimize())
    model, lift = encoder.apply(instance)
    answer, costs, bounds = solve(backend, model, Limits(time=60, seed=7))
    assert answer.status == Status.OPTIMAL
    assert answer.cost == answer.bound == lift(answer.assignment).error(instance.dataset)
    assert all(bound <= answer.cost for bound in bounds)
    assert all(cost >= answer.cost for cost in costs)
    assert bool(costs) == (Capability.INCUMBENTS in backend.capabilities)


@pytest.mark.parametrize(("encoder", "backend"), BACKENDS, ids=IDS)
def test_time_limit_is_no_verdict(encoder, backend):
    instance = noisy(400, Minimize())
    model, lift = encoder.apply(instance)
    start = time.monotonic()
    answer, _, _ = solve(backend, model, Limits(time=1))
    assert time.monotonic() - start < 30
    assert answer.status == Status.UNKNOWN
    assert answer.limit == "time"
    if answer.assignment is not None:
        assert answer.cost >= lift(answer.assignment).error(instance.dataset)
        assert (answer.bound or 0) <= answer.cost


@pytest.mark.parametrize(("encoder", "backend"), BACKENDS, ids=IDS)
def test_time_limit_on_a_decision(encoder, backend):
    answer, _, _ = solve(backend, encoder.apply(noisy(400, AtMost(20)))[0], Limits(time=1))
    assert (answer.status, answer.assignment, answer.bound) == (Status.UNKNOWN, None, None)


def linear(kind, coef, lower, upper=(1, 1), objective=(1, 1), minimize=True):
    rows = Rows(
        np.arange(0, 2 * len(coef) + 1, 2),
        np.tile([0, 1], len(coef)),
        np.array(coef).ravel(),
        np.array(lower),
    )
    return kind(np.zeros(2, dtype=int), np.array(upper), ("w0", "w1"), rows, np.array(objective), 5, minimize)


LINEAR = [MilpBackend("highs"), MilpBackend("cbc"), PseudoBooleanBackend()]


@pytest.mark.parametrize("backend", LINEAR, ids=lambda b: b.name)
@pytest.mark.parametrize("minimize", [True, False])
def test_linear_model(backend, minimize):
    model = linear(PseudoBooleanModel, [[1, 1]], [1], objective=(2, -1), minimize=minimize)
    answer, _, _ = solve(backend, model, Limits())
    if minimize:
        assert (answer.status, answer.cost, answer.assignment.tolist()) == (Status.OPTIMAL, 4, [0, 1])
    else:
        assert answer.status == Status.SATISFIABLE
        assert answer.cost == model.cost(answer.assignment)


@pytest.mark.parametrize("backend", LINEAR, ids=lambda b: b.name)
@pytest.mark.parametrize("minimize", [True, False])
def test_no_solution(backend, minimize):
    fractional = linear(PseudoBooleanModel, [[2, 2], [-2, -2]], [1, -1], minimize=minimize)
    bounded = linear(PseudoBooleanModel, [[1, 1]], [2], upper=(1, 0), minimize=minimize)
    for model in (fractional, bounded):
        assert solve(backend, model, Limits())[0].status == Status.UNSATISFIABLE


@pytest.mark.parametrize("backend", LINEAR[:2], ids=lambda b: b.name)
def test_no_rows(backend):
    model = linear(LinearModel, np.zeros((0, 2), dtype=int), [], objective=(1, -1))
    answer, _, _ = solve(backend, model, Limits())
    assert (answer.status, answer.cost) == (Status.OPTIMAL, 4)


def formula(hard, soft=(), weights=(), minimize=False):
    blocks = tuple(np.array([clause], dtype=np.int32) for clause in [[1], *hard])
    n = max(abs(literal) for block in blocks for literal in block[0].tolist())
    return Formula(n, blocks, np.array(soft, dtype=np.int32), np.array(weights, dtype=np.int64), 2, minimize)


def test_cpsat_takes_clauses():
    backend = CpSatBackend()
    answer, _, _ = solve(backend, formula([[2, 3], [-2, -3], [-2, 4]]), Limits())
    assert answer.status == Status.SATISFIABLE
    assert len(answer.assignment) == 5
    assert answer.assignment[2] != answer.assignment[3]
    assert solve(backend, formula([[2], [-2]]), Limits())[0].status == Status.UNSATISFIABLE
    soft = formula([[2, 3], [-2, -3]], soft=[2, 3, -1], weights=[4, 3, 10], minimize=True)
    answer, _, bounds = solve(backend, soft, Limits())
    assert (answer.status, answer.cost, answer.assignment.tolist()[1:]) == (Status.OPTIMAL, 15, [1, 1, 0])
    assert max(bounds) == 15


def test_rejected_model_is_an_error_and_no_verdict():
    model, _ = CpSatEncoder().apply(noisy(5, Minimize()))
    model.model.proto.constraints.add().bool_or.literals.append(10**6)
    with pytest.raises(RuntimeError, match="CP-SAT did not take the model"):
        CpSatBackend().run(model, Limits(), Heard())


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Stopped on time - objective value 0.00000000", Status.UNKNOWN),
        ("Stopped on time (no integer solution - continuous used) - objective value 0.0", Status.UNKNOWN),
        ("Optimal - objective value 0.00000000", Status.OPTIMAL),
        ("Infeasible - objective value 0.00000000", Status.UNSATISFIABLE),
        ("Integer infeasible - objective value 0.00000000", Status.UNSATISFIABLE),
        ("Unbounded - objective value 0.00000000", None),
    ],
)
def test_the_words_of_cbc(tmp_path, monkeypatch, line, status):
    program = tmp_path / "cbc"
    program.write_text(
        "#!/bin/sh\n"
        'while [ "$1" != -solution ]; do shift; done\n'
        f"printf '{line}\\n  0 X0000000  1  0\\n  1 X0000001  0  0\\n' > \"$2\"\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(milp_module, "cbc_program", lambda: str(program))
    model = linear(LinearModel, [[1, 1]], [1])
    if status is None:
        with pytest.raises(RuntimeError, match="CBC ended with 'Unbounded"):
            MilpBackend("cbc").run(model, Limits(), Heard())
    else:
        answer = MilpBackend("cbc").run(model, Limits(), Heard())
        assert answer.status == status
        assert (answer.assignment is None) == (status == Status.UNSATISFIABLE or "no integer" in line)


@pytest.mark.parametrize("values", ["0.5 0.5", "0 0"])
def test_a_wrong_solution_is_no_answer(tmp_path, monkeypatch, values):
    one, two = values.split()
    program = tmp_path / "cbc"
    program.write_text(
        "#!/bin/sh\n"
        'while [ "$1" != -solution ]; do shift; done\n'
        f"printf 'Optimal - objective value 0\\n  0 X0000000 {one} 0\\n  1 X0000001 {two} 0\\n' > \"$2\"\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(milp_module, "cbc_program", lambda: str(program))
    answer = MilpBackend("cbc").run(linear(LinearModel, [[1, 1]], [1]), Limits(), Heard())
    assert (answer.status, answer.assignment) == (Status.UNKNOWN, None)
    assert "exact arithmetic" in answer.reason


def test_highs_and_ortools_do_not_meet():
    import ortools  # noqa: F401

    with pytest.raises(RuntimeError, match="isolate=True"):
        MilpBackend().run(linear(LinearModel, [[1, 1]], [1]), Limits(), Heard())
    code = (
        "import highspy; from qnnt.backends.cpsat import CpSatBackend; from qnnt.limits import Limits\n"
        "try: CpSatBackend().run(None, Limits(), None)\n"
        "except RuntimeError as error: assert 'isolate=True' in str(error)\n"
        "else: raise SystemExit('they met')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_highs_takes_another_number_of_threads_in_the_same_process():
    """The runs share a warm worker, and HiGHS a scheduler."""
    if not MilpBackend().availability().available:
        pytest.skip("highspy is not installed")
    instance = Instance(Domain(2), Architecture.dense([1, 2, 1]), Dataset([[0], [1]], [[1], [0]]), Minimize())
    for threads in (1, 2, 1):
        result = solve_instance(instance, backend="milp:highs", limits=Limits(threads=threads))
        assert (result.status, result.reason) == (Status.OPTIMAL, None)


def test_highs_prints_nothing(tmp_path):
    """Its first solver in a process greets on stdout, whatever its options say."""
    if not MilpBackend().availability().available:
        pytest.skip("highspy is not installed")
    models = pickle.dumps((Limits(), [linear(LinearModel, [[1, 1]], [1])] * 2))
    command = [sys.executable, "-c", CHILD, tmp_path / "answers"]
    done = subprocess.run(command, input=models, capture_output=True, check=True)
    assert done.stdout == b""


def test_an_optimum_that_the_bound_does_not_reach_is_no_answer():
    """HiGHS has been seen to call a solution optimal with the objective of another one."""
    model = linear(LinearModel, [[1, 1]], [1])
    values, cost = np.array([1.0, 1.0]), model.cost(np.array([1, 1]))
    answered = milp_module._answer(model, values, proved=True, bound=cost, limit=Limit.TIME)
    assert (answered.status, answered.bound) == (Status.OPTIMAL, cost)
    answered = milp_module._answer(model, values, proved=True, bound=cost - 1, limit=Limit.TIME)
    assert (answered.status, answered.cost, answered.bound) == (Status.UNKNOWN, cost, cost - 1)
    assert "proves no more than" in answered.reason


def test_an_answer_at_the_end_of_the_time_stays_as_it_is():
    """No time is left to have anything better refuted in integers."""
    model = linear(LinearModel, [[1, 1]], [3], minimize=False)
    answer = Answer(Status.UNSATISFIABLE)
    assert milp_module._certified(model, answer, Limits(time=1.0), 1.0) is answer
    assert milp_module._certified(model, answer, Limits(time=1.0), 1.1) is answer


def test_the_gap_at_which_highs_stops_leaves_room_for_rounding_errors():
    model = linear(LinearModel, [[1, 1]], [1], objective=(milp_module.MOST_SUM - 1, 1))
    cost = model.cost(np.array([0, 1]))
    assert milp_module._proved(model, 1 - milp_module._GAP) == cost


@pytest.mark.parametrize("backend", ["cpsat", "pseudo-boolean"])
def test_ctrl_c_is_python_s_again_after_a_run_in_this_process(backend):
    """CP-SAT leaves the signal to the system, which would kill the process; Exact keeps it."""
    if not registry.backend(backend).availability().available:
        pytest.skip("not installed")
    code = (
        "import os, signal, sys, qnnt\n"
        "instance = qnnt.Instance.load(sys.argv[1])\n"
        "qnnt.solve(instance, backend=sys.argv[2], isolate=False)\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    signal.pause()\n"
        "except KeyboardInterrupt:\n    sys.exit(7)"
    )
    teacher = Path(__file__).parents[2] / "examples" / "teacher.json"
    assert subprocess.run([sys.executable, "-c", code, teacher, backend], check=False).returncode == 7


def test_variants():
    assert [MilpBackend(v).name for v in MilpBackend.variants()] == ["milp:highs", "milp:cbc"]
    with pytest.raises(UnknownWord, match="highs, cbc"):
        MilpBackend("gurobi")


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert CpSatBackend().availability().reason == "package 'ortools' is missing: pip install 'qnnt'"
    assert "qnnt[highs]" in MilpBackend().availability().reason
    assert "qnnt[exact]" in PseudoBooleanBackend().availability().reason
    monkeypatch.setattr(milp_module, "cbc_program", lambda: None)
    assert "pulp[cbc]" in MilpBackend("cbc").availability().reason


@pytest.mark.parametrize("backend", [b for _, b in BACKENDS], ids=IDS)
def test_backends_are_values(backend):
    assert pickle.loads(pickle.dumps(backend)) == backend
    assert backend.summary
    assert backend.refuses(noisy(1, AtMost(0))) is None
