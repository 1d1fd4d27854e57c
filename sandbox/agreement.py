"""Whether Salesforce agrees in the end: with the warehouse, and with what the simulation knows because it made it.

The expectations come from the truth files, not from the rules written a second time: a person's answer is one because
the simulation let a person answer. What the simulation itself lost on the way (ids, or a correction still to come) is
left out, since nobody could know it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from pipelines.config import Settings
from pipelines.publish import published_version
from pipelines.salesforce.orgs import read_field_names
from pipelines.warehouse import connect_read_only
from pipelines.writeback.allowlist import read_allowlist
from sandbox.mart_truth import mart_queries


@dataclass(frozen=True)
class Check:
    """One comparison: how many were compared, how many disagree, and one of these by its id."""

    name: str
    compared: int
    disagreeing: int
    example: str | None
    may_be_empty: bool = False  # a short world has no conversion yet

    @property
    def holds(self) -> bool:
        """Whether something was compared and nothing disagrees."""
        return self.disagreeing == 0 and (self.compared > 0 or self.may_be_empty)


# Members whose ids survived the way through Clay and Smartlead, by the last address that carried them.
KNOWN_MEMBERS = """
create temp view known_members as
select
    'salesforce' as source, clay.org, clay.campaign_member_id, clay.email, campaign_map.smartlead_campaign_id
from read_parquet('$truth/clay_rows.parquet') as clay
join policy.campaign_map on campaign_map.clay_table_id = clay.table_id
join staging.stg_salesforce__campaign_members as member
    on member.org = clay.org and member.campaign_member_id = clay.campaign_member_id and not member.is_deleted
where clay.pushed_at is not null and clay.ids_fate in ('kept', 'cut')
qualify
    clay.pushed_at = max(clay.pushed_at) over (partition by clay.email)
    and count(*) over (partition by campaign_map.smartlead_campaign_id, clay.email) = 1
"""

HAS_REPLIED = """
with answered as (
    select distinct smartlead_campaign_id, email
    from read_parquet('$truth/smartlead_replies.parquet') where true_kind = 'human'
)
select
    known_members.org || ' ' || known_members.campaign_member_id as id,
    (answered.email is not null) as expected,
    member.has_replied as found
from known_members
left join answered using (smartlead_campaign_id, email)
join staging.stg_salesforce__campaign_members as member using (org, campaign_member_id)
"""

CLASSIFICATION = """
with pending as (
    select cast(smartlead_campaign_id as bigint) as smartlead_campaign_id, email
    from read_parquet('$truth/clay_pending_corrections.parquet')
    union all
    select smartlead_campaign_id, email from read_parquet('$truth/smartlead_pending_corrections.parquet')
),

classified_by_clay as (
    select distinct cast(smartlead_campaign_id as bigint) as smartlead_campaign_id, email
    from read_parquet('$truth/clay_classifications.parquet')
)

select
    known_members.org || ' ' || known_members.campaign_member_id as id,
    reply.true_classification as expected,
    member.reply_classification as found
from known_members
join read_parquet('$truth/smartlead_replies.parquet') as reply using (smartlead_campaign_id, email)
join classified_by_clay using (smartlead_campaign_id, email)
join staging.stg_salesforce__campaign_members as member using (org, campaign_member_id)
anti join pending using (smartlead_campaign_id, email)
where reply.true_kind = 'human'
"""

HARD_BOUNCED = """
with bounced as (
    select smartlead_campaign_id, email, bool_or(true_bounce = 'hard' and is_evidence_clear = 1) as is_clearly_hard
    from read_parquet('$truth/smartlead_mails.parquet') where true_bounce is not null group by all
)

select
    lead.org || ' ' || lead.lead_id as id,
    bool_or(coalesce(bounced.is_clearly_hard, false)) as expected,
    bool_or(lead.is_external_hard_bounced) as found
from known_members
join staging.stg_salesforce__campaign_members as member using (org, campaign_member_id)
join staging.stg_salesforce__leads as lead on lead.org = member.org and lead.lead_id = member.lead_id
left join bounced
    on
        bounced.smartlead_campaign_id = known_members.smartlead_campaign_id
        and bounced.email = known_members.email
