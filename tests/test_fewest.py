"""Networks of fewest weights: against all networks of small instances, under limits, and wrong claims."""

import re
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import activations, goals, instances

import qnnt
from qnnt import registry
from qnnt.backends.base import Answer, Capability
from qnnt.backends.maxsat import MaxSatBackend
from qnnt.encoders.fewest import AtMostWeights, FewestWeights
from qnnt.files.proofs import ProofFolder
from qnnt.limits import Limit, Status
from qnnt.models import Formula
from qnnt.proofs.backing import Asked
from qnnt.proofs.checking import check_proof
from qnnt.proofs.weights import backed
from qnnt.result import Basis

XOR = qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
ALONE = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 1]), XOR, "min")
ASK = {"then": "fewest-weights", "isolate": False}


def every_network(instance):
    """Errors and weights that are not 0 of all networks."""
    domain, n = instance.domain, instance.architecture.n_parameters
    for vector in product(range(domain.lo, domain.hi + 1), repeat=n):
        network = instance.network(np.array(vector, dtype=np.int64))
        yield network.error(instance.dataset), network.n_weights


@pytest.mark.parametrize("backend", ["maxsat", "sat", "cpsat"])
@settings(max_examples=25)
@given(data=st.data())
def test_no_network_that_is_as_good_has_fewer(backend, data):
    instance = data.draw(instances(max_networks=300, activation=activations))
    known = list(every_network(instance))
    goal = data.draw(goals(instance.dataset.total))
    meeting = [w for e, w in known if goal.accepts(e) and (not goal.minimizes or e == min(known)[0])]
    result = qnnt.solve(instance, goal=goal, backend=backend, **ASK)
    if not meeting:
        assert (result.status, result.fewest) == (Status.UNSATISFIABLE, None)
        return
    assert result.fewest.optimal
    assert result.fewest.weights == result.network.n_weights == min(meeting)
    assert result.errors == result.network.error(instance.dataset)
    assert goal.accepts(result.errors)
    if goal.minimizes:
        assert (result.status, result.errors) == (Status.OPTIMAL, min(known)[0])


def test_a_minimum_of_errors_is_no_goal_for_it():
    with pytest.raises(qnnt.Unsupported, match="under a goal that names a number of errors"):
        FewestWeights().apply(ALONE)
    with pytest.raises(qnnt.UnknownWord, match="no second goal 'fewest'"):
        qnnt.solve(ALONE, then="fewest")


@dataclass(frozen=True)
class Claims:
    """Trains as maxsat does, and then says of the fewest weights what it is told to."""

    answer: Answer
    bounds: tuple[int, ...] = ()
    raises: Exception | None = None
    name = "claims"
    accepts = (Formula,)
    capabilities = (Capability.PROVE, Capability.MINIMIZE, Capability.INCUMBENTS)
    trained: list = field(default_factory=list, compare=False)

    def availability(self):
        return qnnt.Availability(True, version="1")

    def refuses(self, instance):
        return None

    def run(self, model, limits, report):
        if not self.trained:
            self.trained.append(True)
            return MaxSatBackend().run(model, limits, report)
        for bound in self.bounds:
            report.bound(bound)
        if self.raises is not None:
            raise self.raises
        if self.answer.assignment is None:
            return self.answer
        return Answer(self.answer.status, np.ones(model.n_variables + 1, dtype=np.int8), self.answer.cost)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (
            Claims(Answer(Status.OPTIMAL, None, 0, 0)),
            "claims that 0 weights are the fewest, the best network has ",
        ),
        (Claims(Answer(Status.UNKNOWN), bounds=(3,)), "claims that 3 weights are needed; a network has "),
        (Claims(Answer(Status.UNSATISFIABLE)), "says UNSATISFIABLE of the fewest weights of a known network"),
        (
            Claims(Answer(Status.OPTIMAL, np.ones(1), 0)),
            "shows a network with 3 errors under the goal at-most:1",
        ),
    ],
)
def test_wrong_claims_are_found(claim, expected):
    with pytest.raises(qnnt.WrongAnswer, match=re.escape(expected)):
        qnnt.solve(ALONE, backend=claim, **ASK)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (Claims(Answer(Status.UNKNOWN, reason="no wish")), "no wish"),
        (Claims(Answer(Status.UNKNOWN), raises=ValueError("a slip")), "ValueError: a slip"),
        (Claims(Answer(Status.UNKNOWN), raises=qnnt.Unsupported("too large")), "too large"),
        (Claims(Answer(Status.UNKNOWN, limit=Limit.TIME, reason="late")), "late"),
    ],
)
def test_the_network_of_before_survives_whatever_ends_the_search(claim, reason):
    result = qnnt.solve(qnnt.Instance(*NOT_FOR_NOTHING), backend=claim, **ASK)
    assert (result.status, result.errors) == (Status.OPTIMAL, 0)
    assert (result.fewest.reason, result.fewest.lower_bound, result.fewest.optimal) == (reason, 0, False)
    assert result.fewest.weights == result.network.n_weights > 0


