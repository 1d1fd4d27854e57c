"""Group commit: events that arrive while one transaction is being written share the next one.

A transaction costs a write to the disk that must be waited for, whether it holds one event or hundreds. So the rate of
events is not bound to the rate of such writes, and each event is still on the disk before its sender hears so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from pipelines.errors import StoreError
from pipelines.inbox.events import InboxEvent, append

GATHER_SECONDS = 0.01  # a transaction costs as much processor time as twenty events: it is worth waiting for company
GROUP_EVENTS = 500
GROUP_BYTES = 16_000_000
Waiting = tuple[InboxEvent, "asyncio.Future[int | None]"]


class GroupCommit:
    """Appends events to the inbox for one event loop.

    Args:
        engine: the operational store.
        on_commit: called after each transaction with its number of events and its seconds.
    """

    def __init__(self, engine: sa.Engine, on_commit: Callable[[int, float], None]) -> None:
        self._engine = engine
        self._on_commit = on_commit
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")

    @property
    def waiting(self) -> int:
        """How many events wait for the transaction that is being written."""
        return len(self._waiting)

    async def store(self, event: InboxEvent) -> int | None:
        """Return when the event is safe: its id, None when it was there already, 0 when it must not be kept.

        Raises:
            StoreError: it is not stored.
        """
        stored: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, stored))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await stored

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            size = _group_size(self._waiting)
            group, self._waiting = self._waiting[:size], self._waiting[size:]
            started_at = time.perf_counter()
            await self._commit(group)
            self._on_commit(len(group), time.perf_counter() - started_at)

    async def _commit(self, group: list[Waiting]) -> None:
        events = [event for event, _ in group]
        try:
            ids = await asyncio.get_running_loop().run_in_executor(self._thread, append, self._engine, events)
        except Exception as error:
            if len(group) > 1 and not isinstance(error, StoreError | sa.exc.TimeoutError):
                for one in group:  # one that the database refuses must not take the others with it
                    await self._commit([one])
                return
            for _, stored in group:
                if not stored.done():
                    stored.set_exception(error)
        else:
            for (_, stored), event_id in zip(group, ids, strict=True):
                if not stored.done():  # its sender may have gone
                    stored.set_result(event_id)


def _group_size(waiting: list[Waiting]) -> int:
    size = characters = 0
    for event, _ in waiting[:GROUP_EVENTS]:
        characters += len(event.body)
        if size and characters > GROUP_BYTES:
            break
        size += 1
    return size
