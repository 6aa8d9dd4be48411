"""What is said of a document that does not fit its schema."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from qnnt.exceptions import InputError
from qnnt.files.schemas import Finite, Integer, Positive, Schema, checked


class Inner(Schema):
    name: str
    size: Positive = 1


class Document(Schema):
    numbers: dict[str, list[Integer]]
    inner: list[Inner]
    share: Finite | Literal["all"] = 0.5
    pair: tuple[str, Integer] = ("a", 0)
    several: Annotated[list[str], Meta(min_length=2)] | None = None


def complaint(**changes: Any) -> str:
    document = {"numbers": {"a": [1]}, "inner": [{"name": "b"}], **changes}
    with pytest.raises(InputError) as error:
        checked({k: v for k, v in document.items() if v is not ...}, Document, {"share": 'a number or "all"'})
    return str(error.value)


def test_what_fits_is_read_with_its_defaults() -> None:
    found = checked({"numbers": {}, "inner": [{"name": "b"}]}, Document)
    assert (found.numbers, found.inner, found.share, found.pair) == ({}, [Inner("b", 1)], 0.5, ("a", 0))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"inner": ...}, "inner: is missing"),
        ({"inner": [{"name": "b"}, {}]}, "inner[1].name: is missing"),
        ({"inner": [{"name": "b", "more": 1}]}, "inner[0].more: is not a known key"),
        ({"mo re": 1}, "['mo re']: is not a known key"),
        ({"inner": None}, "inner: must be a list, not null"),
        ({"inner": [{"name": "b", "size": 0}]}, "inner[0].size: must be at least 1, not 0"),
        ({"numbers": {"a": [2**70]}}, "numbers.a[0]: must be at most 9223372036854775807, not 1180"),
        ({"numbers": {"a": [-(2**70)]}}, "numbers.a[0]: must be at least -9223372036854775807, not -1180"),
        ({"share": "some"}, 'share: must be a number or "all"'),
        ({"share": None}, 'share: must be a number or "all"'),
        ({"share": float("nan")}, 'share: must be a number or "all"'),
        ({"pair": ["a"]}, "pair: has 1 item, not 2"),
        ({"pair": ["a", 1, 2]}, "pair: has 3 items, not 2"),
        ({"pair": ["a", "b"]}, 'pair[1]: must be an integer, not "b"'),
        ({"several": ["a"]}, "several: has 1 item, not 2 or more"),
        ({"several": 1}, "several: must be a list or null, not 1"),
        ({"inner": [{"name": b"x"}]}, """inner[0].name: must be a string, not "b'x'\""""),
    ],
)
def test_names_the_place_and_the_value(changes: dict[str, Any], expected: str) -> None:
    assert complaint(**changes).startswith(expected)


@given(st.integers(1, 40), st.data())
def test_names_the_first_wrong_value_of_an_object(n: int, data: st.DataObject) -> None:
    """The document stays as it was, and mistakes after the object do not count."""
    numbers: dict[str, Any] = {f"k{i}": [i] for i in range(n)}
    wrong = data.draw(st.lists(st.integers(0, n - 1), min_size=1))
    for i in wrong:
        numbers[f"k{i}"] = [i, "x"] if i % 2 else None
    before, first = dict(numbers), min(wrong)
    expected = '[1]: must be an integer, not "x"' if first % 2 else ": must be a list, not null"
    assert complaint(numbers=numbers, inner=[{"name": 1}]) == f"numbers.k{first}{expected}"
    assert numbers == before
    assert list(numbers) == list(before)


KEYS = ["a - at `$.b", "a` - at `$[3]", "a - at `$.numbers[...]", "a`", "- at `$`", ""]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_reads_like_a_place(key: str) -> None:
    assert complaint(**{key: 1})
    assert complaint(inner=[{"name": "b", key: 1}])
    assert complaint(numbers={key: [0, None]}) == f"numbers[{key!r}][1]: must be an integer, not null"
