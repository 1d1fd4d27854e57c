"""What the receiver lets in: so many requests a second of each source, JSON only, and bodies up to a size."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request

BODY_LIMIT_BYTES = 8_000_000  # a reply's HTML of 2 MB comes three times in one event
BODIES_LIMIT_BYTES = 64_000_000  # all bodies that are being read or stored
BODY_SECONDS = 30.0
BUSY_SECONDS = 5  # Retry-After


class RefusedRequest(Exception):
    """A request that is not stored; ``reason`` is told to its sender.

    Where the sender should try again the status is 503: Smartlead takes every 4xx, even 429, for final.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class RequestRate:
    """A bucket of one second's requests that fills up steadily."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._left = float(per_second)
        self._counted_at = clock()

    def take(self) -> None:
        """Count a request.

        Raises:
            RefusedRequest: there were too many.
        """
        now = self._clock()
        self._left = min(self._per_second, self._left + (now - self._counted_at) * self._per_second)
        self._counted_at = now
        if self._left < 1:
            raise RefusedRequest(503, f"More than {self._per_second:,} requests a second; send it again later.")
        self._left -= 1


class Bodies:
    """The bodies that are held in memory, from their first byte until they are stored."""

    def __init__(self) -> None:
        self.held_bytes = 0

    @contextmanager
    def reading(self, request: Request) -> Iterator[Body]:
        """The body of a request, which may be read and held inside the context."""
        body = Body(request, self)
        try:
            yield body
        finally:
            self.held_bytes -= body.held_bytes


class Body:
    """A body that is still to be read."""

    def __init__(self, request: Request, bodies: Bodies) -> None:
        self.held_bytes = 0
        self._request = request
        self._bodies = bodies

    async def read(self) -> bytes:
        """Read the whole body.

        Raises:
            RefusedRequest: it is no JSON by its content type, too large or too slow, or there is no room for it.
        """
        headers = self._request.headers
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RefusedRequest(415, "The content type must be application/json.")
        self._check(int(headers.get("content-length", "0")))
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._all_chunks()
        except TimeoutError:
            raise RefusedRequest(408, f"The body did not arrive within {BODY_SECONDS:.0f} seconds.") from None

    async def _all_chunks(self) -> bytes:
        chunks = bytearray()
        async for chunk in self._request.stream():
            self.held_bytes += len(chunk)
            self._bodies.held_bytes += len(chunk)
            self._check(self.held_bytes)
            if self._bodies.held_bytes > BODIES_LIMIT_BYTES:
                raise RefusedRequest(503, "Too much is being received; send it again later.")
            chunks += chunk
        return bytes(chunks)

    @staticmethod
    def _check(size: int) -> None:
        if size > BODY_LIMIT_BYTES:
            raise RefusedRequest(413, f"The body is larger than {BODY_LIMIT_BYTES:,} bytes.")
