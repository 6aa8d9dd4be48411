"""A backend, an encoder and a rounder of another package: installed, found, run, and passed by the kit."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from packages import block, install, run

import qnnt

HERE, EXAMPLES = Path(__file__).parent, Path(__file__).parents[2] / "examples"
PROJECT = """
[project]
name = "games-of-chance"
version = "1.0"
dependencies = ["qnnt"]

{backends}one-neuron = "odds:OneNeuron"

[project.entry-points."qnnt.encoders"]
ballot = "ballot:BallotEncoder"

[project.entry-points."qnnt.rounders"]
dice = "dice:DiceRounder"
"""
OTHERS = """
from ballot import BallotEncoder
from dice import DiceRounder
from qnnt.testing import check_encoder, check_rounder


def test_encoder():
    report = check_encoder(BallotEncoder())
    assert len(report.passed) > 200
    assert not report.named("undecided")


def test_rounder():
    assert "row-bits" in check_rounder(DiceRounder()).passed
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's sources: the backend and its test are those of the documentation."""
    package = tmp_path_factory.mktemp("package")
    (package / "pyproject.toml").write_text(PROJECT.format(backends=block("toml", "coin-flips")))
    (package / "coin_flips.py").write_text(block("python", "class CoinFlips"))
    for module in (HERE / "package").glob("*.py"):
        shutil.copy(module, package)
    tests = package / "tests"
    tests.mkdir()
    (tests / "test_backend.py").write_text(block("python", "check_backend"))
    (tests / "test_others.py").write_text(OTHERS)
    return package


@pytest.fixture(scope="module")
def site(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed."""
    site = tmp_path_factory.mktemp("site")
    install(package, site)
    return site


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """XOR for one neuron: at least one point is wrong."""
    path = tmp_path / "xor.json"
    data = qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
    qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([2, 1]), data, qnnt.Minimize()).save(path)
    return path


def test_they_are_found(site: Path, tmp_path: Path) -> None:
    ran = run(["qnnt", "backends", "--json"], tmp_path, site)
    assert ran.returncode == 0, ran.stderr
    listed = {(b["task"], b["name"]): b for b in json.loads(ran.stdout)}
    assert listed["train", "coin-flips"]["version"] == "1.0"
    assert listed["train", "coin-flips"]["capabilities"] == ["incumbents", "seed"]
    assert listed["round", "dice"]["summary"] == "random assignments"
    assert "ballot" in listed["train", "milp:cbc"]["encoders"]


def test_the_backend_solves(site: Path, instance: Path) -> None:
    command = ["qnnt", "solve", str(instance), "--backend", "coin-flips", "--json", "--errors"]
    ran = run([*command, "at-most:1"], instance.parent, site)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert (result["status"], result["backend"], result["verified"]) == ("SATISFIABLE", "coin-flips", True)
    ran = run([*command, "at-most:0"], instance.parent, site)
    assert ran.returncode == 3
    assert json.loads(ran.stdout)["reason"] == "500 random networks missed the goal"
    ran = run([*command, "min"], instance.parent, site)
    assert (ran.returncode, "cannot minimise" in ran.stderr) == (2, True)


def test_the_encoder_encodes(site: Path, instance: Path) -> None:
    command = ["qnnt", "solve", str(instance), "--backend", "milp:cbc", "--encoder", "ballot", "--json"]
    ran = run(command, instance.parent, site)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert (result["status"], result["errors"], result["encoder"]) == ("OPTIMAL", 1, "ballot")


def test_the_rounder_rounds(site: Path, tmp_path: Path) -> None:
    model, calibration = EXAMPLES / "digits.npz", EXAMPLES / "digits-calibration.npy"
    command = ["qnnt", "round", str(model), "--bits", "2", "--calibration", str(calibration)]
    ran = run([*command, "--backend", "dice", "-o", "rounded.npz"], tmp_path, site)
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^ *backend +dice \(1\.0\)$", ran.stdout, re.M)
    assert (tmp_path / "rounded.npz").exists()


def test_the_kit_passes_them(package: Path, site: Path) -> None:
    ran = run(["pytest", "-q", "-p", "no:cacheprovider", "tests"], package, site)
    assert ran.returncode == 0, ran.stdout[-3000:]
    passed = int(re.search(r"^(\d+) passed", ran.stdout, re.M)[1])
    assert passed > 300


def test_auto_takes_the_backend_where_its_estimate_is_the_best(site: Path, instance: Path) -> None:
    deep = instance.with_name("deep.json")
    one = qnnt.Instance.load(instance)
    qnnt.Instance(one.domain, qnnt.Architecture.dense([2, 2, 1]), one.dataset).save(deep)
    for path, errors, taken in (
        (instance, "at-most:1", "one-neuron"),
        (instance, "min", "enumeration"),  # it cannot minimise
        (deep, "at-most:1", "enumeration"),  # it has no opinion
    ):
        ran = run(["qnnt", "solve", str(path), "--errors", errors, "--json"], instance.parent, site)
        assert ran.returncode == 0, ran.stderr
        result = json.loads(ran.stdout)
        assert (result["backend"], result["verified"]) == (taken, True)
