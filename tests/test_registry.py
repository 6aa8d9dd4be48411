"""What names stand for: variants, aliases, and entry points that do not load."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint

import pytest
from faulty import Faulty

import qnnt
from qnnt import registry
from qnnt.cli import main
from qnnt.models import LinearModel, PseudoBooleanModel

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
    with pytest.raises(
        qnnt.UnknownWord, match="no encoder 'clauses:foo': did you mean 'clauses'; there are: clauses, cpsat"
    ):
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


@dataclass(frozen=True)
class Point:
    """An entry point whose loading raises, or gives a class that raises when it is called."""

    name: str
    error: Exception
    while_loading: bool = True

    def load(self) -> Callable[..., object]:
        def make(*_: object) -> object:
            raise self.error

        return make() if self.while_loading else make


@pytest.mark.parametrize("while_loading", [True, False])
def test_an_error_of_qnnt_in_a_plug_in_breaks_no_listing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], while_loading: bool
) -> None:
    real, point = registry._group, Point("a-bad", qnnt.Unsupported("qnnt is too new"), while_loading)
    monkeypatch.setattr(registry, "_group", lambda group: {"a-bad": point, **real(group)})
    assert main(["backends"]) == 0
    assert capsys.readouterr().out.count("  does not load: Unsupported: qnnt is too new") == 2
    assert "a-bad" in [backend.name for backend in registry.default_backends()]
    assert qnnt.solve(XOR, isolate=False).status is qnnt.Status.SATISFIABLE


class Silent(Faulty):
    """Cannot say whether it is available."""

    def availability(self):
        if self.fault == "raises":
            raise OSError("no such licence file")


def test_a_backend_that_cannot_say_whether_it_is_available_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "backends", lambda: [Silent("raises"), Silent("silent"), Faulty("hang")])
    assert main(["backends", "--json"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert not listed["faulty:raises"]["available"]
    assert listed["faulty:raises"]["reason"].endswith("available: OSError: no such licence file")
    assert listed["faulty:silent"]["reason"].endswith("available: it says None")
    assert listed["faulty:hang"]["available"]


def test_the_encoders_of_a_type() -> None:
    assert [e.name for e in registry.encoders_of(LinearModel)] == ["milp", "milp-textbook", "pseudo-boolean"]
    assert registry.default_encoder(LinearModel).name == "milp"
    assert registry.default_encoder(PseudoBooleanModel, symmetry=False).symmetry is False
    assert registry.default_encoder(int) is None


def test_an_encoder_that_is_given_has_to_fit() -> None:
    with pytest.raises(
        qnnt.Unsupported, match="does not take what encoder 'clauses' makes; it takes: direct"
    ):
        qnnt.solve(XOR, backend=Faulty("unknown"), encoder=registry.encoder("clauses"))


def test_a_backend_without_a_summary_is_listed_and_one_without_a_name_is_broken(monkeypatch, capsys):
    class Nameless:
        accepts = (qnnt.Instance,)
        capabilities = ()

        def availability(self):
            return qnnt.Availability(True, version="1")

        def refuses(self, instance):
            return None

    class Unsummarised(Nameless):
        name = "unsummarised"

    points = {
        each.__name__.lower(): type(
            "Point", (), {"name": each.__name__, "load": lambda self, made=each: made}
        )()
        for each in (Nameless, Unsummarised)
    }
    real = registry._group
    monkeypatch.setattr(registry, "_group", lambda name: points if name == "qnnt.backends" else real(name))
    assert main(["backends"]) == 0
    out = capsys.readouterr().out
    assert "unsummarised: no summary\n" in out
    assert "nameless: does not load\n  does not load: TypeError: it has no name\n" in out
    assert not registry.backend("nameless").availability().available
