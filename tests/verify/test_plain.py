"""A false proof: the encoder is wrong, the solver and the checkers are right. The plain encoder tells."""

from __future__ import annotations

import pytest
from mistakes import MISTAKES, cases

import qnnt
from qnnt.encoders import plain
from qnnt.files.proofs import ProofFolder
from qnnt.proofs.checking import check_proof
from qnnt.result import Basis
from qnnt.verify.plain import check_plainly


def test_a_claim_is_refuted_over_the_definition() -> None:
    for instance, truth in list(cases().values())[::7]:
        if truth.least:
            second = check_plainly(instance, qnnt.AtMost(truth.least - 1), isolate=False)
            assert second.accepted
            assert second.check.note.encoder == "plain"
        second = check_plainly(instance, qnnt.AtMost(truth.least), isolate=False)
        assert (second.accepted, second.check) == (False, None)
        assert second.reason == f"a network has {second.result.errors} errors: the encoder is wrong"


def test_a_false_proof_is_found_out(tmp_path) -> None:
    """By kinds of mistakes: those that lose networks, as only these refute what is not to be refuted."""
    found = set()
    for number, mistake in enumerate(MISTAKES):
        for name, (instance, _) in cases().items():
            with pytest.MonkeyPatch.context() as patch:
                mistake(patch)
                try:
                    result = qnnt.solve(instance, proof=tmp_path / str(number), isolate=False)
                except qnnt.WrongAnswer:  # a network that was replayed
                    continue
                if result.status != "UNSATISFIABLE":
                    continue
                assert result.evidence.basis is Basis.PROOF, name
                assert check_proof(instance, ProofFolder(tmp_path / str(number)), isolate=False).accepted
            assert check_plainly(instance, instance.goal, isolate=False).accepted is False
            found.add(mistake.__name__)
            break
    assert len(found) >= 7, found


def test_what_is_too_large_is_open(monkeypatch) -> None:
    monkeypatch.setattr(plain, "_MOST", 10)
    instance, truth = next(case for case in cases().values() if case[1].least)
    second = check_plainly(instance, qnnt.AtMost(truth.least - 1), isolate=False)
    assert (second.accepted, second.result) == (None, None)
    assert second.reason == "the plain encoding takes more than 10 clauses; try encoder clauses"
