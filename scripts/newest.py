"""Try the newest releases of the packages that pyproject.toml caps, in a fresh environment.

Installs this project with its test extra into a temporary folder, raises each capped package to its newest
release, whatever the cap, and runs the tests. If they fail, each package that went beyond its cap is tried by
itself. Exit status: 1 if something broke, 2 for wrong usage, else 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from qnnt.availability import caps, is_newer
from qnnt.cli.output import print_columns
from qnnt.cli.program import FAILED, OK, run

ROOT = Path(__file__).parents[1]
app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


class Environment:
    """A virtual environment in a folder, with the project in it; ``CalledProcessError`` if pip fails."""

    def __init__(self, folder: Path, tests: list[str]) -> None:
        venv.create(folder, with_pip=True)
        self._python, self._tests = str(folder / "bin" / "python"), tests
        self.install(f"{ROOT}[test]")

    def _pip(self, *words: str, check: bool = True) -> str:
        command = [self._python, "-m", "pip", "--disable-pip-version-check", *words]
        return subprocess.run(command, check=check, stdout=subprocess.PIPE, text=True).stdout

    def install(self, *requirements: str) -> None:
        """Install the newest releases that the requirements allow, whatever caps the project has."""
        self._pip("install", "--quiet", "--upgrade", *requirements)

    def versions(self) -> dict[str, Version]:
        """The installed versions by normalised name."""
        listed = json.loads(self._pip("list", "--format", "json"))
        return {canonicalize_name(package["name"]): Version(package["version"]) for package in listed}

    def conflicts(self) -> list[str]:
        """Requirements that are not met, those of the project itself aside."""
        lines = self._pip("check", check=False).splitlines()
        return [line for line in lines if not line.startswith(("qnnt ", "No broken requirements"))]

    def passes(self) -> bool:
        """Whether the tests pass; what they print goes to stderr."""
        command = [self._python, "-P", "-m", "pytest", *self._tests]
        return subprocess.run(command, cwd=ROOT, check=False, stdout=sys.stderr).returncode == 0


@app.command()
def newest(
    tests: Annotated[list[str] | None, typer.Argument(help="Arguments of pytest, after --.")] = None,
) -> int:
    """Try the newest releases of the packages that pyproject.toml caps, in a fresh environment."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = capped([*project["dependencies"], *chain(*project["optional-dependencies"].values())])
    with tempfile.TemporaryDirectory(prefix="qnnt-newest-") as folder:
        found, broken = examine(Environment(Path(folder), tests or []), requirements)
    print_columns([("package", "installed", "cap", "finding"), *found], indent=0)
    for line in broken:
        print(f"broken: {line}")
    return FAILED if broken else OK


def capped(requirements: list[str]) -> dict[str, str]:
    """The requirements that have a cap, by normalised name of the package."""
    return {canonicalize_name(Requirement(r).name): r for r in requirements if caps([r])}


def examine(
    environment: Environment, requirements: Mapping[str, str]
) -> tuple[list[tuple[str, str, str, str]], list[str]]:
    """Raise all, run the tests, and look for the one to blame.

    Returns for each package its name, the newest version, its cap and what was found; and what broke.
    """
    cap = caps(requirements.values())
    environment.install(*requirements)
    versions = environment.versions()
    beyond = [name for name in requirements if is_newer(versions[name], cap[name])]
    broken = environment.conflicts()
    to_blame: list[str] = []
    if not environment.passes():
        to_blame, verdict = blame(environment, requirements, beyond)
        broken.append(verdict)

    def finding(name: str) -> str:
        if name in to_blame:
            return "breaks the tests"
        if name not in beyond:
            return "within its cap"
        return "not settled" if broken else f"the cap may be raised to <{raised(versions[name], cap[name])}"

    return [(name, str(versions[name]), f"<{cap[name]}", finding(name)) for name in requirements], broken


def blame(
    environment: Environment, requirements: Mapping[str, str], beyond: list[str]
) -> tuple[list[str], str]:
    """Which of the packages beyond their caps break the tests by themselves, and a sentence about it."""
    environment.install(*requirements.values())
    if not environment.passes():
        return [], "the tests fail within the caps, too"
    to_blame = []
    for name in beyond:
        if len(beyond) > 1:
            environment.install(*(r for other, r in requirements.items() if other != name), name)
        if len(beyond) == 1 or not environment.passes():
            to_blame.append(name)
    if to_blame:
        return to_blame, f"the tests fail with the newest {', '.join(to_blame)}"
    return [], f"the tests fail with no newest release by itself, but with all of {', '.join(beyond)}"


def raised(version: Version, cap: Version) -> str:
    """The first cap above a version, of as many numbers as the present one: 1.17 for 1.16.3 and 1.15."""
    numbers = [*version.release, 0, 0][: len(cap.release)]
    return ".".join(map(str, [*numbers[:-1], numbers[-1] + 1]))


if __name__ == "__main__":
    sys.exit(run(app, "newest"))
