"""NumPy files: ``.npz`` with a format and a version, and plain ``.npy``."""

from __future__ import annotations

import math
import os
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib.format import read_array_header_1_0, read_array_header_2_0, read_magic

from qnnt.exceptions import InputError, QnntError
from qnnt.files.writing import opened
from qnnt.sizes import require_room

_ZIP = b"PK"
_HEADERS = {(1, 0): read_array_header_1_0, (2, 0): read_array_header_2_0}


def write_arrays(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write a ``.npz`` file under just this name; equal arrays give equal bytes.

    Raises :class:`InputError` if the file is named otherwise or cannot be written.
    """
    if path.suffix != ".npz":
        raise InputError(str(path), "must be named *.npz, the only format that is written here")
    with opened(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_arrays(path: Path, kind: str, version: int) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a ``.npz`` file; :class:`InputError` if it is another file or of another format."""
    arrays = load_numpy(path)
    if not isinstance(arrays, dict):
        raise InputError("", "must be a .npz file, not a .npy file")
    found = str(arrays["format"]) if "format" in arrays else kind
    if found != kind:
        raise InputError("format", f'must be "{kind}", not {found!r}')
    if "version" in arrays and not np.array_equal(arrays["version"], version):
        raise InputError("version", f"must be {version}, the one known here, not {arrays['version']}")
    return arrays


def load_numpy(path: Path) -> npt.NDArray[Any] | dict[str, npt.NDArray[Any]]:
    """The array of a ``.npy`` file or the arrays of a ``.npz`` file; :class:`InputError` says why not.

    No array is made that is larger than what the file holds for it, nor more than the cap of
    :mod:`qnnt.sizes` unpacked from a ``.npz`` file.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files that Python 2 wrote
            if file.read(len(_ZIP)) == _ZIP:
                return _unpacked(file)
            file.seek(0)
            return _array(file, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise InputError("", f"cannot be read: {error.strerror or error}") from None
    except QnntError:
        raise
    except Exception:  # whatever numpy and zipfile raise on bytes that are no arrays
        raise InputError("", "is not a .npy or .npz file of numbers and text") from None


def _unpacked(file: IO[bytes]) -> dict[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(file) as packed:
        parts = packed.infolist()
        require_room(sum(part.file_size for part in parts), "", "unpacks to")
        arrays = {}
        for part in parts:
            with packed.open(part) as member:
                arrays[part.filename.removesuffix(".npy")] = _array(member, part.file_size)
        return arrays


def _array(file: IO[bytes], size: int) -> npt.NDArray[Any]:
    """The array in ``.npy`` form that fills the ``size`` bytes of a file; ``ValueError`` if none does."""
    shape, fortran, kind = _HEADERS[read_magic(file)](file)
    count = math.prod(shape)
    room = count * kind.itemsize
    if kind.hasobject or min(shape, default=0) < 0 or file.tell() + room != size:
        raise ValueError(shape)
    data = bytearray(room)  # unlike bytes, it makes an array that can be written to
    if file.readinto(data) != room:  # type: ignore[attr-defined] # both kinds of files have it
        raise EOFError
    return np.frombuffer(data, dtype=kind, count=count).reshape(shape, order="F" if fortran else "C")
