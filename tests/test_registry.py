"""What names stand for: variants, aliases, and entry points that do not load."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from faulty import Faulty

import qnnt
from qnnt import registry
from qnnt.cli import main

XOR = qnnt.Instance(
    qnnt.Domain(3),
    qnnt.Architecture.dense([2, 2, 1]),
    qnnt.Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]),
)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point of each kind that does not load, the first by its name."""
    real = registry._group

    def group(name: str) -> dict[str, EntryPoint]:
        return {"a-broken": EntryPoint("a-broken", "nowhere.at_all:Thing", name), **real(name)}

    monkeypatch.setattr(registry, "_group", group)


@pytest.mark.parametrize(
    "family", ["maxsat", "cpsat", "pseudo-boolean", "enumeration", "treewidth", "milp", "sat"]
)
def test_a_variant_that_there_is_not(family: str) -> None:
    with pytest.raises(qnnt.UnknownWord, match=f"no {family} variant 'foo'; there "):
        registry.backend(f"{family}:foo")
    with pytest.raises(qnnt.UnknownWord, match=f"no {family} variant ''; there "):
        registry.backend(f"{family}:")


def test_variants_aliases_and_any_word() -> None:
    assert registry.backend("sat:cd15").name == "sat:cadical153"
    assert registry.backend("sat").name == "sat:cadical153"
    assert registry.backend("milp:cbc").name == "milp:cbc"
    assert registry.backend("dimacs:/some/program").name == "dimacs:/some/program"
    for backend in registry.backends():
        assert registry.backend(backend.name) == backend


def test_a_known_variant_loads_no_solver() -> None:
    script = "import sys, qnnt.registry as r; r.backend('sat:glucose4'); print('pysat' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_an_unknown_name_is_one_kind_of_error() -> None:
    with pytest.raises(qnnt.UnknownWord, match="no backend 'foo'; there are: cpsat, dimacs"):
        registry.backend("foo")
    with pytest.raises(qnnt.UnknownWord, match="no encoder 'clauses:foo'; there are: clauses, cpsat"):
        registry.encoder("clauses:foo")
    with pytest.raises(qnnt.UnknownWord, match=r"no rounding backend 'maxsat': it trains .*; there are: "):
        registry.rounder("maxsat")


@pytest.mark.usefixtures("broken")
def test_what_does_not_load_breaks_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "qnnt")
    assert qnnt.solve(XOR, isolate=False).status is qnnt.Status.SATISFIABLE
    assert "backend 'a-broken' does not load: ModuleNotFoundError: No module named 'nowhere'" in caplog.text
    assert "encoder 'a-broken' does not load" in caplog.text
    with pytest.raises(qnnt.Unavailable, match="backend 'a-broken': does not load: ModuleNotFoundError"):
        qnnt.solve(XOR, backend="a-broken")
    with pytest.raises(qnnt.Unavailable, match="encoder 'a-broken' does not load: ModuleNotFoundError"):
        qnnt.solve(XOR, backend="sat", encoder="a-broken")


@pytest.mark.usefixtures("broken")
def test_what_does_not_load_is_listed_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backends"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("a-broken") == 4  # in both tables and below them
    assert shown.count("  does not load: ModuleNotFoundError: No module named 'nowhere'") == 2


def test_an_encoder_that_is_given_has_to_fit() -> None:
    with pytest.raises(
        qnnt.Unsupported, match="does not take what encoder 'clauses' makes; it takes: direct"
    ):
        qnnt.solve(XOR, backend=Faulty("unknown"), encoder=registry.encoder("clauses"))
