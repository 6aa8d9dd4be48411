"""Dense models: what is accepted, what is computed, and files."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qnnt.exceptions import InputError
from qnnt.rounding.model import ACTIVATIONS, DenseModel, measure, score


@st.composite
def models(draw, softmax: bool = True) -> DenseModel:
    """One to three layers of one to four neurons."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    names = sorted(set(ACTIVATIONS) - {"softmax"})
    activations = [draw(st.sampled_from(names)) for _ in sizes[1:]]
    if softmax and draw(st.booleans()):
        activations[-1] = "softmax"
    weights = [rng.normal(size=(n, f)) for f, n in pairwise(sizes)]
    return DenseModel.from_arrays(weights, [rng.normal(size=n) for n in sizes[1:]], activations)


def loop(model: DenseModel, x: np.ndarray) -> list[float]:
    """The outputs for one input, neuron by neuron."""
    values = list(x)
    for layer in model.layers:
        y = [sum(w * v for w, v in zip(row, values, strict=True)) for row in layer.weights]
        y = [a + b for a, b in zip(y, layer.biases, strict=True)]
        values = {
            "identity": lambda y: y,
            "relu": lambda y: [max(a, 0.0) for a in y],
            "tanh": lambda y: [np.tanh(a) for a in y],
            "sigmoid": lambda y: [1 / (1 + np.exp(-a)) for a in y],
            "softmax": lambda y: [np.exp(a) / sum(np.exp(b) for b in y) for a in y],
        }[layer.activation](y)
    return values


@given(models(), st.integers(0, 2**32))
def test_outputs_are_those_of_the_loop(model, seed):
    X = np.random.default_rng(seed).normal(size=(3, model.sizes[0]))
    assert model.predict(X) == pytest.approx(np.array([loop(model, x) for x in X]))


@given(models())
def test_files_hold_the_same_model(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("model") / "m.npz"
    model.save(path)
    again = DenseModel.load(path)
    for a, b in zip(model.layers, again.layers, strict=True):
        assert (a.weights == b.weights).all()
        assert (a.biases == b.biases).all()
        assert a.activation == b.activation


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_scikit_learn_classifiers(activation, digits, quiet):
    from sklearn.neural_network import MLPClassifier

    X, y = digits
    for keep in (range(10), range(2)):  # a softmax, and one sigmoid
        chosen = np.isin(y, keep)
        labels = np.array([f"digit {c}" for c in y[chosen]])
        fitted = quiet(
            MLPClassifier((7,), activation=activation, max_iter=8, random_state=0), X[chosen], labels
        )
        model = DenseModel.from_sklearn(fitted)
        outputs = fitted.predict_proba(X[chosen])
        assert model.predict(X[chosen]) == pytest.approx(outputs if len(keep) > 2 else outputs[:, 1:])
        assert (model.classify(X[chosen]) == fitted.predict(X[chosen])).all()
        assert score(model, X[chosen], labels) == fitted.score(X[chosen], labels)


def test_scikit_learn_regressors(digits, quiet):
    from sklearn.neural_network import MLPRegressor

    X, y = digits
    fitted = quiet(MLPRegressor(hidden_layer_sizes=(7,), max_iter=8, random_state=0), X, y.astype(float))
    model = DenseModel.from_sklearn(fitted)
    assert model.predict(X)[:, 0] == pytest.approx(fitted.predict(X))
    assert measure(model, y.astype(float)) == "mean squared error"
    assert score(model, X, y.astype(float)) == pytest.approx(((fitted.predict(X) - y) ** 2).mean())


def test_other_estimators_are_declined(digits, quiet):
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    X, y = digits
    with pytest.raises(InputError, match="LogisticRegression: is neither"):
        DenseModel.from_sklearn(LogisticRegression())
    with pytest.raises(InputError, match="is not fitted"):
        DenseModel.from_sklearn(MLPClassifier())
    several = quiet(MLPClassifier((3,), max_iter=2), X, np.stack([y % 2, y % 3 == 0], axis=1))
    with pytest.raises(InputError, match="multi-label"):
        DenseModel.from_sklearn(several)


ONE = ([[[1.0, 2.0]]], [[0.0]], ["relu"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], [], []), "layers: a model has at least one"),
        ((ONE[0], [], ["relu"]), "need as many of each"),
        (([[[1.0, np.nan]]], *ONE[1:]), r"layers\[0\].weights: must be finite"),
        (([[1.0]], *ONE[1:]), r"layers\[0\].weights: must be a matrix"),
        (([[["a"]]], *ONE[1:]), r"layers\[0\].weights: must be numbers"),
        ((np.zeros((1, 2, 0)), [[0.0, 0.0]], ["relu"]), r"layers\[0\].weights: a layer has inputs"),
        ((ONE[0], [[0.0, 0.0]], ONE[2]), r"layers\[0\].biases: 1 neurons"),
        ((*ONE[:2], ["gelu"]), r"layers\[0\].activation: 'gelu' is none of identity, relu"),
        ((ONE[0] * 2, ONE[1] * 2, ONE[2] * 2), r"layers\[1\]: takes 2 inputs, but the layer before gives 1"),
        (([[[1.0]], [[1.0]]], [[0.0]] * 2, ["softmax", "relu"]), r"layers\[0\]: softmax"),
        ((*ONE, ["a", "b", "c"]), "labels: 1 outputs stand for 2 classes"),
        ((*ONE, 3), r"labels: must be a vector, one for each output, not of shape \(\)"),
        ((*ONE, [[1, 2], [3, 4]]), r"labels: must be a vector, one for each output, not of shape \(2, 2\)"),
        ((*ONE, np.array(["a", None], dtype=object)), "labels: must be all numbers or all text"),
        ((*ONE, np.array(["a", 1], dtype=object)), "labels: must be all numbers or all text"),
        ((*ONE, np.array([[1], [1, 2]], dtype=object)), "labels: must be all numbers or all text"),
    ],
)
def test_models_that_make_no_sense(arguments, words):
    with pytest.raises(InputError, match=words):
        DenseModel.from_arrays(*arguments)


