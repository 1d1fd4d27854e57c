"""Notices to the owners of leads: one for each new positive reply, and one before its SLA runs out.

Who waits, since when and until when is what ``fct_sales_follow_up`` says. A notice names no person: it links to the
record in Salesforce, where those who may see it see who it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.operations import outbox
from pipelines.operations.freshness import service_time_now
from pipelines.operations.outbox import Recipient
from pipelines.privacy.suppression import read_gate
from pipelines.publish import PublishedVersion, open_version, published_version
from pipelines.store import writing

NEW_FOR = timedelta(days=3)  # with a first run or after a long standstill, older replies are no news
WAITING = (
    "select org, campaign_member_id, lead_id, campaign_name, owner_email, replied_at, sla_due_at"
    " from fct_sales_follow_up where is_waiting order by replied_at, org, campaign_member_id"
)


@dataclass(frozen=True)
class WaitingReply:
    """A positive reply that nobody has followed up; times are UTC."""

    org: str
    campaign_member_id: str
    lead_id: str | None
    campaign_name: str | None
    owner_email: str | None
    replied_at: datetime
    sla_due_at: datetime | None

    @property
    def key(self) -> str:
        """What makes it the same reply in every build: a member has one first positive reply."""
        return f"{self.org} {self.campaign_member_id}"


def write_notices(settings: Settings, engine: sa.Engine) -> dict[str, int]:
    """Write down the notices and reminders that are due, each once, and return how many there are of which kind.

    A reply that is first seen when its SLA has run out gets its notice and no reminder.

    Raises:
        DataError: nothing is published, or by an older version.
    """
    if not (settings.notices.email_owner or settings.notices.copy_to or settings.notices.webhook_url):
        return {}
    version = published_version(settings)
    now = service_time_now(version)
    counts = {"positive replies": 0, "reminders": 0}
    for reply in _waiting(settings, version):
        with writing(engine) as connection:
            is_known = outbox.has_intent(connection, f"positive reply {reply.key}")
            if not is_known and now - reply.replied_at <= NEW_FOR:
                counts["positive replies"] += _write(settings, connection, "positive reply", reply)
            elif is_known and _is_due(settings, reply, now):
                counts["reminders"] += _write(settings, connection, "reminder", reply)
    return counts


def _waiting(settings: Settings, version: PublishedVersion) -> Iterable[WaitingReply]:
    try:
        with open_version(version) as marts:
            rows = marts.execute(WAITING).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        raise DataError(
            f"{version.file.name} lacks what notices need of fct_sales_follow_up.", next_step="Run outreach build."
        ) from None
    gate = read_gate(settings)  # the marts show whom it keeps out until they are built anew
    for org, member_id, lead_id, campaign, email, replied_at, due_at in rows:
        if gate and any(gate.erased.record(org, one[:15]) for one in (member_id, lead_id) if one):
            continue
        times = replied_at.replace(tzinfo=UTC), due_at and due_at.replace(tzinfo=UTC)
        yield WaitingReply(org, member_id, lead_id, campaign, email, *times)


def _is_due(settings: Settings, reply: WaitingReply, now: datetime) -> bool:
    if reply.sla_due_at is None:
        return False
    return reply.sla_due_at - timedelta(hours=settings.notices.remind_before_hours) <= now < reply.sla_due_at


def _write(settings: Settings, connection: sa.Connection, kind: str, reply: WaitingReply) -> int:
    due = f"{reply.sla_due_at:%Y-%m-%d %H:%M} UTC" if reply.sla_due_at else "no SLA is set for this GBU"
    subject = {"positive reply": "A positive reply waits for you", "reminder": "A positive reply still waits for you"}
    body = (
        f"Campaign: {reply.campaign_name or 'unknown'}\nReplied: {reply.replied_at:%Y-%m-%d %H:%M} UTC\n"
        f"Follow up until: {due}\nIn Salesforce: {_link(settings, reply)}\n"
    )
    is_new = not outbox.has_intent(connection, f"{kind} {reply.key}")
    outbox.intend(connection, f"{kind} {reply.key}", _recipients(settings, reply), subject[kind], body)
    return int(is_new)


def _recipients(settings: Settings, reply: WaitingReply) -> list[Recipient]:
    notices = settings.notices
    recipients = [("email", address) for address in notices.copy_to]
    if notices.email_owner and reply.owner_email:
        recipients.insert(0, ("email", reply.owner_email))
    if notices.webhook_url:
        recipients.append(("webhook", "notices.webhook_url"))
    return recipients


def _link(settings: Settings, reply: WaitingReply) -> str:
    record = reply.lead_id or reply.campaign_member_id
    org = settings.salesforce.get(reply.org)
    return f"{org.login_url.rstrip('/')}/{record}" if org else f"{record} ({reply.org})"
