"""What Salesforce's answer about one record means: an outcome, or another attempt."""

from __future__ import annotations

from pipelines.updates import RowResult
from pipelines.writeback.policy import Outcome

# Somebody else holds the record or its parent, or the server had no time: the same request may succeed in a moment.
TRANSIENT = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG"})
# The record was deleted or merged after it was read.
GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})


def is_transient(answer: RowResult) -> bool:
    """Whether the record is worth another attempt."""
    return not answer.success and answer.error_code in TRANSIENT


def outcome_of(answer: RowResult) -> tuple[Outcome, str | None]:
    """The outcome of an answer, and what Salesforce says."""
    if answer.success:
        return Outcome.APPLIED, None
    outcome = Outcome.NOT_FOUND if answer.error_code in GONE else Outcome.REJECTED
    return outcome, f"{answer.error_code}: {answer.message}"
