"""``outreach push``: a plan, or what a cadence has to bring, goes to Salesforce."""

from __future__ import annotations

import getpass
import json
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from pipelines.cli import app
from pipelines.cli.options import AsJson, Cadence, Orgs
from pipelines.cli.plan import show_objections, show_plan
from pipelines.config import Push, Settings, load_settings
from pipelines.console import err, out, progress
from pipelines.errors import PartialFailureError
from pipelines.runs import recorded_run
from pipelines.store import open_store
from pipelines.warehouse import exclusive
from pipelines.writeback import heads, trail
from pipelines.writeback.brake import Brake, StopOrder
from pipelines.writeback.clock import SteadyClock, server_time
from pipelines.writeback.connections import readers
from pipelines.writeback.consent import objections_to, require_consent
from pipelines.writeback.deltas import read_proposal
from pipelines.writeback.destination import Destination
from pipelines.writeback.journal import PushResult
from pipelines.writeback.plan import Plan, read_rules, refuse_outdated
from pipelines.writeback.plan_files import load_plan, save_plan
from pipelines.writeback.planning import make_plan
from pipelines.writeback.push import Pusher
from pipelines.writeback.settle import settle_open_intents


@app.command()
def push(
    plan_id: Annotated[str | None, typer.Argument(metavar="[PLAN]", help="A plan; by default a new one.")] = None,
    org: Orgs = None,
    cadence: Cadence = None,
    first_run: Annotated[
        bool, typer.Option("--first-run", help="Consent to writing fields of an org for the first time.")
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
    if plan_id and (cadence or org):
        raise typer.BadParameter("A plan has its orgs and fields already; give no --org and no --cadence.")
    settings = load_settings()
    if stop or resume:
        _order(stop_order(settings), stop=stop)
        return
    orgs = list(load_plan(settings, plan_id).organizations) if plan_id else org
    engine = open_store(settings)
    with recorded_run(engine, "push") as run:
        with progress() as display, push_lock(settings), readers(settings, orgs) as org_readers:
            made, result = push_plan(
                settings,
                engine,
                org_readers,
                plan_id=plan_id,
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


def require_success(result: PushResult) -> None:
    """Raise what stopped a push, or that some of its changes failed.

    Raises:
        OutreachError: what stopped it before its end.
        PartialFailureError: changes were rejected, or nobody knows what became of them.
    """
    if result.stopped_by:
        raise result.stopped_by
    if result.has_failures:
        raise PartialFailureError(
            "Some changes were rejected, or nobody knows what became of them.",
            next_step="See the outcomes above; run outreach push again for the unknown ones.",
        )


def push_plan(
    settings: Settings,
    engine: Any,
    org_readers: dict[str, Destination],
    *,
    plan_id: str | None = None,
    only_orgs: list[str] | None = None,
    cadence: str | None = None,
    is_first_run: bool = False,
    dry_run: bool = False,
    limits: Push | None = None,
    display: Any = None,
) -> tuple[Plan, PushResult]:
    """Settle what an interrupted push left open, then apply a plan, a new one by default.

    ``only_orgs`` leaves the others out of a new plan; without, a change for an org that nobody knows is held and shown.

    Raises:
        StoppedError: pushing was stopped with ``outreach push --stop``.
        RefusedError: the plan is outdated or was edited, or a guard wants a person's consent first.
        StoreError: the ledger has lost entries.
    """
    order = stop_order(settings)
    if not dry_run:
        order.check()
    limits = limits or settings.push
    heads.refuse_rewound(settings, engine)
    clock = SteadyClock(server_time(org_readers))
    settled = 0
    if not dry_run:
        settled = settle_open_intents(engine, org_readers, clock, longest_job_seconds=limits.longest_job_seconds)
    if plan_id:
        made = load_plan(settings, plan_id)
    else:
        made = make_plan(settings, read_proposal(settings), org_readers, only_orgs=only_orgs, cadence=cadence)
    rules = read_rules(settings, clock().date())
    refuse_outdated(made, rules, org_readers, clock())
    rules = rules.with_overrides(made)
    if made.changes:
        save_plan(settings, made)
    expires_at = datetime.fromisoformat(made.expires_at)
    brake = Brake(limits, order, has_expired=lambda: clock() >= expires_at)
    pusher = Pusher(engine, rules, org_readers, brake, limits=limits, clock=clock, progress=display)
    if dry_run:
        return made, pusher.preview(made)
    consent = require_consent(settings, engine, made, is_first_run=is_first_run)
    if made.changes:
        trail.record(engine, "push", made, actor=trail.actor(settings), reason=consent, at=clock())
    try:
        with brake.obeying_sigterm():
            result = pusher.push(made)
    finally:
        heads.note(settings, engine)
    result.settled = settled
    return made, result


def stop_order(settings: Settings) -> StopOrder:
    """The order to stop pushes, if somebody gave it."""
    return StopOrder(settings.data_dir / "push.stop")


def _order(order: StopOrder, *, stop: bool) -> None:
    if stop:
        order.give(getpass.getuser())
        out.print("Pushing is stopped: a running push ends after its batch. Allow it with outreach push --resume.")
    else:
        order.withdraw()
        out.print("Pushing is allowed.")


def push_lock(settings: Settings, purpose: str = "push", *, wait_seconds: float = 0) -> AbstractContextManager[None]:
    """The lock that every push takes first; see :func:`pipelines.warehouse.exclusive`."""
    return exclusive(settings.data_dir / "push.lock", purpose, wait_seconds=wait_seconds)


def push_summary(made: Plan, result: PushResult) -> dict[str, Any]:
    """A push for scripts and the run history: plan, requests, and how many changes ended how."""
    return {
        "plan_id": made.plan_id,
        "build_id": made.build_id,
        "planned": len(made.changes),
        "held_back": len(made.held) + sum(row["count"] for row in made.blocked),
        "settled": result.settled,
        "update_calls": result.update_calls,
        "bulk_jobs": result.bulk_jobs,
        "stopped_by": result.stopped_by.message if result.stopped_by else None,
        "outcomes": [
            {"object": object_name, "field": field, "outcome": outcome, "count": count}
            for (object_name, field, outcome), count in sorted(result.counts().items())
        ],
    }


def show_result(made: Plan, result: PushResult, *, title: str = "what became of") -> None:
    """Print what became of a plan's changes, by field and outcome."""
    if result.settled:
        err.print(f"Settled {result.settled} changes that an interrupted push had left open.", highlight=False)
    if not made.changes:
        out.print("Nothing to write: Salesforce already shows every allowed value.", highlight=False)
        return
    table = Table(title=f"{title} {len(result.outcomes):,} of {len(made.changes):,} changes".capitalize())
    table.title_justify = "left"
    for heading in ("field", "outcome"):
        table.add_column(heading)
    table.add_column("changes", justify="right")
    for (object_name, field, outcome), count in sorted(result.counts().items()):
        table.add_row(f"{object_name}.{field}", outcome, f"{count:,}")
    out.print(table)
