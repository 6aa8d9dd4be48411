"""Real data sets with known answers; skipped where the files are not at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import qnnt
from qnnt.generate.table import table_instance

TABLES = Path(__file__).parents[2] / "shared" / "data" / "tabular"
pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason="the data files are not here")


def test_monk1_is_learnt_by_three_hidden_neurons() -> None:
    instance = table_instance(TABLES / "monk1_enc.csv", ["target"], 3, [3], qnnt.AtMost(0))
    result = qnnt.solve(instance)
    assert (result.status, result.errors) == (qnnt.Status.SATISFIABLE, 0)


@pytest.mark.parametrize("backend", ["maxsat", "sat", "cpsat"])
def test_monk3_has_eight_errors_at_least(backend: str) -> None:
    instance = table_instance(TABLES / "monk3_enc.csv", ["target"], 3, [1], qnnt.Minimize())
    result = qnnt.solve(instance, backend=backend)
    assert (result.status, result.errors, result.lower_bound) == (qnnt.Status.OPTIMAL, 8, 8)
