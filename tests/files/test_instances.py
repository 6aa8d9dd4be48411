import errno
import gzip
import json
import os
import resource
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import instances

from qnnt.architecture import Architecture
from qnnt.dataset import Dataset
from qnnt.domain import Domain
from qnnt.exceptions import InputError
from qnnt.goals import AtMost, Exactly, Minimize
from qnnt.instance import Instance

META = st.dictionaries(
    st.text(),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)

DOCUMENT = {
    "format": "qnnt-instance",
    "version": 1,
    "d": 3,
    "layers": [["x0", "x1"], ["h0", "h1"], ["y0"]],
    "arcs": [["x0", "h0"], ["x1", "h0"], ["x1", "h1"], ["h0", "y0"], ["h1", "y0"]],
    "data": [{"x": [0, 1], "y": [1], "count": 2}, {"x": [-1, 0], "y": [0]}],
    "errors": {"at_most": 0},
}


def same(a: Instance, b: Instance) -> bool:
    return all(getattr(a, f) == getattr(b, f) for f in ("domain", "architecture", "dataset", "goal", "meta"))


def put(folder: Path, **changes: Any) -> Path:
    path = folder / "inst.json"
    path.write_text(
        json.dumps({k: v for k, v in (DOCUMENT | changes).items() if v is not ...}), encoding="utf-8"
    )
    return path


