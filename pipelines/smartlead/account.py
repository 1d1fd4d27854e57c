"""Reading everything of one Smartlead account, in the order and with the cursors that lose nothing.

* The roster, the categories, the sequences and the mailboxes are read whole: they change in place without a trace.
* Sent mails are read again for a window of days, because a reply or a bounce comes long after the sending.
* Messages are read by Smartlead's only cursor, the time of the last event, with a day of overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt
from dlt.extract import DltResource
from rich.progress import Progress

from pipelines.errors import DataError
from pipelines.raw_tables import SEEN_AT, RawTable, Reads, Record, Row
from pipelines.smartlead.categories import CategoryWatch
from pipelines.smartlead.client import SmartleadClient
from pipelines.smartlead.paging import Page
from pipelines.smartlead.shapes import SET_ASIDE, ShapeWatch
from pipelines.smartlead.tables import (
    CAMPAIGN_ANALYTICS,
    CAMPAIGN_LEADS,
    CAMPAIGNS,
    CATEGORIES,
    EMAIL_ACCOUNTS,
    EMAIL_STATISTICS,
    MESSAGES,
    SEQUENCES,
    analytics_row,
    campaign_lead_row,
    campaign_row,
    category_row,
    email_account_row,
    message_rows,
    sequence_row,
    statistics_row,
)

STATISTICS_WINDOW = timedelta(days=60)
POLLED_AT = "polled_at"  # by our own clock, kept with the rows
MESSAGES_OVERLAP = timedelta(days=1)
RECORDS_PER_LIST_PAGE, MAILS_PER_PAGE = 100, 1_000  # the most that each endpoint gives


class AccountReader:
    """Reads one account; ``reads`` says afterwards what was read, and the category watch what has changed."""

    def __init__(self, client: SmartleadClient, categories: CategoryWatch, progress: Progress) -> None:
        self.reads = Reads()
        self.shapes = ShapeWatch()
        self._categories = categories
        self._client = client
        self._progress = progress
        self._began_at = datetime.now(UTC)
        self._campaigns = client.page("campaigns/", names=("data", "campaigns"))
        ids = {_campaign_id(item) for item in self._campaigns.records}
        self._campaign_ids = sorted(number for number in ids if number is not None)
        self.read_at = self._campaigns.read_at

    def resources(self) -> list[DltResource]:
        """One resource per table, to be landed together."""
        return [
            CAMPAIGNS.resource(self._read_campaigns),
            SEQUENCES.resource(lambda: self._by_campaign(SEQUENCES, self._read_sequences)),
            CAMPAIGN_LEADS.resource(lambda: self._by_campaign(CAMPAIGN_LEADS, self._read_leads)),
            EMAIL_STATISTICS.resource(lambda: self._by_campaign(EMAIL_STATISTICS, self._read_statistics)),
            MESSAGES.resource(lambda: self._by_campaign(MESSAGES, self._read_messages)),
            CATEGORIES.resource(self._read_categories),
            EMAIL_ACCOUNTS.resource(self._read_email_accounts),
            CAMPAIGN_ANALYTICS.resource(lambda: self._by_campaign(CAMPAIGN_ANALYTICS, self._read_analytics)),
            SET_ASIDE.resource(self._set_aside),
        ]

    def _by_campaign(self, table: RawTable, read: Callable[[int], Iterator[Sequence[Row]]]) -> Iterator[Sequence[Row]]:
        task = self._progress.add_task(f"Smartlead: {table.name.replace('_', ' ')}", total=len(self._campaign_ids))
        self.reads.add(table, self.read_at, 0)
        for campaign_id in self._campaign_ids:
            yield from read(campaign_id)
            self._progress.advance(task)

    def _read_campaigns(self) -> Iterator[Sequence[Row]]:
        dlt.current.resource_state()[POLLED_AT] = self._began_at.isoformat(timespec="seconds")
        yield self._whole_rows(CAMPAIGNS, "campaigns/", self._campaigns, campaign_row)

    def _read_sequences(self, campaign_id: int) -> Iterator[Sequence[Row]]:
        path = f"campaigns/{campaign_id}/sequences"
        page = self._client.page(path, names=("data", "sequences"))
        yield self._rows(SEQUENCES, path, page, lambda record: [sequence_row(campaign_id, record)], campaign_id)

    def _read_leads(self, campaign_id: int) -> Iterator[Sequence[Row]]:
        path = f"campaigns/{campaign_id}/leads"
        for page in self._client.pages(path, limit=RECORDS_PER_LIST_PAGE, key=_lead_key, names=("data", "leads")):
            rows = self._rows(
                CAMPAIGN_LEADS, path, page, lambda record: [campaign_lead_row(campaign_id, record)], campaign_id
            )
            self._categories.note(rows, page.read_at)
            yield rows

    def _read_statistics(self, campaign_id: int) -> Iterator[Sequence[Row]]:
        path = f"campaigns/{campaign_id}/statistics"
        cursor = _Cursor("read_until", campaign_id)
        since = cursor.since(STATISTICS_WINDOW)
        window: dict[str, Any] = {} if since is None else {"sent_time_start_date": since.date().isoformat()}
        names = ("data", "email_statistics")
        for page in self._client.pages(path, limit=MAILS_PER_PAGE, key=_by("stats_id"), names=names, **window):
            cursor.saw(page.read_at)
            yield self._rows(
                EMAIL_STATISTICS, path, page, lambda record: [statistics_row(campaign_id, record)], campaign_id
            )
        cursor.keep()

    def _read_messages(self, campaign_id: int) -> Iterator[Sequence[Row]]:
        path = f"campaigns/{campaign_id}/leads-statistics"
        where = f"Smartlead's GET {path}"
        cursor = _Cursor("event_time_gt", campaign_id)
        since = cursor.since(MESSAGES_OVERLAP)
        newer: dict[str, Any] = {} if since is None else {"event_time_gt": since.isoformat()}
        for page in self._client.pages(path, limit=RECORDS_PER_LIST_PAGE, key=_by("lead_id"), **newer):
            cursor.saw(page.read_at)
            yield self._rows(MESSAGES, path, page, lambda record: message_rows(campaign_id, record, where), campaign_id)
        cursor.keep()

    def _read_analytics(self, campaign_id: int) -> Iterator[Sequence[Row]]:
        path = f"campaigns/{campaign_id}/analytics"
        answer, read_at = self._client.record(path)
        page = Page([answer.content], read_at)
        yield self._whole_rows(
            CAMPAIGN_ANALYTICS, path, page, lambda record: analytics_row(campaign_id, record), campaign_id
        )

    def _read_categories(self) -> Iterator[Sequence[Row]]:
        path = "leads/fetch-categories"
        page = self._client.page(path, names=("data", "categories"))
        yield self._rows(CATEGORIES, path, page, lambda record: [category_row(record)])

    def _read_email_accounts(self) -> Iterator[Sequence[Row]]:
        path = "email-accounts/"
        names = ("data", "email_accounts")
        for page in self._client.pages(
            path, limit=RECORDS_PER_LIST_PAGE, key=_by("id"), names=names, fetch_campaigns="true"
        ):
            yield self._rows(EMAIL_ACCOUNTS, path, page, lambda record: [email_account_row(record)])

    def _set_aside(self) -> Iterator[Sequence[Row]]:
        for rows in self.shapes.set_aside():
            yield self._counted(SET_ASIDE, self.read_at, rows)

    def _rows(
        self,
        table: RawTable,
        path: str,
        page: Page,
        read: Callable[[Record], Iterable[Row]],
        campaign_id: int | None = None,
    ) -> Sequence[Row]:
        where = f"Smartlead's GET {path}"
        rows = self.shapes.rows(table, page.records, where, read, page.read_at, campaign_id)
        return self._counted(table, page.read_at, list(rows))

    def _whole_rows(
        self,
        table: RawTable,
        path: str,
        page: Page,
        read: Callable[[Record], Row],
        campaign_id: int | None = None,
    ) -> Sequence[Row]:
        """The rows of a table that keeps its records whole, so that none of their fields needs to be known."""
        where = f"Smartlead's GET {path}"
        rows: list[Row] = []
        for content in page.records:
            try:
                rows.append(read(Record(content, where)))
            except DataError:  # is met there once more, and the record set aside
                rows += self.shapes.rows(table, [content], where, lambda one: [read(one)], page.read_at, campaign_id)
        return self._counted(table, page.read_at, rows)

    def _counted(self, table: RawTable, read_at: datetime, rows: Sequence[Row]) -> Sequence[Row]:
        self.reads.add(table, read_at, len(rows))
        return [{**row, SEEN_AT: self.read_at} for row in rows] if SEEN_AT in table.columns else rows


class _Cursor:
    """Until when a campaign was read, by Smartlead's clock; kept in dlt's state together with the rows."""

    def __init__(self, name: str, campaign_id: int) -> None:
        self._kept: dict[str, str] = dlt.current.resource_state().setdefault(name, {})
        self._campaign = str(campaign_id)
        self._started_at: datetime | None = None

    def since(self, overlap: timedelta) -> datetime | None:
        """From when on to read; None to read everything."""
        kept = self._kept.get(self._campaign)
        return None if kept is None else datetime.fromisoformat(kept) - overlap

    def saw(self, read_at: datetime) -> None:
        """Note an answer; the first one decides, since later ones may miss what happened in between."""
        self._started_at = self._started_at or read_at

    def keep(self) -> None:
        """Keep the new position; called only when everything was read."""
        if self._started_at is not None:
            self._kept[self._campaign] = self._started_at.isoformat()


def _campaign_id(item: Any) -> int | None:
    try:
        return Record(item, "").required_integer("id")
    except DataError:
        return None  # the campaign is set aside


def _by(name: str) -> Callable[[Any], Hashable]:
    return lambda item: item.get(name) if isinstance(item, dict) else None


def _lead_key(item: Any) -> Hashable:
    if not isinstance(item, dict):
        return None
    lead = item.get("lead")
    return item.get("campaign_lead_map_id") or (lead.get("id") if isinstance(lead, dict) else item.get("id"))
