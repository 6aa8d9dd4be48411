"""Make the instances in ``examples/``; the same versions of numpy and scikit-learn give the same bytes."""

from __future__ import annotations

import argparse
import csv
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from qnnt.generate.table import table_instance
from qnnt.generate.teacher import teacher_instance
from qnnt.goals import Minimize
from qnnt.rounding.model import DenseModel

EXAMPLES = Path(__file__).parent.parent / "examples"

WINE = {"d": 3, "hidden": [], "goal": Minimize()}
TEACHER = {"d": 3, "layers": [4, 3, 1], "points": 40, "noise": 0.0, "seed": 1}


def write_wine(path: Path) -> None:
    """The wine data set as CSV: thirteen chemical measures, and the cultivar."""
    wine = load_wine()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(name.replace("_", " ") for name in wine.feature_names), "cultivar"])
        for row, target in zip(wine.data.tolist(), wine.target.tolist(), strict=True):
            writer.writerow([*row, target + 1])


def write_digits(folder: Path) -> None:
    """A classifier of 8 x 8 handwritten digits, inputs to calibrate it on, and inputs it has not seen."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier = MLPClassifier((24,), alpha=0.1, max_iter=60, random_state=0).fit(X[:1400], y[:1400])
    DenseModel.from_sklearn(classifier).save(folder / "digits.npz")
    pixels = X.astype(np.uint8)
    np.save(folder / "digits-calibration.npy", pixels[:200])
    np.save(folder / "digits-test.npy", pixels[1400:])
    np.save(folder / "digits-labels.npy", y[1400:].astype(np.uint8))


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    EXAMPLES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "wine.csv"
        write_wine(table)
        table_instance(table, ["cultivar"], **WINE).save(EXAMPLES / "wine.json")
    write_digits(EXAMPLES)
    teacher_instance(**TEACHER).save(EXAMPLES / "teacher.json")


if __name__ == "__main__":
    main()
