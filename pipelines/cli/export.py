"""``outreach export``: send a campaign's audience to its Clay table."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipelines.clay.audience import read_audience
from pipelines.clay.export import export_audience
from pipelines.clay.export_summary import ExportSummary
from pipelines.clay.webhook import NEW_TABLE
from pipelines.cli import app
from pipelines.cli.options import AsJson, Campaign, CampaignOrg
from pipelines.config import load_settings
from pipelines.console import new_table, out, progress
from pipelines.errors import OutreachError, PartialFailureError
from pipelines.runs import recorded_run
from pipelines.store import open_store

MOST_LISTED = 20


@app.command()
def export(
    campaign: Campaign,
    org: CampaignOrg = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and count, but send nothing.")] = False,
    resend_missing: Annotated[
        bool, typer.Option("--resend-missing", help="Send again what Clay accepted, but does not show in its table.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send a campaign's exportable members to its Clay table, if all its gates pass.

    Each member is sent once, also when the command is interrupted and run again. Afterwards the table's rows are
    compared with the members, where a Clay API key is configured; otherwise the gate clay_row_count does it later.
    """
    settings = load_settings()
    with recorded_run(open_store(settings), f"export {campaign}{' --dry-run' if dry_run else ''}") as run:
        audience = read_audience(settings, campaign, org)
        with progress() as display:
            summary, problem = export_audience(
                settings, audience, display, dry_run=dry_run, resend_missing=resend_missing
            )
        run.summary.update(summary.as_dict())
        _show(summary, as_json=as_json)
        problem = problem or _leftovers(summary)
        if problem is not None:
            raise problem


def _show(summary: ExportSummary, *, as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps(summary.as_dict()))
        return
    title = f"{summary.campaign_name} ({summary.org}) to {summary.table_id}, data as of {summary.as_of_at[:16]} UTC"
    table = new_table(title, "", "")
    table.columns[1].justify = "right"
    lines = {
        "members": summary.members,
        "exportable": summary.exportable,
        "exportable, but without usable ids": summary.without_keys,
        "in Clay already": summary.already_accepted + summary.found_in_clay,
        "would be sent" if summary.is_dry_run else "to send": summary.to_send,
        "accepted": summary.accepted,
        "rejected": summary.rejected,
        "not known whether they arrived": summary.open,
    }
    if summary.rows_in_clay is not None:
        lines |= {
            "rows in Clay's table": summary.rows_in_clay,
            "members missing there": len(summary.missing_in_clay),
            "members there more than once": len(summary.repeated_in_clay),
            "rows there that stand for no member": summary.foreign_in_clay,
        }
    for label, count in lines.items():
        table.add_row(label, f"{count:,}")
    out.print(table)
    if summary.rows_in_clay is None and not summary.is_dry_run:
        out.print(
            "Not compared with Clay's table, because no API key is configured: see outreach gate --before launch."
        )
    for member_id, detail in list(summary.missing_in_clay.items())[:MOST_LISTED]:
        out.print(f"missing in Clay: {member_id}, {detail}", highlight=False, markup=False)
    if len(summary.missing_in_clay) > MOST_LISTED:
        out.print(f"and {len(summary.missing_in_clay) - MOST_LISTED:,} more: --json lists them all.")


def _leftovers(summary: ExportSummary) -> OutreachError | None:
    problems = [
        f"{count:,} {words}"
        for count, words in (
            (summary.without_keys, "have no usable CampaignMemberId or LeadId"),
            (summary.rejected, "were rejected by Clay"),
            (summary.open, "may or may not have arrived"),
            (len(summary.missing_in_clay), f"are missing in Clay's table of {summary.rows_in_clay or 0:,} rows"),
            (len(summary.repeated_in_clay), "are in Clay's table more than once"),
            (summary.foreign_in_clay, "rows of Clay's table stand for no member"),
        )
        if count
    ]
    if not problems:
        return None
    found = ", ".join(problems)
    if summary.is_table_full:
        return PartialFailureError(
            f"Clay's table {summary.table_id} is full; of the members of '{summary.campaign_name}', {found}.",
            next_step=NEW_TABLE,
        )
    return PartialFailureError(
        f"Of the members of '{summary.campaign_name}', {found}.",
        next_step="Run the export again to send what is missing, with --resend-missing what Clay has lost. Without a"
        " Clay API key, look for open rows in Clay; delete there what stands for no member.",
    )
