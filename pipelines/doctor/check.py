"""What a check says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pipelines.errors import OutreachError


class Verdict(StrEnum):
    """The three answers; what cannot be seen is never called good."""

    PASS = "pass"  # noqa: S105  not a password
    FAIL = "fail"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Check:
    """One line of a doctor's report.

    Args:
        subject: what was checked, for example an org.
        requirement: what should be so.
        verdict: whether it is.
        found: what was seen.
        next_step: what to change, when there is something to change.
    """

    subject: str
    requirement: str
    verdict: Verdict
    found: str
    next_step: str | None = None


@dataclass(frozen=True)
class Finding:
    """What a check saw."""

    verdict: Verdict
    found: str
    next_step: str | None = None


def passed(found: str) -> Finding:
    """It is as it should be."""
    return Finding(Verdict.PASS, found)


def failed(found: str, next_step: str) -> Finding:
    """It is not as it should be."""
    return Finding(Verdict.FAIL, found, next_step)


def cannot_tell(found: str, next_step: str | None = None) -> Finding:
    """It cannot be seen from here."""
    return Finding(Verdict.CANNOT_TELL, found, next_step)


def run_check(subject: str, requirement: str, look: Callable[[], Finding]) -> Check:
    """One check; an error while looking means that it cannot be told."""
    try:
        finding = look()
    except OutreachError as error:
        finding = cannot_tell(error.message, error.next_step)
    return Check(subject, requirement, finding.verdict, finding.found, finding.next_step)