where not lead.is_converted and not lead.is_deleted
group by all
"""

OVERALL = """
select
    org || ' ' || lead_id as id, is_overall_hard_bounced as expected,
    is_overall_hard_bounced_in_salesforce as found
from lead_bounces
semi join (from staging.stg_salesforce__leads where not is_deleted) using (org, lead_id)
"""


def compare(settings: Settings, truth: Path, writes: list[dict[str, Any]]) -> list[Check]:
    """Compare Salesforce as it was last loaded with the warehouse and with the truth files."""
    with _opened(settings, truth) as connection:
        connection.execute("create temp view lead_bounces as from published.marts.fct_lead_bounces")
        checks = [
            _check(connection, name, query, truth)
            for name, query in (
                ("overall_hard_bounced__c: computed = Salesforce's own, every lead", OVERALL),
                ("Has_Replied__c as the truth says", HAS_REPLIED),
                ("ReplyClassification__c as the truth says", CLASSIFICATION),
                ("external_hard_bounced__c as the truth says", HARD_BOUNCED),
            )
        ]
        return [*checks, _writes_allowed(settings, writes), _writes_recorded(connection, settings, writes)]


def compare_marts(settings: Settings, truth: Path) -> list[Check]:
    """Compare the published marts with the truth files."""
    with _opened(settings, truth) as connection:
        checks = [_check(connection, name, query, truth) for name, query in mart_queries().items()]
        return [replace(check, may_be_empty=True) for check in checks]


@contextmanager
def _opened(settings: Settings, truth: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_read_only(settings.warehouse_path) as connection:
        connection.execute(f"attach '{published_version(settings).file}' as published (read_only)")
        connection.execute(KNOWN_MEMBERS.replace("$truth", str(truth)))
        yield connection


def _check(connection: duckdb.DuckDBPyConnection, name: str, query: str, truth: Path) -> Check:
    row = connection.execute(
        "select count(*), count(case when expected is distinct from found then 1 end),"
        " any_value(case when expected is distinct from found then concat(id, ': expected ',"
        f" coalesce(expected::text, 'nothing'), ', found ', coalesce(found::text, 'nothing')) end)"
        f" from ({query.replace('$truth', str(truth))})"
    ).fetchone()
    compared, disagreeing, example = row or (0, 0, None)
    return Check(name, compared, disagreeing, example)


def _writes_allowed(settings: Settings, writes: list[dict[str, Any]]) -> Check:
    """Salesforce's own audit log holds no field, and no value, that the allowlist does not allow."""
    names = read_field_names(settings.project_dir)
    active = [rule for rule in read_allowlist(settings.project_dir).rules.values() if rule.is_active]
    allowed = {(org, rule.object, names[org].api_name(rule.object, rule.field)) for org in names for rule in active}
    wrong = [
        write
        for write in writes
        if (write["org"], write["object"], write["field"]) not in allowed or write["new"] in {None, "", "false"}
    ]
    example = f"{wrong[0]['object']} {wrong[0]['id']}.{wrong[0]['field']}" if wrong else None
    return Check("Nothing was written outside the allowlist", len(writes), len(wrong), example)


def _writes_recorded(connection: duckdb.DuckDBPyConnection, settings: Settings, writes: list[dict[str, Any]]) -> Check:
    """Every write that Salesforce saw is an applied outcome in the ledger, and the other way round."""
    names = read_field_names(settings.project_dir)
    seen = sorted((write["org"], write["object"], write["id"], write["field"]) for write in writes)
    entries = connection.execute(
        "select org, object, record_id, field from staging.stg_writeback__ledger_entries where outcome = 'applied'"
    ).fetchall()
    recorded = sorted((org, name, record, names[org].api_name(name, field)) for org, name, record, field in entries)
    different = set(seen) ^ set(recorded)
    example = " ".join(min(different)) if different else None
    missing = abs(len(seen) - len(recorded)) or len(different)
    return Check("Every write stands in the ledger, and only these", len(seen), missing, example)
