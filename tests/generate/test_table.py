import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.activation import Activation
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.generate.table import table_instance, table_like, table_split
from qnnt.goals import AtMost, Minimize
from qnnt.instance import Instance
from qnnt.tables.features import MAX_CATEGORIES
from qnnt.verify.replay import check

PETS = """\
size,colour,weight,fixed,legs,kind
-1,red,1.5,7,4,cat
0,blue,2.5,7,4,dog
1,,10,7,2,bird
0,red,7e1,7,4,cat
"""


def make(
    folder: Path, text: str, targets: Sequence[str] = ("kind",), d: int = 3, hidden: Sequence[int] = ()
) -> Instance:
    path = folder / "pets.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return table_instance(path, targets, d, hidden, Minimize())


def column(values: Sequence[Any], d: int = 3) -> tuple[list[int], dict[str, Any]]:
    """How a feature column is encoded, beside a target that alternates."""
    rows = [["a", "t"], *([str(v), str(i % 2)] for i, v in enumerate(values))]
    instance = table_instance(rows, ["t"], d, [], Minimize())
    return instance.dataset.inputs[:, 0].tolist(), instance.meta["columns"][0]


def test_every_treatment_is_done_and_told(tmp_path: Path) -> None:
    instance = make(tmp_path, PETS, hidden=[2])
    assert instance.architecture.layers == (
        ("size", "colour=?", "colour=blue", "colour=red", "weight", "legs"),
        ("h0", "h1"),
        ("kind=bird", "kind=cat", "kind=dog"),
    )
    assert instance.dataset.inputs.tolist() == [
        [-1, 0, 0, 1, -1, 0],
        [0, 0, 1, 0, -1, 0],
        [1, 1, 0, 0, 0, -1],
        [0, 0, 0, 1, 1, 0],
    ]
    assert instance.dataset.labels.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert instance.goal == Minimize()
    assert instance.meta == {
        "kind": "table",
        "source": "pets.csv",
        "d": 3,
        "hidden": [2],
        "columns": [
            {"column": "size", "treatment": "kept", "inputs": ["size"]},
            {
                "column": "colour",
                "treatment": "one-hot",
                "categories": ["?", "blue", "red"],
                "inputs": ["colour=?", "colour=blue", "colour=red"],
            },
            {"column": "weight", "treatment": "quantiles", "edges": [2.5, 10.0], "inputs": ["weight"]},
            {"column": "fixed", "treatment": "dropped", "value": 7.0, "inputs": []},
            {"column": "legs", "treatment": "ranks", "values": [2.0, 4.0], "inputs": ["legs"]},
        ],
        "targets": [
            {
                "column": "kind",
                "classes": ["bird", "cat", "dog"],
                "outputs": ["kind=bird", "kind=cat", "kind=dog"],
            }
        ],
    }
    instance.save(tmp_path / "pets.json")
    assert Instance.load(tmp_path / "pets.json").meta == instance.meta


@given(
    st.lists(st.integers(-50, 50) | st.floats(-1e3, 1e3).map(lambda v: round(v, 2)), min_size=2, max_size=40),
    st.integers(2, 9),
)
def test_numbers_keep_their_order_and_can_be_encoded_again(values: list[float], d: int) -> None:
    domain = Domain(d)
    if len({float(v) for v in values}) == 1:
        values.append(values[0] + 1)
    encoded, record = column(values, d)
    assert len(set(encoded)) > 1
    assert all(domain.lo <= e <= domain.hi for e in encoded)
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(encoded)[order]) >= 0).all()
    if record["treatment"] == "kept":
        again = [int(v) for v in values]
    elif record["treatment"] == "ranks":
        again = [domain.lo + record["values"].index(v) for v in values]
    else:
        again = [domain.lo + sum(edge < v for edge in record["edges"]) for v in values]
    assert again == encoded


def test_bins_hold_about_equally_many() -> None:
    encoded, record = column([v / 10 for v in range(99)])
    assert record == {"column": "a", "treatment": "quantiles", "edges": [3.2, 6.5], "inputs": ["a"]}
    assert np.bincount(np.array(encoded) + 1).tolist() == [33, 33, 33]


@pytest.mark.parametrize(
    ("values", "encoded"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 5, 6, 7], [-1, -1, -1, -1, -1, -1, -1, 0, 0, 0]),
        ([9, 9, 9, 9, 9, 9, 9, 5, 6, 7], [0, 0, 0, 0, 0, 0, 0, -1, -1, -1]),
    ],
)
def test_a_column_of_mostly_one_value_still_tells_it_from_the_rest(
    values: list[int], encoded: list[int]
) -> None:
    assert column(values)[0] == encoded


