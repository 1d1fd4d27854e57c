"""Salesforce's time during a push, whatever becomes of this machine's clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipelines.writeback.current import OrgReader

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class SteadyClock:
    """A time that was asked for once, and goes on with a counter that nobody sets."""

    asked: datetime
    counter: float = field(default_factory=time.monotonic)

    def __call__(self) -> datetime:
        """What time it is."""
        return self.asked + timedelta(seconds=time.monotonic() - self.counter)


def server_time(readers: Mapping[str, OrgReader]) -> datetime:
    """What day and time it is in Salesforce; the latest of the orgs' clocks."""
    return max(reader.client.server_time() for reader in readers.values())
