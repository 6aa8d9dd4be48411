"""Written models, read again by other readers, have the same answers."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from brute_force import errors, instances
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model
from pysat.formula import CNF, WCNF

from qnnt.architecture import Architecture
from qnnt.backends.milp import MilpBackend, cbc_program
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.encoders.cpsat import CpSatEncoder
from qnnt.encoders.milp import MilpEncoder
from qnnt.encoders.pseudo_boolean import PseudoBooleanEncoder
from qnnt.exceptions import InputError, UnknownWord, Unsupported
from qnnt.files.models import formats, write_model
from qnnt.goals import AtMost, Minimize
from qnnt.instance import Instance
from qnnt.limits import Limits
from qnnt.models import Formula, ParameterLift, PseudoBooleanModel, Rows
from qnnt.network import Network


def tiny(goal):
    return Instance(
        Domain(3), Architecture.dense([2, 1, 1]), Dataset([[0, 1], [1, 1], [1, -1]], [[1], [0], [1]]), goal
    )


def network(instance, path, value):
    """The network that a map file and the values of a file's variables give."""
    document = json.loads((path.parent / f"{path.name}.map.json").read_text())
    names = list(document["parameters"])
    architecture = instance.architecture
    hidden = [v for layer in architecture.layers[1:] for v in layer]
    assert names == [f"weight[{a},{b}]" for a, b in architecture.arcs] + [f"bias[{v}]" for v in hidden]
    vector = [document["base"] + sum(value(v) for v in document["parameters"][n]) for n in names]
    return Network.from_vector(architecture, instance.domain, np.array(vector)), document


def check(instance, found, document):
    """``found``: the objective and the network, or None; ``document``: the map."""
    every = errors(instance)
    if isinstance(instance.goal, Minimize):
        cost, trained = found
        assert document["offset"] + document["unit"] * cost == every.min() == trained.error(instance.dataset)
    elif found is None:
        assert not any(instance.goal.accepts(int(e)) for e in every)
    else:
        assert instance.goal.accepts(found[1].error(instance.dataset))


@pytest.mark.parametrize("format", ["lp", "mps"])
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(instance=instances(most=300), symmetry=st.booleans())
def test_cbc_reads_lp_and_mps(tmp_path_factory, format, instance, symmetry):
    path = tmp_path_factory.mktemp("model") / f"model.{format}"
    write_model(*MilpEncoder(symmetry).apply(instance), path, format)
    answer = path.with_suffix(".sol")
    subprocess.run(
        [cbc_program(), path, "-ratio", "0", "-solve", "-printingOptions", "all", "-solution", answer],
        check=True,
        capture_output=True,
    )
    first, *lines = answer.read_text().splitlines()
    values = {name: round(float(value)) for _, name, value, _ in (x.replace("**", "").split() for x in lines)}
    if "nfeasible" in first:
        return check(instance, None, 0)
    trained, document = network(instance, path, lambda v: values.get(v, 0))
    assert document["model"] == format
    return check(instance, (round(float(first.split()[-1])), trained), document)


def test_highs_reads_lp_and_mps(tmp_path):
    if not MilpBackend().availability().available:
        pytest.skip("highspy is not installed")
    model, lift = MilpEncoder().apply(tiny(Minimize()))
    for name in ("lp", "mps"):
        write_model(model, lift, tmp_path / f"m.{name}", name)
        code = (
            "import highspy, pathlib, sys; h = highspy.Highs(); h.readModel(sys.argv[1]); h.run();"
            "pathlib.Path(sys.argv[2]).write_text(str(h.getObjectiveValue()))"
        )
        answer = tmp_path / "answer"
        subprocess.run(
            [sys.executable, "-c", code, tmp_path / f"m.{name}", answer], check=True, capture_output=True
        )
        assert round(float(answer.read_text())) + model.offset == errors(tiny(Minimize())).min()


