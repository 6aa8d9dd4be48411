"""The README's tables are complete, the backend of the documentation works by its name, versions agree."""

from __future__ import annotations

import re

from packages import block, install
from pages import PAGES, ROOT, prepare, shell

from qnnt import registry
from qnnt.files.models import formats

TEXTS = {page: path.read_text(encoding="utf-8") for page, path in PAGES.items()}


def test_the_backend_of_the_documentation_works_by_its_name(tmp_path):
    (tmp_path / "coin_flips.py").write_text(block("python", "class CoinFlips"))
    head = '[project]\nname = "coin-flips"\nversion = "1.0"\n'
    (tmp_path / "pyproject.toml").write_text(head + block("toml", "coin-flips"))
    install(tmp_path, tmp_path / "site")
    command = re.search(r"`(qnnt solve [^`]*--backend coin-flips[^`]*)`", TEXTS["adding-a-backend.md"])[1]
    run = shell(command, prepare(tmp_path), PYTHONPATH=str(tmp_path / "site"))
    assert run.returncode == 0, run.stdout
    assert run.stdout.startswith("SATISFIABLE")
    assert "coin-flips (1.0)" in run.stdout


def test_tables_name_every_backend_and_format():
    table = re.search(r"^## Backends\n(.*?)^## ", TEXTS["README.md"], re.M | re.S)[1]
    shown = {re.sub(":[A-Z]+$", "", cell) for cell in re.findall(r"^\| `(.*?)` \|", table, re.M)}
    assert shown == {
        b.name if b.name.startswith("milp") else b.name.partition(":")[0] for b in registry.backends()
    }
    rows = re.findall(r"^\| (`.*?) \|", TEXTS["outside-solvers.md"], re.M)
    assert [name for row in rows for name in re.findall(r"`(.*?)`", row)] == list(formats())


def test_the_version_is_the_same_everywhere():
    from qnnt import __version__

    for file in ("pyproject.toml", "CITATION.cff"):
        assert re.search(r'^version[ =:"]+([\d.]+)', (ROOT / file).read_text(), re.M)[1] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()
