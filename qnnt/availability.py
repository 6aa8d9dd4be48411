"""Whether a library is installed, found without importing it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True)
class Availability:
    """Whether a backend can run here, its version, or why not; found without importing anything."""

    available: bool
    version: str | None = None
    reason: str | None = None

    @classmethod
    def of_package(cls, package: str, module: str, install: str) -> Availability:
        """Probe a Python package by its metadata."""
        if importlib.util.find_spec(module) is None:
            return cls(False, reason=f"package {package!r} is missing: pip install '{install}'")
        try:
            return cls(True, version=f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            return cls(True, version=package)
