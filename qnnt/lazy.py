"""Names of a package that are loaded when they are first used, so that importing it costs next to nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

Load = Callable[[str], Any]
Names = Callable[[], list[str]]


def lazy_names(package: str, public: Mapping[str, str]) -> tuple[Load, Names]:
    """A package's ``__getattr__`` and ``__dir__``.

    ``public`` says for each name in which module of ``qnnt`` it is; "" for a name that is a module itself.
    The package lists its names in ``__all__``.
    """
    module = sys.modules[package]

    def load(name: str) -> Any:
        if name not in public:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        where = public[name]
        value = getattr(import_module(f"qnnt.{where}"), name) if where else import_module(f"qnnt.{name}")
        setattr(module, name, value)
        return value

    return load, lambda: sorted(module.__all__)
