"""Exporting an audience to Clay: once per table and member, killed and resumed at any moment.

The order for each row: commit the intent, send, commit the outcome. What a killed run left open is settled first, by
looking into Clay: through its API, and through the callbacks that have come back for that row.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from rich.progress import Progress

from pipelines.clay.audience import Audience, Member, to_18_or_none
from pipelines.clay.client import ClayClient, cell_value
from pipelines.clay.submissions import OPEN, Submissions
from pipelines.clay.webhook import TableWebhook
from pipelines.config import Clay, ClayTable, Settings
from pipelines.errors import ConfigurationError, OutreachError, RefusedError, ServiceError
from pipelines.inbox.bodies import read_body
from pipelines.inbox.clay import SOURCE
from pipelines.inbox.events import events_after
from pipelines.raw_tables import Record
from pipelines.sign_offs import use_sign_offs
from pipelines.store import open_store
from pipelines.warehouse import exclusive

ROWS_PER_SOURCE = 50_000  # a webhook source takes so many in its life, deleted ones included
VISIBLE_AFTER = timedelta(seconds=60)  # how long Clay may take to show a row that it has accepted
UNKNOWN_IN_A_ROW = 3  # then Clay is ill, and sending more would only leave more open


@dataclass
class ExportSummary:
    """What an export found and did. ``open`` rows may or may not have arrived; the next export settles them."""

    org: str
    campaign_id: str
    campaign_name: str
    table_id: str
    as_of_at: str
    members: int
    exportable: int
    without_keys: int
    already_accepted: int
    found_in_clay: int = 0
    to_send: int = 0
    accepted: int = 0
    rejected: int = 0
    open: int = 0
    is_dry_run: bool = False

    def as_dict(self) -> dict[str, object]:
        """For ``--json`` and the run history."""
        return asdict(self)


def export_audience(
    settings: Settings,
    audience: Audience,
    progress: Progress,
    *,
    dry_run: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[ExportSummary, OutreachError | None]:
    """Send every exportable member that the table does not have yet; return what was done and what ended it early.

    Raises:
        ConfigurationError: the table's webhook is not configured.
        RefusedError: the source could not take all rows.
        LockedError: another export to this table is running.
    """
    campaign = audience.campaign
    clay, table = _table(settings, campaign.clay_table_id)
    engine = open_store(settings)
    lock = settings.data_dir / f"export_{campaign.clay_table_id}.lock"
    with exclusive(lock, f"export {campaign.name}"):
        export = _Export(clay, engine, audience, progress, sleep)
        export.require_room()
        if dry_run:
            return export.preview(), None
        export.settle_open_rows()
        webhook = TableWebhook(campaign.clay_table_id, table, sleep=sleep)
        try:
            problem = export.send(webhook)
        finally:
            webhook.close()
        if problem is None and export.is_complete:
            use_sign_offs(engine, campaign)
        return export.summary, problem


class _Export:
    def __init__(
        self, clay: Clay, engine: sa.Engine, audience: Audience, progress: Progress, sleep: Callable[[float], None]
    ) -> None:
        self._clay = clay
        self._engine = engine
        self._audience = audience
        self._progress = progress
        self._sleep = sleep
        self._submissions = Submissions(engine, audience.campaign)
        statuses = self._submissions.statuses()
        campaign = audience.campaign
        self.summary = ExportSummary(
            org=campaign.org,
            campaign_id=campaign.campaign_id,
            campaign_name=campaign.name,
            table_id=campaign.clay_table_id,
            as_of_at=audience.as_of_at.isoformat(),
            members=audience.members_total,
            exportable=len(audience.exportable),
            without_keys=audience.without_keys,
            already_accepted=sum(statuses.get(m.campaign_member_id) == "accepted" for m in audience.exportable),
        )

    def require_room(self) -> None:
        """Refuse beforehand what the source would silently stop taking in the middle."""
        statuses = self._submissions.statuses()
        used = sum(status == "accepted" or status in OPEN for status in statuses.values())
        new = len(self._to_send())
        if used + new > ROWS_PER_SOURCE:
            raise RefusedError(
                f"Clay's table {self.summary.table_id} takes {ROWS_PER_SOURCE:,} rows in its life: {used:,} were sent,"
                f" and {new:,} more would not fit.",
                next_step="Make a new table with a new webhook in Clay, and put it into seeds/campaign_map.csv.",
            )

    @property
    def is_complete(self) -> bool:
        """Whether Clay has every member that may go out."""
        return not self.summary.open and not self._to_send()

    def preview(self) -> ExportSummary:
        """What an export would do."""
        self.summary.is_dry_run = True
        self.summary.open = len(self._submissions.open_since())
        self.summary.to_send = len(self._to_send())
        return self.summary

    def settle_open_rows(self) -> None:
        """Find out which of the rows that may have arrived did."""
        open_since = self._submissions.open_since()
        if not open_since:
            return
        task = self._progress.add_task("Looking in Clay for rows of an earlier export", total=None)
        found = self._settle_found(set(open_since))
        missing = set(open_since) - found
        if missing and self._clay.api_key is not None:
            latest = max(open_since[member_id] for member_id in missing)
            seconds = (latest + VISIBLE_AFTER - datetime.now(UTC)).total_seconds()
            if seconds > 0:
                self._sleep(seconds)
                missing -= self._settle_found(missing)
            self._submissions.settle(missing, "rejected", "not found in Clay: it did not arrive", datetime.now(UTC))
        self._progress.remove_task(task)

    def send(self, webhook: TableWebhook) -> OutreachError | None:
        """Send what is left; return what ended it early."""
        members = self._to_send()
        self.summary.to_send = len(members)
        problem = self._send_each(webhook, members)
        self.summary.open = len(self._submissions.open_since())
        return problem

    def _send_each(self, webhook: TableWebhook, members: Sequence[Member]) -> OutreachError | None:
        unknown_in_a_row = 0
        for member in self._progress.track(members, description=f"Sending to {self.summary.table_id}"):
            payload = _payload(self.summary.org, member)
            self._submissions.intend(member, _hash(payload))
            outcome = webhook.send(payload)
            self._submissions.settle([member.campaign_member_id], outcome.status, outcome.detail, outcome.at)
            self.summary.accepted += outcome.status == "accepted"
            self.summary.rejected += outcome.status == "rejected"
            unknown_in_a_row = unknown_in_a_row + 1 if outcome.status == "unknown" else 0
            if outcome.fatal is not None:
                return outcome.fatal
            if unknown_in_a_row == UNKNOWN_IN_A_ROW:
                return ServiceError(
                    f"Clay's table {self.summary.table_id} gave no usable answer {UNKNOWN_IN_A_ROW} times in a row"
                    f" ({outcome.detail}).",
                    next_step="Run the export again later; it looks first which rows have arrived.",
                )
        return None

    def _to_send(self) -> list[Member]:
        statuses = self._submissions.statuses()
        return [
            member
            for member in self._audience.exportable
            if statuses.get(member.campaign_member_id, "rejected") == "rejected"
        ]

    def _settle_found(self, member_ids: set[str]) -> set[str]:
        called_back = _called_back(self._engine, self.summary.table_id)
        found = {member_id: called_back[member_id] for member_id in member_ids if member_id in called_back}
        for member_id, enriched_at in found.items():
            self._submissions.settle([member_id], "accepted", "a callback came back for it", enriched_at)
        for members, read_at in self._in_table():
            here = (members & member_ids) - set(found)
            self._submissions.settle(here, "accepted", "found in Clay's table", read_at)
            found |= dict.fromkeys(here, read_at)
        self.summary.found_in_clay += len(found)
        return set(found)

    def _in_table(self) -> Iterator[tuple[set[str], datetime]]:
        if self._clay.api_key is None:
            return
        with ClayClient(self._clay, sleep=self._sleep) as client:
            for page in client.table_rows(self.summary.table_id):
                yield {member_id for row in page.rows if (member_id := _member_id(row))}, page.read_at


def _table(settings: Settings, table_id: str) -> tuple[Clay, ClayTable]:
    clay = settings.clay or Clay()
    if table_id not in clay.tables:
        raise ConfigurationError(
            f"No webhook is configured for Clay's table {table_id}.",
            next_step=f"Set OUTREACH_CLAY__TABLES__{table_id.upper()}__WEBHOOK_URL, or webhook_url under"
            f" [clay.tables.{table_id}] in the secrets file.",
        )
    return clay, clay.tables[table_id]


def _called_back(engine: sa.Engine, table_id: str) -> dict[str, datetime]:
    """The members that Clay has called back for, and when it had enriched them."""
    found: dict[str, datetime] = {}
    for batch in events_after(engine, SOURCE, 0, event_type="enrichment"):
        for event in batch:
            payload = read_body(event["body"].encode()).payload
            member_id = to_18_or_none(payload.get("CampaignMemberId"))
            if member_id and payload.get("table_id") == table_id:
                enriched_at = Record(payload, "a callback in the inbox").time_or_none("enriched_at")
                found.setdefault(member_id, enriched_at or event["received_at"])
    return found


def _member_id(row: object) -> str | None:
    if not isinstance(row, dict):
        return None
    cells = row["cells"] if isinstance(row.get("cells"), dict) else row
    return to_18_or_none(cell_value(cells.get("CampaignMemberId")))


def _payload(org: str, member: Member) -> dict[str, str | None]:
    keys = {"org": org, "CampaignMemberId": member.campaign_member_id, "LeadId": member.lead_id}
    return keys | member.values


def _hash(payload: dict[str, str | None]) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
