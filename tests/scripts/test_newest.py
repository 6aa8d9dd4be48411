"""Which caps may be raised and which release is to blame, without a network."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from qnnt.cli.program import run

REQUIREMENTS = {"a": "A[x]>=1,<1.5", "b": "b<2", "c": "c>=3.1,<3.3"}
WITHIN = {"a": Version("1.4"), "b": Version("1.9"), "c": Version("3.2.7")}


class Fake:
    """Knows a newest release of each package; the tests fail with certain sets of newest releases."""

    def __init__(self, newest, fails=lambda installed: False, conflicts=()):
        self.newest, self.fails, self.found = WITHIN | newest, fails, list(conflicts)
        self.installed = dict(WITHIN)

    def install(self, *requirements):
        for requirement in map(Requirement, requirements):
            name = requirement.name.lower()
            self.installed[name] = (WITHIN if requirement.specifier else self.newest)[name]

    def versions(self):
        return {**self.installed, "pip": Version("1")}

    def conflicts(self):
        return self.found

    def passes(self):
        return not self.fails({name for name, v in self.installed.items() if v != WITHIN[name]})


@pytest.fixture
def newest(script):
    return script("newest")


def test_caps_are_found(newest):
    assert newest.capped(["A.b[x]>=1,<1.5; extra == 'y'", "d>=2", "qnnt[all]", "c<3"]) == {
        "a-b": "A.b[x]>=1,<1.5; extra == 'y'",
        "c": "c<3",
    }


@pytest.mark.parametrize(
    ("version", "cap", "higher"),
    [
        ("1.17.0", "1.17", "1.18"),
        ("2.0.1", "1.17", "2.1"),
        ("4.1", "4", "5"),
        ("2", "1.17", "2.1"),
        ("1.10.dev3", "1.10", "1.11"),
    ],
)
def test_the_next_cap_is_as_fine_as_the_present_one(newest, version, cap, higher):
    assert newest.raised(Version(version), Version(cap)) == higher


def test_what_passes_may_be_raised(newest):
    found, broken = newest.examine(Fake({"a": Version("1.6.1"), "b": Version("2.0")}), REQUIREMENTS)
    assert found == [
        ("a", "1.6.1", "<1.5", "the cap may be raised to <1.7"),
        ("b", "2.0", "<2", "the cap may be raised to <3"),
        ("c", "3.2.7", "<3.3", "within its cap"),
    ]
    assert broken == []


NEWER = {"a": Version("1.6"), "b": Version("2.1")}


@pytest.mark.parametrize(
    ("newer", "fails", "findings", "words"),
    [
        (NEWER, lambda x: "b" in x, ["not settled", "breaks the tests"], "fail with the newest b"),
        (NEWER, lambda x: x, ["breaks the tests"] * 2, "fail with the newest a, b"),
        (NEWER, lambda x: len(x) == 2, ["not settled"] * 2, "by itself, but with all of a, b"),
        (NEWER, lambda x: True, ["not settled"] * 2, "fail within the caps"),
        ({"a": Version("1.6")}, lambda x: x, ["breaks the tests", "within its cap"], "the newest a"),
        ({}, lambda x: True, ["within its cap"] * 2, "fail within the caps"),
    ],
)
def test_who_is_to_blame(newest, newer, fails, findings, words):
    found, broken = newest.examine(Fake(newer, fails), REQUIREMENTS)
    assert [row[-1] for row in found] == [*findings, "within its cap"]
    assert len(broken) == 1
    assert words in broken[0]


def test_a_conflict_is_broken_too(newest):
    _, broken = newest.examine(
        Fake({"a": Version("1.6")}, conflicts=["a 1.6 has requirement z<2"]), REQUIREMENTS
    )
    assert broken == ["a 1.6 has requirement z<2"]


@pytest.mark.parametrize(("fails", "status"), [(lambda x: False, 0), (lambda x: True, 1)])
def test_the_program(newest, capfd, monkeypatch, fails, status):
    asked = []

    def environment(path, tests):
        asked.extend(tests)
        return Fake({"a": Version("1.6")}, fails)

    monkeypatch.setattr(newest, "Environment", environment)
    monkeypatch.setattr(newest, "capped", lambda requirements: REQUIREMENTS)
    assert run(newest.app, "newest", ["--", "-x", "tests/test_domain.py"]) == status
    out, _ = capfd.readouterr()
    assert asked == ["-x", "tests/test_domain.py"]
    assert "a        1.6        <1.5  " in out
    assert ("broken: the tests fail within the caps" in out) == bool(status)


def test_mistakes(newest, capfd):
    assert run(newest.app, "newest", ["--frob"]) == 2
    assert "frob" in capfd.readouterr().err
