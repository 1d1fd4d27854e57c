"""``outreach plan``, ``outreach push`` and ``outreach ledger``: what goes to Salesforce, and the proof of it."""

from __future__ import annotations

import getpass
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from pipelines.cli import app
from pipelines.config import Settings, load_settings
from pipelines.console import err, out, progress
from pipelines.errors import ConfigurationError, PartialFailureError
from pipelines.runs import recorded_run
from pipelines.salesforce.client import connect
from pipelines.salesforce.orgs import read_field_names
from pipelines.store import open_store
from pipelines.warehouse import exclusive
from pipelines.writeback import ledger
from pipelines.writeback.brake import Brake, PushLimits, StopOrder
from pipelines.writeback.current import OrgReader
from pipelines.writeback.deltas import read_proposal
from pipelines.writeback.journal import PushResult, as_text
from pipelines.writeback.plan import Plan, load_plan, make_plan, read_rules, refuse_outdated, save_plan, server_time
from pipelines.writeback.push import Pusher
from pipelines.writeback.settle import settle_open_intents

ledger_app = typer.Typer(no_args_is_help=True, help="The record of every intent and outcome of a write.")
app.add_typer(ledger_app, name="ledger")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of tables.")]
Orgs = Annotated[list[str] | None, typer.Option("--org", help="Only this org; may be repeated.")]
SHOWN_CHANGES = 20
SHOWN_CHARACTERS = 40


