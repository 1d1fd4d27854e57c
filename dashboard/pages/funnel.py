"""The funnel: how far people come, by campaign, GBU, org, ICP tier and week, down to the members."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dashboard.charts import rates_by_campaign, weekly_rates
from dashboard.filters import Filter
from dashboard.marts import Reader, Row
from dashboard.page import CAMPAIGN, ORG, Page
from dashboard.tables import Column, Figure, Link, Table, count, interval, number, percent, rate, text, when, words

FILTERS = (
    CAMPAIGN,
    ORG,
    Filter(
        "gbu",
        "GBU",
        "select distinct gbu as value, gbu as label from fct_funnel_by_slice where gbu != 'all' order by gbu",
    ),
    Filter(
        "tier",
        "ICP tier",
        "select distinct icp_tier as value, icp_tier as label from fct_funnel_by_slice"
        " where icp_tier != 'all' order by icp_tier",
    ),
    Filter(
        "week",
        "Week of first mail",
        "select distinct cohort as value, case cohort when 'none' then 'no mail yet' else cohort end as label"
        " from fct_funnel_by_slice where cohort != 'all' order by cohort desc",
    ),
)
# Each stage with the one that it is a share of. Opens are tracked in some campaigns only: no share of anything.
STAGES = (
    ("member", "In a campaign", "members", None, ""),
    ("eligible", "Eligible", "eligible", "members", "members"),
    ("exported", "Exported to Clay", "exported", "eligible", "eligible"),
    ("enriched", "Enriched", "enriched", "exported", "exported"),
    ("sent", "Contacted", "sent", "enriched", "enriched"),
    ("delivered", "Mail delivered", "delivered", "sent", "contacted"),
    ("opened", "Opened (where tracked)", "opened", None, ""),
    ("replied", "Replied", "replied", "delivered", "reached"),
    ("positive", "Replied positively", "positive", "replied", "who replied"),
    ("converted", "Converted", "converted", "positive", "positive"),
)
STAGE = Filter(
    "stage",
    "Stage reached",
    " union all ".join(f"select '{stage}' as value, '{label}' as label" for stage, label, *_ in STAGES),
)

OF_OWNER = """
    ($campaign = 'all' and campaign_id = 'all' and org = $org
    or $campaign = org || ':' || campaign_id and $org in ('all', org))
"""
SLICE = f"select * from fct_funnel_by_slice where {OF_OWNER} and gbu = $gbu and icp_tier = $tier and cohort = $week"

STAGES_SQL = f"""
with slice as materialized ({SLICE})
{
    " union all ".join(
        f"select {place} as place, '{stage}' as stage, '{label}' as label, members_{count} as people,"
        f" {f'members_{whole}' if whole else 'null'} as people_before, '{basis}' as basis,"
        " people / nullif(people_before, 0) as share_of_stage_before, members_members as members from slice"
        for place, (stage, label, count, whole, basis) in enumerate(STAGES)
    )
}
order by place
"""
RATES = (
    ("Replied, of those contacted", "reply_rate_per_contacted", "replied", "sent"),
    ("Replied, of those reached", "reply_rate_per_delivered", "replied", "delivered"),
    ("Positive, of those contacted", "positive_rate_per_contacted", "positive", "sent"),
    ("Positive, of those who replied", "positive_share_of_replies", "positive", "replied"),
    ("Converted, of those contacted", "conversion_rate_per_contacted", "converted", "sent"),
    ("Hard bounced by any source, of those contacted", "hard_bounce_rate_per_contacted", "hard_bounced", "sent"),
    (
        "Hard bounced in this outreach, of those contacted",
        "smartlead_hard_bounce_rate_per_contacted",
        "hard_bounced_in_smartlead",
        "sent",
    ),
)
RATES_SQL = f"""
with slice as materialized ({SLICE})
{
    " union all ".join(
        f"select {place} as place, '{label}' as label, members_{part} as part, members_{whole} as whole,"
        f" {rate} as rate, {rate}_low as rate_low, {rate}_high as rate_high from slice"
        for place, (label, rate, part, whole) in enumerate(RATES)
    )
}
order by place
"""
CAMPAIGNS_SQL = """
select names.campaign_name, names.campaign_status, slices.* exclude (gbu, icp_tier, cohort)
from fct_funnel_by_slice as slices
inner join fct_funnel_by_campaign as names
    on slices.org = names.org and slices.campaign_id = names.campaign_id
