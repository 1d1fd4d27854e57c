"""``outreach plan``: what would be written to Salesforce, as a diff that a person can judge."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli import app
from pipelines.cli.options import AsJson, Cadence, Orgs
from pipelines.config import Settings, load_settings
from pipelines.console import new_table, out
from pipelines.csv_out import open_private, write_csv
from pipelines.http.answers import without_addresses
from pipelines.store import open_store
from pipelines.writeback import consent
from pipelines.writeback.connections import readers
from pipelines.writeback.deltas import read_proposal
from pipelines.writeback.guards import Objection
from pipelines.writeback.hubspot import CONTACTS
from pipelines.writeback.journal import as_text
from pipelines.writeback.plan import Change, Held, Plan
from pipelines.writeback.plan_files import load_plan, save_plan
from pipelines.writeback.planning import make_plan
from pipelines.writeback.policy import is_blank

SAMPLES = 3
SHOWN_CHARACTERS = 40
DISTINCT_VALUES = 6


@app.command()
def plan(
    name: Annotated[
        str | None, typer.Argument(metavar="PLAN", help="Show this kept plan; by default a new one.")
    ] = None,
    org: Orgs = None,
    cadence: Cadence = None,
    show_all: Annotated[bool, typer.Option("--all", help="List every change, not only samples of each field.")] = False,
    as_json: AsJson = False,
    csv: Annotated[
        Path | None, typer.Option(help="Write every change, and every one that planning held back, to this CSV file.")
    ] = None,
) -> None:
    """Show what would be written to Salesforce: record, field, before, after and why. Salesforce is only read.

    The plan is kept, sealed by a hash; [bold]outreach push PLAN[/] applies exactly it until it expires.
    """
    settings = load_settings()
    if name is not None:
        shown = load_plan(settings, name)
    else:
        with readers(settings, org) as org_readers:
            shown = make_plan(settings, read_proposal(settings), org_readers, only_orgs=org, cadence=cadence)
        save_plan(settings, shown)
    found = consent.objections_to(settings, open_store(settings), shown)
    if csv:
        _export(shown, csv)
    if as_json:
        out.print_json(json.dumps(as_document(settings, shown, found)))
        return
    show_plan(shown, show_all=show_all)
    show_objections(shown, found)


def as_document(settings: Settings, plan: Plan, objections: Iterable[Objection]) -> dict[str, Any]:
    """A plan for scripts: its content, its id and file, and what the guards have against it."""
    return {
        "plan_id": plan.plan_id,
        "file": str(settings.plans_dir / f"{plan.short_id}.json"),
        **asdict(plan),
        "objections": [asdict(one) for one in objections],
    }


def show_plan(made: Plan, *, show_all: bool) -> None:
    """Print a plan: how many changes of which kind, samples or all of them, and what is held back."""
    scope = f"{made.cadence} " if made.cadence else ""
    out.print(
        f"Plan [bold]{made.short_id}[/]: {len(made.changes):,} {scope}changes from build {made.build_id},"
        f" made by {made.planned_by} at {made.created_at}, valid until {made.expires_at}",
        highlight=False,
    )
    if made.changes:
        _show_counts(made)
        _show_changes(made, show_all=show_all)
    _show_held(made)


def show_objections(made: Plan, objections: list[Objection]) -> None:
    """Print what the guards ask for before this plan may be pushed, and the command that comes next."""
    for one in objections:
        out.print(f"[yellow]Guard {one.kind}[/]: {one}", highlight=False)
    if not made.changes:
        out.print("Nothing to write: Salesforce already shows every allowed value.", highlight=False)
        return
    if objections:
        who = made.named_approver or f"Somebody else than {made.planned_by}"
        out.print(f"{who}: outreach approve {made.short_id} --reason …", highlight=False)
    out.print(f"Next: outreach push {made.short_id}", highlight=False)


def _show_counts(made: Plan) -> None:
    counts = Counter((one.org, f"{one.object}.{one.field}", one.policy, *_transition(one)) for one in made.changes)
    values = Counter((org, field) for org, field, *_ in counts)
    table = new_table("Changes", "org", "field", "policy", "before", "after", "changes", numbers={"changes"})
    shown: Counter[tuple[str, ...]] = Counter()
    for (org, field, policy, before, after), count in counts.items():
        is_free_text = values[org, field] > DISTINCT_VALUES
        shown[org, field, policy, before, "…" if is_free_text else after] += count
    for key, count in sorted(shown.items()):
        table.add_row(*map(_short, key), f"{count:,}")
    out.print(table)


def _transition(change: Change) -> tuple[str, str]:
    before = as_text(change.before)
    if change.object == CONTACTS:  # names and addresses of people stay in the file (R8)
        return "(blank)" if is_blank(before) else "(a value)", "(personal data)"
    return "(blank)" if before is None or is_blank(before) else before, change.after


def _show_changes(made: Plan, *, show_all: bool) -> None:
    title = "All changes" if show_all else "Samples"
    table = new_table(title, "org", "record", "field", "before", "after", "why")
    table.columns[1].no_wrap = True
    seen: Counter[tuple[str, str, str]] = Counter()
    for one in made.changes:
        seen[one.org, one.object, one.field] += 1
        if show_all or seen[one.org, one.object, one.field] <= SAMPLES:
            before, after = _transition(one)
            record = without_addresses(one.record_id)
            table.add_row(one.org, record, one.field, _short(before), _short(after), one.reason)
    out.print(table)
    if left := len(made.changes) - table.row_count:
        out.print(f"… and {left:,} more: outreach plan {made.short_id} --all", highlight=False)


def _show_held(made: Plan) -> None:
    held = Counter((one.object, one.field, f"{one.outcome}: {one.why}") for one in made.held)
    for row in made.blocked:
        held[row["object"], row["field"], row["reason"]] += row["count"]
    if not held:
        return
    table = new_table(f"{held.total():,} held back", "field", "why", "changes", numbers={"changes"})
    for (object_name, field, why), count in sorted(held.items()):
        table.add_row(f"{object_name}.{field}", why, f"{count:,}")
    out.print(table)


def _export(made: Plan, file: Path) -> None:
    columns = ["plan_id", *dict.fromkeys(one.name for kind in (Change, Held) for one in fields(kind))]
    nothing = dict.fromkeys(columns) | {"plan_id": made.plan_id}
    contents = [asdict(one) for one in made.changes] + [asdict(one) for one in made.held]
    with open_private(file) as target:
        write_csv(target, columns, (nothing | content for content in contents))


def _short(value: str) -> str:
    return value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…"