@app.command()
def plan(
    org: Orgs = None,
    show_all: Annotated[bool, typer.Option("--all", help="List every change, not only the first 20.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what would be written to Salesforce: record, field, before, after and why. Nothing is written.

    The plan is kept; [bold]outreach push PLAN[/] applies exactly it, within 24 hours.
    """
    settings = load_settings()
    with readers(settings, org) as org_readers:
        made = make_plan(settings, read_proposal(settings), org_readers, only_orgs=org)
    file = save_plan(settings, made)
    if as_json:
        out.print_json(json.dumps({"plan_id": made.plan_id, "file": str(file), **asdict(made)}))
        return
    show_plan(made, show_all=show_all)
    out.print(f"Plan [bold]{made.plan_id[:12]}[/]: outreach push {made.plan_id[:12]}", highlight=False)


@app.command()
def push(
    plan_id: Annotated[str | None, typer.Argument(metavar="[PLAN]", help="A plan; by default a new one.")] = None,
    org: Orgs = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Make and show the plan, write nothing.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop a running push after its batch, and all to come.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Allow pushes again after --stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the allowed changes to Salesforce, each checked once more against what stands there now.

    Intent and outcome of every change go to the ledger. Exit code 10: some changes were rejected or are unknown; 11:
    somebody stopped it.
    """
    settings = load_settings()
    if stop or resume:
        _order(stop_order(settings), stop=stop)
        return
    with progress() as display:
        engine = open_store(settings)
        with recorded_run(engine, "push") as run, _push_lock(settings), readers(settings, org) as org_readers:
            made, result = push_plan(settings, engine, org_readers, plan_id=plan_id, dry_run=dry_run, display=display)
            run.summary.update(_summary(made, result))
    if dry_run and not as_json:
        show_plan(made, show_all=False)
    if as_json:
        out.print_json(json.dumps(_summary(made, result)))
    else:
        show_result(made, result)
    if result.stopped_by:
        raise result.stopped_by
    if result.has_failures:
        raise PartialFailureError(
            "Some changes were rejected, or nobody knows what became of them.",
            next_step="See the outcomes above; run outreach push again for the unknown ones.",
        )


@ledger_app.command()
def verify() -> None:
    """Check that no entry of the ledger was altered, removed or reordered."""
    count = ledger.verify(open_store(load_settings()))
    out.print(f"The ledger's chain of {count:,} entries is whole.", highlight=False)


def push_plan(
    settings: Settings,
    engine: Any,
    org_readers: dict[str, OrgReader],
    *,
    plan_id: str | None = None,
    dry_run: bool = False,
    limits: PushLimits | None = None,
    display: Any = None,
) -> tuple[Plan, PushResult]:
    """Settle what an interrupted push left open, then apply a plan, a new one by default.

    Raises:
        StoppedError: pushing was stopped with ``outreach push --stop``.
        RefusedError: the plan is outdated.
    """
    order = stop_order(settings)
    if not dry_run:
        order.check()
    limits = limits or PushLimits()
    settled = 0 if dry_run else settle_open_intents(engine, org_readers, longest_job_seconds=limits.longest_job_seconds)
    made = load_plan(settings, plan_id) if plan_id else make_plan(settings, read_proposal(settings), org_readers)
    now = server_time(org_readers)
    rules = read_rules(settings, now.date())
    refuse_outdated(made, rules, org_readers, now)
    save_plan(settings, made)
    if dry_run:
        return made, PushResult(run_id="")
    result = Pusher(engine, rules, org_readers, Brake(limits, order), limits=limits, progress=display).push(made)
    result.settled = settled
    return made, result


@contextmanager
def readers(settings: Settings, orgs: list[str] | None) -> Iterator[dict[str, OrgReader]]:
    """One reader for each org, all of them by default; connections are closed at the end."""
    names = read_field_names(settings.project_dir)
    if unknown := set(orgs or ()) - set(names):
        raise ConfigurationError(
            f"There is no org '{min(unknown)}'.", next_step=f"Choose from {', '.join(sorted(names))}."
        )
    with ExitStack() as stack:
        yield {
            org: OrgReader(stack.enter_context(connect(org, settings.salesforce_org(org))), names[org])
            for org in orgs or names
        }


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


def _push_lock(settings: Settings) -> Any:
    return exclusive(settings.data_dir / "push.lock", "push")


def _summary(made: Plan, result: PushResult) -> dict[str, Any]:
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


def show_plan(made: Plan, *, show_all: bool) -> None:
    """Print a plan's changes and what is held back."""
    shown = made.changes if show_all else made.changes[:SHOWN_CHANGES]
    table = Table(title=f"{len(made.changes)} changes", title_justify="left")
    for heading in ("org", "record", "field", "before", "after", "why"):
        table.add_column(heading, overflow="fold")
    for change in shown:
        before = as_text(change.before)
        table.add_row(change.org, change.record_id, change.field, _short(before), _short(change.after), change.reason)
    if made.changes:
        out.print(table)
    if len(shown) < len(made.changes):
        out.print(f"… and {len(made.changes) - len(shown)} more; outreach plan --all lists them.", highlight=False)
    _show_held(made)


def _show_held(made: Plan) -> None:
    held = Counter((one.object, one.field, f"{one.outcome}: {one.why}") for one in made.held)
    for row in made.blocked:
        held[row["object"], row["field"], row["reason"]] += row["count"]
    if not held:
        return
    table = Table(title=f"{held.total()} held back", title_justify="left")
    table.add_column("field")
    table.add_column("why", overflow="fold")
    table.add_column("changes", justify="right")
    for (object_name, field, why), count in sorted(held.items()):
        table.add_row(f"{object_name}.{field}", why, f"{count:,}")
    out.print(table)


def show_result(made: Plan, result: PushResult) -> None:
    """Print what became of a plan's changes, by field and outcome."""
    if result.settled:
        err.print(f"Settled {result.settled} changes that an interrupted push had left open.", highlight=False)
    if not made.changes:
        out.print("Nothing to write: Salesforce already shows every allowed value.", highlight=False)
        return
    table = Table(title=f"{len(result.outcomes)} of {len(made.changes)} changes", title_justify="left")
    for heading in ("field", "outcome"):
        table.add_column(heading)
    table.add_column("changes", justify="right")
    for (object_name, field, outcome), count in sorted(result.counts().items()):
        table.add_row(f"{object_name}.{field}", outcome, f"{count:,}")
    out.print(table)


def _short(value: str | None) -> str:
    if value is None:
        return ""
    return value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…"
