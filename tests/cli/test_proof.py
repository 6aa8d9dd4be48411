"""``solve --proof``, ``solve --confirm`` and ``check --proof``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from qnnt import Architecture, AtMost, Dataset, Domain, Instance

FILES = {"formula.cnf", "formula.cnf.map.json", "proof.drat", "proof.json"}


@pytest.fixture
def thin(lone) -> Path:
    """XOR for two neurons, one after the other: they get one point wrong at best, and that takes steps."""
    document = json.loads(lone.read_text())
    lone.write_text(json.dumps({**document, "layers": [["x0", "x1"], ["h"], ["y"]]}))
    return lone


@pytest.fixture
def proof(qnnt, thin, tmp_path) -> Path:
    """That they do not get all right."""
    run = qnnt("solve", thin, "--proof", tmp_path / "proof")
    assert (run.status, run.err) == (0, "")
    assert "  evidence     a proof by sat:cadical153, accepted by qnnt\n" in run.out
    return tmp_path / "proof"


def test_a_proof_is_left_and_checked(qnnt, thin, xor, proof):
    assert {path.name for path in proof.iterdir()} == FILES
    run = qnnt("check", thin, "--proof", proof)
    assert (run.status, run.err) == (0, "")
    assert "no network meets at-most:0\n" in run.out
    assert "the same, clause for clause\n" in run.out
    assert "proved: the formula has no model, so every network has 1 error or more\n" in run.out
    assert "trusted: if a network meets at-most:0, the formula by clauses has a model\n" in run.out
    other = qnnt("check", xor, "--proof", proof)
    assert other.status == 1
    assert "not proved: the formula is not that of the instance\n" in other.out


def test_a_minimum_is_a_network_and_a_proof(qnnt, thin, tmp_path, proof):
    network = tmp_path / "n.json"
    run = qnnt("solve", thin, "--errors", "min", "--proof", proof, "--confirm", "-o", network, "--json")
    evidence = json.loads(run.out)["evidence"]
    assert (run.status, evidence["basis"], evidence["checked_by"]) == (0, "proved", ["qnnt"])
    assert (len(evidence["confirmed_by"]), evidence["missing"]) == (1, None)
    both = qnnt("check", thin, network, "--proof", proof, "--errors", "min")
    assert both.status == 0
    assert "so the network has the fewest errors that are possible, 1\n" in both.out
    told = json.loads(qnnt("check", thin, network, "--proof", proof, "--json").out)
    assert (told["errors"], told["meets_goal"], told["proof"]["accepted"]) == (1, False, True)
    assert qnnt("check", thin, network, "--proof", proof).status == 1  # the network misses the goal


def test_a_proof_without_the_second_word_is_told(qnnt, thin, tmp_path, monkeypatch):
    monkeypatch.setattr("qnnt.proofs.backing._SECOND", ())
    run = qnnt("solve", thin, "--proof", tmp_path / "p", "--confirm")
    assert run.status == 3
    assert run.out.startswith("UNSATISFIABLE")
    assert run.err.startswith(
        "proved, but not confirmed: there is no second backend to confirm UNSATISFIABLE"
    )


def told(qnnt, *words):
    """The exit status, what the proof settles, and whether the network refutes it."""
    run = qnnt("check", *words, "--json")
    about = json.loads(run.out)["proof"]
    return run.status, about["settles"], about["refuted_by_network"]


def test_what_a_proof_settles_of_the_goal_is_told(qnnt, thin, tmp_path, proof):
    network = tmp_path / "n.json"
    assert qnnt("solve", thin, "--errors", "min", "-o", network).status == 0
    with_proof = ("--proof", proof)
    assert told(qnnt, thin, *with_proof) == (0, "goal refuted", None)
    assert told(qnnt, thin, *with_proof, "--errors", "exactly:0") == (0, "goal refuted", None)
    assert told(qnnt, thin, network, *with_proof, "--errors", "min") == (0, "minimum proved", False)
    assert told(qnnt, thin, network, *with_proof, "--errors", "at-most:3") == (0, None, False)
    assert told(qnnt, thin, *with_proof, "--errors", "min") == (0, None, None)
    said = qnnt("check", thin, network, *with_proof, "--errors", "at-most:3").out
    assert "open: the proof does not settle the goal at-most:3\n" in said
    said = qnnt("check", thin, *with_proof, "--errors", "min").out
    assert "open: a proof of a minimum needs a network that reaches it; give NETWORK, too\n" in said


def test_a_network_that_meets_the_claim_refutes_the_proof(qnnt, thin, tmp_path, proof, monkeypatch):
    """The encoder is made to say that there is no network at all."""
    from qnnt.encoders.clauses import ClauseEncoder

    network, usual = tmp_path / "n.json", ClauseEncoder.apply
    assert qnnt("solve", thin, "--errors", "min", "-o", network).status == 0

    def wrong(self, instance):
        formula, lift = usual(self, instance.with_goal(AtMost(0)))
        return formula, lift

    monkeypatch.setattr(ClauseEncoder, "apply", wrong)
    note = json.loads((proof / "proof.json").read_text())
    (proof / "proof.json").write_text(json.dumps({**note, "claim": {"at_most": 1}}))
    words = (thin, network, "--proof", proof, "--errors", "min")
    assert told(qnnt, *words) == (1, None, True)
    run = qnnt("check", *words)
    assert run.status == 1
    assert "not proved: the network refutes the claim that no network meets at-most:1\n" in run.out
    assert "so the encoder clauses is wrong\n" in run.out
    assert "proved: the formula" not in run.out
    assert told(qnnt, thin, "--proof", proof, "--errors", "at-most:1") == (0, "goal refuted", None)


def test_a_formula_without_a_note_is_an_error(qnnt, thin, tmp_path):
    folder = tmp_path / "p"
    assert qnnt("solve", thin, "--errors", "min", "--then", "fewest-weights", "--proof", folder).status == 0
    assert qnnt("check", thin, "--proof", folder).status == 0
    (folder / "proof.json").unlink()
    run = qnnt("check", thin, "--proof", folder)
    assert (run.status, run.out) == (2, "")
    assert "proof.json: cannot be read" in run.err


def test_files_of_an_earlier_proof_go(qnnt, thin, xor, tmp_path):
    folder, then = tmp_path / "p", ("--then", "fewest-weights")
    for words, left in (
        ((thin, "--errors", "min", *then), {*FILES, "fewest-weights"}),
        ((thin,), FILES),
        ((thin, "--errors", "min", *then), {*FILES, "fewest-weights"}),
        ((xor, *then), {"fewest-weights"}),
        ((xor,), set()),
    ):
        assert qnnt("solve", *words, "--proof", folder).status == 0
        assert {path.name for path in folder.iterdir()} == left
        if left:
            assert qnnt("check", *words[:1], "--proof", folder).status == 0


def test_a_proof_that_was_cut_off_makes_room(qnnt, thin, tmp_path, proof):
    (proof / "proof.json").unlink()
    (proof / ".0123456789abcdef.json").write_text("{")
    assert qnnt("solve", thin, "--proof", proof).status == 0
    assert qnnt("check", thin, "--proof", proof).status == 0


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        (
            "proof.drat",
            lambda text: "0\n",
            "qnnt            rejects it: the proof ends without a contradiction",
        ),
        ("proof.drat", lambda text: text[:-4], "is cut off"),
        ("formula.cnf", lambda text: text.replace("-2", "2", 1), "not proved: the formula is not"),
        ("formula.cnf", lambda text: text.replace("p cnf ", "p cnf 9", 1), " variables, not "),
    ],
)
def test_a_check_that_fails_has_status_1(qnnt, thin, proof, file, change, said):
    before = (proof / file).read_text()
    after = change(before)
    assert after != before
    (proof / file).write_text(after)
    run = qnnt("check", thin, "--proof", proof)
    assert (run.status, run.err) == (1, "")
    assert said in run.out
    assert "not proved" in run.out


def test_the_claim_is_refuted_over_the_definition_too(qnnt, thin, proof):
    run = qnnt("check", thin, "--proof", proof, "--plain")
    assert (run.status, run.err) == (0, "")
    assert "the claim once more, over a formula from the definition:\n" in run.out
    assert ", by plain\n" in run.out
    assert "trusted: one of two independent encoders" in run.out
    told = json.loads(qnnt("check", thin, "--proof", proof, "--plain", "--json").out)
    assert (told["plain"]["encoder"], told["plain"]["accepted"]) == ("plain", True)
    late = qnnt("check", thin, "--proof", proof, "--plain", "--time-limit", 1e-9)
    assert late.status == 3


def test_programs_check_too(qnnt, thin, tmp_path, proof):
    program = tmp_path / "checker"
    for body, status in (
        ("print('s VERIFIED')", 0),
        ("print('s NOT VERIFIED')", 1),
        ("sys.exit('Verification failed.')", 1),
        ("print('s VERIFIED'); sys.exit(1)", 3),
        ("print('s NOT VERIFIED'); print('s VERIFIED')", 3),
        ("print('s TIMEOUT'); sys.exit(1)", 3),
        ("sys.exit(1)", 3),
        ("print('s NOT VERIFIED', flush=True); os.kill(os.getpid(), 9)", 3),
    ):
        program.write_text(f"#!{sys.executable}\nimport os, sys\nassert len(sys.argv) == 3\n{body}\n")
        program.chmod(0o755)
        assert qnnt("check", thin, "--proof", proof, "--checker", program).status == status, body
    missing = qnnt("check", thin, "--proof", proof, "--checker", tmp_path / "nothing")
    assert missing.status == 2
    assert "no executable program" in missing.err


def test_all_checkers_take_a_binary_proof(qnnt, thin, proof):
    steps, binary = proof / "proof.drat", bytearray()
    for line in steps.read_text().splitlines():
        words = line.split()
        deletes = words[0] == "d"
        codes = [2 * abs(int(word)) + (int(word) < 0) for word in words[deletes:-1]]
        assert max(codes, default=0) < 128
        binary += bytes([ord("d" if deletes else "a"), *codes, 0])
    steps.write_bytes(bytes(binary))
    run = qnnt("check", thin, "--proof", proof, "--json")
    assert run.status == 0
    assert len(json.loads(run.out)["proof"]["checkers"]) == 2


def test_checkers_that_come_to_no_end_are_unknown(qnnt, thin, proof):
    run = qnnt("check", thin, "--proof", proof, "--time-limit", 1e-9)
    assert (run.status, run.err) == (3, "")
    assert "open: no checker rejects the proof, but not all came to an end\n" in run.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "NETWORK: is missing"),
        (["--checker", "drat-trim"], "--checker: is for a proof"),
        (["--time-limit", "3"], "--time-limit: is for a proof"),
        (["--plain"], "--plain: is for a proof"),
        (["--proof", "nothing"], "proof.json: cannot be read"),
    ],
)
def test_check_says_what_is_missing(qnnt, thin, arguments, said):
    run = qnnt("check", thin, *arguments)
    assert (run.status, run.out) == (2, "")
    assert said in run.err


def test_a_folder_of_other_files_is_left_athin(qnnt, thin, tmp_path):
    for folder, said in ((tmp_path, "holds other files"), (thin, "no folder"), (thin / "a", "no folder")):
        run = qnnt("solve", thin, "--proof", folder)
        assert (run.status, run.out) == (2, "")
        assert said in run.err
    assert thin.exists()


def test_what_needs_no_proof_has_none_and_what_lacks_one_is_told(qnnt, hard, xor, tmp_path):
    found = qnnt("solve", xor, "--proof", tmp_path / "p")
    assert (found.status, found.err) == (0, "")
    assert "evidence     the network, which was replayed\n" in found.out
    late = qnnt(
        "solve",
        hard,
        "--backend",
        "maxsat",
        "--errors",
        "min",
        "--proof",
        tmp_path / "p",
        "--time-limit",
        0.2,
    )
    assert late.status == 3
    assert f"{tmp_path / 'p'}: no proof: the time limit" in late.err
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("place", ["claim", "encoder", "version"])
def test_a_note_with_a_slip_is_bad_input(qnnt, thin, proof, place):
    note = json.loads((proof / "proof.json").read_text())
    note[place] = "min"
    (proof / "proof.json").write_text(json.dumps(note))
    run = qnnt("check", thin, "--proof", proof)
    assert (run.status, run.out) == (2, "")
    assert "proof.json" in run.err


@pytest.mark.parametrize("claim", ["min", "nothing", {"at_most": 1, "exactly": 1}, {"errors": 1}])
def test_a_malformed_claim_is_told_by_its_place(qnnt, thin, proof, claim):
    note = json.loads((proof / "proof.json").read_text())
    (proof / "proof.json").write_text(json.dumps({**note, "claim": claim}))
    run = qnnt("check", thin, "--proof", proof)
    assert (run.status, run.out) == (2, "")
    assert 'proof.json: claim: must be {"at_most": n} or {"exactly": n}\n' in run.err


def test_fewest_weights_are_proved_and_checked(qnnt, tmp_path):
    data = Dataset([[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 1]], [[1], [1], [0], [0]])
    instance, folder = tmp_path / "i.json", tmp_path / "proof"
    Instance(Domain(3), Architecture.dense([3, 1]), data, AtMost(1)).save(instance)
    ask = ("solve", instance, "--then", "fewest-weights", "--proof", folder)
    run = qnnt(*ask, "--confirm")
    assert (run.status, run.err) == (0, "")
    assert "no network that is as good has fewer (a proof by sat:cadical153" in run.out
    assert "accepted by qnnt; maxsat, confirmed by cpsat with encoder cpsat)" in run.out
    checked = qnnt("check", instance, "--proof", folder, "--plain")
    assert checked.status == 0
    assert "no network with 0 weights or fewer that are not 0 meets at-most:1\n" in checked.out
    assert "so a network that meets at-most:1 has 1 weight or more that are not 0\n" in checked.out
    told = json.loads(qnnt("check", instance, "--proof", folder, "--json").out)
    assert ("proof" in told, told["fewest_weights_proof"]["weights"]) == (False, 0)
    (folder / "fewest-weights" / "proof.drat").write_text("0\n")
    other = tmp_path / "other"
    run = qnnt(*ask[:-1], other, "--time-limit", "1e-6")
    assert run.status == 3


def test_a_proof_by_cutting_planes(qnnt, thin, tmp_path):
    pytest.importorskip("exact")
    folder = tmp_path / "planes"
    run = qnnt("solve", thin, "--backend", "pseudo-boolean", "--proof", folder)
    assert (run.status, run.err) == (0, "")
    assert {path.name for path in folder.iterdir()} == {
        *("formula.opb", "formula.opb.map.json", "proof.pbp", "proof.json")
    }
    good = qnnt("check", thin, "--proof", folder)
    assert good.status == 0
    assert "the same, constraint for constraint\n" in good.out
    assert "VeriPB, by pseudo-boolean" in good.out
    steps = folder / "proof.pbp"
    whole = steps.read_text()
    cases = [
        ("UNSAT : ", "UNSAT : 1"),
        ("end pseudo", "END"),
        ("f ", "f 9"),
        ("proof version 2.0", "version 3"),
    ]
    head, given, *_, end = whole.splitlines()
    wrong_step = ["rup >= 1 ;", "output NONE", f"conclusion UNSAT : {int(given[2:]) + 1}"]
    at_once = "\n".join([head, given, *wrong_step, end, ""])
    for text in (*(whole.replace(old, new) for old, new in cases), at_once):
        steps.write_text(text)
        bad = qnnt("check", thin, "--proof", folder)
        assert (bad.status, "not proved: the proof fails\n" in bad.out) == (1, True)
    steps.write_text(whole)
    formula = folder / "formula.opb"
    formula.write_text(formula.read_text().replace(">= 1 ;", ">= 2 ;", 1))
    assert qnnt("check", thin, "--proof", folder).status == 1
    again = qnnt("solve", thin, "--proof", folder)  # a proof of another form takes its place
    assert (again.status, {path.name for path in folder.iterdir()}) == (0, FILES)


def test_notes_and_places_that_cannot_be(qnnt, thin, proof, tmp_path):
    note = proof / "proof.json"
    text = note.read_text()
    for old, new in (('"at_most": 0', '"at_most": -1'), ("{", '{"weights": -1, '), ("{", '{"form": "x", ')):
        note.write_text(text.replace(old, new, 1))
        run = qnnt("check", thin, "--proof", proof)
        assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
        assert "unexpected" not in run.err
    nowhere, taken = tmp_path / "nowhere", tmp_path / "taken"
    nowhere.symlink_to(tmp_path / "missing")
    (taken / "fewest-weights").mkdir(parents=True)
    (taken / "fewest-weights" / "mine").write_text("keep me")
    for place in (nowhere, taken):
        run = qnnt("solve", thin, "--proof", place)
        assert (run.status, run.out) == (2, "")
    assert (taken / "fewest-weights" / "mine").read_text() == "keep me"
