"""Files that appear whole or not at all: whatever is written for the user goes through here.

A file is written beside its place, brought to the disk and put into its place in one step. Whatever goes
wrong before leaves the old file as it was, and nothing beside it.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from qnnt.exceptions import InputError


@contextmanager
def located_writing(path: Path) -> Iterator[None]:
    """Turn an error of the system raised inside into :class:`InputError` at the path."""
    try:
        yield
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror or error}") from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The path of a new file, of the same suffix, that takes the place of ``path`` at the end of the block.

    A device or pipe is written to, never replaced. Raises :class:`InputError` naming the path if it cannot be
    written.
    """
    with located_writing(path):
        target = _resolved(path)
        if target.exists() and not target.is_file():
            yield target
            return
        fresh = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
        try:
            yield fresh
            _bring_to_disk(fresh)
            if target.exists():
                shutil.copymode(target, fresh)
            fresh.replace(target)
        except BaseException:
            with suppress(OSError):
                fresh.unlink()
            raise


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except RuntimeError as error:  # before Python 3.13: a loop of links
        raise InputError(str(path), f"cannot be written: {error}") from None


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of ``path`` at the end of the block; see :func:`replacing`."""
    with replacing(path) as fresh, io.BufferedWriter(FileIO(fresh, "wb")) as file:
        yield file


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text; see :func:`replacing`."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes; see :func:`replacing`."""
    with opened(path) as file:
        file.write(data)


def _bring_to_disk(path: Path) -> None:
    """Wait until the disk has the file: some systems tell only now that there is no room for it."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
