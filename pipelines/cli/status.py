"""``outreach status`` and ``outreach alerts``: in what state everything is, and who is told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from pipelines.cli import app
from pipelines.cli.options import AsJson
from pipelines.config import load_settings
from pipelines.console import new_table, out
from pipelines.operations.alerts import alert_of_staleness, write_test
from pipelines.operations.notices import write_notices
from pipelines.operations.outbox import send_waiting
from pipelines.operations.status import read_status
from pipelines.store import open_store

STYLES = {"done": "green", "failed": "bold red", "killed": "bold red", "running": "cyan"}


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the last run of each cadence, how fresh the sources are, the queues, what is open and what is published."""
    settings = load_settings()
    state = read_status(settings, open_store(settings))
    if as_json:
        out.print_json(json.dumps(state, default=_as_text))
        return
    _show_cadences(state["cadences"])
    _show_sources(state["sources"])
    _show_rest(state)


@app.command()
def alerts(
    test: Annotated[bool, typer.Option("--test", help="Send a test to everybody who gets alerts.")] = False,
    as_json: AsJson = False,
) -> None:
    """Alert of what is stale, remind of replies whose SLA runs out, and send what could not be sent before.

    Failed runs alert by themselves. Let a timer start this: it also notices that nothing runs any more.
    """
    settings = load_settings()
    engine = open_store(settings)
    if test:
        write_test(settings, engine)
    stale = alert_of_staleness(settings, engine)
    written = write_notices(settings, engine)
    sent = send_waiting(settings, engine)
    if as_json:
        out.print_json(json.dumps({"stale": stale, "notices": written, "sent": sent}))
        return
    for subject, why in stale.items():
        out.print(f"[bold red]stale[/] {subject}: {why}", highlight=False)
    out.print(f"{sent} messages sent.", highlight=False)


def _show_cadences(cadences: Iterable[dict[str, Any]]) -> None:
    table = new_table("Last runs", "cadence", "state", "started (UTC)", "exit code", "last good run (UTC)", "not done")
    for one in cadences:
        style = STYLES.get(one["state"], "")
        table.add_row(
            one["cadence"],
            f"[{style}]{one['state']}[/]" if style else one["state"],
            _short(one["started_at"]),
            _short(one["exit_code"]),
            _short(one["last_good_at"]),
            ", ".join(one["steps_not_done"]),
        )
    out.print(table)


def _show_sources(sources: Iterable[dict[str, Any]] | None) -> None:
    if not sources:
        out.print("Nothing is published. outreach doctor checks what is needed, outreach run full begins.")
        return
    table = new_table("Sources", "source", "all read by (UTC)", "hours ago", "")
    for one in sources:
        mark = "[bold red]stale[/]" if one["is_stale"] else ""
        table.add_row(one["dataset"], _short(one["oldest_read_at"]), f"{one['hours_behind']:.1f}", mark)
    out.print(table)


def _show_rest(state: dict[str, Any]) -> None:
    queues, published = state["queues"], state["published"]
    table = new_table("Queues and publication", "", "")
    for source, count in queues["inbox_waiting"].items():
        table.add_row(f"inbox events of {source} not loaded, at most", _short(count))
    table.add_row("events that stand for no member", _short(queues["unmatched_events"]))
    table.add_row("sync errors", _short(queues["sync_errors"]))
    table.add_row("messages not sent", _short(queues["messages_waiting"]))
    table.add_row("open intents of the write-back", _short(state["open_intents"]["writeback"]))
    table.add_row("open intents of the Clay export", _short(state["open_intents"]["clay_export"]))
    version = f"{published['build_id']}, {published['age_hours']:.1f} hours old" if published else "nothing yet"
    table.add_row("published", version)
    table.add_row("pushes", f"stopped by {state['push_stopped']}" if state["push_stopped"] else "allowed")
    table.add_row("the warehouse is held by", state["warehouse_held_by"] or "nobody")
    out.print(table)
    for incident in state["incidents"]:
        since = f"{incident['since']:%Y-%m-%d %H:%M} UTC"
        said = f" {incident['subject']} since {since}: {incident['detail']}"
        out.print(Text.assemble(("Incident", STYLES["failed"]), said))


def _short(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "–" if value is None else str(value)


def _as_text(value: object) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
