"""``outreach push``: a plan, or what a cadence has to bring, goes to Salesforce."""

from __future__ import annotations

import getpass
import json
from typing import Annotated

import typer

from pipelines.cli import app
from pipelines.cli.options import AsJson, Cadence, Orgs
from pipelines.cli.plan import show_objections, show_plan
from pipelines.config import Settings, load_settings
from pipelines.console import err, new_table, out, progress
from pipelines.runs import recorded_run
from pipelines.store import open_store
from pipelines.writeback.apply import push_lock, push_plan, push_summary, require_success
from pipelines.writeback.brake import StopOrder, stop_order
from pipelines.writeback.connections import readers
from pipelines.writeback.consent import objections_to
from pipelines.writeback.journal import PushResult
from pipelines.writeback.plan import Plan
from pipelines.writeback.plan_files import load_plan


@app.command()
def push(
    plan_id: Annotated[str | None, typer.Argument(metavar="PLAN", help="A plan; by default a new one.")] = None,
    org: Orgs = None,
    cadence: Cadence = None,
    first_run: Annotated[
        bool,
        typer.Option(
            "--first-run", help="Consent to first writes; it covers all fields of each org in the plan at once."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read Salesforce and show what would happen; write nothing to it.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop a running push after its batch, and all to come.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Allow pushes again after --stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the allowed changes to Salesforce, each checked once more against what stands there now.

    Intent and outcome of every change go to the ledger. Exit code 10: some changes were rejected or are unknown; 11:
    somebody stopped it, or a SIGTERM; 12: a guard wants a person's consent first.
    """
    if plan_id is not None and (cadence or org):
        raise typer.BadParameter("A plan has its orgs and fields already; give no --org and no --cadence.")
    settings = load_settings()
    if stop or resume:
        _order(stop_order(settings), stop=stop)
        return
    kept = load_plan(settings, plan_id) if plan_id is not None else None
    orgs = list(kept.organizations) if kept else org
    engine = open_store(settings)
    with recorded_run(engine, "push") as run:
        with progress() as display, push_lock(settings, engine), readers(settings, orgs) as org_readers:
            made, result = push_plan(
                settings,
                engine,
                org_readers,
                kept=kept,
                only_orgs=org,
                cadence=cadence,
                is_first_run=first_run,
                dry_run=dry_run,
                display=display,
            )
        run.summary.update(push_summary(made, result))
        _show(settings, made, result, dry_run=dry_run, as_json=as_json)
        if not dry_run:
            require_success(result)


def _show(settings: Settings, made: Plan, result: PushResult, *, dry_run: bool, as_json: bool) -> None:
    found = objections_to(settings, open_store(settings), made) if dry_run else []
    if as_json:
        out.print_json(json.dumps(push_summary(made, result) | {"objections": [str(one) for one in found]}))
    elif dry_run:
        show_plan(made, show_all=False)
        show_result(made, result, title="what would become of")
        show_objections(made, found)
    else:
        show_result(made, result)


def _order(order: StopOrder, *, stop: bool) -> None:
    if stop:
        order.give(getpass.getuser())
        out.print("Pushing is stopped: a running push ends after its batch. Allow it with outreach push --resume.")
    else:
        order.withdraw()
        out.print("Pushing is allowed.")


def show_result(made: Plan, result: PushResult, *, title: str = "what became of") -> None:
    """Print what became of a plan's changes, by field and outcome."""
    if result.settled:
        err.print(f"Settled {result.settled} changes that an interrupted push had left open.", highlight=False)
    if not made.changes:
        out.print("Nothing to write: Salesforce already shows every allowed value.", highlight=False)
        return
    title = f"{title} {len(result.outcomes):,} of {len(made.changes):,} changes".capitalize()
    table = new_table(title, "field", "outcome", "changes", numbers={"changes"})
    for (object_name, field, outcome), count in sorted(result.counts().items()):
        table.add_row(f"{object_name}.{field}", outcome, f"{count:,}")
    out.print(table)
