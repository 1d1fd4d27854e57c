"""Salesforce's time during a push, whatever becomes of this machine's clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipelines.writeback.destination import Destination

Clock = Callable[[], datetime]
COUNTER = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the first goes on while the machine sleeps


def counted() -> float:
    """Seconds by a counter that nobody sets."""
    return time.clock_gettime(COUNTER)


@dataclass(frozen=True)
class SteadyClock:
    """A time that was asked for once, and goes on with a counter that nobody sets."""

    asked: datetime
    counter: float = field(default_factory=counted)

    def __call__(self) -> datetime:
        """What time it is."""
        return self.asked + timedelta(seconds=counted() - self.counter)


def server_time(readers: Mapping[str, Destination]) -> datetime:
    """What day and time it is there; the latest of the destinations' clocks."""
    return max(reader.server_time() for reader in readers.values())
