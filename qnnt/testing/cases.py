"""Cases with names, exclusions with reasons, and the report of a run: what all three checks share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

from qnnt.exceptions import InputError, Unavailable, UnknownWord
from qnnt.workers.task import describe

S = TypeVar("S")


class Grade(StrEnum):
    """What came of a case that did not fail."""

    PASSED = "passed"
    UNDECIDED = "undecided"
    """It gave up, with a reason, and claims no more than that."""
    DECLINED = "declined"
    """It says beforehand that it does not take the case."""
    EXCLUDED = "excluded"


@dataclass(frozen=True)
class Finding:
    """What came of one case, and why it was not decided."""

    grade: Grade
    reason: str = ""


PASSED = Finding(Grade.PASSED)


@dataclass(frozen=True)
class Case(Generic[S]):
    """One thing to check, under a ``name``; ``str(case)`` is the name.

    ``check`` takes what is tested and raises AssertionError, with what was expected and what was said.
    """

    name: str
    check: Callable[[S], Finding] = field(repr=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class CheckReport:
    """What came of each case, by name, in order."""

    findings: Mapping[str, Finding]

    def named(self, grade: Grade) -> tuple[str, ...]:
        """The names of the cases with this grade."""
        return tuple(name for name, finding in self.findings.items() if finding.grade == grade)

    @property
    def passed(self) -> tuple[str, ...]:
        """The names of the cases that passed."""
        return self.named(Grade.PASSED)

    def __str__(self) -> str:
        return ", ".join(f"{len(self.named(grade))} {grade}" for grade in Grade if self.named(grade))


def expect(condition: bool, expected: str, said: object) -> None:
    """Raise AssertionError with both unless the condition holds."""
    if not condition:
        raise AssertionError(f"expected {expected}; it said: {said}")


def run_cases(
    tested: S, who: str, cases: Sequence[Case[S]], case: Case[S] | None, exclude: Mapping[str, str]
) -> CheckReport:
    """Run one case, or all of them but those excluded.

    Raises AssertionError that lists every case that failed, by an assertion or an exception;
    :class:`UnknownWord` for an exclusion that names no case, :class:`InputError` for one without a reason.
    :class:`Unavailable` passes through: nothing can be said.
    """
    excluded = _exclusions(cases, exclude)
    findings: dict[str, Finding] = {}
    failed: dict[str, str] = {}
    cause: Exception | None = None
    chosen = cases if case is None else (case,)
    for each in chosen:
        if each.name in excluded:
            findings[each.name] = Finding(Grade.EXCLUDED, excluded[each.name])
            continue
        try:
            findings[each.name] = each.check(tested)
        except AssertionError as failure:
            failed[each.name] = str(failure)
        except Unavailable:
            raise
        except Exception as error:
            failed[each.name], cause = f"it raised {describe(error)}", cause or error
    if failed:
        lines = [f"{who} fails {len(failed)} of {len(chosen)} cases"]
        lines += [f"  {name}: {failure}" for name, failure in failed.items()]
        raise AssertionError("\n".join(lines)) from cause
    return CheckReport(findings)


def require_some(report: CheckReport, answers: Sequence[Case[S]], none: str) -> None:
    """Raise AssertionError if, of the cases that ask for an answer, all that were left in, none passed.

    ``none`` says so, with ``{}`` for their number.
    """
    asked = {case.name for case in answers} - set(report.named(Grade.EXCLUDED))
    if asked and asked.isdisjoint(report.passed):
        raise AssertionError(f"{none.format(len(asked))}: {report}")


def _exclusions(cases: Sequence[Case[S]], exclude: Mapping[str, str]) -> dict[str, str]:
    """The reason of each case that is left out; patterns are as in a shell."""
    names, reasons = [case.name for case in cases], {}
    for pattern, reason in exclude.items():
        if not isinstance(reason, str) or not reason.strip():
            raise InputError(f"exclude[{pattern!r}]", "needs a reason")
        meant = [name for name in names if fnmatchcase(name, pattern)]
        if not meant:
            raise UnknownWord("case", pattern, names, "exclude")
        reasons.update(dict.fromkeys(meant, reason))
    return reasons
