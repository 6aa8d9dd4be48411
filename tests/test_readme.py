"""The README does what it says: its code runs, its commands print what is shown, its tables are complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packages import README, block, install

from qnnt import registry
from qnnt.files.models import formats

ROOT = Path(__file__).parents[1]
SESSIONS = re.findall(r"^```console\n(.*?)^```", README, re.M | re.S)
COMMANDS = [tuple(c.split("\n", 1)) for s in SESSIONS for c in re.split(r"^\$ ", s, flags=re.M) if c]
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples and a ``qnnt`` on the path."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", folder / "examples")
    program = folder / "bin" / "qnnt"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m qnnt "$@"\n')
    program.chmod(0o755)
    return folder


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def normal(text: str) -> str:
    """The text without seconds, versions, column widths and weights: there may be other solutions."""
    text = re.sub(r"\d+\.\d[\w.]*", "N", text)
    text = re.sub(r"=\s+(ReLU|sign)\(.*\)", r"= \1", text)
    return re.sub(r"[^\S\n]+", " ", text)


def test_commands_print_what_is_shown(folder):
    """In order: a later one may use what an earlier one has written."""
    assert len(COMMANDS) >= 4
    for command, shown in COMMANDS:
        run = shell(command, folder)
        assert run.returncode == 0
        assert normal(run.stdout) == normal(shown), command


@pytest.mark.parametrize("page", ["README.md", *sorted(p.name for p in (ROOT / "docs").glob("*.md"))])
def test_python_blocks_run(folder, tmp_path, monkeypatch, page):
    monkeypatch.chdir(folder)
    (tmp_path / "coin_flips.py").write_text(block("python", "class CoinFlips"))
    monkeypatch.syspath_prepend(tmp_path)  # a later block of the README imports it
    path = ROOT / page if page == "README.md" else ROOT / "docs" / page
    for text in re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(text, page, "exec", dont_inherit=True), {"__name__": "page"})


def test_the_backend_of_the_readme_works_by_its_name(folder, tmp_path):
    (tmp_path / "coin_flips.py").write_text(block("python", "class CoinFlips"))
    head = '[project]\nname = "coin-flips"\nversion = "1.0"\n'
    (tmp_path / "pyproject.toml").write_text(head + block("toml", "coin-flips"))
    install(tmp_path, tmp_path / "site")
    command = re.search(r"`(qnnt solve [^`]*--backend coin-flips[^`]*)`", README)[1]
    run = shell(command, folder, PYTHONPATH=str(tmp_path / "site"))
    assert run.returncode == 0, run.stdout
    assert run.stdout.startswith("SATISFIABLE")
    assert "coin-flips (1.0)" in run.stdout


def test_tables_name_every_backend_and_format():
    table = re.search(r"^## Backends\n(.*?)^### ", README, re.M | re.S)[1]
    shown = {re.sub(":[A-Z]+$", "", cell) for cell in re.findall(r"^\| `(.*?)` \|", table, re.M)}
    assert shown == {
        b.name if b.name.startswith("milp") else b.name.partition(":")[0] for b in registry.backends()
    }
    table = re.search(r"^## Models for outside solvers\n(.*?)^## ", README, re.M | re.S)[1]
    rows = re.findall(r"^\| (`.*?) \|", table, re.M)
    assert [name for row in rows for name in re.findall(r"`(.*?)`", row)] == list(formats())


def test_the_version_is_the_same_everywhere():
    from qnnt import __version__

    for file in ("pyproject.toml", "CITATION.cff"):
        assert re.search(r'^version[ =:"]+([\d.]+)', (ROOT / file).read_text(), re.M)[1] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()
