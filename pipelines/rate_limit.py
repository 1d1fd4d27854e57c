"""Keeping within a service's request limits, which may be several at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """At most so many requests in so many seconds."""

    requests: int
    seconds: float


class RateLimiter:
    """Waits before a request until none of the limits would be exceeded. Threads may share it."""

    def __init__(
        self,
        limits: Sequence[Limit],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._sent: deque[float] = deque(maxlen=max(limit.requests for limit in limits))
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return as soon as a request may be sent, and count it."""
        with self._lock:
            while (seconds := self._seconds_left()) > 0:
                self._sleep(seconds)
            self._sent.append(self._clock())

    def _seconds_left(self) -> float:
        now = self._clock()
        return max(
            (
                self._sent[-limit.requests] + limit.seconds - now
                for limit in self._limits
                if len(self._sent) >= limit.requests
            ),
            default=0.0,
        )
