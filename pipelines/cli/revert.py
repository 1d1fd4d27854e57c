"""``outreach revert``: a plan that takes another one back."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipelines.cli import app
from pipelines.cli.options import AsJson
from pipelines.cli.plan import as_document, show_objections, show_plan
from pipelines.config import load_settings
from pipelines.console import out
from pipelines.store import open_store
from pipelines.writeback import consent
from pipelines.writeback.connections import readers
from pipelines.writeback.plan_files import load_plan, save_plan
from pipelines.writeback.revert import make_revert


@app.command()
def revert(
    name: Annotated[str, typer.Argument(metavar="PLAN", help="The plan to take back.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with each change.")],
    approver: Annotated[
        str | None, typer.Option(help="Take back fields that are set once, too; this person must approve the plan.")
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="List every change, not only samples of each field.")] = False,
    as_json: AsJson = False,
) -> None:
    """Plan to give each field that a plan has written its earlier value back. Salesforce is only read.

    What somebody has changed since is left alone, and nothing is ever cleared. The plan is pushed like any other.
    """
    if not reason.strip():
        raise typer.BadParameter("A revert needs a reason.", param_hint="--reason")
    settings = load_settings()
    original = load_plan(settings, name)
    with readers(settings, sorted({change.org for change in original.changes})) as org_readers:
        made = make_revert(settings, org_readers, original.plan_id, reason=reason.strip(), approver=approver)
    save_plan(settings, made)
    found = consent.objections_to(settings, open_store(settings), made)
    if as_json:
        out.print_json(json.dumps(as_document(settings, made, found)))
        return
    show_plan(made, show_all=show_all)
    show_objections(made, found)
