"""The errors that people and schedulers see: one sentence each, with an exit code that scripts can rely on.

Exit codes (also in ``docs/cli.md``):

====  ==========================================================================================
0     done
1     a defect of this program
2     wrong usage of the command line
3     configuration or credentials are missing, wrong or refused
4     a service cannot be reached, or answers in a way that its contract does not allow
5     data cannot be used: malformed, unknown field or value, missing column, nothing loaded yet
6     somebody else holds the lock
7     a local store cannot be used: full or read-only disk, corrupt or newer file, older than the warehouse
8     the dbt build or one of its tests failed; nothing was published
9     refused by a rule: allowlist, approval, gate, guard
10    finished, but some records failed; they are listed
11    a push was stopped by somebody (outreach push --stop), or by a SIGTERM
12    the plan waits for a second person's approval, or for --first-run
130   interrupted
====  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

INTERRUPTED = 130


class OutreachError(Exception):
    """What happened, to which record, file or service, and what to do next.

    Args:
        message: what happened and to what, as one sentence without secrets or personal data.
        next_step: what the reader should do, as one sentence.
    """

    exit_code = 1

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class ConfigurationError(OutreachError):
    """Configuration or credentials are missing, wrong or refused by the service."""

    exit_code = 3


class ServiceError(OutreachError):
    """A service cannot be reached, or answers outside its contract."""

    exit_code = 4


class QuotaError(ServiceError):
    """No more calls of a service may be made for now."""


class DataError(OutreachError):
    """Data cannot be used: malformed, unknown field or value, missing column, nothing loaded yet."""

    exit_code = 5


class LockedError(OutreachError):
    """Another process holds the warehouse or the push lock."""

    exit_code = 6


class StoreError(OutreachError):
    """A local store cannot be used: full or read-only disk, corrupt or newer file."""

    exit_code = 7


class BuildError(OutreachError):
    """The dbt build or one of its tests failed; nothing was published."""

    exit_code = 8


class RefusedError(OutreachError):
    """A rule refuses the action: allowlist, approval, gate or guard."""

    exit_code = 9


class PartialFailureError(OutreachError):
    """The command finished, but some records failed and are listed."""

    exit_code = 10


class StoppedError(OutreachError):
    """Somebody or a SIGTERM stopped the push; what was done until then stands in the ledger."""

    exit_code = 11


class ApprovalNeededError(RefusedError):
    """A guard wants a person's consent before a plan is pushed."""

    exit_code = 12


# When several parts of a command fail, its exit code is that of the first of these.
WORST_FIRST = (1, 7, 3, 8, 4, 5, 6, 9, 11, 12, 10)


def worst(exit_codes: Iterable[int]) -> int:
    """The exit code of a command whose parts failed with these; at least one."""
    return min(exit_codes, key=lambda code: WORST_FIRST.index(code) if code in WORST_FIRST else len(WORST_FIRST))


def reason_of(error: Exception) -> str:
    """What went wrong, in a sentence; of a defect of ours only its kind, because its traceback explains it best."""
    return error.message if isinstance(error, OutreachError) else f"a defect of this program, {type(error).__name__}."


def failure_of(
    message: str, next_steps: Iterable[str | None], exit_codes: Iterable[int], defects: Sequence[Exception]
) -> Exception:
    """One error for several parts of a command that failed: the first defect of ours, with the message as its note.

    Without any, a PartialFailureError with each next step once and the exit code of the worst part.
    """
    if defects:
        defects[0].add_note(message)
        return defects[0]
    failure = PartialFailureError(message, next_step=" ".join(dict.fromkeys(step for step in next_steps if step)))
    failure.exit_code = worst(exit_codes)
    return failure
