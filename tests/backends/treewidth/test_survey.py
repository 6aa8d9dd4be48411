"""The picture of the tables: rows within their bounds, and the answer that enumeration gives."""

from itertools import pairwise

import numpy as np
import pytest
from drawings import assert_fits
from hypothesis import given, settings
from strategies import activations, instances

import qnnt
from qnnt.backends.enumeration import count_errors, parameter_blocks
from qnnt.backends.treewidth.elimination import Elimination
from qnnt.backends.treewidth.engine import Engine
from qnnt.backends.treewidth.survey import _by_bags, _most_frequent, survey
from qnnt.backends.treewidth.task import Budget
from qnnt.drawing.picture import Box, Label
from qnnt.exceptions import Unsupported


@settings(max_examples=settings().max_examples // 2)
@given(instances(max_networks=1100, max_parameters=15, activation=activations))
def test_tables_are_within_their_bounds_and_answer_the_question(instance):
    task = _most_frequent(instance)
    if not task.n:
        with pytest.raises(Unsupported, match="no label"):
            survey(instance)
        return
    engine = Engine(task.space, Budget())
    wiring, plan = engine.planned(task.n)
    run = Elimination(task, wiring, plan, Budget())
    run.solve()
    for rows, step in zip(run.rows, plan.steps, strict=False):
        assert rows <= 2**step.rows + 1e-6
    boxes, _, ended = _by_bags(task, engine, Budget())
    assert [box.rows for box in boxes if box.rows is not None] == run.rows[::-1]
    assert all(child > i for i, box in enumerate(boxes) for child in box.children)
    assert sorted(c for box in boxes for c in box.children) == list(range(1, len(boxes)))
    values = np.array(instance.activations[-1].values)
    labels = values[task.allowed.argmax(axis=2)]
    clear = qnnt.Instance(
        instance.domain,
        instance.architecture,
        qnnt.Dataset(task.inputs, labels),
        activation=instance.activation,
    )
    learned = any((count_errors(clear, block) == 0).any() for block in parameter_blocks(clear))
    assert ended == ("a network learns all labels" if learned else "no network learns all labels")
    assert_fits(survey(instance))


def sparse(parts=1):
    """A chain of neurons with an arc that skips none, so that tables have one or two neurons."""
    layers = [[f"{name}{p}{i}" for p in range(parts) for i in range(2)] for name in "xhgy"]
    pairs = [
        (f"{a}{p}{i}", f"{b}{p}{j}")
        for a, b in pairwise("xhgy")
        for p in range(parts)
        for i, j in ((0, 0), (1, 1), (0, 1))
    ]
    a = qnnt.Architecture(layers, pairs)
    X = np.random.default_rng(0).integers(-1, 2, (4, a.alpha))
    Y = np.zeros((4, a.omega), dtype=int)
    return qnnt.Instance(qnnt.Domain(3), a, qnnt.Dataset(X, Y))


def words(picture):
    return [shape.text for shape in picture.shapes if isinstance(shape, Label)]


def test_a_box_says_what_it_holds_and_its_size():
    picture = survey(sparse(), seconds=None)
    assert_fits(picture)
    text = " / ".join(words(picture))
    assert "done with" in text
    assert ": values" in text
    assert "a network learns all labels" in text
    green = [shape for shape in picture.shapes if isinstance(shape, Box) and shape.tip and shape.width > 2]
    assert len(green) >= 1
    assert "parts that share no neuron" in words(survey(sparse(parts=2), seconds=None))


def test_dense_layers_show_their_sets(tmp_path):
    teacher = qnnt.Instance(qnnt.Domain(2), qnnt.Architecture.dense([2, 2, 1]), qnnt.Dataset([[0, 1]], [[1]]))
    text = words(survey(teacher, seconds=None))
    assert "outputs: y0" in text
    assert "hidden layer 1: h0, h1" in text
    assert any("of vectors" in line for line in text)


def test_what_was_not_made_has_a_bound_and_a_reason():
    text = " / ".join(words(survey(sparse(), seconds=-1)))
    assert "not made; rows: at most" in text
    assert "not all tables were made: the time limit was reached" in text
    # Too many inputs for layers: bags do it without hidden neurons, and are too large with many.
    data = qnnt.Dataset(np.array(list(np.ndindex(*(2,) * 7))), np.zeros((128, 3), dtype=int))
    narrow, wide = (
        qnnt.Instance(qnnt.Domain(2), qnnt.Architecture.dense(sizes), data) for sizes in ([7, 3], [7, 12, 3])
    )
    assert {"done with y0", "a network learns all labels"} <= set(words(survey(narrow, seconds=None)))
    assert "try sat or maxsat" in " / ".join(words(survey(wide, seconds=None)))
