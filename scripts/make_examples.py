"""Make the instances in ``examples/``; the same versions of numpy and scikit-learn give the same bytes."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from sklearn.datasets import load_iris

from qnnt.generate.table import table_instance
from qnnt.generate.teacher import teacher_instance
from qnnt.goals import Minimize

EXAMPLES = Path(__file__).parent.parent / "examples"

IRIS = {"d": 3, "hidden": [2], "goal": Minimize()}
TEACHER = {"d": 3, "layers": [4, 3, 1], "points": 40, "noise": 0.0, "seed": 1}


def write_iris(path: Path) -> None:
    """The iris data set as CSV: four measures in cm, and the species."""
    iris = load_iris()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([name.removesuffix(" (cm)") for name in iris.feature_names] + ["species"])
        for row, target in zip(iris.data.tolist(), iris.target.tolist(), strict=True):
            writer.writerow([*row, iris.target_names[target]])


def main() -> None:
    EXAMPLES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "iris.csv"
        write_iris(table)
        table_instance(table, ["species"], **IRIS).save(EXAMPLES / "iris.json")
    teacher_instance(**TEACHER).save(EXAMPLES / "teacher.json")


if __name__ == "__main__":
    main()