def read_opb(path):
    """The rows and the objective of an OPB file as a model."""
    header, *lines = path.read_text().splitlines()
    n, m = map(int, re.fullmatch(r"\* #variable= (\d+) #constraint= (\d+)", header).groups())
    minimize = bool(lines) and lines[0].startswith("min:")
    objective = np.zeros(n, dtype=int)
    if minimize:
        for c, v in re.findall(r"([+-]\d+) x(\d+)", lines.pop(0)):
            objective[int(v) - 1] = int(c)
    assert len(lines) == m
    starts, index, coef, lower = [0], [], [], []
    for line in lines:
        left, relation, bound = re.fullmatch(r"((?:[+-]\d+ x\d+ )+)(>=|=) (-?\d+) ;", line).groups()
        terms = [(int(c), int(v) - 1) for c, v in re.findall(r"([+-]\d+) x(\d+)", left)]
        for sign in (1, -1) if relation == "=" else (1,):
            index += [v for _, v in terms]
            coef += [sign * c for c, _ in terms]
            starts.append(len(index))
            lower.append(sign * int(bound))
    rows = Rows(np.array(starts), np.array(index, dtype=int), np.array(coef, dtype=int), np.array(lower))
    names = tuple(f"x{i}" for i in range(n))
    return PseudoBooleanModel(
        np.zeros(n, dtype=int), np.ones(n, dtype=int), names, rows, objective, 0, minimize
    )


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(instance=instances(most=300), symmetry=st.booleans())
def test_opb(tmp_path_factory, instance, symmetry):
    path = tmp_path_factory.mktemp("model") / "model.opb"
    write_model(*PseudoBooleanEncoder(symmetry).apply(instance), path, "opb")
    model = read_opb(path)
    answer = MilpBackend("cbc").run(model, Limits(), None)
    if answer.assignment is None:
        return check(instance, None, 0)
    trained, document = network(instance, path, lambda v: int(answer.assignment[int(v[1:]) - 1]))
    return check(instance, (answer.cost, trained), document)


@pytest.mark.parametrize("name", ["model.txt", "model.pbtxt", "model.pb"])
@pytest.mark.parametrize("goal", [Minimize(), AtMost(1)], ids=str)
def test_cpsat(tmp_path, name, goal):
    instance = tiny(goal)
    path = tmp_path / name
    model, lift = CpSatEncoder().apply(instance)
    write_model(model, lift, path, "cpsat")
    copy = cp_model.CpModel()
    if name.endswith("txt"):
        assert copy.proto.parse_text_format(path.read_text())
        assert str(copy.proto) == str(model.model.proto)
        solver = cp_model.CpSolver()
        solver.parameters.catch_sigint_signal = False  # or Ctrl-C would kill this process from here on
        assert solver.solve(copy) == cp_model.OPTIMAL
        values = list(solver.response_proto.solution)
        trained, document = network(instance, path, values.__getitem__)
        cost = 0 if goal == AtMost(1) else round(solver.objective_value)
        check(instance, (cost, trained), document)
    else:
        assert b"w0" in path.read_bytes()


def clauses(minimize):
    architecture = Architecture.dense([1, 1])
    hard = (
        np.array([[1]], dtype=np.int32),
        np.zeros((0, 4), dtype=np.int32),
        np.array([[2, -3], [-2, 4]], dtype=np.int32),
        np.array([[-1, 2, 5]], dtype=np.int32),
    )
    soft, weights = np.array([-4, 3], dtype=np.int32), np.array([7, 2])
    instance = Instance(Domain(3), architecture, Dataset(np.zeros((0, 1), int), np.zeros((0, 1), int)))
    lift = ParameterLift(instance, np.array([[2, 3], [4, 5]]), -1)
    return Formula(6, hard, soft, weights, 3, minimize), lift


