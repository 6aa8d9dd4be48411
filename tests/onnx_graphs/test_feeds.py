"""Calibration data of a graph: arrays, readers, files and folders, and what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto
from onnx_models import attention, build, convolutional, node, sentences, weights
from onnxruntime.quantization import CalibrationDataReader

from qnnt.exceptions import InputError
from qnnt.onnx_graphs.feeds import Feeds, read_data
from qnnt.onnx_graphs.graph import Graph
from qnnt.rounding import round_graph

INPUTS = Graph(attention()).inputs
IMAGES = Graph(convolutional()).inputs


class Reader(CalibrationDataReader):
    """Gives feeds one by one, as users of onnxruntime write it."""

    def __init__(self, feeds):
        self._feeds = iter(feeds)

    def get_next(self):
        return next(self._feeds, None)


def test_a_calibration_data_reader_gives_what_its_feeds_give():
    rng = np.random.default_rng(0)
    feeds = [sentences(rng, 4, length) for length in (3, 6)]
    by_reader = round_graph(attention(), Reader(feeds), backend="nearest-plane")
    by_list = round_graph(attention(), feeds, backend="nearest-plane")
    assert by_reader.model == by_list.model
    assert by_reader.settings["calibration"] == {"size": 2}
    used = Reader(feeds)
    assert len(Feeds.of(used, INPUTS).feeds) == 2
    with pytest.raises(InputError, match="has no feeds; a reader that was used up"):
        Feeds.of(used, INPUTS)


def test_rows_are_run_in_batches():
    X = np.arange(70 * 192.0).reshape(70, 192)  # flat images get the shape of the input
    feeds = Feeds.of(X, IMAGES)
    batches = [feed["x"] for feed in feeds]
    assert [len(batch) for batch in batches] == [32, 32, 6]
    assert batches[0].shape == (32, 3, 8, 8)
    assert batches[0].dtype == np.float32
    assert (np.concatenate(batches) == X.reshape(70, 3, 8, 8)).all()


def test_a_stated_number_of_rows_is_kept():
    rng = np.random.default_rng(0)
    model = build([node("MatMul", "x w", "y")], {"w": weights(rng, 4, 2)}, {"x": [3, 4]}, {"y": [3, 2]})
    X = rng.normal(size=(7, 4)).astype(np.float32)
    batches = [feed["x"] for feed in Feeds.of(X, Graph(model).inputs)]
    assert [len(batch) for batch in batches] == [3, 3, 3]
    assert (np.concatenate(batches) == np.concatenate([X, X[:2]])).all()
    assert round_graph(model, X, backend="nearest").layers[0].points == 9
    with pytest.raises(InputError, match="has 2 rows, the model takes 3 at once"):
        Feeds.of(X[:2], Graph(model).inputs)
    drawn = Feeds.of(X, Graph(model).inputs).drawn(count=1)
    assert [feed["x"].tolist() for feed in drawn] == [drawn.feeds[0]["x"].tolist() * 3]
    assert round_graph(model, drawn, backend="nearest").layers[0].points == 3


def test_some_rows_are_drawn_and_those_of_the_test_data_are_not():
    data = sentences(np.random.default_rng(0), 20, 4)
    feeds = Feeds.of(data, INPUTS)
    test = Feeds.of({name: array[:5] for name, array in data.items()}, INPUTS)
    drawn = feeds.drawn(count=6, seed=3, test=test)
    assert drawn.about == {"size": 6, "of": 20, "seed": 3, "left_out": 5}
    (feed,) = drawn
    for i in range(6):
        same = [(data["tokens"][j] == feed["tokens"][i]).all() for j in range(5)]
        assert not any(same)
    assert feeds.drawn(count=6, seed=3, test=test).feeds[0]["mask"].tolist() == feed["mask"].tolist()
    several = Feeds.of([data, data, data], INPUTS).drawn(count=2)
    assert len(several.feeds) == several.about["size"] == 2


def test_files_and_folders(tmp_path):
    data = sentences(np.random.default_rng(0), 6, 4)
    np.savez(tmp_path / "d.npz", **data)
    assert [f["mask"].shape for f in read_data(tmp_path / "d.npz", INPUTS)] == [(6, 4, 4)]
    folder = tmp_path / "folder"
    folder.mkdir()
    for i, length in enumerate((3, 5)):
        one = sentences(np.random.default_rng(i), 1, length)
        np.savez(folder / f"{i}.npz", tokens=one["tokens"][0], mask=one["mask"][0])  # single rows
    (folder / "notes.txt").write_text("nothing")
    feeds = list(read_data(folder, INPUTS))
    assert [f["tokens"].shape for f in feeds] == [(1, 3), (1, 5)]
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    np.save(pictures / "a.npy", np.zeros((3, 8, 8)))
    np.save(pictures / "b.npy", np.ones((2, 3, 8, 8)))
    assert [f["x"].shape for f in read_data(pictures, IMAGES)] == [(1, 3, 8, 8), (2, 3, 8, 8)]
    np.save(pictures / "c.npy", np.ones((2, 3, 9, 9)))
    with pytest.raises(InputError, match=r"c.npy: calibration: array 'x' has shape \(2, 3, 9, 9\)"):
        read_data(pictures, IMAGES)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="empty: is a folder without"):
        read_data(empty, IMAGES)


@pytest.mark.parametrize(
    ("kind", "fits", "value"),
    [
        (TensorProto.UINT8, [0, 255.0], "300"),
        (TensorProto.UINT8, [1], "-1"),
        (TensorProto.BOOL, [0, 1.0], "2"),
    ],
)
def test_integers_are_those_that_were_given(kind, fits, value):
    x = build([node("Cast", "x", "y", to=1)], {}, {"x": ["N"]}, {"y": ["N"]}, types={"x": kind})
    inputs = Graph(x).inputs
    assert Feeds.of(np.array(fits), inputs).feeds[0]["x"].tolist() == fits
    name = inputs[0].dtype.name
    with pytest.raises(InputError, match=f"array 'x' has the value {value}, which is no {name}"):
        Feeds.of(np.array([*fits, int(value)], dtype=np.int64), inputs)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.ones((2, 3)), "is one array, but the model has inputs 'tokens', 'mask'"),
        ({"tokens": np.ones((2, 3))}, "has no array 'mask'; the model has inputs 'tokens', 'mask'"),
        ({"tokens": [[1]], "mask": [[[0]]], "x": [1]}, "has an array 'x'"),
        ({"tokens": [[1]], "mask": [[0]]}, r"'mask' has shape \(1, 1\), the model's input \(\?, \?, \?\)"),
        ({"tokens": [[1]], "mask": [[[np.nan]]]}, "'mask' must be finite"),
        ({"tokens": [[1]], "mask": [[[1e300]]]}, "'mask' has values beyond float32"),
        ({"tokens": [["a"]], "mask": [[[0]]]}, "'tokens' must be numbers"),
        ({"tokens": [[3, 1.9]], "mask": [[[0]]]}, "'tokens' has the value 1.9, which is no int64"),
        ({"tokens": [[1e300]], "mask": [[[0]]]}, "'tokens' has the value 1e.300, which is no int64"),
        ({"tokens": np.ones((0, 2)), "mask": np.ones((0, 2, 2))}, "has no rows"),
        ([], "has no feeds"),
    ],
)
def test_what_does_not_fit_is_named(data, words):
    with pytest.raises(InputError, match=words):
        Feeds.of(data, INPUTS)
