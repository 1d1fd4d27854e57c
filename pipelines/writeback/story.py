"""What the published marts know of a record: the events that came in, and what the models make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.publish import open_published

# Each query takes the ids and gives: step, org, record_id, field, at, text. No text of a mail, no address (R8).
_EVENTS = """
select
    'event', org, lead_id, 'external_hard_bounced__c', bounced_at,
    'bounce ' || bounce_id || ': ' || bounce_class || coalesce(' by rule ' || rule_id, '')
from fct_bounce_events where lead_id in (select unnest($ids))
union all
select
    'event', org, campaign_member_id, 'Has_Replied__c', replied_at,
    'reply ' || reply_id || case
        when is_bounce_notice then ': the notice of a bounce'
        when is_automatic then ': written by a machine'
        when is_human_response then ': written by a person'
        else ': does not count as a response'
    end
from fct_reply_events where campaign_member_id in (select unnest($ids))
union all
select
    'event', org, campaign_member_id, 'ReplyClassification__c', revised_at,
    coalesce(classification_from, '(none)') || ' → ' || coalesce(classification_to, '(none)')
    || ' by ' || source || ', ' || evidence
from fct_classification_history where campaign_member_id in (select unnest($ids))
union all
select 'event', org, lead_id, field, enriched_at, 'enriched by Clay, row ' || table_id || '/' || row_id
from fct_lead_enrichment, (values ('company_description__c'), ('Industry')) as enriched (field)
where lead_id in (select unnest($ids))
"""
_VERDICTS = """
select
    'proposed', org, record_id, field, evidence_at,
    'the models want ' || after_value || ': ' || reason || '; ' || coalesce(evidence, 'no evidence')
from fct_writeback_deltas where record_id in (select unnest($ids))
union all
select
    'proposed', org, record_id, field, evidence_at, 'the models want a value: ' || reason || '; ' || evidence
from fct_hubspot_deltas where record_id in (select unnest($ids))
union all
select
    'held back', org, record_id, field, evidence_at,
    'the models want ' || coalesce(after_value, '(blank)') || ' but ' || blocked_reason
    || '; ' || coalesce(evidence, 'no evidence')
from fct_writeback_blocked where record_id in (select unnest($ids))
union all
select
    'compared', org, record_id, field, compared_at,
    reconciliation_status || case
        when object = 'contacts' then ' in HubSpot'  -- its values are names and addresses of people (R8)
        else ': we wrote ' || coalesce(written_value, '(blank)')
            || ', Salesforce showed ' || coalesce(shown_value, '(blank)')
    end
from fct_writeback_reconciliation where record_id in (select unnest($ids))
"""
_KNOWN = """
select 1 from fct_lead_bounces where lead_id = $id
union all
select 1 from dim_campaign_members where campaign_member_id = $id
union all
select 1 from fct_hubspot_deltas where record_id = $id
limit 1
"""
_MEMBERS = "select campaign_member_id from dim_campaign_members where lead_id = $id order by 1"


@dataclass(frozen=True)
class Step:
    """One thing that happened to a field of a record, or that somebody decided about it."""

    step: str
    org: str
    record_id: str
    field: str
    at: datetime | None
    text: str
    actor: str | None = None


def members_of(settings: Settings, lead_id: str) -> list[str]:
    """The ids of a lead's campaign members, as the published marts know them."""
    with open_published(settings) as marts:
        return [row[0] for row in _rows(marts, _MEMBERS, id=lead_id)]


def is_known(settings: Settings, record_id: str) -> bool:
    """Whether the published marts have this lead, campaign member or contact."""
    with open_published(settings) as marts:
        return bool(_rows(marts, _KNOWN, id=record_id))


def events(settings: Settings, ids: Sequence[str]) -> list[Step]:
    """What came in from Smartlead and Clay for these records, oldest first."""
    with open_published(settings) as marts:
        return _steps(marts, _EVENTS, ids)


def verdicts(settings: Settings, ids: Sequence[str]) -> list[Step]:
    """What the models propose or hold back for these records now, and how the last load compared."""
    with open_published(settings) as marts:
        return _steps(marts, _VERDICTS, ids)


def _steps(marts: duckdb.DuckDBPyConnection, query: str, ids: Sequence[str]) -> list[Step]:
    rows = _rows(marts, query + " order by 5, 6", ids=list(ids))
    return [
        Step(step, org, record_id, field, _utc(at) if at else None, text)
        for step, org, record_id, field, at, text in rows
    ]


def _rows(marts: duckdb.DuckDBPyConnection, query: str, **parameters: object) -> list[tuple[Any, ...]]:
    try:
        rows: list[tuple[Any, ...]] = marts.execute(query, parameters).fetchall()
    except duckdb.CatalogException as error:
        raise DataError(f"The published marts lack a table: {error}.", next_step="Run outreach build.") from None
    return rows


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
