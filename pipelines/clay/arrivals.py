"""What has arrived in a Clay table: by its API, where a key is configured, and by the callbacks that came back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from pipelines.clay.audience import to_18_or_none
from pipelines.clay.client import ClayClient, cell_value
from pipelines.clay.tables import table_row
from pipelines.config.services import Clay
from pipelines.inbox.bodies import read_body
from pipelines.inbox.clay import SOURCE
from pipelines.inbox.events import events_after
from pipelines.raw_tables import Record

ROWS_PER_TABLE = 50_000  # a full table accepts rows and forgets them


@dataclass
class TableContent:
    """The rows of a table by member, None for rows without a usable id, and when they were read by Clay's clock."""

    rows: Counter[str | None] = field(default_factory=Counter)
    read_at: dict[str, datetime] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """How many rows the table has."""
        return self.rows.total()

    @property
    def is_full(self) -> bool:
        """Whether it takes no more rows."""
        return self.row_count >= ROWS_PER_TABLE

    @property
    def repeated(self) -> list[str]:
        """The members with more than one row."""
        return sorted(member_id for member_id, rows in self.rows.items() if member_id and rows > 1)


class Arrivals:
    """The arrivals in one table."""

    def __init__(
        self, clay: Clay, engine: sa.Engine, table_id: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clay = clay
        self._engine = engine
        self._table_id = table_id
        self._sleep = sleep

    @property
    def is_readable(self) -> bool:
        """Whether the table itself can be read."""
        return self._clay.api_key is not None

    def read_table(self) -> TableContent:
        """All rows of the table, each once although a scan may show it twice; nothing without an API key."""
        content = TableContent()
        seen: set[str] = set()
        for row, read_at in self._rows():
            row_id = str(table_row(self._table_id, row)["row_id"])
            if row_id in seen:
                continue
            seen.add(row_id)
            member_id = _member_id(row)
            content.rows[member_id] += 1
            if member_id is not None:
                content.read_at.setdefault(member_id, read_at)
        return content

    def called_back(self) -> dict[str, datetime]:
        """The members that Clay has called back for, and when it had enriched them."""
        found: dict[str, datetime] = {}
        for batch in events_after(self._engine, SOURCE, 0, event_type="enrichment"):
            for event in batch:
                payload = read_body(event.body.encode()).payload
                member_id = to_18_or_none(payload.get("CampaignMemberId"))
                if member_id and payload.get("table_id") == self._table_id:
                    enriched_at = Record(payload, "a callback in the inbox").time_or_none("enriched_at")
                    found.setdefault(member_id, enriched_at or event.received_at)
        return found

    def _rows(self) -> Iterator[tuple[object, datetime]]:
        if not self.is_readable:
            return
        with ClayClient(self._clay, sleep=self._sleep) as client:
            for page in client.table_rows(self._table_id):
                for row in page.rows:
                    yield row, page.read_at


def _member_id(row: object) -> str | None:
    if not isinstance(row, dict):
        return None
    cells = row["cells"] if isinstance(row.get("cells"), dict) else row
    return to_18_or_none(cell_value(cells.get("CampaignMemberId")))
