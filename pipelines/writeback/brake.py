"""What stops a push between two batches: somebody's order, a SIGTERM, failures, or the reserve of API calls."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipelines.config import Settings
from pipelines.config.running import Push
from pipelines.errors import RefusedError, StoppedError
from pipelines.writeback.destination import Destination
from pipelines.writeback.journal import PushResult
from pipelines.writeback.policy import Outcome


class StopOrder:
    """A file that somebody put there to stop pushes: running ones between two batches, new ones at once."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def is_given(self) -> bool:
        """Whether the order stands."""
        return self._file.exists()

    @property
    def given_by(self) -> str | None:
        """Who gave it and when, None if nobody did."""
        try:
            return self._file.read_text().strip() or "somebody"
        except FileNotFoundError:
            return None

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
        if who := self.given_by:
            raise StoppedError(
                f"Pushing was stopped by {who}.",
                next_step="Allow it again with outreach push --resume.",
            )


def stop_order(settings: Settings) -> StopOrder:
    """The order to stop pushes, if somebody gave it."""
    return StopOrder(settings.data_dir / "push.stop")


class Brake:
    """Checked between batches; what it raises stops the push."""

    def __init__(self, limits: Push, order: StopOrder, *, has_expired: Callable[[], bool] = lambda: False) -> None:
        self._limits = limits
        self._order = order
        self._has_expired = has_expired
        self._is_terminated = False

    @property
    def is_pulled(self) -> bool:
        """Whether somebody wants the push to stop."""
        return self._is_terminated or self._order.is_given

    @contextmanager
    def obeying_sigterm(self) -> Iterator[None]:
        """Take a SIGTERM as an order to stop this one push; for the main thread."""

        def pull(*_: object) -> None:
            self._is_terminated = True

        previous = signal.signal(signal.SIGTERM, pull)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, previous)

    def check(self, result: PushResult, destination: Destination) -> None:
        """Check that the push may go on.

        Raises:
            StoppedError: somebody stopped it, or the machine did.
            RefusedError: the plan has expired meanwhile, or too much of what was sent has failed.
            QuotaError: the rest of the org's API calls is the business's.
        """
        if self._is_terminated:
            raise StoppedError(
                "The push was told to end (SIGTERM) and has ended after its batch.",
                next_step="Run outreach push again for the rest.",
            )
        self._order.check()
        if self._has_expired():
            raise RefusedError(
                "The plan has expired while it was pushed.", next_step="Make a new plan of the rest with outreach plan."
            )
        failed = result.count(Outcome.REJECTED, Outcome.UNKNOWN)
        sent = failed + result.count(Outcome.APPLIED)
        if failed >= self._limits.failures_at_least and failed > sent * self._limits.failure_share:
            raise RefusedError(
                f"{failed} of {sent} changes have failed, more than {self._limits.failure_share:.0%}.",
                next_step="Read what Salesforce answered in the ledger, have it mended, then make a new plan.",
            )
        destination.check_quota()
