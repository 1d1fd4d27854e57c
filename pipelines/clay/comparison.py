"""Comparing the members that should be in a Clay table with the rows that are."""

from __future__ import annotations

from collections.abc import Callable, Set
from datetime import UTC, datetime, timedelta

from pipelines.clay.arrivals import Arrivals, TableContent
from pipelines.clay.submissions import Submissions

VISIBLE_AFTER = timedelta(seconds=60)  # how long Clay may take to show a row that it has accepted


class Comparison:
    """The comparison for one table; it must be readable."""

    def __init__(
        self, arrivals: Arrivals, submissions: Submissions, exportable: Set[str], sleep: Callable[[float], None]
    ) -> None:
        self._arrivals = arrivals
        self._submissions = submissions
        self._exportable = exportable
        self._sleep = sleep

    def after(self, sent_at: datetime | None) -> tuple[TableContent, dict[str, str]]:
        """The table once Clay had time to show what was sent, and the missing members with what is known of them."""
        content = self._arrivals.read_table()
        missing = self._missing(content)
        if missing and sent_at and wait_until_visible(sent_at, self._sleep):
            content = self._arrivals.read_table()
            missing = self._missing(content)
        return content, missing

    def lost(self) -> Set[str]:
        """The members whose rows Clay accepted and does not show, although it had the time."""
        accepted = self._submissions.accepted_at()
        _, missing = self.after(max(accepted.values(), default=None))
        return accepted.keys() & missing.keys()

    def _missing(self, content: TableContent) -> dict[str, str]:
        missing = (self._exportable | self._submissions.accepted_at().keys()) - set(content.rows)
        missing -= self._arrivals.called_back().keys() if missing else set()  # Clay may delete rows that are done
        details = self._submissions.details()
        return {member_id: details.get(member_id, "never sent") for member_id in sorted(missing)}


def wait_until_visible(sent_at: datetime, sleep: Callable[[float], None]) -> bool:
    """Give Clay the rest of its time to show what was sent; whether there was anything to wait for."""
    seconds = (sent_at + VISIBLE_AFTER - datetime.now(UTC)).total_seconds()
    if seconds > 0:
        sleep(seconds)
    return seconds > 0
