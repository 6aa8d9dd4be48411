"""The suite of the benchmark: the same on every machine, balanced, and right in what it says is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import qnnt
from qnnt import AtMost, Limits, Status
from qnnt.cubes.journal import digest
from qnnt.verify.replay import check

NOWHERE = Path("/nowhere")


@pytest.fixture
def suite(script):
    return script("suite")


def test_its_size_and_balance(suite):
    cases = list(suite.cases(tables=NOWHERE))
    assert len({case.name for case in cases}) == len(cases) >= 120
    families = Counter(case.family for case in cases)
    assert max(families.values()) <= len(cases) / 4
    assert set(families) == {
        "planted",
        "noisy",
        "sparse",
        "random-labels",
        "tables",
        "exact-cover",
        "three-sat",
        "balanced-sat",
        "hitting-set",
        "deep",
        "impossible",
    }
    instances = [case.make() for case in cases]
    assert {i.domain.d for i in instances} == set(range(2, 9))
    names = {str(a) for i in instances for a in (i.activation.hidden, i.activation.output)}
    assert names == {"relu", "sign", "step"}
    assert {i.goal.minimizes for i in instances} == {True, False}


def test_a_case_is_fixed_by_its_name(suite):
    for case, again in zip(suite.cases(1, NOWHERE), suite.cases(1, NOWHERE), strict=True):
        assert (case.name, digest(case.make())) == (again.name, digest(again.make()))
    assert {c.name for c in suite.cases(1, NOWHERE)} < {c.name for c in suite.cases(3, NOWHERE)}


def test_what_is_known_is_so(suite):
    """Teachers have their errors; small instances are solved."""
    for case in suite.cases(1, NOWHERE):
        instance = case.make()
        known = instance.meta.get("known", {})
        if "teacher" in instance.meta:
            document = instance.meta["teacher"]
            weights = [weight for _, _, weight in document["weights"]]
            biases = list(document["biases"].values())
            teacher = qnnt.Network(
                instance.architecture, instance.domain, weights, biases, instance.activation
            )
            assert check(instance, teacher).errors == known["errors"]
        elif known and instance.architecture.n_arcs < 60:
            result = qnnt.solve(instance, backend="sat", limits=Limits(time=5))
            assert result.status in (
                Status.UNKNOWN,
                Status.SATISFIABLE if "errors" in known else Status.UNSATISFIABLE,
            )


def test_sparse_architectures(suite):
    for case in suite.cases(3, NOWHERE):
        if case.family == "sparse":
            architecture = case.make().architecture
            assert architecture.n_arcs < sum(
                len(a) * len(b) for a, b in zip(architecture.layers, architecture.layers[1:], strict=False)
            )


def test_crowded_instances_are_more_labellings_than_networks(suite):
    """No points contradict each other: they are to be refuted by search."""
    for case in suite.cases(2, NOWHERE):
        if "crowded" in case.name:
            instance = case.make()
            assert instance.choices.unavoidable == 0
            assert instance.goal == AtMost(0)
            assert instance.n_networks < 2**instance.dataset.total


def test_tables_of_a_folder_are_taken_if_they_are_there(suite, tmp_path):
    (tmp_path / "monk1_enc.csv").write_text("a,b,target\n0,1,0\n1,0,1\n")
    names = [case.name for case in suite.cases(1, tmp_path) if "monk" in case.name]
    assert names == ["tables-monk1-h0", "tables-monk1-h1", "tables-monk1-h2"]


def test_selections(suite):
    def names(*options):
        return [case.name for case in suite.chosen(suite.cases(2, NOWHERE), *options)]

    assert len(names("small")) == 2 * 11
    assert all(name.startswith("planted-d5-") for name in names("planted-d5-*"))
    assert {name.partition("-")[0] for name in names("full", ["deep", "noisy"])} == {"deep", "noisy"}
    assert names("*-s1", ["deep"]) == [name for name in names("full", ["deep"]) if name.endswith("-s1")]