def test_numbers_are_what_float_takes_but_no_underscores() -> None:
    assert column(["1.0", " 1 ", "-1e0", "+0", "-0.0"])[1]["treatment"] == "kept"
    assert column(["1_0", "2_0"])[1]["treatment"] == "one-hot"


def test_two_classes_are_one_output_and_numbers_sort_as_numbers(tmp_path: Path) -> None:
    instance = make(tmp_path, "a,b,c\n0,10,yes\n1,9,no\n0,100,yes\n", targets=["c", "b"])
    assert instance.architecture.layers[-1] == ("c", "b=9", "b=10", "b=100")
    assert instance.dataset.labels.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 1]]
    assert [t["classes"] for t in instance.meta["targets"]] == [["no", "yes"], ["9", "10", "100"]]


def test_neurons_never_share_a_name(tmp_path: Path) -> None:
    text = "h0,a,a=p,y\n0,p,0,0\n1,q,1,1\n"
    layers = make(tmp_path, text, targets=["y"], hidden=[2]).architecture.layers
    assert layers == (("h0", "a=p", "a=q", "a=p_2"), ("h0_2", "h1"), ("y",))
    assert make(tmp_path, text, targets=["y"], hidden=[1, 1]).architecture.layers[1:3] == (
        ("h1_0",),
        ("h2_0",),
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_dialects(tmp_path: Path, delimiter: str, newline: str, mark: str) -> None:
    rows = [["a", "b, or; so", "y"], ["0", 'said "no"\nthen', "p"], ["1", "yes", "q"]]
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        csv.writer(file, delimiter=delimiter, lineterminator=newline).writerows(rows)
        file.write(newline)
    instance = table_instance(path, ["y"], 3, [], AtMost(0))
    assert instance.architecture.layers[0] == ("a", 'b, or; so=said "no"\nthen', "b, or; so=yes")
    assert instance.dataset == table_instance(rows, ["y"], 3, [], AtMost(0)).dataset


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty; a table has a header row"),
        ("a,kind\n", "has no rows below its header"),
        ("a,kind\n1,x\n\n1,2,3\n", "line 4: has 3 fields, the header 2"),
        ("a,,kind\n1,2,x\n", "line 1: column 2 has no name"),
        ("a, a,kind\n1,2,x\n", "line 1: column 'a' is named twice"),
        ('a,kind\n1,x\n"2,y\n', "line 3: is not valid CSV: unexpected end of data"),
        ('a,kind\n"1"2,y\n', "line 2: is not valid CSV: ',' expected after '\"'"),
        ("a,b\n1,2\n", "has no column 'kind'; its columns are a, b"),
        ("a,kind\n1.5,x\n?,y\n", "line 3: column 'a' is of numbers and has no value here"),
        ("a,kind\n1.5,x\ninf,y\n", "line 3: column 'a' has the value inf here"),
        ("a,kind\n1,x\n2,NA\n", "line 3: column 'kind' is a target and has no value here"),
        ("a,kind\n1,x\n2,x\n", "target column 'kind' is 'x' in every row"),
        ("kind\nx\ny\n", "no feature column is left: each is a target or the same in every row"),
        ("a,b,kind\n1,,x\n1,?,y\n", "no feature column is left: each is a target or the same in every row"),
        (
            "a,kind\n" + "".join(f"k{i},{i % 2}\n" for i in range(300)),
            "column 'a' has 300 categories, at most 256",
        ),
        (
            "a,kind\n" + "".join(f"{i},{i / 7}\n" for i in range(300)),
            "column 'kind' has 300 categories, at most",
        ),
        (
            "a,kind\n" + "x" * 200_000 + ",1\n",
            "line 2: is not valid CSV: field larger than field limit (131072)",
        ),
    ],
)
def test_names_what_is_wrong(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(InputError) as error:
        make(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'pets.csv'}: {expected}")
    assert len(str(error.value).splitlines()) == 1


def test_category_limit_is_the_documented_one(tmp_path: Path) -> None:
    text = "a,kind\n" + "".join(f"k{i},{i % 2}\n" for i in range(MAX_CATEGORIES))
    assert make(tmp_path, text).architecture.alpha == MAX_CATEGORIES


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"d": 1}, "d: must be at least 2, as the only output in Z_1 is 0, not 1"),
        ({"hidden": [2, 0]}, "hidden[1]: a layer has at least one neuron, not 0"),
        ({"targets": []}, "pets.csv: no target column is named"),
        ({"targets": ["kind", "kind"]}, "pets.csv: target column 'kind' is named twice"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path: Path, arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as error:
        make(tmp_path, PETS, **arguments)
    assert str(error.value).endswith(expected)


def test_missing_and_undecodable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.csv: cannot be read: No such file or directory"):
        table_instance(tmp_path / "no.csv", ["y"], 3, [], AtMost(0))
    latin = tmp_path / "latin.csv"
    latin.write_bytes("größe,y\n1,2\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.csv: byte 2: is not UTF-8 text"):
        table_instance(latin, ["y"], 3, [], AtMost(0))


@pytest.mark.parametrize(("activation", "low", "high"), [("relu", 0, 1), ("step", 0, 1), ("sign", -1, 1)])
def test_labels_are_values_that_the_outputs_show(activation, low, high):
    rows = [["a", "two", "three"], ["0", "n", "x"], ["1", "y", "y"], ["0", "y", "z"]]
    instance = table_instance(rows, ["two", "three"], 3, [], Minimize(), activation)
    assert instance.dataset.labels.tolist() == [
        [low, high, low, low],
        [high, low, high, low],
        [high, low, low, high],
    ]
    assert instance.choices.unavoidable == 1  # a = 0 stands for two labels
    with pytest.raises(InputError, match="tell no classes"):
        table_instance(rows, ["two"], 3, [], Minimize(), ("relu", Activation((), (0,))))


IRIS = [["length", "colour", "kind"], *([str(i / 7), "rgb"[i % 3], "xyz"[i // 20]] for i in range(60))]


def test_a_test_part_has_the_encoding_of_the_training_part():
    train, test = table_split(IRIS, ["kind"], 4, [2], Minimize(), test_share=0.25, seed=3)
    assert (train.dataset.total, test.dataset.total) == (45, 15)
    assert train.encoding == test.encoding
    assert train.architecture == test.architecture
    assert test.dataset.labels.sum(axis=0).tolist() == [5, 5, 5]  # each class has its share
    alone = table_instance(IRIS, ["kind"], 4, [2], Minimize())
    assert alone.encoding != train.encoding  # its quantiles are those of all rows
    whole = table_like(IRIS, train)
    rows = [tuple(row) for part in (train, test) for row in part.dataset.inputs.tolist()]
    assert sorted(rows) == sorted(map(tuple, whole.dataset.inputs.tolist()))
    assert (
        table_split(IRIS, ["kind"], 4, [2], Minimize(), test_share=0.25, seed=4)[0].dataset != train.dataset
    )


def test_a_network_is_not_checked_on_a_table_of_another_encoding():
    train, test = table_split(IRIS, ["kind"], 4, [], Minimize(), test_share=0.25)
    network = train.network(np.zeros(train.architecture.n_parameters, dtype=np.int64))
    assert check(test, network).errors == test.dataset.total
    other = table_instance(IRIS[:40], ["kind"], 4, [], Minimize())
    again = table_instance(IRIS, ["kind"], 4, [], Minimize())
    with pytest.raises(InputError, match="another encoding: column 'length' differs"):
        check(again, network)
    with pytest.raises(InputError, match="another architecture"):
        check(other, network)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_of_all_rows_leaves_nothing_to_learn(share):
    with pytest.raises(InputError, match="test_share: lies from 0 to below 1"):
        table_split(IRIS, ["kind"], 3, [], Minimize(), test_share=share)
    with pytest.raises(InputError, match=r"of which a test share of 0\.001 is none"):
        table_split(IRIS, ["kind"], 3, [], Minimize(), test_share=0.001)


@pytest.mark.parametrize("share", [1 - 1e-12, math.nextafter(1, 0)])
def test_a_share_may_not_leave_nothing_to_learn(share):
    with pytest.raises(InputError, match=r"has 60 rows, of which a test share of 0\.9+\d* leaves none"):
        table_split(IRIS, ["kind"], 3, [], Minimize(), test_share=share)


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_a_seed_is_not_negative(share):
    with pytest.raises(InputError, match=r"^seed: must be at least 0, not -1$"):
        table_split("no.csv", ["kind"], 3, [], Minimize(), test_share=share, seed=-1)


def test_a_table_without_header_is_noticed():
    body = IRIS[1:]
    with pytest.raises(InputError, match=r"table: line 1: '0.0' is no name but data: is the header missing"):
        table_instance(body, ["z"], 3, [], Minimize())
    instance = table_instance(body, ["c3"], 3, [], Minimize(), header=False)
    assert instance.dataset == table_instance(IRIS, ["kind"], 3, [], Minimize()).dataset
    years = [["1999", "kind"], ["1", "a"], ["2", "b"]]
    assert table_instance(years, ["kind"], 3, [], Minimize(), header=True).dataset.total == 2