def test_cnf(tmp_path):
    model, lift = clauses(False)
    write_model(model, lift, tmp_path / "f.cnf", "cnf")
    assert (tmp_path / "f.cnf").read_text() == "p cnf 6 4\n1 0\n2 -3 0\n-2 4 0\n-1 2 5 0\n"
    read = CNF(from_file=str(tmp_path / "f.cnf"))
    assert read.clauses == [[1], [2, -3], [-2, 4], [-1, 2, 5]]
    document = json.loads((tmp_path / "f.cnf.map.json").read_text())
    assert document["parameters"] == {"weight[x0,y0]": [2, 3], "bias[y0]": [4, 5]}
    assert (document["base"], document["domain"]) == (-1, [-1, 1])


def test_wcnf(tmp_path):
    model, lift = clauses(True)
    write_model(model, lift, tmp_path / "f.wcnf", "wcnf")
    assert (tmp_path / "f.wcnf").read_text() == "h 1 0\nh 2 -3 0\nh -2 4 0\nh -1 2 5 0\n7 -4 0\n2 3 0\n"
    read = WCNF(from_file=str(tmp_path / "f.wcnf"))
    assert (read.hard, read.soft, read.wght) == ([[1], [2, -3], [-2, 4], [-1, 2, 5]], [[-4], [3]], [7, 2])
    assert json.loads((tmp_path / "f.wcnf.map.json").read_text())["offset"] == 3


def test_many_clauses(tmp_path):
    block = np.random.default_rng(0).integers(1, 50, (150_000, 3)).astype(np.int32)
    model, lift = clauses(False)
    model = Formula(50, (block,), model.soft, model.weights, 0, False)
    write_model(model, lift, tmp_path / "f.cnf", "cnf")
    lines = (tmp_path / "f.cnf").read_text().splitlines()
    assert lines[0] == "p cnf 50 150000"
    assert np.array_equal(np.array([line.split() for line in lines[1:]], dtype=int)[:, :3], block)


def test_a_format_that_does_not_fit_is_refused(tmp_path):
    decide, least = clauses(False), clauses(True)
    for model, name, message in (
        (least, "cnf", "format 'cnf' does not suit the goal; 'wcnf' is for min"),
        (decide, "wcnf", "format 'wcnf' does not suit the goal; 'cnf' is for at-most:N or exactly:N"),
        (decide, "lp", "format 'lp' holds a LinearModel, not a Formula"),
    ):
        with pytest.raises(Unsupported, match=re.escape(message)):
            write_model(*model, tmp_path / "f", name)
    with pytest.raises(UnknownWord, match="no format 'tptp'; there are: cnf, wcnf, opb, lp, mps, cpsat"):
        write_model(*decide, tmp_path / "f", "tptp")
    assert not list(tmp_path.iterdir())
    assert list(formats()) == ["cnf", "wcnf", "opb", "lp", "mps", "cpsat"]


@pytest.mark.parametrize("name", ["cnf", "lp", "cpsat"])
def test_nothing_is_left_after_a_failure(tmp_path, name):
    encoder = {"lp": MilpEncoder, "cpsat": CpSatEncoder}.get(name)
    made = encoder().apply(tiny(AtMost(0))) if encoder else clauses(False)
    with pytest.raises(InputError, match="cannot be written"):
        write_model(*made, tmp_path / "no" / "such" / "folder", name)
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_model(*made, tmp_path / "taken", name)
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_no_two_parameters_of_a_map_have_one_name(tmp_path):
    names = [["a", "a,b"], ["c", "b,c"], ['"', "]"]]
    instance = Instance(Domain(3), Architecture.full(names), Dataset([[0, 1]], [[1, 0]]))
    write_model(*MilpEncoder().apply(instance), tmp_path / "m.lp", "lp")
    parameters = json.loads((tmp_path / "m.lp.map.json").read_text())["parameters"]
    assert len(parameters) == instance.architecture.n_parameters
    assert {"bias[c]", 'weight["a,b",c]', 'weight[a,"b,c"]', 'bias["\\""]'} <= parameters.keys()
