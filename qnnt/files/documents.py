"""What all of qnnt's JSON files share: reading with errors that name the place, and atomic writing."""

from __future__ import annotations

import gzip
import io
import json
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from qnnt.exceptions import InputError

T = TypeVar("T")
Keys = tuple[int | str, ...]

INT64 = 2**63 - 1

Integer = Annotated[int, Field(strict=True, ge=-INT64, le=INT64)]
Positive = Annotated[int, Field(strict=True, ge=1, le=INT64)]
NonNegative = Annotated[int, Field(strict=True, ge=0, le=INT64)]


@contextmanager
def located(path: Path) -> Iterator[None]:
    """Put the file's name before the place of every :class:`InputError` raised inside."""
    try:
        yield
    except InputError as error:
        place = f"{path}: {error.place}" if error.place else str(path)
        raise InputError(place, error.message) from None


def parse_document(text: str, kind: str, schemas: Mapping[int, TypeAdapter[T]]) -> T:
    """The JSON object in a text of format ``kind``.

    ``schemas`` has a schema for each version of the format.
    Raises :class:`InputError` naming the place in the text.
    """
    try:
        return _checked(_parse(text), kind, schemas)
    except RecursionError:
        raise InputError("", "is nested too deeply") from None


def _checked(document: Any, kind: str, schemas: Mapping[int, TypeAdapter[T]]) -> T:
    if not isinstance(document, dict):
        raise InputError("", f"must be a JSON object, not {_shown(document)}")
    if document.get("format") != kind:
        raise InputError("format", f'must be "{kind}"' + _but(document, "format"))
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version not in schemas:
        known = " or ".join(map(str, schemas))
        raise InputError("version", f"must be {known}, which are known here" + _but(document, "version"))
    try:
        return schemas[version].validate_python(document)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        raise InputError(place(first["loc"]), _explain(dict(first))) from None


def read_text(path: Path) -> str:
    """The UTF-8 text of a file, decompressed if it is named ``*.gz``; :class:`InputError` says why not."""
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        return raw.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InputError("", "is not a complete gzip file") from None
    except OSError as error:
        raise InputError("", f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start}", "is not UTF-8 text") from None
    except ValueError as error:
        raise InputError("", f"cannot be read: {error}") from None


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

    if not text.strip():
        raise InputError("", "is empty")
    try:
        document = json.loads(text, object_pairs_hook=unique, parse_constant=constant)
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


def place(keys: Iterable[int | str]) -> str:
    """Where in a document: ``("data", 3, "x", 1)`` is ``data[3].x[1]``."""
    result = ""
    for key in keys:
        if isinstance(key, str) and key.isidentifier():
            result += f".{key}" if result else key
        else:
            result += f"[{key!r}]"
    return result


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _but(document: dict[str, Any], key: str) -> str:
    return f", not {_shown(document[key])}" if key in document else "; it is missing"


_EXPECTED = {
    "int_type": "an integer",
    "string_type": "a string",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
}


def _explain(error: dict[str, Any]) -> str:
    kind, shown, context = error["type"], _shown(error["input"]), error.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a known key"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}, not {shown}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']}, not {shown}"
    if kind == "too_long":
        return f"has {context['actual_length']} items, not {context['max_length']}"
    return f"must be {_EXPECTED[kind]}, not {shown}" if kind in _EXPECTED else str(error["msg"])


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
    write_pieces(path, _pieces(fields))


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """Write pieces of text to a file, compressed if it is named ``*.gz``.

    The file appears whole or not at all. Raises :class:`InputError` naming the path if it cannot be written.
    """
    _whole(path, lambda target: _write(target, pieces, path.suffix == ".gz"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes to a file, whole or not at all; raises :class:`InputError` as :func:`write_pieces` does."""
    _whole(path, lambda target: target.write_bytes(data))


def _pieces(fields: Mapping[str, str | Iterable[str]]) -> Iterator[str]:
    opening = "{"
    for key, value in fields.items():
        yield f"{opening}{compact(key)}: "
        yield from (value,) if isinstance(value, str) else value
        opening = ",\n "
    yield "}\n"


def _whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have a file written beside the path and put in its place."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():  # a device or pipe is written to, never replaced
            write(target)
            return
        temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            write(temporary)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except UnicodeEncodeError as error:
        raise InputError(
            str(path), f"cannot be written: {error.object[error.start]!r} is no Unicode character"
        ) from None
    except (OSError, RuntimeError) as error:
        raise InputError(
            str(path), f"cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from None


def _write(path: Path, pieces: Iterable[str], compress: bool) -> None:
    with ExitStack() as stack:
        file: Any = stack.enter_context(path.open("wb"))
        if compress:  # neither name nor time, so that the same text gives the same bytes
            file = gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0)
        text = stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline="\n"))
        text.writelines(pieces)
