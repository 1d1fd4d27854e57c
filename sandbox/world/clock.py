"""The world's own time: it stands still until something is written or a day passes, so runs can be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

WORLD_START = datetime(2026, 9, 1, 6, tzinfo=UTC)
HISTORY_DAYS = 45  # how long the first campaigns have been running when the world starts


@dataclass
class WorldClock:
    """One service's clock. The service keeps ``now`` with its state, so that a restart does not turn time back."""

    now: datetime = WORLD_START

    def tick(self) -> datetime:
        """The time of the next write: one second after the one before."""
        self.now += timedelta(seconds=1)
        return self.now

    def next_morning(self) -> datetime:
        """Move to 06:00 UTC of the next day, where ``advance`` ends."""
        self.now = datetime.combine(self.now.date() + timedelta(days=1), WORLD_START.timetz())
        return self.now

    def http_date(self) -> str:
        """The time as the HTTP ``Date`` header carries it: just after the last write, as on a clock that goes on."""
        return format_datetime((self.now + timedelta(seconds=1)).astimezone(UTC), usegmt=True)
