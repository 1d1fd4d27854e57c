"""Who may be exported: the campaign, its gates and its members, as the published marts show them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from pipelines.campaign_map import MappedCampaign, read_campaign_map
from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.gates import Purpose, read_gates, require_gates
from pipelines.publish import open_version, published_version
from pipelines.salesforce.ids import to_18


@dataclass(frozen=True)
class Member:
    """A campaign member on its way to Clay."""

    campaign_member_id: str
    lead_id: str
    values: dict[str, str | None]


@dataclass(frozen=True)
class Audience:
    """A campaign's members: how many there are, who may be exported, and up to when the data reach."""

    campaign: MappedCampaign
    as_of_at: datetime
    members_total: int
    exportable: list[Member]
    without_keys: int
    member_ids: frozenset[str]


def read_audience(settings: Settings, name_or_id: str, org: str | None) -> Audience:
    """The audience of a campaign whose gates all pass (R7), as one published version shows both.

    Raises:
        DataError: no such campaign, or nothing was published yet.
        RefusedError: a gate does not pass; lists each one.
    """
    campaign = find_campaign(read_campaign_map(settings.project_dir), name_or_id, org)
    version = published_version(settings)
    require_gates(campaign, read_gates(settings, campaign, Purpose.EXPORT, version), Purpose.EXPORT)
    with open_version(version) as marts:
        rows = _members(marts, campaign)
    exportable: dict[str, Member] = {}
    without_keys = 0
    for row in rows:
        if row["is_exportable"]:
            member = _member(row)
            if member is None:
                without_keys += 1
            else:
                exportable[member.campaign_member_id] = member
    member_ids = frozenset(str(row["campaign_member_id"]) for row in rows)
    return Audience(campaign, version.as_of_at, len(rows), list(exportable.values()), without_keys, member_ids)


def find_campaign(campaigns: Sequence[MappedCampaign], name_or_id: str, org: str | None) -> MappedCampaign:
    """The campaign with this id (15 or 18 characters) or exactly this name.

    Raises:
        DataError: there is none, or several orgs have one.
    """
    candidates = [campaign for campaign in campaigns if org is None or campaign.org == org.lower()]
    found = [campaign for campaign in candidates if name_or_id in {campaign.name, *_forms(campaign.campaign_id)}]
    if not found:
        names = [campaign.name for campaign in candidates]
        near = difflib.get_close_matches(name_or_id, names, n=3, cutoff=0.4) or names
        listed = f" Near: {', '.join(dict.fromkeys(near))}." if near else ""
        raise DataError(
            f"There is no AI-outreach campaign '{name_or_id}'" + (f" in {org}." if org else ".") + listed,
            next_step="Give its exact name or its id, as in seeds/campaign_map.csv.",
        )
    if len(found) > 1:
        orgs = " or ".join(f"--org {campaign.org}" for campaign in found)
        raise DataError(f"Several campaigns are called '{name_or_id}'.", next_step=f"Say {orgs}, or give its id.")
    return found[0]


def _members(marts: duckdb.DuckDBPyConnection, campaign: MappedCampaign) -> list[dict[str, object]]:
    return _rows(
        marts,
        "select campaign_member_id, lead_id, email, first_name, last_name, company, title, country,"
        " email_domain, is_exportable"
        " from dim_campaign_members where org = ? and campaign_id = ? order by campaign_member_id",
        campaign,
    )


def _member(row: dict[str, object]) -> Member | None:
    """The member with both of its keys (R5); None when one is missing or has a wrong shape."""
    keys = [to_18_or_none(row[name]) for name in ("campaign_member_id", "lead_id")]
    if keys[0] is None or keys[1] is None:
        return None
    names = ("email", "first_name", "last_name", "company", "title", "country", "email_domain")
    return Member(keys[0], keys[1], {name: None if row[name] is None else str(row[name]) for name in names})


def to_18_or_none(value: object) -> str | None:
    """The 18-character form of an id, None where it is none."""
    try:
        return to_18(str(value)) if value else None
    except DataError:
        return None


def _rows(marts: duckdb.DuckDBPyConnection, sql: str, campaign: MappedCampaign) -> list[dict[str, object]]:
    try:
        rows: list[dict[str, object]] = (
            marts.execute(sql, [campaign.org, campaign.campaign_id]).to_arrow_table().to_pylist()
        )
    except duckdb.CatalogException:
        raise DataError(
            "The published marts lack a table that the export needs.", next_step="Run outreach build."
        ) from None
    return rows


def _forms(record_id: str) -> tuple[str, str]:
    return record_id, record_id[:15]
