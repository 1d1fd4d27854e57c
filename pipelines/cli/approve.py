"""``outreach approve``: a second person looks at a plan and consents to it."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli import app
from pipelines.cli.plan import show_plan
from pipelines.config import load_settings
from pipelines.console import out
from pipelines.store import open_store
from pipelines.writeback import consent, heads
from pipelines.writeback.plan_files import load_plan


@app.command()
def approve(
    name: Annotated[str, typer.Argument(metavar="PLAN", help="The plan, as outreach plan names it.")],
    reason: Annotated[str, typer.Option(help="What was checked, and why the plan may be pushed.")],
) -> None:
    """Consent to a plan that somebody else made. The ledger keeps who, when and why.

    The approval is for exactly this plan: an edited one has another id. It ends when the plan expires.
    """
    settings = load_settings()
    plan = load_plan(settings, name)
    show_plan(plan, show_all=False)
    engine = open_store(settings)
    person = consent.approve(settings, engine, plan, reason=reason)
    heads.note(settings, engine)
    out.print(f"{person} has approved plan {plan.short_id}. Next: outreach push {plan.short_id}", highlight=False)
