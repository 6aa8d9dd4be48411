"""The options of ``qnnt round``, and what it checks and says of any model."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qnnt.cli.options import check_executor, require_apart, writable
from qnnt.cli.output import finite
from qnnt.cli.program import OK, UNKNOWN
from qnnt.exceptions import InputError, require_word
from qnnt.wording import count

if TYPE_CHECKING:
    import numpy.typing as npt

    from qnnt.limits import Limit, Limits
    from qnnt.rounding.scheme import Scheme

FORMATS = (".onnx", ".npz")


@dataclass(frozen=True)
class RoundOptions:
    """What was said on the command line; None where it was not. ``start`` is a ``time.monotonic()``."""

    model: Path
    calibration: Path
    bits: int | str | None
    budget: int | None
    backend: str
    scaling: str
    per: str | None
    clip: str
    candidates: int | None
    target: str
    calibration_size: int | None
    calibration_share: float | None
    evaluate: tuple[Path, Path] | None
    allow_overlap: bool
    limits: Limits
    row_time: float | None
    output: Path | None
    form: str
    activations: str | None
    include: Sequence[str]
    exclude: Sequence[str]
    fold_batch_norm: bool
    search_scales: bool
    block_size: int | None
    asymmetric: bool
    opset: int | None
    journal: Path | None
    certificates: Path | None
    executor: str | None
    start: float

    @property
    def search(self) -> dict[str, Any]:
        """How rows are searched, whatever the model: arguments of ``round_network`` and ``round_graph``."""
        names = ("backend", "limits", "row_time", "clip", "candidates", "start")
        return {name: getattr(self, name) for name in names}

    def check(self, report: Path | None) -> None:
        """Bad input that can be known before the work is done."""
        check_executor(self.executor, ("--threads", self.limits.threads))
        from qnnt.files.onnx_qdq import FORMS

        require_word("ONNX form", self.form, FORMS)
        if self.allow_overlap and self.evaluate is None:
            raise InputError("--allow-overlap", "is for test data: give --eval, too")
        check_output(self.output)
        for path in (report, self.journal, self.certificates):
            if path is not None:
                writable(path)
        if self.certificates is not None and self.certificates.suffix != ".npz":
            raise InputError(str(self.certificates), "must be named *.npz")
        if self.certificates is not None and self.clip != "fix":
            raise InputError("--certificates", "needs --clip fix: bounds hold for codes in the range")
        read = [self.model, self.calibration, *(self.evaluate or ())]
        require_apart([self.output, report, self.journal, self.certificates], read)

    def scheme(self, bits: int, per: str) -> Scheme:
        """The scheme that the options name, with these where they say nothing."""
        from qnnt.rounding.scheme import Scheme

        bits = self.bits if isinstance(self.bits, int) else bits
        try:
            return Scheme(bits, self.scaling, self.per or per)  # type: ignore[arg-type] # checked there
        except InputError as error:
            raise InputError(f"--{error.place}", error.message) from None


_UNITS = {"": 1, "B": 1} | {
    f"{letter}{binary}B": (1024 if binary else 1000) ** (i + 1)
    for i, letter in enumerate("KMG")
    for binary in ("", "I")
}


def bytes_of(text: str) -> int:
    """A size such as ``1.5MB``, ``800kB``, ``2MiB`` or a number of bytes; rounded down."""
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-zA-Z]{0,3})\s*", text, re.ASCII)
    if found is None or found[2].upper() not in _UNITS:
        raise InputError("--budget", f"must be a size such as 1.5MB, 800kB or 1500000, not {text!r}")
    size = int(Fraction(found[1]) * _UNITS[found[2].upper()])
    if not size:
        raise InputError("--budget", "must be at least one byte")
    return size


def bits_of(text: str | None) -> int | str | None:
    """What ``--bits`` says: a number, ``auto``, or ``auto:`` and numbers to choose from."""
    if text is None or text.strip().partition(":")[0] == "auto":
        return None if text is None else text.strip()
    if not re.fullmatch(r"-?\d{1,9}", text.strip(), re.ASCII):
        raise InputError("--bits", f"must be a number, auto or auto:2,4,8, not {text!r}")
    return int(text)


def check_output(output: Path | None) -> None:
    """What can be known of the output before the work is done."""
    if output is None:
        return
    if output.suffix not in FORMATS:
        raise InputError(str(output), f"must be named {' or '.join('*' + suffix for suffix in FORMATS)}")
    writable(output)
    if output.suffix == ".onnx":
        from qnnt.files.onnx import require_onnx

        require_onnx()


def array(path: Path) -> npt.NDArray[Any]:
    """The array in a ``.npy`` file, with at least one row."""
    import numpy as np

    from qnnt.files.arrays import load_numpy
    from qnnt.files.documents import located

    with located(path):
        loaded = load_numpy(path)
        if not isinstance(loaded, np.ndarray):
            raise InputError("", "must be a .npy file, not a .npz file")
        if not loaded.ndim or not len(loaded):
            raise InputError("", "has no rows")
        return loaded


def write_report(path: Path, about: dict[str, Any]) -> None:
    """A JSON report, for people and programs; a score that is infinite or NaN is null."""
    from qnnt.files.documents import write_pieces

    write_pieces(path, [json.dumps(finite(about), indent=1, allow_nan=False) + "\n"])


def ended(limit: Limit | None, rows: list[Limit | None], what: str) -> int:
    """The exit status, and a word on stderr if Ctrl-C cut the search of some rows short."""
    from qnnt.limits import Limit

    if limit is not Limit.INTERRUPT:
        return OK
    missed, all_of_them = rows.count(Limit.INTERRUPT), count(len(rows), what)
    print(f"interrupted: {missed:,} of {all_of_them} not searched to the end", file=sys.stderr)
    return UNKNOWN