@pytest.mark.parametrize("labels", [["no", "yes"], [3, 5]])
def test_labels_that_are_objects_become_text_or_numbers(tmp_path, labels):
    """A column of pandas has such ones."""
    model = DenseModel.from_arrays(*ONE, np.array(labels, dtype=object))
    model.save(tmp_path / "m.npz")
    assert DenseModel.load(tmp_path / "m.npz").classify([[-1.0, 0.0], [1.0, 0.0]]).tolist() == labels


@pytest.mark.parametrize("X", [[1.0, 2.0], [[1.0]], [[1.0, np.inf]], [["a", "b"]]])
def test_inputs_that_do_not_fit(X):
    with pytest.raises(InputError, match=r"^inputs: "):
        DenseModel.from_arrays(*ONE).predict(X)


def test_labels_that_do_not_fit():
    model = DenseModel.from_arrays([np.eye(2)], [[0, 0]], ["softmax"])
    with pytest.raises(InputError, match="y: has 1 rows, X has 2"):
        score(model, np.eye(2), np.array([0]))
    with pytest.raises(InputError, match="none of the classes 0, 1"):
        score(model, np.eye(2), np.array([7, 8]))
    with pytest.raises(InputError, match="does not fit outputs"):
        score(model, np.eye(2), np.array([0.5, 0.5]))
    assert score(model, np.eye(2), np.array([0, 0])) == 0.5


def test_files_that_are_no_models(tmp_path):
    def message(**arrays: object) -> str:
        np.savez(tmp_path / "m.npz", **arrays)
        with pytest.raises(InputError) as caught:
            DenseModel.load(tmp_path / "m.npz")
        return str(caught.value).removeprefix(f"{tmp_path}/m.npz")

    assert message(x=1).startswith(": activations: is missing")
    assert message(weights_0=[[1.0]], activations=["relu"]).startswith(": biases_0: is missing")
    assert message(format="other").startswith(': format: must be "qnnt-dense-model"')
    assert message(format="qnnt-dense-model", version=2).startswith(": version: must be 1")
    assert message(weights_0=[["a"]], biases_0=[0.0], activations="relu").startswith(": layers[0].weights: ")
    layer = {"weights_0": [[1.0]], "biases_0": [0.0], "activations": "relu"}
    assert message(**layer, labels=3).startswith(": labels: must be a vector")
    np.savez(tmp_path / "m.npz", x=np.array([object()]))
    for path, words in (
        ("m.npz", "not a .npy or .npz file"),
        ("no.npz", "cannot be read"),
        ("", "cannot be read"),
    ):
        with pytest.raises(InputError, match=words):
            DenseModel.load(tmp_path / path)
    np.save(tmp_path / "v.npy", [1.0])
    with pytest.raises(InputError, match=r"must be a \.npz file"):
        DenseModel.load(tmp_path / "v.npy")
    for name in ("m.onnx", "m", "m.npy"):
        with pytest.raises(InputError, match=rf"{name}: must be named \*\.npz"):
            DenseModel.from_arrays(*ONE).save(tmp_path / name)
        assert not (tmp_path / name).exists()
    with pytest.raises(InputError, match="cannot be written"):
        DenseModel.from_arrays(*ONE).save(tmp_path / "no" / "m.npz")
