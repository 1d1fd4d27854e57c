"""``outreach forget``, ``person`` and ``retention``: personal data, of one person and of all."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from pipelines.build import build_and_publish
from pipelines.cli import app
from pipelines.cli.options import AsJson
from pipelines.config import Settings, load_settings
from pipelines.console import err, new_table, out, progress
from pipelines.errors import DataError
from pipelines.privacy.access import held_about
from pipelines.privacy.erasure import PURPOSE, Report, erase, preview
from pipelines.privacy.person import Person, find_person
from pipelines.privacy.retention import enforce, read_periods
from pipelines.runs import recorded_run
from pipelines.store import open_store
from pipelines.writeback import trail

Email = Annotated[str | None, typer.Option(help="Their address; - reads it from standard input.")]
Record = Annotated[str | None, typer.Option(help="Or the id of a lead, contact or campaign member, with --org.")]
Org = Annotated[str | None, typer.Option(help="The org of --record.")]
WaitMinutes = Annotated[float, typer.Option(help="How long to wait for another writer of the warehouse.")]
WaitForPushes = Annotated[float, typer.Option(help="How long to wait for a push, or another writer of the warehouse.")]


@app.command()
def forget(
    email: Email = None,
    record: Record = None,
    org: Org = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it, only show what is held.")] = False,
    wait_minutes: WaitForPushes = 30,
    as_json: AsJson = False,
) -> None:
    """Erase a person from every store, for good, and keep them out. Without --yes nothing is changed.

    What must still be done by hand in Salesforce, Clay, Smartlead and HubSpot is listed. Killed at any point, the same
    command completes what it began. docs/security.md says what remains, and why.
    """
    settings = load_settings()
    person = _person(settings, email, record, org)
    if not yes:
        _show(preview(settings, person), as_json=as_json, heading="Held about this person; --yes erases it")
        return
    with recorded_run(open_store(settings), PURPOSE) as run, progress() as display:
        rebuild = partial(build_and_publish, settings, display, full_refresh=True, wait_seconds=wait_minutes * 60)
        by = trail.actor(settings)
        report = erase(settings, person, by=by, rebuild=rebuild, wait_seconds=wait_minutes * 60)
        run.summary |= {"erasure_id": report.erasure_id, "counts": report.counts}
    _show(report, as_json=as_json, heading="Erased")


@app.command()
def person(email: Email = None, record: Record = None, org: Org = None) -> None:
    """Print everything that is held about a person as JSON, by store and table: an answer to a request for access.

    The output is personal data: write it to a file that only you can read.
    """
    settings = load_settings()
    found = held_about(settings, _person(settings, email, record, org))
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))


@app.command()
def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Remove it; without it, only count.")] = False,
    wait_minutes: WaitMinutes = 30,
    as_json: AsJson = False,
) -> None:
    """Remove what is older than seeds/retention.csv allows; the ledger is kept. Without --apply nothing is changed."""
    settings = load_settings()
    with recorded_run(open_store(settings), "retention") as run:
        counts = enforce(settings, apply=apply, wait_seconds=wait_minutes * 60)
        run.summary |= {"applied": apply, "counts": counts}
    if as_json:
        out.print_json(json.dumps({"applied": apply, "counts": counts}))
        return
    headings = ("what", "older than days", "number", "owner")
    title = "Removed" if apply else "Too old; --apply removes it"
    table = new_table(title, *headings, numbers={"older than days", "number"})
    for one in read_periods(settings.project_dir):
        table.add_row(one.what, f"{one.days:,}", f"{counts[one.what]:,}", one.owner)
    out.print(table)


def _person(settings: Settings, email: str | None, record: str | None, org: str | None) -> Person:
    if (email is None) == (record is None):
        raise DataError("Nobody is named, or two are.", next_step="Give either --email, or --record and --org.")
    if not settings.warehouse_path.exists():
        err.print(
            f"There is no warehouse at {settings.warehouse_path}: only the operational store and files are searched. "
            "Set OUTREACH_DATA_DIR if the data are elsewhere.",
            style="bold yellow",
            highlight=False,
        )
    address = sys.stdin.readline() if email == "-" else email
    return find_person(settings, email=address, org=org, record=record or "")


def _show(report: Report, *, as_json: bool, heading: str) -> None:
    if as_json:
        out.print_json(json.dumps(asdict(report)))
        return
    table = new_table(f"{heading} ({report.addresses} addresses)", "where", "rows", numbers={"rows"})
    for place, rows in sorted(report.counts.items()):
        table.add_row(place, f"{rows:,}")
    out.print(table if report.counts else "Nothing is held about this person.")
    if report.erasure_id:
        out.print("They are recognised and kept out from now on.")
    if report.by_hand:
        out.print("Still to be done by hand:", style="bold")
    for task in report.by_hand:
        out.print(" · ".join(filter(None, task.values())), highlight=False, soft_wrap=True, markup=False)
