"""Whether a library is installed and of a tested version, found without importing it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.version import Version


@dataclass(frozen=True)
class Availability:
    """Whether a backend can run here, its version, or why not; found without importing anything.

    ``package`` is the installed package that the backend is of, as its name and its version.
    """

    available: bool
    version: str | None = None
    reason: str | None = None
    package: tuple[str, str] | None = None

    @property
    def note(self) -> str | None:
        """What else to know of a backend that can run: its version is newer than the tested ones."""
        return None if self.package is None else _untested(*self.package)

    @classmethod
    def of_package(cls, package: str, module: str, install: str) -> Availability:
        """Probe a Python package by its metadata."""
        if importlib.util.find_spec(module) is None:
            return cls(False, reason=f"package {package!r} is missing: pip install '{install}'")
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return cls(True, version=package)
        return cls(True, version=f"{package} {version}", package=(package, version))


def caps(requirements: Iterable[str]) -> dict[str, Version]:
    """The first version of each package that is excluded: 2 for the requirement ``a>=1,<2``.

    Names are normalised as pip does; a package without a bound ``<`` is left out.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    found: dict[str, Version] = {}
    for requirement in map(Requirement, requirements):
        for bound in requirement.specifier:
            if bound.operator == "<":
                found[canonicalize_name(requirement.name)] = Version(bound.version)
    return found


def is_newer(version: Version, cap: Version) -> bool:
    """Whether a version is not below a cap; a pre-release of the cap is not below it either."""
    from packaging.specifiers import SpecifierSet

    return not SpecifierSet(f"<{cap}").contains(version, prereleases=True)


@cache
def _own_caps() -> dict[str, Version]:
    try:
        return caps(importlib.metadata.requires("qnnt") or [])
    except importlib.metadata.PackageNotFoundError:  # run from its source, not installed
        return {}


def _untested(package: str, version: str) -> str | None:
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    cap = _own_caps().get(canonicalize_name(package))
    try:
        if cap is None or not is_newer(Version(version), cap):
            return None
    except InvalidVersion:
        return None
    return f"{package} {version} is newer than what was tested: below {cap}"
