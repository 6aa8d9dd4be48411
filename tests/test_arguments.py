"""What callers of ``solve`` may write in place of objects, and what objects look like when they are shown."""

import pickle

import pytest
from hypothesis import given
from strategies import instances

import qnnt
from qnnt.backends.sat import SatBackend
from qnnt.encoders.clauses import ClauseEncoder

XOR = qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
ALONE = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 1]), XOR)


def test_words_numbers_and_paths_stand_for_objects(tmp_path):
    ALONE.save(tmp_path / "i.json")
    plain = qnnt.solve(ALONE, goal=qnnt.Minimize(), limits=qnnt.Limits(time=60), backend="sat")
    plain.network.save(tmp_path / "n.json")
    for path in (tmp_path / "i.json", str(tmp_path / "i.json")):
        result = qnnt.solve(path, goal="min", limits=60, backend="sat", start=str(tmp_path / "n.json"))
        assert (result.status, result.errors, result.limits) == (plain.status, 1, plain.limits)
    assert qnnt.solve(ALONE, goal="at-most:1", limits=0.5).errors == 1
    assert ALONE.with_goal("exactly:2").goal == qnnt.Exactly(2)
    assert qnnt.Instance(ALONE.domain, ALONE.architecture, XOR, "min").goal == qnnt.Minimize()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"instance": 3}, r"instance must be an Instance or the path of one, not 3 \(int\)"),
        ({"goal": 3}, "goal must be a Goal, 'min', 'at-most:N' or 'exactly:N', not 3"),
        (
            {"backend": 3},
            r"backend must be the name of a backend, a backend, or a list of them, not 3 \(int\)",
        ),
        ({"backend": SatBackend}, "backend must be the name of a backend, a backend"),
        ({"backend": ["sat", None]}, r"backend must be .* not \['sat', None\]"),
        ({"encoder": ClauseEncoder}, "encoder must be the name of an encoder, or an encoder"),
        ({"limits": "60"}, r"limits must be Limits or a number of seconds, not '60' \(str\)"),
        ({"limits": True}, "limits must be Limits or a number of seconds"),
        ({"start": [1, 2]}, "start must be a Network or the path of one"),
        ({"cubes": "many"}, "cubes must be Cubes or how many"),
    ],
)
def test_anything_else_is_named(arguments, expected):
    with pytest.raises(TypeError, match=expected):
        qnnt.solve(**{"instance": ALONE, **arguments})


@pytest.mark.parametrize("goal", ["mini", "at-most:-1", "at-most"])
def test_a_goal_that_there_is_not(goal):
    with pytest.raises(
        qnnt.UnknownWord, match=f"goal: no goal '{goal}'.*; there are: at-most:N, exactly:N, min"
    ):
        qnnt.solve(ALONE, goal=goal)


@given(instances(max_networks=10**4))
def test_an_unpickled_instance_equals_the_original(instance):
    again = pickle.loads(pickle.dumps(instance))
    assert again == instance
    assert hash(again) == hash(instance)
    assert again.with_goal("exactly:987") != instance
    assert qnnt.Instance(
        instance.domain, instance.architecture, instance.dataset, instance.goal, {"a": 1}, instance.activation
    ) != qnnt.Instance(
        instance.domain, instance.architecture, instance.dataset, instance.goal, {"a": 2}, instance.activation
    )
    assert instance != "an instance"


def test_what_is_shown_takes_a_line_or_two():
    network = qnnt.Network(ALONE.architecture, ALONE.domain, [1, -1], [0])
    result = qnnt.solve(ALONE, goal="min", backend="sat")
    assert repr(ALONE) == "Instance(Z_3 = {-1..1}, 2-1, relu, 4 points, goal at-most:0)"
    assert repr(network) == "Network(Z_3 = {-1..1}, 2-1, relu, 2 of 2 weights not 0)"
    assert repr(result).startswith(
        "Result(OPTIMAL: 1 error, lower bound 1, goal min, backend sat:cadical153, "
    )
    assert str(network).splitlines() == [
        "Network, where ReLU maps below 0 to 0 and above 1 to 1; weights of 0 are left out:",
        "  y0  =  ReLU(x0 - x1)",
    ]
    large = qnnt.generate.teacher_instance(3, [90, 90, 9], 200)
    for shown in (large, large.architecture, large.dataset, result):
        assert len(str(shown)) < 160
        assert "\n" not in str(shown)
