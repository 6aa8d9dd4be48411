"""What stands behind an answer: proofs on disk, confirmation, and what is said where there is none."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from faulty import Faulty, Lying
from hypothesis import given, settings
from strategies import activations, instances

import qnnt
from qnnt.backends.proving import ProvingBackend
from qnnt.backends.sat import SatBackend
from qnnt.files.drat import parse_drat, write_drat
from qnnt.files.proofs import ProofFolder
from qnnt.proofs.backing import _seconds
from qnnt.proofs.checking import check_proof
from qnnt.result import Basis

DIMACS_SOLVER = Path(__file__).parents[1] / "conformance" / "dimacs_solver.py"


def xor(goal: qnnt.Goal, layers: tuple[int, ...] = (2, 1)) -> qnnt.Instance:
    """XOR; one neuron gets a point wrong at best."""
    data = qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
    return qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense(layers), data, goal)


def fail(*_):
    raise RuntimeError("the disk is full")


def accepted(instance: qnnt.Instance, folder: Path) -> bool | None:
    check = check_proof(instance, ProofFolder(folder), isolate=False)
    assert [verdict.checker.partition(" ")[0] for verdict in check.verdicts] == ["qnnt", "dratify"]
    return check.accepted


@settings(max_examples=40)
@given(instance=instances(max_networks=700, activation=activations))
def test_every_definite_answer_has_a_proof_or_a_network(tmp_path_factory, instance: qnnt.Instance) -> None:
    folder = tmp_path_factory.mktemp("proofs") / "proof"
    result = qnnt.solve(instance, proof=folder, isolate=False)
    usual = qnnt.solve(instance, backend="enumeration", isolate=False)
    assert (result.status, result.lower_bound) == (usual.status, usual.lower_bound) or (
        result.status == usual.status == "SATISFIABLE"
    )
    assert result.evidence.missing is None
    if result.status == "UNSATISFIABLE" or (result.errors and result.status == "OPTIMAL"):
        assert result.evidence.basis is Basis.PROOF
        claim = instance.goal if result.network is None else qnnt.AtMost(result.errors - 1)
        assert ProofFolder(folder).read_note().claim == claim
        assert accepted(instance, folder)
    else:
        assert result.evidence.basis is Basis.NETWORK
        assert not folder.exists()
    assert list(folder.parent.glob(".*")) == []


@pytest.mark.parametrize(
    ("backend", "goal", "prover"),
    [
        ("auto", qnnt.AtMost(0), "sat:cadical153"),
        ("sat:glucose4", qnnt.AtMost(0), "sat:glucose4"),
        ("sat:maplesat", qnnt.AtMost(0), "sat:cadical153"),  # whose own proofs do not hold
        ("sat:cadical195", qnnt.Minimize(), "sat:cadical195"),
        ("treewidth", qnnt.Minimize(), "sat:cadical153"),
        (["maxsat", "cpsat"], qnnt.Minimize(), "sat:cadical153"),
    ],
)
def test_the_solver_that_was_asked_for_proves_if_it_can(tmp_path, backend, goal, prover) -> None:
    result = qnnt.solve(xor(goal), backend=backend, proof=tmp_path / "p")
    assert (result.evidence.prover, result.evidence.checked_by) == (prover, ("qnnt",))
    assert accepted(xor(goal), tmp_path / "p")
    again = qnnt.solve(xor(goal), backend=backend, proof=tmp_path / "p", symmetry=False)
    assert again.evidence.basis is Basis.PROOF
    assert ProofFolder(tmp_path / "p").read_note().symmetry is False


def test_a_program_leaves_its_proof(tmp_path) -> None:
    program = tmp_path / "prover"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nfrom pysat.formula import CNF\nfrom pysat.solvers import Solver\n"
        "with Solver(name='g4', bootstrap_with=CNF(from_file=sys.argv[1]), with_proof=True) as solver:\n"
        "    assert not solver.solve()\n"
        "    open(sys.argv[2], 'w').write('\\n'.join([*solver.get_proof(), '']))\n"
        "print('s UNSATISFIABLE')\nsys.exit(20)\n"
    )
    program.chmod(0o755)
    problem = xor(qnnt.AtMost(0))
    result = qnnt.solve(problem, backend=f"dimacs:{program}", proof=tmp_path / "p")
    assert result.evidence.basis is Basis.PROOF
    assert accepted(problem, tmp_path / "p")
    silent = qnnt.solve(problem, backend=f"dimacs:{DIMACS_SOLVER}", proof=tmp_path / "q")
    assert (silent.status, silent.limit) == ("UNKNOWN", None)
    assert "wrote no proof; it is run as" in silent.reason
    assert not (tmp_path / "q").exists()


def test_a_proof_that_does_not_hold_is_told(tmp_path, monkeypatch) -> None:
    def without_steps(file, _):
        write_drat(file, parse_drat(b""))

    monkeypatch.setattr("qnnt.backends.proving.write_drat", without_steps)
    result = qnnt.solve(xor(qnnt.AtMost(0), (2, 1, 1)), proof=tmp_path / "p", isolate=False)
    assert (result.status, result.evidence.basis) == ("UNSATISFIABLE", Basis.WORD)
    assert "the checker qnnt rejects the proof: the proof ends" in result.evidence.missing


@pytest.mark.parametrize("fault", ["no-such-network", "worst-optimum"])
def test_a_false_answer_is_found_out(tmp_path, fault: str) -> None:
    goal = qnnt.AtMost(1) if fault == "no-such-network" else qnnt.Minimize()
    problem, liar = xor(goal), Faulty(fault)
    if fault == "worst-optimum":
        liar = Lying(fault)
    assert qnnt.solve(problem, backend=liar).evidence.basis is Basis.WORD
    for how in ({"proof": tmp_path / "p"}, {"confirm": True}):
        result = qnnt.solve(problem, backend=liar, **how)
        assert (result.status, result.errors, result.verified) == ("UNKNOWN", 1, True)
        assert f"by {liar.name} is wrong" in result.reason
        assert "has a network with 1 errors" in result.reason
        assert result.lower_bound == 0
    assert not (tmp_path / "p").exists()


def test_confirmation_is_by_another_backend_over_another_encoding() -> None:
    for backend, goal in (("sat", qnnt.AtMost(0)), ("maxsat", qnnt.Minimize()), ("cpsat", qnnt.Minimize())):
        result = qnnt.solve(xor(goal), backend=backend, confirm=True)
        by = "sat:cadical153 with encoder clauses" if backend == "cpsat" else "cpsat with encoder cpsat"
        assert result.evidence.confirmed_by == (by,)
        assert result.evidence.basis is Basis.CONFIRMED
    found = qnnt.solve(xor(qnnt.AtMost(1)), confirm=True)
    assert (found.status, found.evidence.confirmed_by) == ("SATISFIABLE", ())
    assert found.evidence.basis is Basis.NETWORK


def test_what_is_not_confirmed_in_time_is_unknown(monkeypatch) -> None:
    monkeypatch.setattr("qnnt.backends.cpsat.CpSatBackend.run", fail)
    result = qnnt.solve(xor(qnnt.Minimize()), backend="maxsat", confirm=True, isolate=False)
    assert (result.status, result.errors, result.lower_bound) == ("UNKNOWN", 1, 0)
    assert "cpsat with encoder cpsat did not confirm OPTIMAL with 1 errors by maxsat" in result.reason
    monkeypatch.setattr("qnnt.proofs.backing._SECOND", ())
    assert "no second backend" in qnnt.solve(xor(qnnt.AtMost(0)), confirm=True).reason


def test_a_checked_proof_outweighs_a_second_word_that_is_missing(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("qnnt.backends.cpsat.CpSatBackend.run", fail)
    how = {"proof": tmp_path / "p", "confirm": True, "isolate": False}
    result = qnnt.solve(xor(qnnt.Minimize()), backend="maxsat", **how)
    assert (result.status, result.lower_bound, result.evidence.basis) == ("OPTIMAL", 1, Basis.PROOF)
    assert "cpsat with encoder cpsat did not confirm" in result.evidence.missing
    assert accepted(xor(qnnt.Minimize()), tmp_path / "p")


def test_a_second_backend_that_declines_leaves_the_word_to_the_next(monkeypatch) -> None:
    declines = "qnnt.backends.cpsat.CpSatBackend.refuses"
    monkeypatch.setattr(declines, lambda *_: "its numbers are too large")
    result = qnnt.solve(xor(qnnt.Minimize()), backend="maxsat", confirm=True)
    assert result.evidence.confirmed_by == ("milp:highs with encoder milp",)
    monkeypatch.setattr("qnnt.proofs.backing._SECOND", (("cpsat", "cpsat"),))
    result = qnnt.solve(xor(qnnt.Minimize()), backend="maxsat", confirm=True)
    assert (result.status, result.errors, result.verified) == ("UNKNOWN", 1, True)
    assert "cpsat with encoder cpsat did not confirm OPTIMAL with 1 errors by maxsat" in result.reason
    assert "its numbers are too large" in result.reason


def test_the_data_alone_are_evidence() -> None:
    data = qnnt.Dataset([[1], [1], [1]], [[0], [1], [1]])
    problem = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), data, qnnt.Minimize())
    assert qnnt.solve(problem).evidence.basis is Basis.DATA
    assert qnnt.solve(problem, goal=qnnt.AtMost(0)).evidence.basis is Basis.DATA
    unshown = replace(problem, dataset=qnnt.Dataset([[1]], [[0]]), activation="sign")
    assert "can be shown by no network" in qnnt.solve(unshown).evidence.words("maxsat")


@pytest.mark.parametrize("goal", [qnnt.AtMost(0), qnnt.Exactly(0)], ids=str)
def test_what_the_data_rule_out_is_not_unknown(goal, tmp_path) -> None:
    """No backend need come to an end for it; a proof that was asked for is still looked for."""
    data = qnnt.Dataset([[1], [1], [0]], [[0], [1], [1]])
    problem = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), data, goal)
    backends = [Faulty("unknown"), *([] if goal.exact else ["local-search"])]
    for backend in backends:
        result = qnnt.solve(problem, backend=backend, isolate=False)
        assert (result.status, result.lower_bound, result.network) == ("UNSATISFIABLE", 1, None)
        assert (result.limit, result.reason, result.evidence.basis) == (None, None, Basis.DATA)
    proved = qnnt.solve(problem, backend=Faulty("unknown"), proof=tmp_path / "p", isolate=False)
    assert (proved.status, proved.evidence.basis) == ("UNSATISFIABLE", Basis.PROOF)
    two = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 1]), xor(goal).dataset, goal)
    assert qnnt.solve(two, backend=Faulty("unknown"), isolate=False).status == "UNKNOWN"


def test_a_missing_proof_leaves_the_answer(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(ProvingBackend, "run", fail)
    result = qnnt.solve(xor(qnnt.Minimize()), proof=tmp_path / "p", isolate=False)
    assert (result.status, result.errors, result.evidence.basis) == ("OPTIMAL", 1, Basis.WORD)
    assert "the disk is full" in result.evidence.missing
    assert list(tmp_path.iterdir()) == []


def test_a_solver_that_leaves_no_proof_is_not_asked_for_one() -> None:
    from qnnt.backends.proving import leaves_proofs

    assert leaves_proofs(SatBackend())
    for name in ("kissat404", "minisat22", "minicard", "mergesat3", "maplesat"):
        assert not leaves_proofs(SatBackend(name))


@pytest.mark.parametrize("symmetry", [False, True])
def test_a_second_backend_orders_neurons_only_if_the_first_did(symmetry: bool) -> None:
    result = qnnt.solve(xor(qnnt.AtMost(0)), backend="sat", symmetry=symmetry, isolate=False)
    encoders = [encoder for _, encoder in _seconds(result, symmetry=symmetry)]
    assert encoders
    assert all(encoder.symmetry is symmetry for encoder in encoders)
