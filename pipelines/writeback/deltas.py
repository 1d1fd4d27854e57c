"""Reading the deltas that the published marts propose. Nothing in them is trusted: every rule is checked again."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipelines.config import Settings
from pipelines.errors import DataError
from pipelines.publish import PublishedVersion, open_published, published_version


@dataclass(frozen=True)
class Delta:
    """One proposed change: a record and field, the wanted value as text, and why."""

    delta_id: str
    org: str
    object: str
    record_id: str
    field: str
    after_value: str
    reason: str
    evidence: str
    campaign_id: str | None


@dataclass(frozen=True)
class Proposal:
    """What one published version proposes: its deltas, and how many changes its models already hold back."""

    version: PublishedVersion
    deltas: list[Delta]
    blocked: dict[tuple[str, str, str], int]


def read_proposal(settings: Settings) -> Proposal:
    """Read the deltas of the published marts.

    Returns:
        The deltas in the order of their ids, and the blocked ones counted by (object, field, reason).

    Raises:
        DataError: nothing is published, or the published marts lack the delta mart.
    """
    version = published_version(settings)
    marts_of = ["fct_writeback_deltas", *(["fct_hubspot_deltas"] if settings.hubspot else [])]
    columns = "delta_id, org, object, record_id, field, after_value, reason, evidence, campaign_id"
    try:
        with open_published(settings) as marts:
            deltas = marts.execute(
                " union all ".join(f"select {columns} from {mart}" for mart in marts_of)  # noqa: S608  our own names
                + " order by org, object, campaign_id nulls last, record_id, field, delta_id"
            ).fetchall()
            blocked = marts.execute(
                "select object, field, blocked_reason, count(*) from fct_writeback_blocked group by all order by all"
            ).fetchall()
    except duckdb.CatalogException as error:
        raise DataError(
            f"{version.file.name} has no write-back marts: {error}.", next_step="Run outreach build."
        ) from None
    return Proposal(
        version,
        [Delta(*("" if value is None and i < 8 else value for i, value in enumerate(row))) for row in deltas],
        {(object_name, field, reason): count for object_name, field, reason, count in blocked},
    )
