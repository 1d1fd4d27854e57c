"""Events that arrive together share a transaction, and each sender hears of its own event."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pipelines.config import Settings
from pipelines.inbox.events import InboxEvent
from pipelines.inbox.group_commit import GroupCommit
from pipelines.store import open_store


def event(name: str) -> InboxEvent:
    return InboxEvent("clay", "callback", name, "enrichment", "{}")


def test_events_that_arrive_together_share_a_transaction(tmp_path: Path) -> None:
    groups: list[int] = []

    async def scenario() -> tuple[list[int | None], list[int | None]]:
        inbox = GroupCommit(open_store(Settings(data_dir=tmp_path)), lambda events, _: groups.append(events))
        first = await asyncio.gather(*(inbox.store(event(f"e{number % 20}")) for number in range(21)))
        second = await asyncio.gather(inbox.store(event("e0")), inbox.store(event("new")))
        return first, second

    first, second = asyncio.run(scenario())
    assert groups == [21, 2]
    assert sorted(filter(None, first)) == list(range(1, 21))
    assert first[20] is None  # the same as the first one
    assert second[0] is None
    assert second[1] is not None
