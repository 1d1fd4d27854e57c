"""``outreach build``, ``report`` and ``dictionary``: making the marts, reading them, and what is in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.build import build_and_publish
from pipelines.cli import app
from pipelines.cli.options import AsJson
from pipelines.config import Settings, load_settings
from pipelines.console import new_table, out, progress
from pipelines.dictionary import data_dictionary
from pipelines.errors import StoreError
from pipelines.publish import open_version, published_version
from pipelines.runs import recorded_run
from pipelines.store import open_store

FUNNEL_STAGES = (
    "members",
    "eligible",
    "exported",
    "enriched",
    "sent",
    "delivered",
    "opened",
    "replied",
    "positive",
    "converted",
)
STAGE_WIDTH = 13  # of its column with the table's edges
CAMPAIGN_WIDTH = 16


@app.command()
def build(
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Build the incremental models from the beginning.")
    ] = False,
    selector: Annotated[
        str | None, typer.Option(help="Only what this selector of selectors.yml names, such as replies.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build all models, run all tests, and publish the marts if everything passed.

    Analysts may run plain [bold]dbt build[/] instead: the same models in the same warehouse, without publishing.
    """
    settings = load_settings()
    engine = open_store(settings)
    with recorded_run(engine, "build") as run, progress() as display:
        summary = build_and_publish(settings, display, full_refresh=full_refresh, selector=selector)
        run.summary.update(nodes=summary.nodes, build_id=summary.version.build_id)
    engine.dispose()
    if as_json:
        out.print_json(json.dumps({"nodes": summary.nodes, "build_id": summary.version.build_id}))
        return
    counts = ", ".join(f"{count} {status}" for status, count in sorted(summary.nodes.items()))
    out.print(f"Built ({counts}) and published [bold]{summary.version.file.name}[/].", highlight=False)


@app.command()
def dictionary(
    out_file: Annotated[Path | None, typer.Option("--out", help="Write it to this file instead of the screen.")] = None,
) -> None:
    """Print the data dictionary as Markdown: every mart, seed and metric, as the models describe themselves."""
    text = data_dictionary(load_settings())
    if out_file is None:
        typer.echo(text, nl=False)
    else:
        out_file.write_text(text)


@app.command()
def report(
    campaign: Annotated[str | None, typer.Option(help="Only this campaign: its id or exact name.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the dashboard's funnel to this file, which needs nothing else.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the funnel by campaign, from the published marts: distinct people who reached each stage.

    With --html it becomes one file for people without access to the dashboard: counts, rates, charts; no personal data.
    """
    settings = load_settings()
    if html is not None:
        _write_html(settings, html, campaign)
        return
    version = published_version(settings)
    with open_version(version) as marts:
        rows = marts.execute(
            "select * from fct_funnel_by_campaign"
            " where $campaign is null or $campaign in (campaign_id, campaign_name) order by org, campaign_name",
            {"campaign": campaign},
        ).to_arrow_table()
    funnel: list[dict[str, Any]] = rows.to_pylist()
    if as_json:
        out.print_json(json.dumps({"build_id": version.build_id, "funnel": funnel}, default=str))
        return
    title = f"Funnel by campaign, data as of {version.as_of_at:%Y-%m-%d %H:%M} UTC"
    for table in funnel_tables(funnel, title, width=out.width):
        out.print(table)


def _write_html(settings: Settings, file: Path, campaign: str | None) -> None:
    from dashboard.report import funnel_report  # noqa: PLC0415  the charts' library takes a second to load

    text = funnel_report(settings, campaign)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.", next_step="Choose another file.") from None
    out.print(f"Wrote {file}.", highlight=False, soft_wrap=True)


def funnel_tables(funnel: Sequence[dict[str, Any]], title: str, *, width: int) -> Iterator[Table]:
    """The stages downwards, the campaigns side by side, as many as the line has room for."""
    at_once = max(1, (width - STAGE_WIDTH) // CAMPAIGN_WIDTH)
    for first in range(0, len(funnel), at_once):
        campaigns = funnel[first : first + at_once]
        headings = [f"{row['org']}\n{escape(row['campaign_name'])}" for row in campaigns]
        table = new_table(None if first else title, "stage", *headings, numbers=headings)
        for stage in FUNNEL_STAGES:
            table.add_row(stage, *(_cell(row[f"members_{stage}"]) for row in campaigns))
        yield table


def _cell(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
