"""The README and the pages of docs/: their commands and their Python, run as they stand there.

Blocks of ``console`` are commands after ``$`` and what they print. Blocks of ``python`` are run as they are.
All blocks of a page are run in order, in one folder that holds the examples. Blocks of ``sh`` are not run:
they need programs, files or hours that are not at hand. ``python tests/pages.py PAGE.md`` runs a page and
writes what its commands print today into it; look at the difference before you keep it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = {path.name: path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}

# A module that Python imports when it starts: it hides the libraries that only extras bring.
_CORE = """
import sys
from importlib.machinery import PathFinder

class Core(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {hidden} else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Core
"""


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in a language."""
    return [text for name, text in steps(page) if name == language]


def steps(page: str) -> list[tuple[str, str]]:
    """All code blocks of a page, each with its language."""
    text = PAGES[page].read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)


def commands(session: str) -> list[tuple[str, str]]:
    """The commands of a ``console`` block, here-documents included, each with the output that is shown."""
    parts = re.split(r"^\$ ", session, flags=re.M)[1:]
    return [re.fullmatch(r"(.*?<<'EOF'\n.*?^EOF\n|.*?\n)(.*)", p, re.M | re.S).groups() for p in parts]


def prepare(folder: Path) -> Path:
    """Put the examples, a program ``qnnt`` and one ``python`` into a folder."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "bin").mkdir()
    for name, words in (("qnnt", " -m qnnt"), ("python", "")):
        program = folder / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable}{words} "$@"\n')
        program.chmod(0o755)
    return folder


def core(folder: Path) -> dict[str, str]:
    """The environment in which only the libraries of the core install are found."""
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [Requirement(text).name for texts in project["optional-dependencies"].values() for text in texts]
    modules = {"scikit-learn": "sklearn", "dwave-samplers": "dwave", "cdclkit-native": "cdclkit_native"}
    hidden = {modules.get(name, name) for name in extras} - {"qnnt"}
    (folder / "core").mkdir()
    (folder / "core" / "sitecustomize.py").write_text(_CORE.format(hidden=hidden))
    return {"PYTHONPATH": str(folder / "core")}


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with both outputs as one."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "160", **environment},
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


def renew(page: str) -> None:
    """Write what the commands of a page print today into it."""
    with tempfile.TemporaryDirectory() as name:
        folder = prepare(Path(name))
        environment = core(folder) if page == "README.md" else {}
        text = PAGES[page].read_text(encoding="utf-8")
        for language, block in steps(page):
            if language == "python":
                (folder / "block.py").write_text(block, encoding="utf-8")
                shell("python block.py", folder, **environment)
            if language == "console":
                ran = ((command, shell(command, folder, **environment)) for command, _ in commands(block))
                text = text.replace(block, "".join(f"$ {command}{run.stdout}" for command, run in ran), 1)
        PAGES[page].write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for page in sys.argv[1:]:
        renew(page)
