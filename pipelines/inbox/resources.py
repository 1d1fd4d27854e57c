"""Inbox events on their way into the warehouse: loaded once, in the order in which they were stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dlt
import sqlalchemy as sa
from dlt.extract import DltResource

from pipelines.inbox.bodies import read_body
from pipelines.inbox.events import events_after
from pipelines.raw_tables import RawTable, Row

CURSOR = "last_event_id"


def inbox_resource(
    engine: sa.Engine,
    source: str,
    table: RawTable,
    row: Callable[[sa.RowMapping, dict[str, Any]], Row],
    count: Callable[[int], None],
) -> DltResource:
    """The resource of a source's events that are not in the warehouse yet.

    ``row`` makes a row of an event and of the JSON object in it, empty where there is none. The position is kept in
    dlt's state, together with the rows.
    """

    def new_rows() -> Iterator[Sequence[Row]]:
        state = dlt.current.resource_state()
        count(0)
        for batch in events_after(engine, source, state.get(CURSOR, 0)):
            count(len(batch))
            yield [row(event, _payload(event)) for event in batch]
            state[CURSOR] = batch[-1]["event_id"]

    return table.resource(new_rows)


def payload_text(event: sa.RowMapping) -> str | None:
    """The body where it is a JSON object; else None, and ``parse_error`` says why."""
    return event["body"] if read_body(event["body"].encode()).error is None else None


def _payload(event: sa.RowMapping) -> dict[str, Any]:
    return read_body(event["body"].encode()).payload
