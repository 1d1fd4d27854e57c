"""``outreach explain``: why a field of a record has the value that it has, and who let it in."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby
from typing import Annotated, Any

import typer

from pipelines.cli import app
from pipelines.cli.options import AsJson, Orgs
from pipelines.config import load_settings
from pipelines.console import new_table, out
from pipelines.errors import OutreachError
from pipelines.http.answers import without_addresses
from pipelines.store import open_store
from pipelines.writeback import hubspot
from pipelines.writeback.allowlist import read_allowlist
from pipelines.writeback.connections import readers
from pipelines.writeback.explain import Subject, now, past, require_known, subject
from pipelines.writeback.story import Step


@app.command()
def explain(
    record: Annotated[
        str,
        typer.Argument(metavar="RECORD", help="A Salesforce id, or the e-mail address of a HubSpot contact."),
    ],
    field: Annotated[
        str | None, typer.Argument(metavar="FIELD", help="Only this field, by its canonical name.")
    ] = None,
    org: Orgs = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask Salesforce what stands there now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell the story of a record's fields: event, evidence, plan, approval, write, answer, value now.

    A lead is explained with its campaign members. Published marts, ledger and Salesforce, or HubSpot, are read, nothing
    is written.
    """
    settings = load_settings()
    allowlist = read_allowlist(settings.project_dir)
    about = subject(settings, record, field, allowlist)
    steps = [step for step in past(settings, open_store(settings), about) if not org or step.org in org]
    if not offline:
        orgs = sorted({step.org for step in steps}) or org or ([hubspot.NAME] if "@" in record else None)
        try:
            with readers(settings, orgs) as org_readers:
                steps += now(allowlist, org_readers, about, org_readers)
        except OutreachError as error:
            error.next_step = f"{error.next_step or ''} With --offline, nobody is asked.".strip()
            raise
    require_known(settings, about, steps)
    steps.sort(key=lambda step: (step.org, step.record_id, step.field))
    if as_json:
        out.print_json(json.dumps(as_document(about, steps)))
    else:
        _show(steps)


def as_document(about: Subject, steps: list[Step]) -> dict[str, Any]:
    """A story for scripts: the ids it is about, and its steps in order."""
    as_rows = [asdict(step) | {"at": step.at.isoformat() if step.at else None} for step in steps]
    return {"record_ids": about.ids, "field": about.field, "steps": as_rows}


def _show(steps: list[Step]) -> None:
    if not steps:
        out.print("Nothing has happened to these fields of the record.", highlight=False)
    for (org, record_id, field), group in groupby(steps, key=lambda step: (step.org, step.record_id, step.field)):
        table = new_table(f"{org} {without_addresses(record_id)} {field}", "", "", "")
        for step in group:
            at = f"{step.at:%Y-%m-%d %H:%M}" if step.at else ""
            table.add_row(at, step.step, f"{step.text}, by {step.actor}" if step.actor else step.text)
        out.print(table)
