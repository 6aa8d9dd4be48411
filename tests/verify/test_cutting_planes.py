"""Proofs by cutting planes: what the rules add keeps every solution, Exact's proofs hold, mutants do not."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import activations, instances

import qnnt
from qnnt.files.proofs import Form, ProofFolder
from qnnt.files.veripb import Constraint, CuttingPlanes, Step, read_constraints, read_log, read_proof
from qnnt.proofs.checkers import DratifyChecker
from qnnt.proofs.checking import check_proof
from qnnt.registry import backend
from qnnt.result import Basis
from qnnt.verify.cutting_planes import _denied, _Propagation, _sum, check_cutting_planes

exact = pytest.mark.skipif(
    not backend("pseudo-boolean").availability().available, reason="Exact is not installed"
)
N = 4
literals = st.integers(1, N).flatmap(lambda v: st.sampled_from([v, -v]))
constraints = st.builds(
    Constraint.of, st.lists(st.tuples(st.integers(-3, 4), literals), max_size=5), st.integers(-4, 6)
)


def holds(constraint, x):
    """Of the 0/1 values x[1], x[2], …."""
    terms = constraint.factors.items()
    return sum(abs(f) * (x[v] if f > 0 else 1 - x[v]) for v, f in terms) >= constraint.degree


def models(formula):
    every = ((0, *bits) for bits in product((0, 1), repeat=N))
    return [x for x in every if all(holds(c, x) for c in formula)]


@given(st.lists(st.tuples(st.integers(-3, 4), literals), max_size=6), st.integers(-4, 6))
def test_a_constraint_means_what_was_written(terms, bound):
    constraint = Constraint.of(terms, bound)
    for x in models([]):
        assert holds(constraint, x) == (sum(f * (x[v] if v > 0 else 1 - x[-v]) for f, v in terms) >= bound)
    assert constraint.hopeless == (not models([constraint]))


OPERATIONS = ["2 +", "1 +", "x1 +", "~x2 +", "s", "2 *", "2 d", "3 d", "x1 w", "~x2 w"]


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=60)
@given(one=constraints, two=constraints)
def test_what_a_rule_makes_holds_where_its_constraints_do(operation, one, two):
    known = [one, two] if operation == "2 +" else [one]
    made = _sum(known, ["1", *operation.split()])
    assert all(holds(made, x) for x in models(known))


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ("1 2 +", ([(4, 1), (5, 3)], 6)),
        ("1 ~x1 +", ([(2, 1), (2, 2), (1, 3)], 3)),
        ("1 s", ([(3, 1), (2, 2), (1, 3)], 4)),
        ("3 s", ([(2, 1), (2, -2), (1, 3)], 2)),
        ("1 2 *", ([(6, 1), (4, 2), (2, 3)], 8)),
        ("1 2 d", ([(2, 1), (1, 2), (1, 3)], 2)),
        ("1 3 d", ([(1, 1), (1, 2), (1, 3)], 2)),
        ("3 2 d", ([(2, 1), (3, -2), (1, 3)], 1)),
        ("1 x2 w", ([(3, 1), (1, 3)], 2)),
        ("3 x2 w", ([(4, 1), (1, 3)], -3)),
        ("1 x4 w", ([(3, 1), (2, 2), (1, 3)], 4)),
    ],
)
def test_what_a_rule_makes(words, made):
    three = [([(3, 1), (2, 2), (1, 3)], 4), ([(1, 1), (2, -2), (4, 3)], 4), ([(4, 1), (5, -2), (1, 3)], 2)]
    known = [_of_literals(terms, degree) for terms, degree in three]
    assert _sum(known, words.split()) == _of_literals(*made)


def _of_literals(terms, degree):
    return Constraint({abs(literal): f if literal > 0 else -f for f, literal in terms}, degree)


@settings(max_examples=100)
@given(
    st.lists(constraints, min_size=1, max_size=5),
    st.lists(st.one_of(constraints.map(Step), st.lists(st.sampled_from(OPERATIONS), max_size=4)), max_size=4),
)
def test_what_is_accepted_has_no_solution(formula, drawn):
    """Steps of any kind keep all solutions, so a contradiction means that there is none."""
    made = (s if isinstance(s, Step) else Step(None, tuple(" ".join(["1", *s]).split())) for s in drawn)
    steps = tuple(made)
    for conclusion in range(len(formula) + len(steps) + 2):
        proof = CuttingPlanes(len(formula), steps, conclusion)
        if check_cutting_planes(formula, proof).accepted:
            assert not models(formula)


def implied(propagation, literal):
    """Whether propagation refutes that a literal is false."""
    return propagation.refutes(_denied(Constraint.of([(1, literal)], 1)))


@settings(max_examples=100)
@given(st.lists(constraints, min_size=1, max_size=4))
def test_what_propagation_forces_holds_in_all_models(formula):
    """Of one constraint, all that it implies is forced."""
    propagation = _Propagation()
    for count, constraint in enumerate(formula, 1):
        propagation.add(constraint)
        left = models(formula[:count])
        for v in range(1, N + 1):
            for literal in (v, -v):
                holds_always = all(x[v] == (literal > 0) for x in left)
                forced = implied(propagation, literal)
                assert forced == holds_always if count == 1 else forced <= holds_always


@settings(max_examples=60)
@given(st.lists(constraints, min_size=1, max_size=5), constraints)
def test_propagation_is_undone(formula, asked):
    """A step that follows twice, and one that does not, leave the others as they were."""
    steps = [Step(c) for c in (*formula, asked)]
    first = check_cutting_planes(formula, CuttingPlanes(len(formula), tuple(steps), 1))
    again = check_cutting_planes(formula, CuttingPlanes(len(formula), tuple(steps[:-1] * 2 + steps[-1:]), 1))
    assert (first.reason or "").endswith("propagation") == (again.reason or "").endswith("propagation")
    if "propagation" not in (first.reason or ""):
        assert all(holds(asked, x) for x in models(formula))


PIGEONS = [Constraint.of([(1, 1), (1, 2)], 1), Constraint.of([(1, 3), (1, 4)], 1)]
PIGEONS += [Constraint.of([(-1, 1), (-1, 3)], -1), Constraint.of([(-1, 2), (-1, 4)], -1)]
PIGEONS += [Constraint.of([(1, 1), (1, 4)], 2)]


def test_rules_one_by_one():
    def said(*words, conclusion=6, formula=PIGEONS):
        return check_cutting_planes(formula, CuttingPlanes(5, (Step(None, words),), conclusion))

    sum_of_all = [Constraint.of([(2, 1), (2, 2)], 3), Constraint.of([(-1, 1), (-1, 2)], -1), *PIGEONS[2:]]
    assert said("1", "2", "d", "2", "+", formula=sum_of_all).accepted  # x + y >= 3/2, rounded up, and <= 1
    assert not said("1", "2", "2", "*", "+", formula=sum_of_all, conclusion=1).accepted
    assert "no contradiction" in said("1", "2", "+").reason
    for wrong in (
        ("1", "+"),
        ("1", "2"),
        ("9",),
        ("0", "1", "+"),
        ("1", "x1"),
        ("s",),
        ("2", "*"),
        ("1", "w"),
    ):
        assert not said(*wrong).accepted, wrong
    assert said("1", formula=PIGEONS[:4]).reason == "the proof is about 5 constraints, not 4"


ONE_VALUE = qnnt.Instance(
    qnnt.Domain(1), qnnt.Architecture.dense([1, 1]), qnnt.Dataset([[0]], [[0]]), qnnt.Exactly(1)
)


@exact
@settings(max_examples=8)
@example(instance=ONE_VALUE)
@given(instance=instances(max_networks=200, activation=activations))
def test_every_answer_of_exact_has_a_proof_that_holds(tmp_path_factory, instance):
    folder = tmp_path_factory.mktemp("proofs") / "proof"
    result = qnnt.solve(instance, backend="pseudo-boolean", proof=folder, isolate=False)
    usual = qnnt.solve(instance, backend="enumeration", isolate=False)
    assert (result.status, result.errors if instance.goal.minimizes else None) == (
        usual.status,
        usual.errors if instance.goal.minimizes else None,
    )
    if result.evidence.network:
        return
    assert (result.evidence.missing, result.evidence.basis) == (None, Basis.PROOF)
    check = check_proof(instance, ProofFolder(folder), isolate=False)
    assert (check.accepted, check.note.form, len(check.verdicts)) == (True, Form.VERIPB, 1)
    for nobody in ((), (DratifyChecker(),)):  # who takes such a proof
        assert check_proof(instance, ProofFolder(folder), nobody, isolate=False).accepted is None
    given = replace(ProofFolder(folder), form=Form.VERIPB)
    formula, proof = read_constraints(given.formula), read_proof(given.proof)
    for left_out in range(
        min(len(formula), 30)
    ):  # if what is left has a solution, nothing proves that it has none
        weaker = [*formula[:left_out], Constraint({}, 0), *formula[left_out + 1 :]]
        accepted = check_cutting_planes(weaker, proof).accepted
        assert not accepted or not _solution(weaker)


def _solution(formula):
    solver = __import__("exact").Exact([])
    for v in {v for c in formula for v in c.factors}:
        solver.addVariable(f"x{v}", 0, 1)
    for c in formula:
        terms = [(f, f"x{v}") for v, f in c.factors.items()]
        solver.addConstraint(terms, True, c.degree + sum(f for f in c.factors.values() if f < 0))
    while (verdict := solver.runOnce(0)) == "PAUSED":
        pass
    return verdict == "SAT"


WHOLE = """pseudo-Boolean proof version 2.0
f 5
pol 1 2 +
output NONE
conclusion UNSAT : 6
end pseudo-Boolean proof
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2.0", "3.0", "must come first"),
        ("f 5", "f five", "must come first"),
        ("pol 1 2 +", "red 1 x1 >= 1 ;", "is no step that is known"),
        ("pol 1 2 +", "rup 1 y1 >= 1 ;", "is no step that is known"),
        ("pol 1 2 +", "a 1 x1 >= 1 ;", "is no step that is known"),
        ("pol 1 2 +", "rup 1 x1 >= " + "9" * 5000 + " ;", "is no step that is known"),
        ("UNSAT : 6", "SAT", "no whole proof"),
        ("output NONE\n", "", "no whole proof"),
        ("end pseudo-Boolean proof\n", "", "no whole proof"),
        ("proof\n", "proof", "cut off"),
        ("+", "é", "ASCII"),
    ],
)
def test_files_that_are_none(tmp_path, old, new, said):
    path = tmp_path / "p.pbp"
    path.write_text(WHOLE)
    assert read_proof(path) == CuttingPlanes(5, (Step(None, ("1", "2", "+")),), 6)
    path.write_text(new.join(WHOLE.rsplit(old, 1)), encoding="utf-8")
    with pytest.raises(qnnt.exceptions.InputError, match=said):
        read_proof(path)


def test_the_log_of_exact_is_renumbered(tmp_path):
    path = tmp_path / "log"
    path.write_text(
        "pseudo-Boolean proof version 1.1\nrup >= 0 ;\nl 2\nl 1\npol 2 3 2 * + x1 +\nrup +1 x1 >= 1 ;\nc 5\n"
    )
    proof = read_log(path, 4)
    assert [step.words for step in proof.steps] == [(), ("2", "1", "2", "*", "+", "x1", "+"), ()]
    assert (proof.given, proof.conclusion) == (4, 7)
    for wrong in ("c 9\n", "l 9\n", "pol 9\n", "a 1 x1 >= 1 ;\n", ""):
        path.write_text(f"pseudo-Boolean proof version 1.1\n{wrong}")
        with pytest.raises(qnnt.exceptions.InputError):
            read_log(path, 4)


def test_numbers_of_any_size():
    big = 10**300
    formula = [Constraint.of([(big, 1), (big, 2)], big + 1), Constraint.of([(-1, 1), (-1, 2)], -1)]
    steps = (Step(Constraint.of([(1, 1)], 1)), Step(None, ("1", str(big), "d", "2", "+")))
    assert check_cutting_planes(formula, CuttingPlanes(2, steps, 4)).accepted
