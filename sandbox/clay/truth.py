"""What the simulator knows of Clay's rows: which member each stands for, and what became of its ids on the way."""

from __future__ import annotations

from pathlib import Path

from sandbox.database import Database
from sandbox.parquet import write_parquet

QUERIES = {
    "clay_rows": """
        select table_id, row_id, json_extract(inputs, '$.org') as org,
            json_extract(inputs, '$.CampaignMemberId') as campaign_member_id,
            json_extract(inputs, '$.LeadId') as lead_id, lower(json_extract(inputs, '$.email')) as email, status,
            ids_fate, pushed_at
        from rows where table_id <> 't_replies' order by row_number""",
    "clay_classifications": """
        select json_extract(inputs, '$.smartlead_campaign_id') as smartlead_campaign_id,
            lower(json_extract(inputs, '$.email')) as email, json_extract(inputs, '$.message_id') as message_id,
            json_extract(cells, '$.classification.value') as classification
        from rows where table_id = 't_replies' and status = 'done' order by row_number""",
    "clay_pending_corrections": """
        select json_extract(inputs, '$.smartlead_campaign_id') as smartlead_campaign_id,
            lower(json_extract(inputs, '$.email')) as email, corrections.due_on
        from corrections join rows using (row_id) order by corrections.id""",
}


def export_truth(database: Database, directory: Path) -> None:
    """Write the truth as parquet files."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, query in QUERIES.items():
        write_parquet(directory / f"{name}.parquet", database.rows(query), database.columns(query))
