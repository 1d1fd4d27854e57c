"""Accepting a suggested match: append-only in the operational store, with who and why (R5).

The models read the last word on each event and check it against Salesforce like any other claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import DataError, RefusedError
from pipelines.publish import open_published
from pipelines.store import reading, writing
from pipelines.store_locks import lock_matches
from pipelines.store_tables import accepted_matches

COLUMNS = (
    "event_source",
    "event_key",
    "org",
    "unmatched_reason",
    "smartlead_campaign_id",
    "email",
    "suggested_campaign_member_id",
    "suggested_lead_id",
)


@dataclass(frozen=True)
class UnmatchedEvent:
    """An event of the published mart ``fct_unmatched_events``, with the member that its address suggests, if any."""

    event_source: str
    event_key: str
    org: str | None
    unmatched_reason: str
    smartlead_campaign_id: int | None
    email: str | None
    suggested_campaign_member_id: str | None
    suggested_lead_id: str | None


def read_unmatched(settings: Settings, *, reason: str | None = None) -> list[UnmatchedEvent]:
    """The unmatched events as published, those with a suggestion first.

    Raises:
        DataError: nothing has been published yet, or by a version that suggests nothing.
    """
    with open_published(settings) as marts:
        try:
            rows = marts.execute(
                f"select {', '.join(COLUMNS)} from fct_unmatched_events"  # noqa: S608  our own column names
                " where $reason is null or unmatched_reason = $reason"
                " order by suggested_campaign_member_id is null, event_source, event_key",
                {"reason": reason},
            ).fetchall()
        except duckdb.BinderException:
            raise DataError(
                "The published marts hold no suggestions; an older version published them.",
                next_step="Run outreach build.",
            ) from None
    return [UnmatchedEvent(*row) for row in rows]


def accept(engine: sa.Engine, event: UnmatchedEvent, *, by: str, why: str) -> bool:
    """Record that a person accepts the event's suggestion; False when it was accepted already.

    Raises:
        RefusedError: nothing is suggested for it, or the reason is blank.
    """
    if event.suggested_campaign_member_id is None or event.suggested_lead_id is None:
        raise RefusedError(
            f"Nothing is suggested for {event.event_source} {event.event_key} ({event.unmatched_reason}).",
            next_step="Correct the ids in the system that sent it; a match is never guessed.",
        )
    suggested = {
        "org": event.org,
        "campaign_member_id": event.suggested_campaign_member_id,
        "lead_id": event.suggested_lead_id,
        "smartlead_campaign_id": event.smartlead_campaign_id,
        "email": event.email,
        "unmatched_reason": event.unmatched_reason,
    }
    return _record(engine, event.event_source, event.event_key, "accept", suggested, by=by, why=why)


def withdraw(engine: sa.Engine, event_source: str, event_key: str, *, by: str, why: str) -> bool:
    """Record that an accepted match was wrong; False when none is in force.

    Raises:
        RefusedError: the reason is blank.
    """
    return _record(engine, event_source, event_key, "withdraw", {}, by=by, why=why)


def in_force(engine: sa.Engine) -> Sequence[sa.RowMapping]:
    """The last word on each event where it is an acceptance, newest first."""
    columns = accepted_matches.c
    latest = sa.select(sa.func.max(columns.match_id)).group_by(columns.event_source, columns.event_key)
    query = sa.select(accepted_matches).where(columns.match_id.in_(latest), columns.action == "accept")
    with reading(engine) as connection:
        return connection.execute(query.order_by(columns.match_id.desc())).mappings().all()


def _record(
    engine: sa.Engine,
    event_source: str,
    event_key: str,
    action: str,
    values: Mapping[str, object],
    *,
    by: str,
    why: str,
) -> bool:
    if not why.strip() or not by.strip():
        raise RefusedError("A match needs who decided it and why.", next_step="Give --why, and --by if need be.")
    columns = accepted_matches.c
    last = (
        sa.select(columns.action, columns.org, columns.campaign_member_id)
        .where(columns.event_source == event_source, columns.event_key == event_key)
        .order_by(columns.match_id.desc())
        .limit(1)
    )
    row = {"event_source": event_source, "event_key": event_key, "action": action, **values}
    with writing(engine) as connection:
        lock_matches(connection)
        before = connection.execute(last).first()
        word = (action, values.get("org"), values.get("campaign_member_id"))
        if (before is None and action == "withdraw") or (before is not None and tuple(before) == word):
            return False
        decided = {"decided_by": by.strip(), "why": why.strip(), "decided_at": datetime.now(UTC)}
        connection.execute(accepted_matches.insert().values(row | decided))
    return True
