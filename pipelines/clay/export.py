"""Exporting an audience to Clay: once per table and member, killed and resumed at any moment.

The order for each row: commit the intent, send, commit the outcome. Whoever was erased since the marts were published
is left out. What a killed run left open is settled first, by looking into Clay: through its API, and through the
callbacks that have come back for that row.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from rich.progress import Progress

from pipelines.clay.arrivals import ROWS_PER_TABLE, Arrivals
from pipelines.clay.audience import Audience, Member
from pipelines.clay.comparison import Comparison, wait_until_visible
from pipelines.clay.export_summary import ExportSummary
from pipelines.clay.submissions import Submissions
from pipelines.clay.webhook import NEW_TABLE, NEW_WEBHOOK, TableWebhooks, most_rows
from pipelines.config import Settings
from pipelines.config.services import Clay, ClayTable
from pipelines.console import err
from pipelines.errors import ConfigurationError, OutreachError, RefusedError, ServiceError
from pipelines.sign_offs import use_sign_offs
from pipelines.store import open_store
from pipelines.warehouse import exclusive

UNKNOWN_IN_A_ROW = 3  # then Clay is ill, and sending more would only leave more open


def export_audience(
    settings: Settings,
    audience: Audience,
    progress: Progress,
    *,
    dry_run: bool = False,
    resend_missing: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[ExportSummary, OutreachError | None]:
    """Send every exportable member that the table does not have yet; return what was done and what ended it early.

    Args:
        settings: where Clay and the store are.
        audience: who may go out.
        progress: where it is shown.
        dry_run: only count.
        resend_missing: send again what Clay accepted and does not show; without it that is only listed.
        sleep: how to wait; replaced in tests.

    Raises:
        ConfigurationError: the table's webhook is not configured.
        RefusedError: the table's sources could not take all rows.
        LockedError: another export to this table is running.
    """
    campaign = audience.campaign
    clay, table = _table(settings, campaign.clay_table_id)
    engine = open_store(settings)
    lock = settings.data_dir / f"export_{campaign.clay_table_id}.lock"
    with exclusive(lock, f"export {campaign.name}"):
        export = _Export(clay, engine, audience, progress, sleep)
        if resend_missing and not dry_run:
            export.give_up_missing()
        export.require_room(most_rows(table))
        if dry_run:
            return export.preview(), None
        export.settle_open_rows()
        webhooks = TableWebhooks(campaign.clay_table_id, table, export.taken(), sleep=sleep)
        try:
            problem = export.send(webhooks)
        finally:
            webhooks.close()
        if problem is None:
            export.compare()
        if problem is None and export.is_complete:
            use_sign_offs(engine, campaign)
        return export.summary, problem


class _Export:
    def __init__(
        self, clay: Clay, engine: sa.Engine, audience: Audience, progress: Progress, sleep: Callable[[float], None]
    ) -> None:
        self._audience = audience
        self._progress = progress
        self._sleep = sleep
        self._submissions = Submissions(engine, audience.campaign)
        statuses = self._submissions.statuses()
        campaign = audience.campaign
        self._arrivals = Arrivals(clay, engine, campaign.clay_table_id, sleep=sleep)
        self._exportable = {member.campaign_member_id: member for member in audience.exportable}
        self._comparison = Comparison(self._arrivals, self._submissions, self._exportable.keys(), sleep)
        self._last_sent_at: datetime | None = None
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

    def taken(self) -> int:
        """How many rows the table's webhooks have taken so far."""
        return self._submissions.taken()

    def require_room(self, most: int) -> None:
        """Refuse beforehand what the table's webhooks would silently stop taking in the middle."""
        new = len(self._to_send())
        if not new:
            return
        used = self.taken()
        if used + new > most:
            more = NEW_WEBHOOK.format(table=self.summary.table_id)
            raise self._no_room(f"takes {most:,} rows in its life: {used:,} were sent", new, more)
        here = self._arrivals.read_table().row_count
        if here + new > ROWS_PER_TABLE:
            raise self._no_room(f"holds {ROWS_PER_TABLE:,} rows: {here:,} are in it", new, NEW_TABLE)

    def _no_room(self, limit: str, new: int, next_step: str) -> RefusedError:
        return RefusedError(
            f"Clay's table {self.summary.table_id} {limit}, and {new:,} more would not fit.",
            next_step=next_step,
        )

    @property
    def is_complete(self) -> bool:
        """Whether Clay has every member that may go out."""
        return not self.summary.open and not self.summary.missing_in_clay and not self._to_send()

    def preview(self) -> ExportSummary:
        """What an export would do."""
        self.summary.is_dry_run = True
        self.summary.open = len(self._submissions.open_since())
        self.summary.to_send = len(self._to_send())
        return self.summary

    def give_up_missing(self) -> None:
        """Let what Clay accepted and does not show be sent again."""
        if not self._arrivals.is_readable:
            raise ConfigurationError(
                "Without an API key nobody can tell which rows Clay has lost.",
                next_step="Set OUTREACH_CLAY__API_KEY, or export without --resend-missing.",
            )
        lost = self._comparison.lost()
        self._submissions.settle(lost, "rejected", "accepted, but not in Clay's table", datetime.now(UTC))
        self.summary.already_accepted -= len(lost & {m.campaign_member_id for m in self._audience.exportable})

    def settle_open_rows(self) -> None:
        """Find out which of the rows that may have arrived did."""
        open_since = self._submissions.open_since()
        if not open_since:
            return
        task = self._progress.add_task("Looking in Clay for rows of an earlier export", total=None)
        found = self._settle_found(set(open_since))
        missing = set(open_since) - found
        if missing and self._arrivals.is_readable:
            if wait_until_visible(max(open_since[member_id] for member_id in missing), self._sleep):
                missing -= self._settle_found(missing)
            self._submissions.settle(missing, "rejected", "not found in Clay: it did not arrive", datetime.now(UTC))
        self._progress.remove_task(task)

    def send(self, webhooks: TableWebhooks) -> OutreachError | None:
        """Send what is left; return what ended it early."""
        members = self._to_send()
        self.summary.to_send = len(members)
        problem = self._send_each(webhooks, members)
        if erased := len(members) - self.summary.to_send:
            err.print(f"Erased since the last build, and left out: {erased:,} of {len(members):,} members.")
        self.summary.open = len(self._submissions.open_since())
        return problem

    def _send_each(self, webhooks: TableWebhooks, members: Sequence[Member]) -> OutreachError | None:
        unknown_in_a_row = 0
        for member in self._progress.track(members, description=f"Sending to {self.summary.table_id}"):
            payload = _payload(self.summary.org, member)
            if not self._submissions.intend(member, _hash(payload)):
                self._leave_out(member)
                continue
            self._last_sent_at = datetime.now(UTC)
            outcome = webhooks.send(payload)
            self._submissions.answered(member.campaign_member_id, outcome.status, outcome.detail, outcome.at)
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

    def _leave_out(self, member: Member) -> None:
        """Let a member that was erased be neither counted nor missed in Clay."""
        del self._exportable[member.campaign_member_id]
        self.summary.exportable -= 1
        self.summary.to_send -= 1

    def compare(self) -> None:
        """Note how the table's rows differ from the members."""
        if not self._arrivals.is_readable:
            return
        content, missing = self._comparison.after(self._last_sent_at)
        known = self._audience.member_ids | self._submissions.statuses().keys()
        self.summary.rows_in_clay = content.row_count
        self.summary.is_table_full = content.is_full
        self.summary.missing_in_clay = missing
        self.summary.repeated_in_clay = content.repeated
        self.summary.foreign_in_clay = sum(rows for member, rows in content.rows.items() if member not in known)

    def _to_send(self) -> list[Member]:
        statuses = self._submissions.statuses()
        return [
            member
            for member in self._exportable.values()
            if statuses.get(member.campaign_member_id, "rejected") == "rejected"
        ]

    def _settle_found(self, member_ids: set[str]) -> set[str]:
        called_back = self._arrivals.called_back()
        found = {member_id: called_back[member_id] for member_id in member_ids if member_id in called_back}
        for member_id, enriched_at in found.items():
            self._submissions.settle([member_id], "accepted", "a callback came back for it", enriched_at)
        seen_at = self._arrivals.read_table().read_at
        for member_id in (member_ids & seen_at.keys()) - found.keys():
            self._submissions.settle([member_id], "accepted", "found in Clay's table", seen_at[member_id])
            found[member_id] = seen_at[member_id]
        self.summary.found_in_clay += len(found)
        return set(found)


def _table(settings: Settings, table_id: str) -> tuple[Clay, ClayTable]:
    clay = settings.clay or Clay()
    if table_id not in clay.tables:
        raise ConfigurationError(
            f"No webhook is configured for Clay's table {table_id}.",
            next_step=f"Set OUTREACH_CLAY__TABLES__{table_id.upper()}__WEBHOOK_URL, or webhook_url under"
            f" [clay.tables.{table_id}] in the secrets file.",
        )
    return clay, clay.tables[table_id]


def _payload(org: str, member: Member) -> dict[str, str | None]:
    keys = {"org": org, "CampaignMemberId": member.campaign_member_id, "LeadId": member.lead_id}
    return keys | member.values


def _hash(payload: dict[str, str | None]) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
