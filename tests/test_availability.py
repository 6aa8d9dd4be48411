"""Which releases of the solver bindings are tested, and what is said of one that is not."""

from __future__ import annotations

import importlib.metadata
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.version import Version

from qnnt import availability
from qnnt.availability import Availability, caps, is_newer

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
BINDINGS = {"highspy", "ortools", "python-sat", "exact", "onnx", "onnxruntime", "numba"}


def test_caps_are_the_bounds_above():
    assert caps(["a.B_c[x]>=1,<2.5; extra == 'y'", "d>=1", "e<=3", "f~=1.2", "g!=2,<4"]) == {
        "a-b-c": Version("2.5"),
        "g": Version("4"),
    }


@pytest.mark.parametrize(
    ("version", "cap", "newer"),
    [
        ("1.16.9", "1.17", False),
        ("1.17.0", "1.17", True),
        ("1.17rc1", "1.17", True),
        ("1.9.dev24", "1.10", False),
        ("1.10.dev0", "1.10", True),
        ("9.15.6755", "9.16", False),
        ("10.0", "9.16", True),
    ],
)
def test_versions_below_their_caps(version, cap, newer):
    assert is_newer(Version(version), Version(cap)) == newer


def test_every_binding_has_a_cap():
    assert caps(REQUIREMENTS).keys() >= BINDINGS


@pytest.mark.parametrize(
    ("version", "note"),
    [
        ("1.16.0", None),
        ("1.17.0", "highspy 1.17.0 is newer than what was tested: below 1.17"),
        ("of my own", None),
    ],
)
def test_the_note_of_a_newer_version(monkeypatch, version, note):
    monkeypatch.setattr(availability, "_own_caps", lambda: {"highspy": Version("1.17")})
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    found = Availability.of_package("highspy", "json", "qnnt[highs]")
    assert (found.available, found.version, found.note) == (True, f"highspy {version}", note)


def test_without_metadata_of_our_own_nothing_is_said(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.requires", missing)
    assert availability._own_caps.__wrapped__() == {}
