"""The estimators keep scikit-learn's promises, and their proofs and encodings are those of the package."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import qnnt
from qnnt.constant import best_constant
from qnnt.generate.table import table_instance
from qnnt.limits import Limit
from qnnt.sklearn import QuantileEncoder, QuantizedReLUClassifier

PETS = pd.DataFrame(
    {
        "size": [1.5, 2.5, np.nan, 7.0, 0.5, 3.0],
        "colour": ["red", None, "blue", "red", "blue", "red"],
        "legs": [4, 4, 2, 4, 2, 4],
    }
)
KINDS = np.array(["cat", "dog", "bird", "cat", "bird", "dog"])


@pytest.mark.parametrize(
    "estimator",
    [
        QuantileEncoder(),
        QuantileEncoder(d=5, missing="level"),
        QuantizedReLUClassifier(time_limit=0.5),
    ],
    ids=["encoder", "encoder of missing values", "classifier"],
)
def test_keeps_the_promises_of_scikit_learn(estimator):
    checked = check_estimator(estimator, on_skip=None)
    assert len(checked) > 30


def test_the_encoder_does_what_generate_table_does():
    encoder = QuantileEncoder(d=4, missing="impute").fit(PETS)
    names = ["size", "colour=?", "colour=blue", "colour=red", "legs"]
    assert encoder.get_feature_names_out().tolist() == names
    rows = PETS.astype(object).where(PETS.notna(), "").to_numpy()
    table = [
        ["size", "colour", "legs", "kind"],
        *([*map(str, row), k] for row, k in zip(rows, KINDS, strict=True)),
    ]
    instance = table_instance(table, ["kind"], 4, [], qnnt.Minimize(), missing="impute")
    assert np.array_equal(encoder.transform(PETS), instance.dataset.inputs)
    assert list(encoder.set_output(transform="pandas").transform(PETS).columns) == names
    with pytest.raises(ValueError, match="row 0: column 'colour' has the category 'green' here"):
        encoder.transform(PETS.assign(colour="green"))
    assert (
        QuantileEncoder(4, "impute", "ignore").fit(PETS).transform(PETS.assign(colour="green"))[:, 1:4].sum()
        == 0
    )
    with pytest.raises(ValueError, match="input_features must be those of fit"):
        encoder.get_feature_names_out(["a", "b", "c"])


def test_whatever_stands_for_a_missing_value_does():
    colours = np.array([["red"], [None], [float("nan")], [pd.NA], ["?"], ["blue"]], dtype=object)
    expected = [[0, 0, 1], *[[1, 0, 0]] * 4, [0, 1, 0]]
    assert QuantileEncoder().fit(colours).transform(colours).tolist() == expected


def test_booleans_are_numbers_and_missing_numbers_are_refused():
    bits = np.array([[True], [False]])
    assert QuantileEncoder().fit(bits).transform(bits).tolist() == [[1], [0]]
    with pytest.raises(ValueError, match="Input X contains NaN"):
        QuantileEncoder().fit([[1.0], [np.nan]])
    with pytest.raises(ValueError, match="d: must be at least 2, not 1"):
        QuantileEncoder(d=1).fit([[1.0], [2.0]])


def test_the_classifier_is_proved_best():
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array(["even", "odd", "odd", "even"])
    alone = QuantizedReLUClassifier(hidden=()).fit(X, y)  # one neuron cannot compute XOR
    assert (alone.errors_, alone.lower_bound_, alone.optimal_) == (1, 1, True)
    assert alone.score(X, y) == 0.75
    two = QuantizedReLUClassifier(hidden=(2,), backend="sat", errors=0).fit(X, y)
    assert two.predict(X).tolist() == y.tolist()
    assert two.network_.architecture.layers == (("x0", "x1"), ("h0", "h1"), ("class",))
    assert pickle.loads(pickle.dumps(two)).predict(X).tolist() == y.tolist()
    with pytest.raises(ValueError, match="no network meets at-most:0: each has 1 errors or more"):
        QuantizedReLUClassifier(hidden=(), errors="at-most:0").fit(X, y)
    with pytest.raises(ValueError, match=r"no network meets exactly:0$"):
        QuantizedReLUClassifier(hidden=(), errors="exactly:0").fit(X, y)
    with pytest.raises(ValueError, match="no goal 'frob'"):
        QuantizedReLUClassifier(errors="frob").fit(X, y)


@pytest.mark.parametrize("activation", ["relu", "sign", "step"])
def test_rows_that_are_right_are_predicted_right(activation):
    classifier = QuantizedReLUClassifier(
        d=5, hidden=(), activation=activation, missing="level", time_limit=2, backend="maxsat"
    ).fit(PETS, KINDS)
    assert (classifier.predict(PETS) != KINDS).sum() <= classifier.errors_
    assert classifier.network_.encoding == classifier.encoding_.document
    new = pd.DataFrame({"size": [np.nan, 1e9], "colour": ["green", "red"], "legs": [3, 100]})
    assert set(classifier.predict(new)) <= set(KINDS)


def test_in_pipelines_and_searches():
    X, y = load_iris(return_X_y=True)
    quick = QuantizedReLUClassifier(hidden=(), time_limit=0.5, backend="maxsat")
    assert cross_val_score(quick, X, y, cv=2).min() > 0.6
    encoded = make_pipeline(QuantileEncoder(d=9), LogisticRegression())
    assert cross_val_score(encoded, X, y, cv=2).min() > 0.8
    search = GridSearchCV(quick, {"d": [2, 3]}, cv=2).fit(X, y)
    assert search.best_params_["d"] in (2, 3)
    mixed = make_column_transformer((QuantileEncoder(missing="impute"), ["size", "legs"]), remainder="drop")
    pipeline = make_pipeline(mixed, QuantizedReLUClassifier(hidden=(), backend="maxsat")).fit(PETS, KINDS)
    assert pipeline.score(PETS, KINDS) >= 0.5


def test_ctrl_c_ends_a_search_too(monkeypatch):
    cut = qnnt.Result(qnnt.Status.UNKNOWN, "min", "sat", "clauses", limit=Limit.INTERRUPT)
    monkeypatch.setattr("qnnt.sklearn.solve", lambda *a, **k: cut)
    with pytest.raises(KeyboardInterrupt):
        QuantizedReLUClassifier().fit([[0], [1]], [0, 1])


@pytest.mark.parametrize(("errors", "goal"), [(0, "at-most:0"), ("exactly:0", "exactly:0")])
def test_a_goal_that_is_missed_warns(errors, goal, monkeypatch):
    def give_up(instance, **_):
        network = best_constant(instance)
        wrong = network.error(instance.dataset)
        return qnnt.Result(
            qnnt.Status.UNKNOWN, str(instance.goal), "sat", "clauses", network, wrong, reason="it is late"
        )

    monkeypatch.setattr("qnnt.sklearn.solve", give_up)
    X, y = [[0], [1], [2]], [0, 1, 0]
    with pytest.warns(
        ConvergenceWarning, match=f"1 errors, and whether one meets {goal} is not known: it is late"
    ):
        assert QuantizedReLUClassifier(errors=errors).fit(X, y).errors_ == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        QuantizedReLUClassifier().fit(X, y)  # of a minimum, the errors and their bound tell


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *[("d", 3.7), ("d", "3"), ("d", True), ("hidden", 2), ("hidden", "1"), ("hidden", (1.9,))],
        *[("errors", 1.0), ("errors", True), ("threads", 1.5), ("random_state", 1.7)],
    ],
)
def test_parameters_that_are_no_integers_are_named(parameter, value):
    classifier = QuantizedReLUClassifier(backend="enumeration").set_params(**{parameter: value})
    with pytest.raises(ValueError, match=f"^{parameter}: must be a"):
        classifier.fit([[0], [1]], [0, 1])


def test_integers_and_generators_of_numpy_will_do():
    one, state = np.int64(1), np.random.RandomState(0)
    classifier = QuantizedReLUClassifier(
        np.int64(3), np.array([1]), one, backend="enumeration", threads=one, random_state=state
    )
    assert classifier.fit([[0], [1]], [0, 1]).errors_ <= 1
    assert state.randint(2**31) != np.random.RandomState(0).randint(2**31)  # a seed was drawn
    assert QuantizedReLUClassifier(random_state=one, backend="enumeration").fit([[0], [1]], [0, 1]).optimal_


def test_words_and_sizes_of_the_encoder_are_refused_when_fitting():
    with pytest.raises(ValueError, match="no treatment of unseen categories 'skip'"):
        QuantileEncoder(unseen="skip").fit([["a"], ["b"]])
    with pytest.raises(ValueError, match=r"d: must be an integer, not 3\.7"):
        QuantileEncoder(d=3.7).fit([[1.0], [2.0]])