NOT_FOR_NOTHING = (
    qnnt.Domain(3),
    qnnt.Architecture.dense([2, 1]),
    qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [0], [1]]),
    "min",
)


def test_what_training_leaves_open_is_not_built_upon():
    hard = qnnt.generate.teacher_instance(5, [6, 4, 2], 300, noise=0.3, seed=1)
    result = qnnt.solve(hard, goal="min", backend="maxsat", limits=0.3, then="fewest-weights")
    assert result.status is Status.UNKNOWN
    assert "training came to no verdict" in result.fewest.reason
    assert not result.fewest.optimal or result.fewest.weights == 0


def test_what_is_told_of_it():
    result = qnnt.solve(qnnt.Instance(*NOT_FOR_NOTHING), backend="maxsat", **ASK)
    assert result.fewest.optimal
    assert {"solve", "fewer weights", "total"} <= set(result.statistics.seconds)
    assert result.as_dict()["fewest_weights"] == {
        "weights": 1,
        "lower_bound": 1,
        "optimal": True,
        "backend": "maxsat",
        "limit": None,
        "reason": None,
        "evidence": result.fewest.evidence.as_dict(),
    }


def weights_of(goal):
    data = qnnt.Dataset([[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 1]], [[1], [1], [0], [0]])
    return qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([3, 1]), data, goal)


@pytest.mark.parametrize("goal", [qnnt.Minimize(), qnnt.AtMost(1)])
def test_the_number_is_proved_and_confirmed(tmp_path, goal):
    instance, folder = weights_of(goal), ProofFolder(tmp_path / "proof")
    for _ in range(2):  # over an earlier proof, too
        result = qnnt.solve(instance, proof=folder.path, confirm=True, **ASK)
    least, evidence = result.fewest.weights, result.fewest.evidence
    assert (result.fewest.optimal, least > 0) == (True, True)
    assert (evidence.basis, evidence.checked_by) == (Basis.PROOF, ("qnnt",))
    assert evidence.confirmed_by == ("cpsat with encoder cpsat",)
    assert folder.fewest.read_note().weights == least - 1
    assert check_proof(instance, folder.fewest, isolate=False).accepted
    note = folder.fewest.note
    note.write_text(note.read_text().replace(f'"weights": {least - 1}', f'"weights": {least}'))
    assert folder.fewest.read_note().weights == least
    assert not check_proof(instance, folder.fewest, isolate=False).accepted


class Unheard:
    def incumbent(self, assignment, cost):
        pass


@pytest.mark.parametrize("encoder", ["clauses", "plain", "cpsat"])
@settings(max_examples=8)
@given(data=st.data())
def test_a_bound_on_weights_leaves_the_networks_within(encoder, data):
    instance = data.draw(instances(max_networks=300, activation=activations))
    errors = data.draw(st.integers(0, instance.dataset.total))
    most = data.draw(st.integers(0, instance.architecture.n_arcs))
    there = any(e <= errors and w <= most for e, w in every_network(instance))
    bounded = AtMostWeights(registry.encoder(encoder), most)
    backend = registry.backend("cpsat" if encoder == "cpsat" else "sat")
    model, lift = bounded.apply(instance.with_goal(qnnt.AtMost(errors)))
    answer = backend.run(model, qnnt.Limits(), Unheard())
    assert (answer.status is Status.SATISFIABLE) == there
    if there:
        assert lift(answer.assignment).n_weights <= most


def test_a_number_that_is_wrong_is_found_by_whoever_is_asked(tmp_path, monkeypatch):
    instance = weights_of(qnnt.AtMost(1))
    right = qnnt.solve(instance, **ASK)
    monkeypatch.setattr("qnnt.fewest.with_fewest_weights", lambda *_, **__: wrong)
    fewest = qnnt.result.Fewest(right.fewest.weights + 1, right.fewest.weights + 1, "maxsat")
    wrong = replace(right, fewest=fewest)
    for asked in ({"confirm": True}, {"proof": tmp_path / "proof"}):
        with pytest.raises(qnnt.WrongAnswer, match=r"weights are needed; .* has a network of"):
            qnnt.solve(instance, **asked, **ASK)
    late = qnnt.Limits(time=1e-9)
    wrong = right
    asked = Asked(instance, late, True, False, None, 0.0)
    unconfirmed = backed(asked, right, None, confirm=True).fewest
    assert (unconfirmed.optimal, unconfirmed.lower_bound) == (False, 0)
    assert "not confirmed" in unconfirmed.reason
    assert "no time" in backed(asked, right, ProofFolder(tmp_path), confirm=False).fewest.evidence.missing
