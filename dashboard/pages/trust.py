"""Trust: how fresh the data are, what was written to Salesforce, what was held back, and what does not add up."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.filters import Filter
from dashboard.marts import Reader, Row
from dashboard.page import CAMPAIGN, OF_CAMPAIGN, OF_ORG, ORG, Page
from dashboard.tables import Figure, Table, count, decimal, number, one_decimal, status, text, when

RECORD = (text("org", "Org"), text("object", "Object"), text("record_id", "Record"), text("field", "Field"))

SOURCE = Filter(
    "source",
    "Source",
    "select distinct dataset as value, dataset as label from fct_source_freshness order by dataset",
)
REASON = Filter(
    "reason",
    "Held back by",
    "select distinct blocked_reason as value, blocked_reason as label from fct_writeback_blocked order by label",
)


def _to_records(row: Row) -> tuple[str, dict[str, str]]:
    return "/trust/blocked_records", {"reason": row["blocked_reason"]}


def _figures(reader: Reader, selected: Mapping[str, str]) -> list[Figure]:
    figures = reader.rows(
        f"""
        select
            (select max(hours_behind) from fct_source_freshness) as hours_behind,
            (select count(*) from fct_source_freshness where is_stale) as stale,
            (select count(*) from fct_writeback_reconciliation where {OF_ORG}) as written,
            (select count(*) from fct_writeback_reconciliation
                where {OF_ORG} and reconciliation_status not in ('matching', 'pending_reload')) as differing,
            (select count(*) from fct_writeback_blocked where {OF_ORG}) as blocked,
            (select count(*) from fct_sync_errors where {OF_ORG}) as errors,
            (select count(*) from fct_unmatched_events where {OF_ORG}) as unmatched
        """,
        selected,
    )[0]
    return [
        Figure("Stale tables", number(figures["stale"]), f"oldest {one_decimal(figures['hours_behind'])} h behind"),
        Figure(
            "Fields written", number(figures["written"]), f"{number(figures['differing'])} differ in Salesforce now"
        ),
        Figure("Writes held back", number(figures["blocked"]), "by a rule or a value in Salesforce"),
        Figure("Open errors", number(figures["errors"]), "each with an owner"),
        Figure("Rows without a member", number(figures["unmatched"]), "in quarantine, never guessed"),
    ]


PAGE = Page(
    name="trust",
    title="Trust",
    intro="Whether to rely on these figures: freshness, what was written or held back, and what does not add up.",
    filters=(ORG, CAMPAIGN),
    figures=_figures,
    tables=(
        Table(
            "freshness",
            "Freshness",
            "select dataset, case when bool_or(is_stale) then 'stale' else 'fresh' end as freshness,"
            " count(*) as tables_read, count(*) filter (is_stale) as tables_stale, min(read_at) as read_at,"
            " max(hours_behind) as hours_behind, sum(rows_read) as rows_read from fct_source_freshness"
            " group by dataset order by hours_behind desc, dataset",
            (
                status("freshness", "State"),
                text("dataset", "Source", link=lambda row: ("/trust/tables", {"source": row["dataset"]})),
                count("tables_read", "Tables"),
                count("tables_stale", "Stale"),
                when("read_at", "All read by (UTC)"),
                decimal("hours_behind", "Hours behind"),
                count("rows_read", "Rows"),
            ),
            note="For all orgs. Behind means behind the latest read of any source. Choose a source to see its tables.",
            empty="Nothing has been loaded.",
            preview_rows=25,
        ),
        Table(
            "tables",
            "Freshness, table by table",
            "select *, case when is_stale then 'stale' else 'fresh' end as freshness from fct_source_freshness"
            " where $source in ('all', dataset) order by hours_behind desc, dataset, table_name",
            (
                status("freshness", "State"),
                text("dataset", "Source"),
                text("table_name", "Table"),
                when("read_at", "Last read (UTC)"),
                decimal("hours_behind", "Hours behind"),
                count("rows_read", "Rows"),
                text("owner", "Owner"),
            ),
            note="For all orgs, the oldest first.",
            empty="Nothing has been loaded.",
            on_page=False,
            filters=(SOURCE,),
        ),
        Table(
            "written",
            "Written to Salesforce",
            "select org, object, field, reconciliation_status, count(*) as records, max(written_at) as last_written_at,"
            f" max(compared_at) as compared_at from fct_writeback_reconciliation where {OF_ORG}"
            " group by org, object, field, reconciliation_status order by org, object, field, records desc",
            (
                status("reconciliation_status", "Now in Salesforce"),
                text("org", "Org"),
                text("object", "Object"),
                text("field", "Field"),
                count("records", "Records"),
                when("last_written_at", "Last written (UTC)"),
                when("compared_at", "Compared (UTC)"),
            ),
            empty="Nothing has been written to Salesforce.",
        ),
        Table(
            "differences",
            "Written, and different in Salesforce now",
            "select * from fct_writeback_reconciliation"
            f" where {OF_ORG} and reconciliation_status not in ('matching', 'pending_reload')"
            " order by written_at desc, org, record_id, field",
            (
                status("reconciliation_status", "What happened"),
                *RECORD,
                text("written_value", "Written"),
                text("shown_value", "Shows"),
                when("written_at", "Written (UTC)"),
                text("owner", "Owner"),
            ),
            empty="Everything that was written stands in Salesforce.",
        ),
        Table(
            "pending",
            "Would be written by the next push",
            f"select * from fct_writeback_deltas where {OF_CAMPAIGN} order by evidence_at desc, delta_id",
            (
                *RECORD,
                text("before_value", "Now"),
                text("after_value", "Then"),
                text("reason", "Why", is_prose=True),
                when("evidence_at", "Evidence of (UTC)"),
            ),
            empty="Nothing is waiting to be written.",
        ),
        Table(
            "blocked",
            "Held back, and why",
            "select blocked_reason, object, field, owner, count(*) as writes, max(evidence_at) as last_evidence_at"
            f" from fct_writeback_blocked where {OF_CAMPAIGN} group by blocked_reason, object, field, owner"
            " order by writes desc, blocked_reason, field",
            (
                text("blocked_reason", "Held back by", link=_to_records),
                text("object", "Object"),
                text("field", "Field"),
                count("writes", "Writes"),
                when("last_evidence_at", "Latest evidence (UTC)"),
                text("owner", "Owner"),
            ),
            empty="Nothing is held back.",
        ),
        Table(
            "blocked_records",
            "Held back, record by record",
            f"select * from fct_writeback_blocked where {OF_CAMPAIGN} and $reason in ('all', blocked_reason)"
            " order by evidence_at desc, delta_id",
            (
                text("blocked_reason", "Held back by"),
                *RECORD,
                text("reason", "Why it is wanted", is_prose=True),
                text("evidence", "Evidence", is_prose=True),
                text("owner", "Owner"),
            ),
            empty="Nothing is held back.",
            on_page=False,
            filters=(REASON,),
        ),
        Table(
            "errors",
            "Sync errors",
            f"select * from fct_sync_errors where {OF_ORG} order by age_hours desc, error_key",
            (
                text("error_type", "Error"),
                text("error_source", "Where"),
                text("error_key", "About"),
                text("detail", "What was said", is_prose=True),
                decimal("age_hours", "Hours old"),
                text("routed_to", "For"),
                text("next_step", "Next step", is_prose=True),
            ),
            empty="No error is open.",
        ),
        Table(
            "discrepancies",
            "Discrepancies with Salesforce",
            f"""
            select 'hard bounce: ' || replace(discrepancy, '_', ' ') as discrepancy, org, count(*) as leads,
                max(replace(next_check, '_', ' ')) as next_check
            from fct_lead_bounces where discrepancy not in ('none', 'not_comparable') and {OF_ORG} group by 1, 2
            union all
            select 'eligibility: ' || case when is_eligible then 'we say yes, Salesforce no'
                else 'we say no, Salesforce yes' end, org, count(*), 'compare the exclusion reasons'
            from fct_lead_eligibility where not is_agreeing and {OF_ORG} group by 1, 2
            order by leads desc, 1, 2
            """,
            (
                text("discrepancy", "Discrepancy"),
                text("org", "Org"),
                count("leads", "Leads"),
                text("next_check", "Next check", is_prose=True),
            ),
            note="Salesforce's eligibility formula knows fewer rules, so it says yes more often.",
            empty="We and Salesforce agree.",
        ),
        Table(
            "gates",
            "Campaign gates",
            f"select * from fct_campaign_gates where {OF_CAMPAIGN} order by verdict, campaign_name, org, gate",
            (
                status("verdict", "Verdict"),
                text("campaign_name", "Campaign"),
                text("gate", "Gate"),
                text("evidence", "Evidence", is_prose=True),
                text("is_required_before_export", "Before export"),
                text("is_required_before_launch", "Before launch"),
                text("owner", "Owner"),
            ),
            note="Only pass lets a campaign through; unknown does not.",
            empty="No campaign has gates.",
        ),
        Table(
            "hops",
            "Hop completeness",
            "select *, case when is_complete then 'complete' else 'incomplete' end as completeness"
            f" from fct_hop_completeness where {OF_CAMPAIGN} order by is_complete, campaign_name, org",
            (
                status("completeness", "State"),
                text("campaign_name", "Campaign"),
                count("lead_members", "Members in Salesforce"),
                count("clay_rows", "Rows in Clay"),
                count("members_missing_in_clay", "Missing in Clay"),
                count("clay_rows_without_member", "Strangers in Clay"),
                count("smartlead_leads", "Leads in Smartlead"),
                count("members_missing_in_smartlead", "Missing in Smartlead"),
                count("smartlead_leads_without_member", "Strangers in Smartlead"),
            ),
            empty="No AI campaign matches.",
            preview_rows=25,
        ),
        Table(
            "unmatched",
            "Rows without a member",
            "select event_source, unmatched_reason, coalesce(org, 'unknown') as org, count(*) as events,"
            " count(suggested_campaign_member_id) as with_suggestion, max(occurred_at) as last_at, max(owner) as owner"
            f" from fct_unmatched_events where {OF_ORG} group by 1, 2, 3 order by events desc, 1, 2, 3",
            (
                text("event_source", "From"),
                text("unmatched_reason", "Reason"),
                text("org", "Org"),
                count("events", "Rows"),
                count("with_suggestion", "With a suggestion"),
                when("last_at", "Latest (UTC)"),
                text("owner", "Owner"),
            ),
            note="outreach match shows each one and takes a person's decision.",
            empty="Every row and event stands for a member.",
        ),
    ),
)
