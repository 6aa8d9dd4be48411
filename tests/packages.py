"""A package that the tests write and install, without network and without pip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from pages import blocks


def block(language: str, words: str) -> str:
    """The code block about a backend of another package in which these words occur."""
    return next(text for text in blocks("adding-a-backend.md", language) if words in text)


def install(source: Path, site: Path) -> None:
    """Put modules, and metadata of ``pyproject.toml``, into ``site``, as an installer does with a wheel."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    metadata = site / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{point} = {place}" for point, place in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    for module in source.glob("*.py"):
        shutil.copy(module, site)


def run(command: list[str], folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Run ``python -m COMMAND`` in a folder, with the packages of ``site``."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(site)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
