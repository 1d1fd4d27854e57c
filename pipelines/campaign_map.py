"""Which Salesforce campaign is which table in Clay and which campaign in Smartlead: ``seeds/campaign_map.csv``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import DataError

COLUMNS = ("org", "campaign_id", "campaign_name", "clay_table_id", "smartlead_campaign_id")


@dataclass(frozen=True)
class MappedCampaign:
    """One AI-outreach campaign in the three systems."""

    org: str
    campaign_id: str
    name: str
    clay_table_id: str
    smartlead_campaign_id: str


def read_campaign_map(project_dir: Path) -> list[MappedCampaign]:
    """All mapped campaigns.

    Raises:
        DataError: the file is missing, or lacks a column or a value.
    """
    file = project_dir / "seeds" / "campaign_map.csv"
    next_step = "Run the command in the project directory, or set OUTREACH_PROJECT_DIR; the map is reviewed data."
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.", next_step=next_step) from None
    campaigns = []
    for number, row in enumerate(rows, start=2):
        values = [row.get(column) for column in COLUMNS]
        if not all(values):
            missing = next(column for column, value in zip(COLUMNS, values, strict=True) if not value)
            raise DataError(f"{file}, line {number}, has no {missing}.", next_step="Complete the line.")
        campaigns.append(MappedCampaign(*(str(value).strip() for value in values)))
    return campaigns
