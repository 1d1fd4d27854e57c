"""What the simulator knows of Clay's rows: which member each stands for, and what became of its ids on the way."""

from __future__ import annotations

from pathlib import Path

from sandbox.database import Database
from sandbox.parquet import write_parquet

QUERIES = {
    # Smartlead keeps one set of custom fields for an address: a later push under the same address overwrites the ids.
    "clay_rows": """
        select table_id, row_id, json_extract(inputs, '$.org') as org,
            json_extract(inputs, '$.CampaignMemberId') as campaign_member_id,
            json_extract(inputs, '$.LeadId') as lead_id, email, status,
            case when exists (
                select 1 from rows as later
                where later.email = rows.email and later.row_number <> rows.row_number
                    and (later.pushed_at, later.row_number) > (rows.pushed_at, rows.row_number)
            ) then 'overwritten' else ids_fate end as ids_fate,
            submitted_at, pushed_at
        from rows where table_id <> 't_replies' order by row_number""",
    # what each provider was asked for, found and cost
    "clay_attempts": """
        select table_id, row_id, json_extract(attempt.value, '$.step') as step,
            json_extract(attempt.value, '$.provider') as provider,
            json_extract(attempt.value, '$.is_match') as is_match,
            json_extract(attempt.value, '$.credits') as credits
        from rows, json_each(json_extract(cells, '$.attempts.value')) as attempt
        where table_id <> 't_replies' and status = 'done'
        union all
        select 'lookups', lookup_key, subject, case subject when 'person' then 'clay_people' else 'clay_company' end,
            is_match, credits
        from lookups""",
    "clay_classifications": """
        select json_extract(inputs, '$.smartlead_campaign_id') as smartlead_campaign_id, email,
            json_extract(inputs, '$.message_id') as message_id, classification, given_at, is_correction
        from classifications join rows using (row_id) order by classifications.id""",
    "clay_pending_corrections": """
        select json_extract(inputs, '$.smartlead_campaign_id') as smartlead_campaign_id, email, corrections.due_on
        from corrections join rows using (row_id) order by corrections.id""",
}


def export_truth(database: Database, directory: Path) -> None:
    """Write the truth as parquet files."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, query in QUERIES.items():
        write_parquet(directory / f"{name}.parquet", database.rows(query), database.columns(query))
