"""What the simulation knows of mails, replies and bounces, because it made them."""

from __future__ import annotations

from pathlib import Path

from sandbox.database import Database
from sandbox.parquet import write_parquet

QUERIES = {
    "smartlead_mails": """
        select stats_id, mails.campaign_id as smartlead_campaign_id, leads.email, step, mailboxes.email as mailbox,
            sent_at, open_time as opened_at, true_outcome, is_bounced, true_bounce, is_evidence_clear
        from mails join leads on leads.id = lead_id join mailboxes on mailboxes.id = mailbox_id order by stats_id""",
    "smartlead_replies": """
        select message_id, messages.campaign_id as smartlead_campaign_id, leads.email, stats_id, also_shown_on,
            time as replied_at, true_kind, true_classification, written_by <> leads.email as is_written_by_other
        from messages join leads on leads.id = lead_id where type = 'REPLY' order by time, message_id""",
    "smartlead_unsubscribes": """
        select at, unsubscribes.campaign_id as smartlead_campaign_id, leads.email, stats_id
        from unsubscribes join leads on leads.id = lead_id order by unsubscribes.id""",
    "smartlead_category_changes": """
        select at, category_changes.campaign_id as smartlead_campaign_id, leads.email, old_id, new_id, who
        from category_changes join leads on leads.id = lead_id order by category_changes.id""",
    "smartlead_pending_corrections": """
        select pending.campaign_id as smartlead_campaign_id, leads.email, due_at
        from pending join leads on leads.id = lead_id
        where kind = 'category' and json_extract(detail, '$.who') in ('person', 'ai') order by due_at, pending.id""",
}


def export_truth(database: Database, directory: Path) -> None:
    """Write the truth as parquet files."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, query in QUERIES.items():
        write_parquet(directory / f"{name}.parquet", database.rows(query), database.columns(query))
