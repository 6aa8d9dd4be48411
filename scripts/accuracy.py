"""Accuracy on new rows: exact small networks against a decision tree and logistic regression.

Tables are split into training and test rows, once for each seed, with the same shares of the classes.
Every model is trained on the same rows of the same encoding: the levels of ``QuantileEncoder`` over Z_3,
fitted on the training rows. The tree and the regression also get the columns as they are (``raw``), which
shows what the encoding costs. The number of leaves and the regression's strength of penalty are chosen by
cross-validation on the training rows; the networks have nothing that is chosen. ``majority`` always says the
most frequent class.

    python scripts/accuracy.py --seeds 5 --time-limit 20 -o accuracy.jsonl
    python scripts/accuracy.py --report accuracy.jsonl

Each line of the file is one model on one split. The same command goes on where it ended; one with another
time limit needs another file.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from measuring import ended, kept_lines
from sklearn import datasets
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from suite import TABLES
from threadpoolctl import threadpool_limits

from qnnt.comparing.report import as_markdown
from qnnt.exceptions import InputError
from qnnt.sklearn import QuantileEncoder, QuantizedReLUClassifier

Array = npt.NDArray[Any]
Row = dict[str, Any]

D, TEST_SHARE = 3, 0.3
NAMES = ("iris", "wine", "house-votes-84", "monk1", "monk2", "balance-scale", "breast_cancer")
HIDDEN = {"network": (), "network, 2 hidden": (2,)}


def table(name: str, folder: Path) -> tuple[Array, Array]:
    """The columns (n, f) and classes (n,) of a table of scikit-learn, or of a CSV file of the folder."""
    if hasattr(datasets, f"load_{name}"):
        return getattr(datasets, f"load_{name}")(return_X_y=True)  # type: ignore[no-any-return]
    rows = np.genfromtxt(folder / f"{name}_enc.csv", delimiter=",", skip_header=1, dtype=str)
    values = np.char.strip(rows, '"')
    return values[:, :-1].astype(float), values[:, -1]


def models(seed: int, time_limit: float) -> Iterator[tuple[str, bool, Callable[[], ClassifierMixin]]]:
    """Name of each model, whether it gets the columns as they are, and what makes it."""
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)

    def tree() -> ClassifierMixin:
        sizes = {"max_leaf_nodes": [2, 3, 4, 6, 8, 12, 16, 24, 32]}
        return GridSearchCV(DecisionTreeClassifier(random_state=seed), sizes, cv=folds)

    def regression() -> ClassifierMixin:
        strengths = {"logisticregression__C": [0.01, 0.1, 1, 10, 100]}
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
        return GridSearchCV(pipeline, strengths, cv=folds)

    yield "majority", False, DummyClassifier
    for name, hidden in HIDDEN.items():
        yield name, False, partial(QuantizedReLUClassifier, D, hidden, time_limit=time_limit)
    yield "tree", False, tree
    yield "logistic", False, regression
    yield "tree, raw", True, tree
    yield "logistic, raw", True, regression


def size(model: ClassifierMixin) -> str:
    """Non-zero weights of a network or a regression, leaves of a tree."""
    model = getattr(model, "best_estimator_", model)
    if isinstance(model, QuantizedReLUClassifier):
        return f"{model.network_.n_weights} weights"
    if isinstance(model, DecisionTreeClassifier):
        return f"{model.get_n_leaves()} leaves"
    return "" if isinstance(model, DummyClassifier) else f"{np.count_nonzero(model[-1].coef_)} weights"


def runs(
    names: list[str], folder: Path, seeds: int, time_limit: float, done: set[tuple[str, str, int]]
) -> Iterator[Row]:
    """One row for each table, split and model that is not done."""
    for seed, name in itertools.product(range(seeds), names):
        X, y = table(name, folder)
        train, test = train_test_split(np.arange(len(y)), test_size=TEST_SHARE, stratify=y, random_state=seed)
        encoder = QuantileEncoder(D).fit(X[train])
        encoded = encoder.transform(X)
        for word, raw, make in models(seed, time_limit):
            if (name, word, seed) in done:
                continue
            # A network fits the encoder itself, on the same rows.
            columns = X if raw or word.startswith("network") else encoded
            model, start = make(), time.perf_counter()
            model.fit(columns[train], y[train])
            row = {"table": name, "model": word, "seed": seed, "seconds": time.perf_counter() - start}
            row |= {"accuracy": model.score(columns[test], y[test]), "size": size(model)}
            row |= {"training": model.score(columns[train], y[train]), "rows": len(train)}
            row["time_limit"] = time_limit
            if isinstance(model, QuantizedReLUClassifier):
                row |= {"errors": model.errors_, "lower_bound": model.lower_bound_}
                row["arcs"] = model.network_.architecture.n_arcs
            yield row


def report(rows: list[Row]) -> str:
    """Markdown: mean and standard deviation over the splits."""
    lines = [["table", "model", "test accuracy", "training accuracy", "size", "proved"]]
    for name, model in dict.fromkeys((row["table"], row["model"]) for row in rows):
        chosen = [row for row in rows if (row["table"], row["model"]) == (name, model)]
        counts = [int(row["size"].split()[0]) for row in chosen if row["size"]]
        unit = chosen[0]["size"].partition(" ")[2]
        proved = sum(row["errors"] == row["lower_bound"] for row in chosen if "errors" in row)
        test, training = (np.array([row[key] for row in chosen]) for key in ("accuracy", "training"))
        lines.append(
            [
                name,
                model,
                f"{test.mean():.3f} ± {test.std(ddof=1) if len(test) > 1 else 0:.3f}",
                f"{training.mean():.3f}",
                f"{np.mean(counts):.0f} {unit}" if counts else "",
                f"{proved} of {len(chosen)}" if "errors" in chosen[0] else "",
            ]
        )
    return as_markdown(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run what is not done, then print the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="splits of each table")
    parser.add_argument("--time-limit", type=float, default=20.0, help="seconds for each network")
    parser.add_argument("--tables", type=Path, default=TABLES, help="folder of the CSV tables")
    parser.add_argument("--only", default=",".join(NAMES), help="names of tables")
    parser.add_argument("-o", "--output", type=Path, default=Path("accuracy.jsonl"), help="file of the runs")
    parser.add_argument("--report", type=Path, help="print the report of a file of runs, and end")
    chosen = parser.parse_args(arguments)
    path = chosen.report or chosen.output
    rows = kept_lines(path) if chosen.report or path.exists() else []
    if chosen.report is None:
        if any(row.get("time_limit") != chosen.time_limit for row in rows):
            raise InputError(str(path), "has runs with another --time-limit: choose another file by -o")
        warnings.simplefilter("ignore", FutureWarning)
        done = {(row["table"], row["model"], row["seed"]) for row in rows}
        with path.open("a", encoding="utf-8") as file, threadpool_limits(1):
            for row in runs(chosen.only.split(","), chosen.tables, chosen.seeds, chosen.time_limit, done):
                file.write(json.dumps(row) + "\n")
                file.flush()
                rows.append(row)
                print(row["table"], row["model"], row["seed"], f"{row['accuracy']:.3f}", file=sys.stderr)
    print(report(rows))
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
