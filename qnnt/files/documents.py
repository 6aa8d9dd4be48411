"""What all of qnnt's JSON files share: reading with errors that name the place, and writing."""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from qnnt.exceptions import InputError
from qnnt.files.schemas import Keys, S, checked, place, shown
from qnnt.files.writing import opened
from qnnt.sizes import most_bytes, require_room

_MOST_DEPTH = 100


@contextmanager
def located(path: Path) -> Iterator[None]:
    """Put the file's name before the place of every :class:`InputError` raised inside."""
    try:
        yield
    except InputError as error:
        place = f"{path}: {error.place}" if error.place else str(path)
        raise InputError(place, error.message) from None


def read_document(
    path: Path, kind: str, schemas: Mapping[int, type[S]], hints: Mapping[str, str] | None = None
) -> S:
    """The JSON object in a file (gzip if named ``*.gz``) of format ``kind``: see :func:`parse_document`."""
    return parse_document(read_text(path), kind, schemas, hints)


def parse_document(
    text: str, kind: str, schemas: Mapping[int, type[S]], hints: Mapping[str, str] | None = None
) -> S:
    """The JSON object in a text of format ``kind``.

    ``schemas`` has a schema for each version of the format, and ``hints`` tells of some places what is
    expected there. Raises :class:`InputError` naming the place in the text.
    """
    try:
        document = _parse(text)
        return checked(document, schemas[_version(document, kind, schemas)], hints)
    except RecursionError:
        raise InputError("", "is nested too deeply") from None


def _version(document: Any, kind: str, known: Iterable[int]) -> int:
    if not isinstance(document, dict):
        raise InputError("", f"must be a JSON object, not {shown(document)}")
    if document.get("format") != kind:
        raise InputError("format", f'must be "{kind}"' + _but(document, "format"))
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version not in known:
        which = " or ".join(map(str, known))
        raise InputError("version", f"must be {which}, which are known here" + _but(document, "version"))
    return version


def read_text(path: Path) -> str:
    """The UTF-8 text of a file, decompressed if it is named ``*.gz``; :class:`InputError` says why not."""
    try:
        return _read_bytes(path).decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InputError("", "is not a complete gzip file") from None
    except OSError as error:
        raise InputError("", f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start}", "is not UTF-8 text") from None
    except ValueError as error:
        raise InputError("", f"cannot be read: {error}") from None


def _read_bytes(path: Path) -> bytes:
    """The contents, decompressed; what is compressed or endless (a device, a pipe) is read up to the cap."""
    with path.open("rb") as file:
        if path.suffix != ".gz" and stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file.read()
        source: Any = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
        raw: bytes = source.read(most_bytes() + 1)
        require_room(len(raw), "", "holds at least")
        return raw


class _Repeated:
    """Stands for an object in which a key is given twice."""

    def __init__(self, key: str) -> None:
        self.key = key


def _parse(text: str) -> Any:
    repeated: list[_Repeated] = []

    def unique(pairs: list[tuple[str, Any]]) -> Any:
        result = dict(pairs)
        if len(result) == len(pairs):
            return result
        keys = [key for key, _ in pairs]
        repeated.append(_Repeated(next(key for key in keys if keys.count(key) > 1)))
        return repeated[-1]

    def constant(name: str) -> Any:
        raise InputError("", f"is not valid JSON: {name} is not a number")

    def finite(number: str) -> float:
        if math.isinf(value := float(number)):
            raise InputError("", f"holds a number that is too large: {number[:40]}")
        return value

    if not text.strip():
        raise InputError("", "is empty")
    try:
        document = json.loads(text, object_pairs_hook=unique, parse_constant=constant, parse_float=finite)
    except json.JSONDecodeError as error:
        raise InputError(
            f"line {error.lineno} column {error.colno}", f"is not valid JSON: {error.msg}"
        ) from None
    except ValueError:
        raise InputError("", "holds a number with too many digits") from None
    if repeated:
        path = next(_paths_to(document, repeated[0]), ())
        raise InputError(place((*path, repeated[0].key)), "is given twice")
    return document


def _paths_to(node: Any, wanted: _Repeated, path: Keys = ()) -> Iterator[Keys]:
    if node is wanted:
        yield path
    elif isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _paths_to(child, wanted, (*path, key))


def require_depth(value: Any, where: str) -> None:
    """Raise :class:`InputError` if lists and objects are nested too deep: pickling ends at some 300."""
    level = [value]
    for _ in range(_MOST_DEPTH + 1):
        containers = [node for node in level if isinstance(node, dict | list)]
        level = list(chain.from_iterable(n.values() if isinstance(n, dict) else n for n in containers))
        if not level:
            return
    raise InputError(where, f"is nested more than {_MOST_DEPTH} deep")


def _but(document: dict[str, Any], key: str) -> str:
    return f", not {shown(document[key])}" if key in document else "; it is missing"


compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
"""JSON on one line; raises ``TypeError`` or ``ValueError`` for what JSON cannot say."""


def listed(items: Iterable[str]) -> Iterator[str]:
    """The pieces of a JSON list of items already in JSON, on one line."""
    return _joined("[", items, ", ", "]")


def block(items: Iterable[str]) -> Iterator[str]:
    """The pieces of a JSON list of items already in JSON, one a line."""
    return _joined("[\n  ", items, ",\n  ", "\n ]")


def _joined(opening: str, items: Iterable[str], between: str, closing: str) -> Iterator[str]:
    before = opening
    for item in items:
        yield before
        yield item
        before = between
    yield closing if before == between else "[]"


def write_document(path: Path, fields: Mapping[str, str | Iterable[str]]) -> None:
    """Write an object whose values are JSON, whole or in pieces; the same fields give the same bytes.

    Writes as :func:`write_pieces` does.
    """
    write_pieces(path, document_pieces(fields))


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """Write pieces of text to a file, compressed if it is named ``*.gz``.

    The file appears whole or not at all. Raises :class:`InputError` naming the path if it cannot be written.
    """
    try:
        with opened(path) as file:
            _write(file, pieces, path.suffix == ".gz")
    except UnicodeEncodeError as error:
        raise InputError(
            str(path), f"cannot be written: {error.object[error.start]!r} is no Unicode character"
        ) from None


def document_pieces(fields: Mapping[str, str | Iterable[str]]) -> Iterator[str]:
    """The text of such an object, in pieces."""
    opening = "{"
    for key, value in fields.items():
        yield f"{opening}{compact(key)}: "
        yield from (value,) if isinstance(value, str) else value
        opening = ",\n "
    yield "}\n"


def _write(file: BinaryIO, pieces: Iterable[str], compress: bool) -> None:
    with ExitStack() as stack:
        raw: Any = file
        if compress:  # neither name nor time, so that the same text gives the same bytes
            raw = stack.enter_context(gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0))
        text = stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8", newline="\n"))
        text.writelines(pieces)
