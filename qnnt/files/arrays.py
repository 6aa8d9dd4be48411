"""NumPy files: ``.npz`` with a format and a version, and plain ``.npy``."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qnnt.exceptions import InputError


def write_arrays(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write a ``.npz`` file under just this name; equal arrays give equal bytes.

    Raises :class:`InputError` if the file is named otherwise or cannot be written.
    """
    if path.suffix != ".npz":
        raise InputError(str(path), "must be named *.npz, the only format that is written here")
    try:
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror or error}") from None


def read_arrays(path: Path, kind: str, version: int) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a ``.npz`` file; :class:`InputError` if it is another file or of another format."""
    arrays = load_numpy(path)
    if not isinstance(arrays, dict):
        raise InputError("", "must be a .npz file, not a .npy file")
    found = str(arrays["format"]) if "format" in arrays else kind
    if found != kind:
        raise InputError("format", f'must be "{kind}", not {found!r}')
    if "version" in arrays and arrays["version"] != version:
        raise InputError("version", f"must be {version}, the one known here, not {arrays['version']}")
    return arrays


def load_numpy(path: Path) -> npt.NDArray[Any] | dict[str, npt.NDArray[Any]]:
    """The array of a ``.npy`` file or the arrays of a ``.npz`` file; :class:`InputError` says why not."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except OSError as error:
        raise InputError("", f"cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError):
        raise InputError("", "is not a .npy or .npz file of numbers and text") from None
