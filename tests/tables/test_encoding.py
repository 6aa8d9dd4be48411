"""How columns become inputs, on the rows that the encoding was fitted on and on others."""

import json
from bisect import bisect_left

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.domain import Domain
from qnnt.exceptions import InputError, UnknownWord
from qnnt.tables.columns import Column, read_columns
from qnnt.tables.encoding import TableEncoding, Target
from qnnt.tables.features import fit

NUMBERS = st.integers(-9, 9) | st.floats(-1e3, 1e3).map(lambda v: round(v, 2))


def column(values, name="a"):
    return Column.of(name, [str(v) for v in values], range(1, len(values) + 1))


def encoded(feature, values):
    return feature.encode(column(values), "error")[:, 0].tolist()


def reference(record, number, domain):
    """The level of a number, from the words of the documentation."""
    first = domain.lo + (record.get("missing") == "level")
    if record["treatment"] == "kept":
        return min(max(round(number), first), domain.hi)
    if record["treatment"] == "quantiles":
        return first + bisect_left(record["edges"], number)
    return first + min(range(len(record["values"])), key=lambda i: abs(record["values"][i] - number))


@given(st.lists(NUMBERS, min_size=2, max_size=30), st.lists(NUMBERS, min_size=1), st.integers(2, 9))
def test_other_numbers_fall_among_those_that_were_seen(values, others, d):
    domain = Domain(d)
    feature = fit(column(values), domain)
    if feature.record["treatment"] == "dropped":
        return
    found = encoded(feature, others)
    assert found == [reference(feature.record, float(v), domain) for v in others]
    assert domain.contains(np.array(found)).all()


@given(st.lists(NUMBERS | st.just("NA"), min_size=3, max_size=20), st.integers(3, 6))
def test_missing_numbers_have_a_level_of_their_own(values, d):
    present = [v for v in values if v != "NA"]
    feature = fit(column(values), Domain(d), "level")
    if not present or len(present) == len(values):
        assert feature.record.get("missing") != "level"
        return
    levels = np.array(encoded(feature, values))
    missing = np.array([v == "NA" for v in values])
    assert (levels[missing] == Domain(d).lo).all()
    assert (levels[~missing] > Domain(d).lo).all()
    order = np.argsort(np.array(present, dtype=float), kind="stable")
    assert (np.diff(levels[~missing][order]) >= 0).all()


@given(st.lists(NUMBERS | st.just("?"), min_size=3, max_size=20), st.integers(2, 6))
def test_missing_numbers_are_imputed_by_the_median(values, d):
    present = sorted(float(v) for v in values if v != "?")
    if not present:
        return
    median = present[(len(present) - 1) // 2]
    feature = fit(column(values), Domain(d), "impute")
    if feature.record["treatment"] == "dropped":
        assert len(set(present)) == 1
        return
    filled = [median if v == "?" else v for v in values]
    assert feature.record["missing"] == median
    assert encoded(feature, values) == encoded(feature, filled)
    assert encoded(feature, ["NA", ""]) == encoded(feature, [median] * 2)


def test_missing_numbers_are_an_error_unless_asked_for():
    with pytest.raises(
        InputError, match="line 2: column 'a' is of numbers and has no value here; missing=imp"
    ):
        fit(column([1.5, "NA", 2]), Domain(3))
    with pytest.raises(InputError, match="line 1: column 'a' is of numbers and has no value here"):
        encoded(fit(column([1.5, 3, 2, 7]), Domain(3)), ["", "1"])
    with pytest.raises(InputError, match="d of 3 or more, not 2"):
        fit(column([1.5, "", 2]), Domain(2), "level")
    with pytest.raises(UnknownWord, match="missing numbers 'drop'"):
        fit(column([1]), Domain(2), "drop")


def test_categories_that_were_not_seen():
    feature = fit(column(["red", "", "blue"]), Domain(3))
    assert feature.names == ["a=?", "a=blue", "a=red"]
    with pytest.raises(InputError, match="line 2: column 'a' has the category 'green' here"):
        feature.encode(column(["red", "green"]), "error")
    assert feature.encode(column(["red", "green", "NA"]), "ignore").tolist() == [
        [0, 0, 1],
        [0, 0, 0],
        [1, 0, 0],
    ]
    numbers = fit(column([0.5, 1.5, 2.5, 3.5]), Domain(3))
    with pytest.raises(InputError, match="line 1: column 'a' is of numbers and has 'red' here"):
        numbers.encode(column(["red", "1"]), "ignore")


def stored():
    rows = [["n", "c", "k", "t"], ["1.5", "r", "0", "2"], ["", "g", "1", "1.0"], ["9", "b", "1", "3"]]
    columns = read_columns(rows)
    targets = [Target.fit(columns[3])]
    return TableEncoding.fit(columns[:3], Domain(3), targets, "level"), columns


def test_an_encoding_is_read_as_it_was_stored():
    encoding, columns = stored()
    again = TableEncoding.of(json.loads(json.dumps(encoding.document)), 3)
    assert again == encoding
    assert again.document == encoding.document
    assert np.array_equal(again.inputs(columns), encoding.inputs(columns))
    assert again.inputs(columns[::-1]).tolist() == [[0, 0, 0, 1, 0], [-1, 0, 1, 0, 1], [1, 1, 0, 0, 1]]
    with pytest.raises(InputError, match="has no column 'c'; its columns are n, k, t"):
        again.inputs([columns[0], *columns[2:]])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda doc: doc.pop("targets"), "targets: is missing"),
        (
            lambda doc: doc["columns"][0].update(treatment="frobbed"),
            r"columns\[0\].treatment: cannot be .frobbed.",
        ),
        (lambda doc: doc["columns"][0].update(values=["x"]), r"columns\[0\].values\[0\]: "),
        (
            lambda doc: doc["columns"][0].update(values=[2.0, 1.0]),
            "n: its ranks must rise and be at most 2 in Z_3",
        ),
        (lambda doc: doc["columns"][1].update(inputs=["c"]), "c: has 1 neurons, its treatment 3"),
        (lambda doc: doc["columns"][1].update(categories=["b", "b", "g"]), "c: has the category 'b' twice"),
        (lambda doc: doc["targets"][0].update(classes=["1", "2", "1"]), "t: has the class '1' twice"),
        (lambda doc: doc["targets"][0].update(column="c"), "has the column 'c' twice"),
    ],
)
def test_a_stored_encoding_that_is_none(change, expected):
    document = json.loads(json.dumps(stored()[0].document))
    change(document)
    with pytest.raises(InputError, match=expected):
        TableEncoding.of(document, 3)


