"""The script on wide rows, on narrow ones."""

from __future__ import annotations

import sys

import numpy as np
import pytest


@pytest.fixture
def wide(script, monkeypatch):
    module = script("rounding_wide")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["rounding_wide", *words])
        module.main()

    return run


def test_no_row_costs_more_than_gptq_and_descent(wide, capsys):
    wide("layers", "--widths", "210", "--layers", "2", "--rows", "2", "--row-time", "0.1", "--no-equal-time")
    out = capsys.readouterr().out
    assert "0 rows cost more than the baseline" in out
    assert out.count("│   210 │") == 2


def test_bounds_are_tabled(wide, tmp_path, capsys):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (1100, 4, 4), dtype=np.uint8)
    classes = rng.integers(0, 10, 1100)
    np.savez(tmp_path / "images.npz", Xtr=images, ytr=classes, Xte=images[:9], yte=classes[:9])
    data = str(tmp_path / "images.npz")
    wide("bounds", "--data", data, "--rows", "2", "--row-times", "0.2", "--epochs", "1")
    assert "2 rows of 17 bits at int2" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        wide("bounds")
