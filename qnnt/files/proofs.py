"""A proof's folder: the formula, the map of its variables, the proof, and a note of what was encoded.

``formula.cnf`` is DIMACS and ``formula.cnf.map.json`` tells the parameters from its variables, as
``qnnt encode`` writes them. ``proof.drat`` refutes the formula. Or ``formula.opb`` has 0/1 inequalities, and
``proof.pbp`` refutes them in the format of VeriPB. ``proof.json`` (format ``qnnt-proof``) is the note: which
claim about the instance was encoded, and how. It is written last, so a folder without one holds no whole
proof.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from qnnt.exceptions import InputError
from qnnt.files.documents import compact, located, read_document, write_document
from qnnt.files.schemas import NonNegative, Schema
from qnnt.goals import Goal, Minimize, goal_of
from qnnt.wording import count

KIND = "qnnt-proof"


class Form(StrEnum):
    """What a formula and its proof are written in."""

    DRAT = "drat"
    VERIPB = "veripb"

    @property
    def model(self) -> str:
        """The format of the formula, and the ending of its name."""
        return "cnf" if self is Form.DRAT else "opb"

    @property
    def proof(self) -> str:
        """The name of the proof's file."""
        return "proof.drat" if self is Form.DRAT else "proof.pbp"


class _Document(Schema):
    format: str
    version: int
    claim: Any
    encoder: str
    symmetry: bool
    solver: str
    solver_version: str | None
    made_by: str
    weights: NonNegative | None = None
    form: Form = Form.DRAT


@dataclass(frozen=True)
class Note:
    """What a proof is of: no network meets the goal ``claim``, which names a number of errors.

    With ``weights`` it is about networks of which so many weights at most are not 0. The formula is that of
    the instance under this goal, without presolve steps, by the encoder of that name.
    """

    claim: Goal
    encoder: str
    symmetry: bool
    solver: str
    solver_version: str | None = None
    made_by: str = ""
    weights: int | None = None
    form: Form = Form.DRAT

    def __str__(self) -> str:
        few = "" if self.weights is None else f" with {count(self.weights, 'weight')} or fewer that are not 0"
        return f"no network{few} meets {self.claim}"

    def refuted_by(self, errors: int, weights: int) -> bool:
        """Whether a network of so many errors and weights that are not 0 meets the claim."""
        return self.claim.accepts(errors) and (self.weights is None or weights <= self.weights)


@dataclass(frozen=True)
class ProofFolder:
    """The files of a proof. In which form they are, the note says: see :meth:`of_note`."""

    path: Path
    form: Form = Form.DRAT

    @property
    def formula(self) -> Path:
        """DIMACS or OPB."""
        return self.path / f"formula.{self.form.model}"

    @property
    def map(self) -> Path:
        """Which variables make a weight or a bias."""
        return self.path / f"{self.formula.name}.map.json"

    @property
    def proof(self) -> Path:
        """The proof, as text."""
        return self.path / self.form.proof

    def of_note(self, note: Note) -> ProofFolder:
        """The folder with its files in the note's form."""
        return replace(self, form=note.form)

    @property
    def fewest(self) -> ProofFolder:
        """The folder of the proof that no network that is as good has fewer weights."""
        return ProofFolder(self.path / "fewest-weights")

    @property
    def note(self) -> Path:
        """What was encoded."""
        return self.path / "proof.json"

    @property
    def _files(self) -> list[Path]:
        """What may be here, in every form, the note first."""
        forms = [replace(self, form=form) for form in Form]
        return [self.note, *(path for each in forms for path in (each.formula, each.map, each.proof))]

    @property
    def in_use(self) -> bool:
        """Whether a file of a proof is here, be it the note or another."""
        return any(path.exists() for path in self._files)

    def read_note(self) -> Note:
        """The note; raises :class:`InputError` naming the place."""
        with located(self.note):
            document = read_document(self.note, KIND, {1: _Document}, {"form": f"one of {', '.join(Form)}"})
            try:
                claim = goal_of(document.claim)
            except ValueError as error:
                raise InputError("claim", str(error)) from None
            except InputError:  # it names a place of instances
                claim = Minimize()
            if claim.minimizes:
                raise InputError("claim", 'must be {"at_most": n} or {"exactly": n}')
        return Note(
            claim,
            document.encoder,
            document.symmetry,
            document.solver,
            document.solver_version,
            document.made_by,
            document.weights,
            document.form,
        )

    def check_place(self) -> None:
        """Raise :class:`InputError` if a proof cannot be put here: to be known before the work is done."""
        path = self.path
        if (path.exists() or path.is_symlink()) and not path.is_dir():
            raise InputError(str(path), "cannot hold a proof: it is no folder")
        ours = {*self._files, self.fewest.path}
        mine = path.iterdir() if path.is_dir() else ()
        others = any(each not in ours and not each.name.startswith(".") for each in mine)  # .: cut off
        if others and not self.note.exists():
            raise InputError(str(path), "holds other files than a proof; name a new folder")
        if self.fewest.path.exists() or self.fewest.path.is_symlink():
            self.fewest.check_place()
        parent = path.resolve().parent
        if not parent.is_dir():
            raise InputError(str(path), f"cannot be made: there is no folder {parent}")

    @contextmanager
    def attempt(self) -> Iterator[ProofFolder]:
        """A folder for a proof that may not come about; it goes at the end."""
        self.check_place()
        try:
            folder = Path(tempfile.mkdtemp(prefix=".qnnt-proof-", dir=self.path.resolve().parent))
        except OSError as error:
            raise InputError(str(self.path), f"cannot be made: {error.strerror or error}") from None
        try:
            yield ProofFolder(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clear(self) -> None:
        """Remove the files of an earlier proof, and of one of fewest weights with it.

        The note goes first: what is left of a proof without it is no proof.
        """
        try:
            for file in self._files:
                file.unlink(missing_ok=True)
            if self.fewest.path.is_dir():
                self.fewest.clear()
                with suppress(OSError):  # somebody's files are in it
                    self.fewest.path.rmdir()
        except OSError as error:
            raise InputError(str(self.path), f"cannot be written: {error.strerror or error}") from None

    def take(self, attempt: ProofFolder, note: Note) -> None:
        """Move the files of an attempt here, in place of those of an earlier proof."""
        if self.form is not note.form:
            self.of_note(note).take(attempt.of_note(note), note)
            return
        self.clear()
        try:
            self.path.mkdir(exist_ok=True)
            for ours, theirs in ((self.formula, attempt.formula), (self.map, attempt.map)):
                theirs.replace(ours)
            attempt.proof.replace(self.proof)
        except OSError as error:
            raise InputError(str(self.path), f"cannot be written: {error.strerror or error}") from None
        write_document(
            self.note,
            {
                "format": compact(KIND),
                "version": "1",
                "claim": compact(note.claim.document),
                "encoder": compact(note.encoder),
                "symmetry": compact(note.symmetry),
                "solver": compact(note.solver),
                "solver_version": compact(note.solver_version),
                "made_by": compact(note.made_by),
                **({} if note.weights is None else {"weights": compact(note.weights)}),
                **({} if note.form is Form.DRAT else {"form": compact(note.form)}),
            },
        )
