from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.exceptions import InputError
from qnnt.rounding.calibration import draw_calibration

small = st.integers(0, 3)
matrices = st.lists(st.tuples(small, small), min_size=1, max_size=20).map(np.array)


@given(matrices, matrices, st.integers(0, 9), st.floats(0.01, 1))
def test_rows_are_drawn_from_those_not_in_the_test_data(X, test, seed, share):
    free = [i for i, row in enumerate(X) if not (row == test).all(axis=1).any()]
    if not free:
        with pytest.raises(InputError, match="every row is in the test data"):
            draw_calibration(X, test=test)
        return
    drawn = draw_calibration(X, share=share, seed=seed, test=test)
    assert set(drawn.indices) <= set(free)
    assert len(set(drawn.indices)) == len(drawn.indices) == max(1, round(share * len(free)))
    assert (drawn.inputs == X[drawn.indices]).all()
    assert (drawn.pool, drawn.seed, drawn.overlap) == (len(X), seed, len(X) - len(free))
    again = draw_calibration(X, count=len(drawn.inputs), seed=seed, test=test.astype(float))
    assert (again.indices == drawn.indices).all()
    assert drawn.as_dict() == {
        "size": len(drawn.inputs), "of": len(X), "seed": seed, "left_out": len(X) - len(free)
    }  # fmt: skip


def test_all_rows_without_a_size():
    drawn = draw_calibration([[0.0], [-0.0], [1.0]])
    assert drawn.indices.tolist() == [0, 1, 2]
    assert drawn.overlap is None
    assert draw_calibration([[0.0], [-0.0], [1.0]], test=[[0]]).indices.tolist() == [2]


@pytest.mark.parametrize(
    ("X", "options", "words"),
    [
        ([1.0], {}, "must be a matrix"),
        (np.zeros((0, 2)), {}, "with rows"),
        ([[1.0]], {"count": 1, "share": 0.5}, "not both"),
        ([[1.0]], {"count": 2}, "can be 1 to 1 rows, not 2"),
        ([[1.0]], {"count": 0}, "can be 1 to 1 rows"),
        ([[1.0]], {"share": 0.0}, "share lies in"),
        ([[1.0]], {"share": 1.5}, "share lies in"),
        ([[1.0]], {"test": [[1.0, 2.0]]}, "test data"),
    ],
)
def test_mistakes(X, options, words):
    with pytest.raises(InputError, match=words):
        draw_calibration(X, **options)
