"""What checks a proof: the checker of this package, one from another package, and any program."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

from qnnt.availability import Availability
from qnnt.exceptions import InputError, Unavailable
from qnnt.files.documents import located
from qnnt.files.drat import is_binary, parse_drat, read_drat, write_drat
from qnnt.files.formulas import read_dimacs
from qnnt.files.proofs import Form, ProofFolder
from qnnt.files.veripb import read_constraints, read_proof
from qnnt.limits import Limits
from qnnt.verify.cutting_planes import check_cutting_planes
from qnnt.verify.drat import Checked, Clauses, check_drat
from qnnt.workers.pool import run_isolated
from qnnt.workers.task import Hear, Tell, run_here

_ACCEPTS = ("s VERIFIED", "s VERIFIED UNSAT", "s VERIFIED UNSATISFIABLE")
_REJECTS = ("s NOT VERIFIED", "Verification failed.")  # drat-trim, veripb


class Checker(Protocol):
    """Says whether a proof refutes a formula. Implementations are small picklable values."""

    @property
    def name(self) -> str:
        """What it is called, with its version."""

    @property
    def runs_programs(self) -> bool:
        """Whether it waits for another program."""

    def availability(self) -> Availability:
        """Whether it can run here."""

    def takes(self, form: Form) -> bool:
        """Whether it checks proofs of this form."""

    def check(self, folder: ProofFolder) -> Checked:
        """Check; raises :class:`InputError` for files that cannot be read."""


@dataclass(frozen=True)
class OwnChecker:
    """The checkers in :mod:`qnnt.verify.drat` and :mod:`qnnt.verify.cutting_planes`."""

    name = "qnnt"
    runs_programs = False

    def availability(self) -> Availability:
        """It can always run; numba makes it fast."""
        return Availability(True)

    def takes(self, form: Form) -> bool:  # noqa: ARG002
        """All of them."""
        return True

    def check(self, folder: ProofFolder) -> Checked:
        """See :func:`check_drat` and :func:`check_cutting_planes`."""
        if folder.form is Form.VERIPB:
            with located(folder.formula):
                constraints = read_constraints(folder.formula)
            with located(folder.proof):
                planes = read_proof(folder.proof)
            return check_cutting_planes(constraints, planes)
        clauses = read_dimacs(folder.formula).clauses
        with located(folder.proof):
            proof = read_drat(folder.proof)
        return check_drat(Clauses(clauses.values, clauses.starts), proof)


@dataclass(frozen=True)
class DratifyChecker:
    """The package dratify, written in Python; compiled where the package cdclkit-native is installed, too."""

    runs_programs = False

    @property
    def name(self) -> str:
        """With the version."""
        return self.availability().version or "dratify"

    def availability(self) -> Availability:
        """Whether the package is installed."""
        return Availability.of_package("dratify", "dratify", "qnnt[proof]")

    def takes(self, form: Form) -> bool:
        """DRAT."""
        return form is Form.DRAT

    def check(self, folder: ProofFolder) -> Checked:
        """Read both files by the package's own readers, and check."""
        import dratify

        try:
            import cdclkit_native

            dratify.register_native(cdclkit_native)
        except ImportError:
            pass
        try:
            formula = dratify.parse_dimacs(folder.formula.read_text(encoding="ascii"))
            found = dratify.check_proof(formula, _drat_text(folder.proof.read_bytes()))
        except (OSError, ValueError) as error:
            return Checked(False, 0, " ".join(str(error).split()))
        return Checked(bool(found.ok), int(found.steps), None if found.ok else str(found.reason))


@dataclass(frozen=True)
class ProgramChecker:
    """``PROGRAM FORMULA PROOF``, such as drat-trim or veripb: it accepts by a line ``s VERIFIED``."""

    program: str
    runs_programs = True

    @property
    def name(self) -> str:
        """As it was named."""
        return self.program

    def availability(self) -> Availability:
        """Whether the program can be found."""
        if shutil.which(self.program) is None:
            return Availability(False, reason=f"no executable program {self.program!r}")
        return Availability(True)

    def takes(self, form: Form) -> bool:  # noqa: ARG002
        """It is asked about all, and has to reject what it cannot read."""
        return True

    def check(self, folder: ProofFolder) -> Checked:
        """Run the program: a line ``s VERIFIED`` and exit status 0 accept, ``s NOT VERIFIED`` rejects.

        What crashes, or prints no verdict or several, has come to no end.
        """
        program = shutil.which(self.program)
        if program is None:
            raise Unavailable(f"checker: no executable program {self.program!r}")
        run = subprocess.run(
            [program, str(folder.formula), str(folder.proof)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
        )
        lines = [line.strip() for line in (run.stdout + "\n" + run.stderr).splitlines() if line.strip()]
        verdicts = [line for line in lines if line.startswith(("s ", *_REJECTS))]
        if run.returncode == 0 and len(verdicts) == 1 and verdicts[0] in _ACCEPTS:
            return Checked(True, 0)
        rejects = run.returncode >= 0 and len(verdicts) == 1 and verdicts[0] in _REJECTS
        said = ", ".join(verdicts or lines[-1:] or ["no output"])
        return Checked(False if rejects else None, 0, f"exit status {run.returncode}: {said[:200]}")


def _drat_text(data: bytes) -> str:
    """A proof in text; dratify reads no other. Raises :class:`InputError` for a binary one that is none."""
    if not is_binary(data):
        return data.decode("ascii")
    text = io.StringIO()
    write_drat(text, parse_drat(data))
    return text.getvalue()


@dataclass(frozen=True)
class Verdict:
    """What a checker says of a proof; ``accepted`` is None if it did not come to an end."""

    checker: str
    accepted: bool | None
    reason: str | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The object that ``qnnt check --json`` prints."""
        return dict(vars(self))


@dataclass(frozen=True)
class _Checking:
    """A checker's run: a task for a worker."""

    checker: Checker
    folder: ProofFolder
    limits: Limits
    family = "proof"
    fresh = False

    @property
    def runs_programs(self) -> bool:
        return self.checker.runs_programs

    def execute(self, tell: Tell[None], hear: Hear) -> Checked:  # noqa: ARG002 - it has no news
        return self.checker.check(self.folder)


def verdict_of(checker: Checker, folder: ProofFolder, limits: Limits, *, isolate: bool = True) -> Verdict:
    """Have a checker look at a proof, within the limits, in a process of its own if ``isolate``."""
    began = time.perf_counter()
    task = _Checking(checker, replace(folder, path=folder.path.resolve()), limits)
    ended = run_isolated(task, lambda _: None) if isolate else run_here(task, lambda _: None)
    seconds = time.perf_counter() - began
    if isinstance(ended.error, InputError):  # the file is none: that is its verdict
        return Verdict(checker.name, False, str(ended.error), seconds)
    if ended.answer is None:
        return Verdict(checker.name, None, ended.reason, seconds)
    return Verdict(checker.name, ended.answer.accepted, ended.answer.reason, seconds)