where $org in ('all', slices.org) and $campaign in ('all', slices.org || ':' || slices.campaign_id)
    and slices.gbu = $gbu and slices.icp_tier = $tier and slices.cohort = $week
order by slices.members_sent desc, names.campaign_name
"""
WEEKS_SQL = f"""
select cohort, * exclude (org, campaign_id, gbu, icp_tier, cohort) from fct_funnel_by_slice
where {OF_OWNER} and gbu = $gbu and icp_tier = $tier and cohort not in ('all', 'none') and $week in ('all', cohort)
order by cohort
"""
SEGMENTS_SQL = f"""
select 'GBU' as segment, gbu as segment_value, 'gbu' as filter, * exclude (org, campaign_id, gbu, icp_tier, cohort)
from fct_funnel_by_slice
where {OF_OWNER} and gbu != 'all' and $gbu in ('all', gbu) and icp_tier = $tier and cohort = $week
union all
select 'ICP tier', icp_tier, 'tier', * exclude (org, campaign_id, gbu, icp_tier, cohort)
from fct_funnel_by_slice
where {OF_OWNER} and gbu = $gbu and icp_tier != 'all' and $tier in ('all', icp_tier) and cohort = $week
order by 1, 2
"""
MEMBERS_SQL = """
select
    members.org, members.campaign_id, members.campaign_name, members.campaign_member_id, members.lead_id,
    concat_ws(' ', members.first_name, members.last_name) as person, members.email, members.company, members.country,
    coalesce(members.gbu, 'unknown') as gbu, coalesce(enrichment.icp_tier, 'unknown') as icp_tier,
    events.stage, events.reached_at, members.classification, members.first_sent_at, members.first_replied_at
from fct_funnel_stage_events as events
inner join dim_campaign_members as members
    on events.org = members.org and events.campaign_member_id = members.campaign_member_id
left join fct_lead_enrichment as enrichment
    on members.org = enrichment.org and members.lead_id = enrichment.lead_id
where members.is_ai_outreach
    and events.stage = case $stage when 'all' then 'member' else $stage end
    and $org in ('all', members.org) and $campaign in ('all', members.org || ':' || members.campaign_id)
    and $gbu in ('all', coalesce(members.gbu, 'unknown')) and $tier in ('all', coalesce(enrichment.icp_tier, 'unknown'))
    and $week in ('all', coalesce(cast(cast(date_trunc('week', members.first_sent_at) as date) as varchar), 'none'))
