"""Smartlead's rate limit per key, in real time: so many requests a minute and so many in two seconds."""

from __future__ import annotations

import time
from collections import deque


class RateLimit:
    """Counts requests in sliding windows."""

    def __init__(self, per_minute: int, per_two_seconds: int) -> None:
        self.refused = 0
        self._per_minute = per_minute
        self._windows = ((60.0, per_minute), (2.0, per_two_seconds))
        self._times: deque[float] = deque()

    def wait_seconds(self) -> float:
        """How long the next request must wait; 0 when it may pass, and then it is counted."""
        now = time.monotonic()
        while self._times and now - self._times[0] >= 60:
            self._times.popleft()
        for seconds, limit in self._windows:
            recent = [moment for moment in self._times if now - moment < seconds]
            if len(recent) >= limit:
                return max(0.1, seconds - (now - recent[0]))
        self._times.append(now)
        return 0.0

    def headers(self) -> dict[str, str]:
        """What every answer says of the limit."""
        remaining = max(0, self._per_minute - len(self._times))
        oldest = self._times[0] if self._times else time.monotonic()
        reset = int(max(0.0, 60 - (time.monotonic() - oldest)))
        return {
            "x-ratelimit-limit": str(self._per_minute),
            "x-ratelimit-remaining": str(remaining),
            "x-ratelimit-reset": str(reset),
        }
