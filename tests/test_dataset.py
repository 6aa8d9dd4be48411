from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import datasets

from qnnt.activation import relu
from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.instance import Instance
from qnnt.pipeline import solve


@given(st.integers(1, 5).map(Domain), st.data())
def test_choices_agree_with_a_count_by_hand(domain: Domain, data: st.DataObject) -> None:
    dataset = data.draw(datasets(domain, alpha=2, omega=2))
    by_input: dict[tuple[int, ...], Counter[tuple[int, ...]]] = {}
    rows = zip(dataset.inputs.tolist(), dataset.labels.tolist(), dataset.counts.tolist(), strict=True)
    for x, y, n in rows:
        by_input.setdefault(tuple(x), Counter())[tuple(y)] += n
    choices = dataset.choices(relu(domain))
    assert [tuple(x) for x in choices.inputs.tolist()] == sorted(by_input)
    assert choices.total == dataset.total == sum(c.total() for c in by_input.values())
    avoidable = 0
    for i, x in enumerate(sorted(by_input)):
        mine = choices.of == i
        possible = {y: n for y, n in by_input[x].items() if min(y) >= 0}
        pairs = zip(map(tuple, choices.labels[mine].tolist()), choices.counts[mine].tolist(), strict=True)
        assert dict(pairs) == possible
        assert choices.counts[mine].tolist() == sorted(possible.values(), reverse=True)
        avoidable += max(possible.values(), default=0)
    assert choices.unavoidable == dataset.total - avoidable
    assert (np.diff(choices.of) >= 0).all()
    assert dataset.contradicting == sum(len(labels) > 1 for labels in by_input.values())


def test_holds_copies_that_cannot_be_changed() -> None:
    inputs = np.zeros((1, 2), dtype=np.int8)
    dataset = Dataset(inputs, [[0]])
    inputs[0, 0] = 1
    assert dataset.inputs[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        dataset.inputs[0, 0] = 1


def test_equality_counts_shape_and_values() -> None:
    assert Dataset([[0, 1]], [[1]]) == Dataset([[0, 1]], [[1]], [1])
    assert Dataset([[0, 1]], [[1]]) != Dataset([[0, 1]], [[1]], [2])
    assert Dataset(np.empty((0, 2)), np.empty((0, 1))) != Dataset(np.empty((0, 1)), np.empty((0, 1)))
    assert (Dataset([[0]], [[0]]) == 1) is False


def test_a_data_set_of_no_points_fits_every_network() -> None:
    for empty in (Dataset(np.empty((0, 0)), np.empty((0, 0))), Dataset(np.empty((0, 2)), np.empty((0, 1)))):
        instance = Instance(Domain(3), Architecture.dense([2, 2, 1]), empty, "min")
        assert (instance.dataset.alpha, instance.dataset.omega) == (2, 1)
        assert solve(instance, isolate=False).errors == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.5]], [[0]]), "inputs: must be integers, not float64"),
        (([[0]], [[True]]), "labels: must be integers, not bool"),
        (([[0]], [["1"]]), "labels: must be integers, not <U1"),
        (([0], [[0]]), "data: shapes (1,), (1, 1), (1,) are not (N, α), (N, ω), (N,)"),
        (([[0]], [[0], [1]]), "data: shapes (1, 1), (2, 1), (1,) are not"),
        (([[0], [1]], [[0], [1]], [1, 0]), "data[1].count: a count is at least 1"),
        (([[0], [1]], [[0], [1]], [2**61, 2**61]), "data: the counts add up to 2^62 or more"),
    ],
)
def test_rejects_arrays_that_do_not_fit(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError) as error:
        Dataset(*arguments)  # type: ignore[arg-type]
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        ([[0, 1], [0, 5]], [[0], [0]], "data[1].x[1]: value 5 is not in Z_3 = {-1..1}"),
        ([[0, 1], [0, 1]], [[0], [-2]], "data[1].y[0]: value -2 is not in Z_3 = {-1..1}"),
        ([[0]], [[0]], "data[0].x: has 1 values where the network has 2"),
    ],
)
def test_check_names_the_value(inputs: list[list[int]], labels: list[list[int]], message: str) -> None:
    with pytest.raises(InputError) as error:
        Dataset(inputs, labels).check(Domain(3), alpha=2, omega=1)
    assert str(error.value) == message
