"""Sign-offs: who confirmed which gate of a campaign, when, and on which figures (R7). Kept in the operational store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from pipelines.campaign_map import MappedCampaign
from pipelines.store import reading, writing
from pipelines.store_tables import sign_offs


@dataclass(frozen=True)
class SignOff:
    """One confirmation of a gate; ``used_at`` is when the export that it allowed had sent everything."""

    gate: str
    figures: str
    reason: str
    signed_by: str
    signed_at: datetime
    used_at: datetime | None


def record_sign_off(
    engine: sa.Engine, campaign: MappedCampaign, *, gate: str, figures: str, build_id: str, reason: str, signed_by: str
) -> SignOff:
    """Keep a confirmation of what a gate shows in a build."""
    sign_off = SignOff(gate, figures, reason, signed_by, datetime.now(UTC), None)
    content = {"org": campaign.org, "campaign_id": campaign.campaign_id, "build_id": build_id, **vars(sign_off)}
    with writing(engine) as connection:
        connection.execute(sign_offs.insert().values(content))
    return sign_off


def latest_sign_offs(engine: sa.Engine, campaign: MappedCampaign) -> dict[str, SignOff]:
    """The last confirmation of each gate of a campaign."""
    query = (
        sa.select(*(sign_offs.c[name] for name in SignOff.__dataclass_fields__))
        .where(*_of(campaign))
        .order_by(sign_offs.c.sign_off_id)
    )
    with reading(engine) as connection:
        return {row.gate: SignOff(**row._mapping) for row in connection.execute(query)}


def use_sign_offs(engine: sa.Engine, campaign: MappedCampaign) -> None:
    """An export has sent everything: the next one needs confirmations of its own."""
    with writing(engine) as connection:
        connection.execute(
            sign_offs.update().where(*_of(campaign), sign_offs.c.used_at.is_(None)).values(used_at=datetime.now(UTC))
        )


def _of(campaign: MappedCampaign) -> tuple[sa.ColumnElement[bool], ...]:
    return sign_offs.c.org == campaign.org, sign_offs.c.campaign_id == campaign.campaign_id
