"""Rows coded as numbers: the same order, the same distinct rows, whatever the values and the types."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from qnnt.rowcodes import RowCodes, distinct_rows, first_rows

SMALL = arrays(
    st.sampled_from([np.int8, np.int64]),
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.integers(-2, 2),
)
LARGE = arrays(
    np.int64,
    st.tuples(st.integers(0, 6), st.integers(1, 4)),
    elements=st.sampled_from([-(2**62), -(2**40), 0, 1, 2**40, 2**62]),
)
ROWS = st.one_of(SMALL, LARGE)


@given(ROWS)
def test_distinct_rows_agrees_with_numpy(rows: np.ndarray) -> None:
    values, of_row = distinct_rows(rows)
    assert np.array_equal(values, np.unique(rows, axis=0))
    assert np.array_equal(values[of_row], rows)


@given(ROWS)
def test_the_first_of_each_distinct_row(rows: np.ndarray) -> None:
    expected, first = np.unique(rows, axis=0, return_index=True)
    assert first_rows(rows).tolist() == first.tolist()
    at, of = RowCodes.of(rows).groups()
    assert at.tolist() == first.tolist()
    assert np.array_equal(expected[of], rows)


@given(ROWS, st.data())
def test_codes_compare_like_rows_however_the_columns_are_added(rows: np.ndarray, data: st.DataObject) -> None:
    codes, start = RowCodes(len(rows)), 0
    while start < rows.shape[1]:
        end = data.draw(st.integers(start + 1, rows.shape[1]))
        codes.add(rows[:, start] if end == start + 1 else rows[:, start:end])
        start = end
    listed = rows.tolist()
    for i in range(len(rows)):
        for j in range(len(rows)):
            assert (codes.code[i] < codes.code[j]) == (listed[i] < listed[j])


@pytest.mark.parametrize("columns", [1, 7])
def test_unsigned_rows(columns: int) -> None:
    rows = np.array([[2**63] * columns, [0] * columns, [2**63] * columns], dtype=np.uint64)
    values, of_row = distinct_rows(rows)
    assert values.tolist() == [[0] * columns, [2**63] * columns]
    assert of_row.tolist() == [1, 0, 1]
