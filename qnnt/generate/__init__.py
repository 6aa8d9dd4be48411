"""Instances from tables of data and random teachers, families of hard ones; names load when used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qnnt.lazy import lazy_names

if TYPE_CHECKING:
    from qnnt.generate.family import write_family as write_family
    from qnnt.generate.table import table_instance as table_instance
    from qnnt.generate.table import table_like as table_like
    from qnnt.generate.table import table_split as table_split
    from qnnt.generate.teacher import teacher_instance as teacher_instance

_PUBLIC = {
    "table_instance": "generate.table",
    "table_like": "generate.table",
    "table_split": "generate.table",
    "teacher_instance": "generate.teacher",
    "write_family": "generate.family",
}

__all__ = list(_PUBLIC)


__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
