"""What a document of JSON must hold: msgspec checks it, and a mistake is told with its place and its value.

A schema is a :class:`Schema`; a field with a default may be missing.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from qnnt.exceptions import InputError
from qnnt.wording import count

S = TypeVar("S", bound=msgspec.Struct)
Keys = tuple[int | str, ...]

_INT64 = 2**63 - 1
_LARGEST = sys.float_info.max

Integer = Annotated[int, Meta(ge=-_INT64, le=_INT64)]
Positive = Annotated[int, Meta(ge=1, le=_INT64)]
NonNegative = Annotated[int, Meta(ge=0, le=_INT64)]
Finite = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]


class Schema(msgspec.Struct, forbid_unknown_fields=True):
    """An object with these keys and no other."""


def checked(document: Any, schema: type[S], hints: Mapping[str, str] | None = None) -> S:
    """The document as a value of the schema.

    ``hints`` tells of some places what is expected there. Raises :class:`InputError` naming the place of the
    first mistake.
    """
    try:
        return msgspec.convert(document, schema)
    except msgspec.ValidationError as invalid:
        raise _explained(str(invalid), document, schema, hints or {}) from None


def place(keys: Iterable[int | str]) -> str:
    """Where in a document: ``("data", 3, "x", 1)`` is ``data[3].x[1]``."""
    result = ""
    for key in keys:
        if isinstance(key, str) and key.isidentifier():
            result += f".{key}" if result else key
        else:
            result += f"[{key!r}]"
    return result


def shown(value: Any) -> str:
    """A value as JSON, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    if not text.isprintable():
        text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."


_STEP = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_NAMES = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _explained(
    complaint: str, document: Any, schema: type[msgspec.Struct], hints: Mapping[str, str]
) -> InputError:
    """The error that msgspec's complaint means, in words of ours."""
    message, path = _split(complaint)
    try:
        keys, value = _found(path, document, schema)
    except LookupError:  # a key of the document reads like the end of a complaint
        return InputError("", f"has another form: {complaint}")
    if field := re.fullmatch("Object missing required field `(.*)`", message):
        return InputError(place((*keys, field[1])), "is missing")
    if field := re.fullmatch("Object contains unknown field `(.*)`", message, re.DOTALL):
        return InputError(place((*keys, field[1])), "is not a known key")
    where = place(keys)
    if where in hints:
        return InputError(where, f"must be {hints[where]}")
    return InputError(where, _expected(message, value))


def _split(complaint: str) -> tuple[str, str]:
    """The message and the path of what msgspec says."""
    message, _, path = complaint.rpartition(" - at `$")
    return (message, path.removesuffix("`")) if message else (complaint, "")


def _found(path: str, document: Any, schema: type[msgspec.Struct]) -> tuple[Keys, Any]:
    """The keys that lead along msgspec's path, and the value there."""
    keys: Keys = ()
    value = document
    for step in _STEP.finditer(path):
        key = step["field"] or (int(step["index"]) if step["index"] else None)
        if key is None:
            key = _first_wrong(value, path[: step.end()], document, schema)
        keys, value = (*keys, key), value[key]
    return keys, value


def _first_wrong(node: dict[str, Any], path: str, document: Any, schema: type[msgspec.Struct]) -> str:
    """The key of the first wrong value in an object of the document: msgspec says only that there is one.

    One half of the object's items after the other takes the place of all.
    """
    whole, items = dict(node), list(node.items())
    while len(items) > 1:
        half = items[: len(items) // 2]
        node.clear()
        node.update(half)
        try:
            msgspec.convert(document, schema)
            complaint = ""
        except msgspec.ValidationError as invalid:
            complaint = str(invalid)
        items = half if _split(complaint)[1].startswith(path) else items[len(half) :]
    node.clear()
    node.update(whole)
    return items[0][0]


def _expected(message: str, value: Any) -> str:
    """What should be there in place of the value."""
    found = re.match("Expected `([^`]*)`(.*)", message)
    if found is None:
        return f"cannot be {shown(value)}"
    kind, rest = found.groups()
    if bound := re.fullmatch(" (>=|<=) (.*)", rest):
        return f"must be at {'least' if bound[1] == '>=' else 'most'} {bound[2]}, not {shown(value)}"
    if length := re.match(r" of length (>= )?(\d+)", rest):
        return f"has {count(len(value), 'item')}, not {length[2]}{' or more' if length[1] else ''}"
    names = [_NAMES.get(name, name) for name in kind.split(" | ")]
    return f"must be {' or '.join(names)}, not {shown(value)}"
