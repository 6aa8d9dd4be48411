"""Make the instances in ``examples/``; the same versions of numpy and scikit-learn give the same bytes."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from sklearn.datasets import load_wine

from qnnt.generate.table import table_instance
from qnnt.generate.teacher import teacher_instance
from qnnt.goals import Minimize

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


def main() -> None:
    EXAMPLES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "wine.csv"
        write_wine(table)
        table_instance(table, ["cultivar"], **WINE).save(EXAMPLES / "wine.json")
    teacher_instance(**TEACHER).save(EXAMPLES / "teacher.json")


if __name__ == "__main__":
    main()
