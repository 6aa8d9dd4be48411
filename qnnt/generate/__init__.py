"""Instances from tables of data and random teachers, families of hard ones; names load when used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qnnt.generate.family import write_family as write_family
    from qnnt.generate.table import table_instance as table_instance
    from qnnt.generate.table import table_like as table_like
    from qnnt.generate.table import table_split as table_split
    from qnnt.generate.teacher import teacher_instance as teacher_instance

_PUBLIC = {
    "table_instance": "table",
    "table_like": "table",
    "table_split": "table",
    "teacher_instance": "teacher",
    "write_family": "family",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'qnnt.generate' has no attribute {name!r}")
    value = getattr(import_module(f"qnnt.generate.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
