"""Salesforce's time during a push, whatever becomes of this machine's clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipelines.writeback.destination import Destination

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class SteadyClock:
    """A time that was asked for once, and goes on with a counter that nobody sets."""

    asked: datetime
    counter: float = field(default_factory=time.monotonic)

    def __call__(self) -> datetime:
        """What time it is."""
        return self.asked + timedelta(seconds=time.monotonic() - self.counter)


def server_time(readers: Mapping[str, Destination]) -> datetime:
    """What day and time it is there; the latest of the destinations' clocks."""
    return max(reader.server_time() for reader in readers.values())
