"""Enrichment: how much of the audience is enriched, by whom, at what cost, how well, and the gate."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.marts import Reader, Row
from dashboard.page import CAMPAIGN, OF_CAMPAIGN, ORG, Page
from dashboard.tables import Figure, Table, count, decimal, number, percent, rate, status, text

# A table serves a campaign if a lead was enriched in it for that campaign.
OF_TABLE = f"""
    $org in ('all', coalesce(org, 'unknown')) and ($campaign = 'all'
    or table_id in (select table_id from fct_lead_enrichment where {OF_CAMPAIGN}))
"""
QUALITY = (
    ("Description missing", "is_description_missing"),
    ("Description too short", "is_description_too_short"),
    ("Description too long", "is_description_too_long"),
    ("Template phrase in it", "has_template_phrase"),
    ("Language not accepted", "is_language_not_accepted"),
    ("Industry missing", "is_industry_missing"),
    ("Found address of another domain", "is_domain_mismatched"),
    ("Older than a quarter", "is_stale"),
    ("Score differs from that of Clay", "not is_agreeing"),
)
QUALITY_SQL = " union all ".join(
    f"select {place} as place, '{label}' as finding, count(*) filter ({flag}) as leads, count(*) as leads_enriched,"
    f" count(*) filter ({flag}) / nullif(count(*), 0) as share from fct_lead_enrichment where {OF_CAMPAIGN}"
    for place, (label, flag) in enumerate(QUALITY)
)


def _figures(reader: Reader, selected: Mapping[str, str]) -> list[Figure]:
    leads = reader.rows(
        "select count(*) as leads, count(*) filter (is_description_usable) as descriptions,"
        " count(*) filter (is_industry_usable) as industries, count(*) filter (is_stale) as stale"
        f" from fct_lead_enrichment where {OF_CAMPAIGN}",
        selected,
    )[0]
    credits = reader.rows(
        "select sum(credits) as credits, sum(matches) as matches, sum(credits) / nullif(sum(matches), 0) as per_match"
        f" from fct_provider_waterfall where {OF_TABLE}",
        selected,
    )[0]
    total = leads["leads"]
    per_match = "" if credits["per_match"] is None else f"{credits['per_match']:.2f} a match"
    return [
        Figure("Leads enriched", number(total)),
        Figure("Description usable", _share(leads["descriptions"], total), f"{number(leads['descriptions'])} leads"),
        Figure("Industry usable", _share(leads["industries"], total), f"{number(leads['industries'])} leads"),
        Figure("Due again", number(leads["stale"]), "enriched more than a quarter ago"),
        Figure("Credits spent", number(credits["credits"]), per_match),
    ]


def _to_campaign(row: Row) -> tuple[str, dict[str, str]]:
    return "/enrichment", {"campaign": f"{row['org']}:{row['campaign_id']}"}


def _share(part: int, whole: int) -> str:
    return percent(part / whole if whole else None)


PAGE = Page(
    name="enrichment",
    title="Enrichment",
    intro="What Clay found for the leads, which provider found it and at what cost, and whether it is good enough.",
    filters=(CAMPAIGN, ORG),
    figures=_figures,
    tables=(
        Table(
            "coverage",
            "Coverage by campaign",
            "select org, campaign_id, campaign_name, members_eligible, members_exported, members_enriched,"
            " members_enriched / nullif(members_exported, 0) as enriched_share from fct_funnel_by_campaign"
            f" where is_ai_outreach and {OF_CAMPAIGN} order by campaign_name, org",
            (
                text("campaign_name", "Campaign", link=_to_campaign, detail=lambda row: str(row["org"])),
                count("members_eligible", "Eligible"),
                count("members_exported", "Exported"),
                count("members_enriched", "Enriched", bar_of="members_exported"),
                rate("enriched_share", "Of those exported", "members_enriched", "members_exported"),
            ),
            empty="No AI campaign matches.",
            preview_rows=25,
        ),
        Table(
            "providers",
            "Providers",
            "select step, provider, sum(attempts) as attempts, sum(matches) as matches,"
            " sum(matches) / nullif(sum(attempts), 0) as coverage, sum(credits) as credits,"
            " sum(credits) / nullif(sum(matches), 0) as cost_per_match,"
            " sum(cheapest_first_violations) as cheapest_first_violations,"
            " sum(stop_on_match_violations) as stop_on_match_violations,"
            " sum(credit_ceiling_violations) as credit_ceiling_violations"
            f" from fct_provider_waterfall where {OF_TABLE} group by step, provider"
            " order by step, credits desc, provider",
            (
                text("step", "Step"),
                text("provider", "Provider"),
                rate("coverage", "Coverage", "matches", "attempts"),
                count("credits", "Credits"),
                decimal("cost_per_match", "Credits a match"),
                count("cheapest_first_violations", "Not cheapest first"),
                count("stop_on_match_violations", "Went on after a match"),
                count("credit_ceiling_violations", "Over the ceiling"),
            ),
            note="The last three count where the waterfall was not kept; each should be 0.",
            empty="Clay has run no provider yet.",
            preview_rows=25,
        ),
        Table(
            "quality",
            "Quality",
            f"select finding, leads, leads_enriched, share from ({QUALITY_SQL}) order by place",
            (
                text("finding", "Finding"),
                count("leads", "Leads", bar_of="leads_enriched"),
                rate("share", "Of those enriched", "leads", "leads_enriched"),
            ),
            note="What fails a check never becomes a candidate for Salesforce.",
        ),
        Table(
            "tiers",
            "ICP tiers",
            "select icp_tier, count(*) as leads, avg(icp_score) as average_score,"
            " count(*) filter (is_agreeing) as agreeing, count(*) filter (is_agreeing) / count(*) as agreeing_share"
            f" from fct_lead_enrichment where {OF_CAMPAIGN} group by icp_tier order by icp_tier",
            (
                text("icp_tier", "Tier"),
                count("leads", "Leads"),
                decimal("average_score", "Average score"),
                rate("agreeing_share", "Clay agrees", "agreeing", "leads"),
            ),
            note="A from 80 points, B from 60, C from 40, else D; computed by us from what Clay found.",
            empty="Clay has enriched nobody yet.",
        ),
        Table(
            "conditional",
            "Runs that the score decides",
            f"select * from fct_conditional_runs where {OF_TABLE} order by table_id, minimum_score, step",
            (
                text("table_id", "Clay table"),
                text("step", "Step"),
                count("minimum_score", "From score"),
                count("rows_due", "Due"),
                count("rows_run", "Run"),
                count("rows_run_too_early", "Run too early"),
                count("rows_missed", "Missed"),
                count("credits_spent_too_early", "Credits wasted"),
            ),
            empty="No step depends on the score.",
        ),
        Table(
            "gate",
            "Quality gate",
            "select * from fct_campaign_gates where gate in ('enrichment_quality', 'clay_row_count')"
            f" and {OF_CAMPAIGN} order by campaign_name, org, gate",
            (
                status("verdict", "Verdict"),
                text("campaign_name", "Campaign"),
                text("gate", "Gate"),
                text("evidence", "Evidence", is_prose=True),
                text("sign_off_by", "Needs the word of"),
                text("owner", "Owner"),
            ),
            note="Confirmations stand in the operational store; outreach gate shows them.",
            empty="No campaign has this gate.",
            preview_rows=25,
        ),
    ),
)
