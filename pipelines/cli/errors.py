"""``outreach errors``: what waits for somebody, and what they should do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipelines.cli import app
from pipelines.cli.options import Format
from pipelines.config import load_settings
from pipelines.console import new_table, out
from pipelines.operations.queues import as_markdown, read_queues


@app.command()
def errors(
    owner: Annotated[str | None, typer.Option(help='Only what waits for them, for example "CRM Admin".')] = None,
    form: Annotated[Format, typer.Option("--format", help="Markdown goes into a ticket.")] = Format.TABLE,
) -> None:
    """Show what waits in the queues of docs/runbook.md, by owner: how often, since when, what to do, with examples."""
    settings = load_settings()
    rows = read_queues(settings, owner)
    if form is Format.JSON:
        out.print_json(json.dumps(rows))
    elif form is Format.MARKDOWN:
        typer.echo(as_markdown(rows), nl=False)
    elif not rows:
        others = ", ".join(dict.fromkeys(row["owner"] for row in read_queues(settings)))
        out.print(f"Nothing waits for {owner}, but for {others}." if owner and others else "Nothing waits.")
    else:
        headings = ("owner", "queue", "problem", "items", "oldest hours", "next step")
        table = new_table("Waiting", *headings, numbers={"items", "oldest hours"})
        for row in rows:
            age = "" if row["oldest_hours"] is None else f"{row['oldest_hours']:,.0f}"
            items = f"{row['items']:,}"
            table.add_row(row["owner"], row["queue"], row["problem"], items, age, row["next_step"])
        out.print(table)
