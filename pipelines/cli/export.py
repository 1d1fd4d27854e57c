"""``outreach export``: send a campaign's audience to its Clay table."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from pipelines.clay.audience import read_audience
from pipelines.clay.export import ExportSummary, export_audience
from pipelines.cli import app
from pipelines.config import load_settings
from pipelines.console import out, progress
from pipelines.errors import OutreachError, PartialFailureError
from pipelines.runs import recorded_run
from pipelines.store import open_store


@app.command()
def export(
    campaign: Annotated[str, typer.Argument(help="The campaign's id or exact name.")],
    org: Annotated[str | None, typer.Option(help="The org, when both have a campaign of this name.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and count, but send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of a table.")] = False,
) -> None:
    """Send a campaign's exportable members to its Clay table, if all its gates pass.

    Each member is sent once, also when the command is interrupted and run again.
    """
    settings = load_settings()
    with recorded_run(open_store(settings), f"export {campaign}{' --dry-run' if dry_run else ''}") as run:
        audience = read_audience(settings, campaign, org)
        with progress() as display:
            summary, problem = export_audience(settings, audience, display, dry_run=dry_run)
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
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
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
    for label, count in lines.items():
        table.add_row(label, f"{count:,}")
    out.print(table)


def _leftovers(summary: ExportSummary) -> OutreachError | None:
    problems = [
        f"{count:,} {words}"
        for count, words in (
            (summary.without_keys, "have no usable CampaignMemberId or LeadId"),
            (summary.rejected, "were rejected by Clay"),
            (summary.open, "may or may not have arrived"),
        )
        if count
    ]
    if not problems:
        return None
    return PartialFailureError(
        f"Of the members of '{summary.campaign_name}', {', '.join(problems)}.",
        next_step="Run the export again to send what is missing; without a Clay API key, look for open rows in Clay.",
    )
