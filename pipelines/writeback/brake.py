"""What stops a push between two batches: somebody's order, too many failures, or the reserve of API calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import RefusedError, StoppedError
from pipelines.salesforce.quota import Quota
from pipelines.writeback.journal import PushResult
from pipelines.writeback.policy import Outcome


@dataclass(frozen=True)
class PushLimits:
    """How a push goes about it.

    Args:
        canary_records: how many records of each kind are written and read back whole before the rest goes.
        bulk_from_records: from how many records on Bulk is used, for fields that only ever go to true.
        attempts: how often a record is tried in one push.
        first_wait_seconds: before the second attempt; doubled for each further one, up to ``longest_wait_seconds``.
        longest_job_seconds: after which a Bulk job is stuck and aborted.
        failures_at_least: how many failures it takes to stop, and
        failure_share: which share of what was sent.
    """

    canary_records: int = 5
    bulk_from_records: int = 10_000
    attempts: int = 5
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    longest_job_seconds: float = 3600.0
    failures_at_least: int = 20
    failure_share: float = 0.2


class StopOrder:
    """A file that somebody put there to stop pushes: running ones between two batches, new ones at once."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def is_given(self) -> bool:
        """Whether the order stands."""
        return self._file.exists()

    def give(self, who: str) -> None:
        """Stop pushes."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(f"{who}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")

    def withdraw(self) -> None:
        """Allow pushes again."""
        self._file.unlink(missing_ok=True)

    def check(self) -> None:
        """Check that no order stands.

        Raises:
            StoppedError: one does; says whose.
        """
        if self.is_given:
            raise StoppedError(
                f"Pushing was stopped by {self._file.read_text().strip() or 'somebody'}.",
                next_step="Allow it again with outreach push --resume.",
            )


class Brake:
    """Checked between batches; what it raises stops the push."""

    def __init__(self, limits: PushLimits, order: StopOrder) -> None:
        self._limits = limits
        self._order = order

    @property
    def is_pulled(self) -> bool:
        """Whether somebody wants the push to stop."""
        return self._order.is_given

    def check(self, result: PushResult, quota: Quota) -> None:
        """Check that the push may go on.

        Raises:
            StoppedError: somebody stopped it.
            RefusedError: too much of what was sent has failed.
            QuotaError: the rest of the org's API calls is the business's.
        """
        self._order.check()
        failed = result.count(Outcome.REJECTED, Outcome.UNKNOWN)
        sent = failed + result.count(Outcome.APPLIED)
        if failed >= self._limits.failures_at_least and failed > sent * self._limits.failure_share:
            raise RefusedError(
                f"{failed} of {sent} changes have failed, more than {self._limits.failure_share:.0%}.",
                next_step="Read what Salesforce answered in the ledger, have it mended, then make a new plan.",
            )
        quota.check_reserve()