order by events.reached_at desc nulls last, members.org, members.campaign_member_id
"""


def _to_members(row: Row) -> tuple[str, dict[str, str]]:
    return "/funnel/members", {"stage": row["stage"]}


def _to_campaign(row: Row) -> tuple[str, dict[str, str]]:
    return "/funnel", {"campaign": f"{row['org']}:{row['campaign_id']}"}


def _to_week(row: Row) -> tuple[str, dict[str, str]]:
    return "/funnel", {"week": row["cohort"]}


def _to_segment(row: Row) -> tuple[str, dict[str, str]]:
    return "/funnel", {row["filter"]: row["segment_value"]}


def _of_stage_before(row: Row) -> str:
    return f"of {number(row['people_before'])} {row['basis']}" if row["people_before"] is not None else ""


def _comparison(first: str, label: str, link: Link, detail: Callable[[Row], str] | None = None) -> tuple[Column, ...]:
    return (
        text(first, label, link=link, detail=detail),
        count("members_members", "Members"),
        count("members_eligible", "Eligible"),
        count("members_sent", "Contacted"),
        count("members_delivered", "Delivered"),
        count("members_replied", "Replied"),
        count("members_positive", "Positive"),
        count("members_converted", "Converted"),
        rate("reply_rate_per_contacted", "Reply rate", "members_replied", "members_sent"),
        rate("positive_rate_per_contacted", "Positive rate", "members_positive", "members_sent"),
        rate("hard_bounce_rate_per_contacted", "Hard bounces", "members_hard_bounced", "members_sent"),
    )


def _figures(reader: Reader, selected: Mapping[str, str]) -> list[Figure]:
    rows = reader.rows(SLICE, selected)
    if not rows:
        return []
    people = rows[0]
    return [
        Figure(
            "People in campaigns", number(people["members_members"]), f"{number(people['members_eligible'])} eligible"
        ),
        Figure("Contacted", number(people["members_sent"]), f"{number(people['members_delivered'])} reached"),
        _rate_figure("Reply rate", people, "reply_rate_per_contacted", "members_replied"),
        _rate_figure("Positive rate", people, "positive_rate_per_contacted", "members_positive"),
        _rate_figure("Converted", people, "conversion_rate_per_contacted", "members_converted"),
    ]


def _rate_figure(label: str, row: Row, key: str, part: str) -> Figure:
    if row[key] is None:
        return Figure(label, percent(None), "nobody contacted yet")
    counts = f"{number(row[part])} of {number(row['members_sent'])}"
    return Figure(label, percent(row[key]), f"{counts} · {interval(row[f'{key}_low'], row[f'{key}_high'])}")


PAGE = Page(
    name="funnel",
    title="Funnel",
    intro="How far people come in AI outreach, each person counted once. Rates show counts and a 95 % interval.",
    filters=FILTERS,
    figures=_figures,
    tables=(
        Table(
            "stages",
            "Stages",
            STAGES_SQL,
            (
                text("label", "Stage", link=_to_members),
                count("people", "People", bar_of="members"),
                Column(
                    "share_of_stage_before", "Of the stage before", percent, is_number=True, detail=_of_stage_before
                ),
            ),
            note="Whoever has reached a later stage has passed the ones before it. Opens prove little and are tracked"
            " in some campaigns only, so no rate is made of them.",
            empty="No member of an AI campaign matches.",
        ),
        Table(
            "rates",
            "Rates",
            RATES_SQL,
            (text("label", "Rate"), count("part", "People", bar_of="whole"), rate("rate", "Value", "part", "whole")),
            note="The interval is wide where numbers are small: then a difference may be chance.",
            empty="No member of an AI campaign matches.",
        ),
        Table(
            "weeks",
            "By week of the first mail",
            WEEKS_SQL,
            _comparison("cohort", "Week", _to_week),
            note="The latest weeks are not over: their people have had less time to reply.",
            empty="No mail has been sent to anybody who matches.",
            chart=weekly_rates,
            preview_rows=12,
        ),
        Table(
            "campaigns",
            "Campaigns compared",
            CAMPAIGNS_SQL,
            _comparison("campaign_name", "Campaign", _to_campaign, lambda row: str(row["org"])),
            empty="No AI campaign matches.",
            chart=rates_by_campaign,
            preview_rows=25,
        ),
        Table(
            "segments",
            "By GBU and ICP tier",
            SEGMENTS_SQL,
            (text("segment", "By"), *_comparison("segment_value", "Value", _to_segment)),
            empty="No member of an AI campaign matches.",
            preview_rows=15,
        ),
        Table(
            "members",
            "Members",
            MEMBERS_SQL,
            (
                text("person", "Person", detail=lambda row: words(row["email"])),
                text("company", "Company", detail=lambda row: words(row["country"])),
                text("campaign_name", "Campaign", detail=lambda row: str(row["campaign_member_id"])),
                text("gbu", "GBU"),
                text("icp_tier", "Tier"),
                when("reached_at", "Reached (UTC)"),
                text("classification", "Reply"),
            ),
            note="One row for each member who reached the stage; a person in two campaigns is two members.",
            empty="No member of an AI campaign matches.",
            on_page=False,
            filters=(STAGE,),
            key="org || campaign_member_id",
        ),
    ),
)
