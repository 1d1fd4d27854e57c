"""``outreach capacity``: what a volume of mails asks of mailboxes and services."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from pipelines.capacity.projection import Projection, project
from pipelines.capacity.volume import Assumptions, Volume, read_limits
from pipelines.cli import app
from pipelines.cli.options import Format
from pipelines.config import Settings, load_settings
from pipelines.config.services import SalesforceOrg, Smartlead
from pipelines.console import new_table, out, progress

VOLUMES = [5_000, 50_000, 500_000, 5_000_000]
DAILY_CALLS = 100_000
LIKE = Assumptions()


@app.command()
def capacity(
    mails: Annotated[list[int] | None, typer.Option(min=1, help="Mails a month; may be repeated.")] = None,
    salesforce_calls: Annotated[
        int, typer.Option(min=1, help="The org's API calls in 24 hours: 100,000 and 1,000 or 5,000 for each licence.")
    ] = DAILY_CALLS,
    leads_per_campaign: Annotated[int, typer.Option(min=1)] = LIKE.leads_per_campaign,
    months_on_roster: Annotated[
        int, typer.Option(min=1, help="Months until a campaign is deleted in Smartlead.")
    ] = LIKE.months_on_roster,
    mailboxes_per_week: Annotated[
        int, typer.Option(min=1, help="Mailboxes that can be set up in a week.")
    ] = LIKE.mailboxes_per_week,
    form: Annotated[Format, typer.Option("--format", help="Markdown goes into a document.")] = Format.TABLE,
) -> None:
    """Work out what a volume of mails needs: mailboxes, weeks of ramp, and calls against each service's limits.

    Nothing is contacted. The limits are those of seeds/sending_limits.csv, seeds/mailbox_warm_up.csv, the cadences and
    your settings; days of polling are simulated against Smartlead's limits. docs/scale.md says what to do about it.
    """
    settings = load_settings()
    limits = read_limits(settings.project_dir)
    assumed = Assumptions(
        leads_per_campaign=leads_per_campaign,
        months_on_roster=months_on_roster,
        mailboxes_per_week=mailboxes_per_week,
    )
    smartlead, org = _services(settings)
    with progress() as display:
        volumes = display.track(sorted(set(mails or VOLUMES)), description="Simulating")
        projections = [project(Volume(count, limits, assumed), smartlead, org, salesforce_calls) for count in volumes]
    if form is Format.JSON:
        out.print_json(json.dumps([as_document(one) for one in projections]))
    elif form is Format.MARKDOWN:
        typer.echo(as_markdown(projections), nl=False)
    else:
        heading, *rows = lines(projections)
        table = new_table("What a volume of mails needs", *heading, numbers=set(heading[1:]))
        for row in rows:
            table.add_row(*row)
        out.print(table)


def lines(projections: list[Projection]) -> list[list[str]]:
    """A heading and the rows of the table: a row for each figure, a column for each volume."""
    documents = [as_document(one) for one in projections]
    heading = ["mails a month", *(f"{one['mails_per_month']:,}" for one in documents)]
    names = [name for name in documents[0] if name != "mails_per_month"]
    return [heading, *([name.replace("_", " "), *(_shown(one[name]) for one in documents)] for name in names)]


def as_markdown(projections: list[Projection]) -> str:
    """The table for a document."""
    heading, *rows = lines(projections)
    rule = ["---", *["---:"] * len(projections)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (heading, rule, *rows))


def as_document(projection: Projection) -> dict[str, Any]:
    """One volume for scripts."""
    volume = projection.volume
    return {
        "mails_per_month": volume.mails_per_month,
        "mails_per_sending_day": volume.mails_per_day,
        "leads_per_month": volume.leads_per_month,
        "mailboxes": volume.mailboxes,
        "domains": volume.domains,
        "weeks_of_ramp": volume.weeks_of_ramp(),
        "smartlead_calls_per_poll": projection.smartlead_calls,
        "smartlead_minutes_per_poll": round(projection.polling.minutes, 1),
        "smartlead_poll_after_minutes": projection.poll_after_minutes,
        "minutes_until_a_poll_shows_a_reply": round(projection.polling.oldest_minutes, 1),
        "salesforce_calls_per_day": projection.salesforce_calls,
        "salesforce_share_of_unreserved_calls": round(projection.salesforce_share, 3),
        "clay_webhook_sources_per_month": projection.clay_sources,
        "clay_export_hours_per_month": round(projection.clay_hours, 1),
        "gives_way_first": projection.gives_way_first,
    }


def _services(settings: Settings) -> tuple[Smartlead, SalesforceOrg]:
    """The configured services, or their defaults; no credential is used."""
    smartlead = settings.smartlead or Smartlead.model_validate({"api_key": "none"})
    nobody = SalesforceOrg.model_validate({"login_url": "none", "client_id": "none"})
    return smartlead, next(iter(settings.salesforce.values()), nobody)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:,}"
