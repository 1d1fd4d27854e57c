"""Smartlead's rate limit per key, in real time: so many requests an hour, a minute and in two seconds."""

from __future__ import annotations

import time
from collections import deque


class RateLimit:
    """Counts requests in sliding windows; without ``per_hour`` the hour is not limited."""

    def __init__(self, per_minute: int, per_two_seconds: int, per_hour: int | None = None) -> None:
        self.refused = 0
        self._per_minute = per_minute
        self._windows = [(60.0, per_minute), (2.0, per_two_seconds)]
        if per_hour is not None:
            self._windows.insert(0, (3600.0, per_hour))
        self._times: deque[float] = deque()

    def wait_seconds(self) -> float:
        """How long the next request must wait; 0 when it may pass, and then it is counted."""
        now = time.monotonic()
        while self._times and now - self._times[0] >= self._windows[0][0]:
            self._times.popleft()
        for seconds, limit in self._windows:
            recent = [moment for moment in self._times if now - moment < seconds]
            if len(recent) >= limit:
                return max(0.1, seconds - (now - recent[0]))
        self._times.append(now)
        return 0.0

    def headers(self) -> dict[str, str]:
        """What every answer says of the limit."""
        now = time.monotonic()
        recent = [moment for moment in self._times if now - moment < 60]
        reset = int(max(0.0, 60 - (now - recent[0]))) if recent else 60
        return {
            "x-ratelimit-limit": str(self._per_minute),
            "x-ratelimit-remaining": str(max(0, self._per_minute - len(recent))),
            "x-ratelimit-reset": str(reset),
        }