def message(path: Path) -> str:
    """What a user reads, less the folder."""
    with pytest.raises(InputError) as error:
        Instance.load(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert len(text.splitlines()) == 1
    return text.removeprefix(f"{path}: ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("instances")


@pytest.mark.parametrize("name", ["inst.json", "inst.json.gz"])
@given(instance=instances(names=st.text()), meta=META)
def test_round_trip_and_equal_bytes(
    folder: Path, name: str, instance: Instance, meta: dict[str, Any]
) -> None:
    instance = Instance(instance.domain, instance.architecture, instance.dataset, instance.goal, meta)
    path, again = folder / name, folder / f"again-{name}"
    instance.save(path)
    loaded = Instance.load(path)
    assert same(loaded, instance)
    loaded.save(again)
    assert path.read_bytes() == again.read_bytes()


def test_reads_the_documented_file(tmp_path: Path) -> None:
    instance = Instance.load(put(tmp_path))
    assert instance.domain == Domain(3)
    assert not instance.architecture.is_dense
    assert instance.dataset == Dataset([[0, 1], [-1, 0]], [[1], [0]], [2, 1])
    assert instance.goal == AtMost(0)


def test_writes_one_point_a_line(tmp_path: Path) -> None:
    dataset = Dataset([[0, 1], [-1, 0]], [[1], [0]], [2, 1])
    path = tmp_path / "inst.json"
    Instance(Domain(3), Architecture.dense([2, 1]), dataset, Minimize(), {"from": "größer"}).save(path)
    assert path.read_text(encoding="utf-8").splitlines() == [
        '{"format": "qnnt-instance",',
        ' "version": 2,',
        ' "d": 3,',
        ' "activation": "relu",',
        ' "layers": [["x0", "x1"], ["y0"]],',
        ' "arcs": "dense",',
        ' "data": [',
        '  {"x": [0, 1], "y": [1], "count": 2},',
        '  {"x": [-1, 0], "y": [0]}',
        " ],",
        ' "errors": "min",',
        ' "meta": {"from": "größer"}}',
    ]


@pytest.mark.parametrize(
    ("errors", "goal"),
    [(..., AtMost(0)), ({"at_most": 2}, AtMost(2)), ({"exactly": 0}, Exactly(0)), ("min", Minimize())],
)
def test_goals(tmp_path: Path, errors: Any, goal: object) -> None:
    assert Instance.load(put(tmp_path, errors=errors)).goal == goal


def test_accepts_a_byte_order_mark_dense_arcs_and_no_data(tmp_path: Path) -> None:
    path = put(tmp_path, arcs="dense", data=[])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    instance = Instance.load(path)
    assert instance.architecture == Architecture.dense([2, 2, 1])
    assert instance.dataset.inputs.shape == (0, 2)


def points(**third: Any) -> list[dict[str, Any]]:
    good = {"x": [0, 1], "y": [1]}
    return [good, good, good, {k: v for k, v in (good | third).items() if v is not ...}]


ERRORS = 'errors: must be {"at_most": n}, {"exactly": n} or "min"'


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format": "qnnt-network"}, 'format: must be "qnnt-instance", not "qnnt-network"'),
        ({"format": ...}, 'format: must be "qnnt-instance"; it is missing'),
        ({"version": 3}, "version: must be 1 or 2, which are known here, not 3"),
        ({"version": True}, "version: must be 1 or 2, which are known here, not true"),
        ({"version": 1.0}, "version: must be 1 or 2, which are known here, not 1.0"),
        ({"d": 0}, "d: must be at least 1, not 0"),
        ({"d": True}, "d: must be an integer, not true"),
        ({"d": 3.0}, "d: must be an integer, not 3.0"),
        ({"d": "3"}, 'd: must be an integer, not "3"'),
        ({"d": None}, "d: must be an integer, not null"),
        ({"d": ...}, "d: is missing"),
        ({"d": 10**15}, "d: sums of 2 products over Z_1000000000000000 = "),
        ({"d": 10**30}, "d: must be at most 9223372036854775807, not 1" + "0" * 30),
        ({"seed": 1}, "seed: is not a known key"),
        ({"my seed": 1}, "['my seed']: is not a known key"),
        ({"layers": "x"}, 'layers: must be a list, not "x"'),
        ({"layers": [["x0"], "y0"]}, 'layers[1]: must be a list, not "y0"'),
        ({"layers": [["x0"], [1]]}, "layers[1][0]: must be a string, not 1"),
        ({"layers": [["x0", "x1"], ["x0"]]}, "layers[1][0]: neuron 'x0' is named twice"),
        ({"layers": [["x0", "x1"]]}, "layers: an architecture has at least an input and an output layer"),
        ({"arcs": "all"}, 'arcs: must be "dense" or a list of arcs'),
        ({"arcs": None}, 'arcs: must be "dense" or a list of arcs'),
        ({"arcs": []}, "layers[1][0]: neuron 'h0' has no in-arc"),
        ({"arcs": [["x0", "h0"], ["x1"]]}, "arcs[1]: has 1 item, not 2"),
        ({"arcs": [["x0", "h0"], ["x0", "h0", 1]]}, "arcs[1]: has 3 items, not 2"),
        ({"arcs": ["x0h0"]}, 'arcs[0]: must be a list, not "x0h0"'),
        ({"arcs": [["x0", 0]]}, "arcs[0][1]: must be a string, not 0"),
        (
            {"arcs": [["x0", "h0"], ["x1", "h1"], ["x0", "y0"]]},
            "arcs[2]: arc 'x0' → 'y0' goes from layer 0 to",
        ),
        ({"data": {}}, "data: must be a list, not {}"),
        ({"data": [[[0, 1], [1]]]}, "data[0]: must be an object, not [[0, 1], [1]]"),
        ({"data": points(x=[0, 5])}, "data[3].x[1]: value 5 is not in Z_3 = {-1..1}"),
        ({"data": points(y=[-2])}, "data[3].y[0]: value -2 is not in Z_3 = {-1..1}"),
        ({"data": points(x=[0, True])}, "data[3].x[1]: must be an integer, not true"),
        ({"data": points(x=[0, 1.0])}, "data[3].x[1]: must be an integer, not 1.0"),
        ({"data": points(x=[0, "1"])}, 'data[3].x[1]: must be an integer, not "1"'),
        (
            {"data": points(x=[0, 2**64])},
            "data[3].x[1]: must be at most 9223372036854775807, not 18446744073709",
        ),
        ({"data": points(x=[0])}, "data[3].x: has 1 value, the network 2 inputs"),
        ({"data": points(y=[0, 1])}, "data[3].y: has 2 values, the network 1 outputs"),
        ({"data": points(x=0)}, "data[3].x: must be a list, not 0"),
        ({"data": points(y=...)}, "data[3].y: is missing"),
        ({"data": points(z=[])}, "data[3].z: is not a known key"),
        ({"data": points(count=0)}, "data[3].count: must be at least 1, not 0"),
        ({"data": points(count=2.0)}, "data[3].count: must be an integer, not 2.0"),
        ({"data": points(count=2**63 - 1)}, "data: the counts add up to 2^62 or more"),
        ({"errors": {"at_most": -1}}, "errors.at_most: must be at least 0, not -1"),
        ({"errors": {"at_most": False}}, "errors.at_most: must be an integer, not false"),
        ({"errors": {"most": 1}}, "errors.most: is not a known key"),
        ({"errors": {}}, ERRORS),
        ({"errors": {"at_most": 1, "exactly": 1}}, ERRORS),
        ({"errors": "max"}, ERRORS),
        ({"errors": 3}, ERRORS),
        ({"meta": []}, "meta: must be an object, not []"),
        ({"d": "\n" * 200}, 'd: must be an integer, not "' + "\\n" * 28 + "..."),
    ],
)
def test_names_the_place(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    assert message(put(tmp_path, **changes)).startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("[]", "must be a JSON object, not []"),
        ('{"format": \n "x" "y"}', "line 2 column 6: is not valid JSON: Expecting ',' delimiter"),
        ('{"d": NaN}', "is not valid JSON: NaN is not a number"),
        ('{"meta": {"a": -1e999}}', "holds a number that is too large: -1e999"),
        ('{"d": ' + "9" * 5000 + "}", "holds a number with too many digits"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"d": 3, "d": 4}', "d: is given twice"),
        ('{"data": [{"x": []}, {"x": [], "y": [], "x": []}]}', "data[1].x: is given twice"),
        ('{"meta": {"a b": [{"k": 1, "k": 1}]}}', "meta['a b'][0].k: is given twice"),
        ("\udcff", "byte 0: is not UTF-8 text"),
    ],
)
def test_names_what_is_wrong_with_the_text(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "inst.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert message(path) == expected


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert message(tmp_path / "no.json") == "cannot be read: No such file or directory"
    assert message(tmp_path) == "cannot be read: Is a directory"
    packed = tmp_path / "inst.json.gz"
    packed.write_text("{}", encoding="utf-8")
    assert message(packed) == "is not a complete gzip file"
    packed.write_bytes(gzip.compress(b"{}" * 100)[:-9])
    assert message(packed) == "is not a complete gzip file"
    packed.write_bytes(gzip.compress(b"{}"))
    assert message(packed) == 'format: must be "qnnt-instance"; it is missing'


def test_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    place = put(tmp_path)
    monkeypatch.setattr(Path, "open", denied)
    assert message(place) == "cannot be read: Permission denied"


SMALL = Instance(Domain(3), Architecture.dense([1, 1]), Dataset([[0]], [[0]]))


@pytest.mark.parametrize("name", ["inst.json", "inst.json.gz"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, unlimited[1]))
    try:
        with pytest.raises(InputError) as error:
            SMALL.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert str(error.value) == f"{path}: cannot be written: {os.strerror(errno.EFBIG)}"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path, "Is a directory"),
        (tmp_path / "no" / "f.json", "No such file or directory"),
    ):
        with pytest.raises(InputError) as error:
            SMALL.save(path)
        assert str(error.value) == f"{path}: cannot be written: {reason}"
    assert list(tmp_path.iterdir()) == []


def test_writes_through_links_and_to_devices(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(real)
    SMALL.save(link)
    assert link.is_symlink()
    assert same(Instance.load(real), SMALL)
    SMALL.save("/dev/null")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        (
            {"a": {1, 2}},
            "inst.json: meta: cannot be written as JSON: Object of type set is not JSON serializable",
        ),
        (
            {"a": float("nan")},
            "inst.json: meta: cannot be written as JSON: Out of range float values are not JSON",
        ),
        ({"a": "\ud800"}, "inst.json: cannot be written: '\\ud800' is no Unicode character"),
    ],
)
def test_meta_that_is_no_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meta: dict[str, Any], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        Instance(SMALL.domain, SMALL.architecture, SMALL.dataset, meta=meta).save("inst.json")
    assert str(error.value).startswith(expected)
    assert list(tmp_path.iterdir()) == []
