"""Which limits make sense."""

from __future__ import annotations

from typing import Any

import pytest

from qnnt import Limits


@pytest.mark.parametrize(
    "said",
    [
        {"time": 0},
        {"time": "60"},
        {"time": True},
        {"time": float("nan")},
        {"memory": 0},
        {"memory": 1.5},
        {"threads": 0},
        {"threads": True},
        {"seed": -1},
        {"seed": 1.5},
    ],
)
def test_values_that_make_no_sense_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"limit|thread|seed|time|memory"):
        Limits(**said)
