"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """How a table is shown."""

    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of tables.")]
Campaign = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's id or exact name.")]
CampaignOrg = Annotated[
    str | None, typer.Option("--org", metavar="ORG", help="The org, when both have a campaign of this name.")
]
Orgs = Annotated[list[str] | None, typer.Option("--org", metavar="ORG", help="Only this org; may be repeated.")]
Cadence = Annotated[
    str | None,
    typer.Option(metavar="CADENCE", help="Only the fields of this cadence: replies, bounces, enrichment or crm_sync."),
]
