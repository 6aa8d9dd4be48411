import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.activation import relu
from qnnt.domain import Domain


@pytest.mark.parametrize(
    ("d", "values"), [(1, [0]), (2, [0, 1]), (3, [-1, 0, 1]), (4, [-1, 0, 1, 2]), (5, [-2, -1, 0, 1, 2])]
)
def test_values_of_the_paper(d: int, values: list[int]) -> None:
    domain = Domain(d)
    assert list(range(domain.lo, domain.hi + 1)) == values
    assert str(domain) == f"Z_{d} = {{{values[0]}..{values[-1]}}}"


@given(st.integers(1, 10**9))
def test_has_d_values_that_fit_its_type(d: int) -> None:
    domain = Domain(d)
    assert domain.hi - domain.lo + 1 == d
    assert domain.lo <= 0 <= domain.hi
    info = np.iinfo(domain.dtype)
    assert info.min <= domain.lo
    assert domain.hi <= info.max


@given(st.integers(1, 9).map(Domain), st.lists(st.integers(-20, 20)))
def test_relu_and_contains_follow_the_definition(domain: Domain, values: list[int]) -> None:
    array = np.array(values, dtype=np.int64)
    assert relu(domain)(array).tolist() == [min(max(v, 0), domain.hi) for v in values]
    assert domain.contains(array).tolist() == [domain.lo <= v <= domain.hi for v in values]


@pytest.mark.parametrize("d", [0, -3, True, 2.0, "3", None])
def test_rejects_what_is_no_positive_integer(d: object) -> None:
    with pytest.raises(ValueError, match="d must be an integer of at least 1"):
        Domain(d)  # type: ignore[arg-type]
