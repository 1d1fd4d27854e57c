"""``outreach match``: what stands for no campaign member, and accepting what is suggested for it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from pipelines.cli import app
from pipelines.cli.options import AsJson
from pipelines.config import load_settings
from pipelines.console import new_table, out
from pipelines.errors import DataError
from pipelines.matching.accepted import UnmatchedEvent, accept, in_force, read_unmatched, withdraw
from pipelines.runs import recorded_run
from pipelines.store import open_store

match_app = typer.Typer(no_args_is_help=True, help="Unmatched events, and the matches that people have accepted.")
app.add_typer(match_app, name="match")

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="event_source, for example smartlead_reply.")]
Keys = Annotated[list[str], typer.Argument(metavar="KEY", help="event_key; several may be given.")]
Why = Annotated[str, typer.Option(help="Why this is right, for those who ask later.")]
By = Annotated[str, typer.Option(help="Who decided it.", default_factory=getpass.getuser, show_default="you")]
NEXT = "They take effect with outreach load writeback and outreach build."


@match_app.command(name="list")
def list_unmatched(
    reason: Annotated[str | None, typer.Option(help="Only those with this reason.")] = None,
    accepted: Annotated[bool, typer.Option("--accepted", help="What was accepted instead, by whom and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """List unmatched events, their reason, and the one member of their org whose lead has the same address."""
    settings = load_settings()
    if accepted:
        _show_accepted([dict(row) for row in in_force(open_store(settings))], as_json=as_json)
    else:
        _show(read_unmatched(settings, reason=reason), as_json=as_json)


@match_app.command(name="accept")
def accept_suggestions(source: Source, keys: Keys, why: Why, by: By) -> None:
    """Accept what is suggested for these events. For a reply, bounce or unsubscription that is the member behind its
    address in that Smartlead campaign, so other events of the address follow.
    """
    settings = load_settings()
    engine = open_store(settings)
    events = {event.event_key: event for event in read_unmatched(settings) if event.event_source == source}
    unknown = [key for key in keys if key not in events]
    if unknown:
        raise DataError(
            f"No unmatched {source} has the key {unknown[0]}.",
            next_step="See outreach match list; nothing was recorded.",
        )
    with recorded_run(engine, f"match accept {source}") as run:
        count = sum(accept(engine, events[key], by=by, why=why) for key in keys)
        run.summary["accepted"] = count
    out.print(f"{count} accepted, {len(keys) - count} were already. {NEXT}", highlight=False)


@match_app.command(name="withdraw")
def withdraw_matches(source: Source, keys: Keys, why: Why, by: By) -> None:
    """Take back accepted matches; the record of both stays."""
    engine = open_store(load_settings())
    with recorded_run(engine, f"match withdraw {source}") as run:
        count = sum(withdraw(engine, source, key, by=by, why=why) for key in keys)
        run.summary["withdrawn"] = count
    out.print(f"{count} withdrawn, {len(keys) - count} were not in force. {NEXT}", highlight=False)


def _show(events: Sequence[UnmatchedEvent], *, as_json: bool) -> None:
    rows = [
        {name: value for name, value in asdict(event).items() if name != "email"}  # R8
        for event in events
    ]
    headings = ("event_source", "event_key", "org", "unmatched_reason", "suggested_campaign_member_id")
    _print(rows, headings, "Unmatched events", as_json=as_json)


def _show_accepted(matches: Sequence[dict[str, object]], *, as_json: bool) -> None:
    rows = [{name: value for name, value in match.items() if name != "email"} for match in matches]
    headings = ("event_source", "event_key", "org", "campaign_member_id", "decided_by", "decided_at", "why")
    _print(rows, headings, "Accepted matches", as_json=as_json)


def _print(rows: Sequence[dict[str, object]], headings: Sequence[str], title: str, *, as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps(rows, default=str))
        return
    table = new_table(f"{title}: {len(rows):,}", *(heading.replace("_", " ") for heading in headings))
    for row in rows:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in headings))
    out.print(table)