def test_a_stored_level_of_its_own_takes_three_values():
    with pytest.raises(InputError, match="n: a level of their own takes d of 3 or more, not 2"):
        TableEncoding.of(stored()[0].document, 2)


def test_classes_are_read_off_the_outputs():
    three, two = Target("t", ("a", "b", "c")), Target("u", ("no", "yes"))
    encoding = TableEncoding(Domain(3), (), (three, two))
    levels = np.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 1]])
    sums = np.array([[0, 1, 0, 1], [-3, -2, -1, 0], [1, 9, 2, 5]])
    classes, plain = encoding.classes(levels, sums)
    assert classes == [["b", "c", "c"], ["yes", "no", "yes"]]
    assert plain.tolist() == [True, False, False]
    assert two.codes(column(["yes", "no"])).tolist() == [1, 0]
    with pytest.raises(InputError, match="line 1: column 'a' has the class 'maybe' here; there are: no, yes"):
        two.codes(column(["maybe"]))
    assert Target("v", ("1", "2.5")).codes(column(["1.0", "2.50", "1e0"])).tolist() == [0, 1, 0]


def test_a_number_may_be_written_in_another_way_among_words():
    feature = fit(column(["1.0", "red", "2.50"]), Domain(3))
    assert feature.categories == ("1.0", "2.50", "red")
    assert feature.encode(column(["1", "2.5", "2.50"]), "error").tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    both = Target("t", ("1.0", "1", "x"))
    assert both.codes(column(["1", "1.0", "1e0"])).tolist() == [1, 0, 0]


def test_integers_that_floats_do_not_tell_apart_are_classes_of_their_own():
    cells = ["9007199254740992", "9007199254740993"]
    target = Target.fit(column(cells))
    assert target.classes == tuple(cells)
    assert target.codes(column(cells)).tolist() == [0, 1]
    with pytest.raises(InputError, match="has the class '9007199254740994' here"):
        target.codes(column(["9007199254740994"]))


@pytest.mark.parametrize("cell", ["NAN", "Nan", "-nan", "+NaN"])
def test_what_float_takes_for_nan_is_missing(cell):
    assert fit(column([cell, cell]), Domain(3), "impute").value == "?"
    assert fit(column(["1", cell, "3"]), Domain(3), "impute").missing == 1.0
    with pytest.raises(InputError, match="is a target and has no value here"):
        Target.fit(column(["a", cell]))


def test_two_columns_of_one_name():
    with pytest.raises(InputError, match="columns: has the column 'a' twice"):
        TableEncoding.fit([column([1, 2]), column([3, 4])], Domain(3))
