"""``outreach run``: one cadence from its sources to Salesforce."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.progress import Progress

from pipelines.build import build_and_publish
from pipelines.clay.loader import load_clay
from pipelines.cli import app
from pipelines.cli.options import AsJson
from pipelines.config import Settings, load_settings
from pipelines.console import new_table, out, progress
from pipelines.operations.alerts import alert_after_run
from pipelines.operations.cadences import CADENCES, Cadence, Kind, Step, steps_of
from pipelines.operations.notices import write_notices
from pipelines.operations.outbox import send_waiting
from pipelines.operations.runner import Action, RunReport, require_success, run_steps_of
from pipelines.raw_parquet import loading
from pipelines.salesforce.loader import load_salesforce
from pipelines.salesforce.orgs import read_field_names
from pipelines.smartlead.loader import load_smartlead
from pipelines.store import open_store
from pipelines.warehouse import exclusive
from pipelines.writeback.apply import push_lock, push_plan, push_summary
from pipelines.writeback.apply import require_success as require_pushed
from pipelines.writeback.connections import readers
from pipelines.writeback.ledger_source import load_writeback

CadenceName = StrEnum("CadenceName", {name: name for name in CADENCES})  # type: ignore[misc]
STYLES = {"failed": "bold red", "waits for consent": "yellow", "not taken": "yellow"}


@app.command()
def run(
    cadence: Annotated[
        CadenceName, typer.Argument(metavar="CADENCE", help="Which cadence of the integration document.")
    ],
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the last run if it failed or was killed."),
    ] = False,
    wait_minutes: Annotated[
        float, typer.Option(min=0, help="How long to wait for others who hold the warehouse or push.")
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Load what a cadence needs, build and publish the marts, and write what it writes, within the guards' limits.

    Each org is loaded and written by itself; what fails does not stop the rest. The exit code is the worst step's.
    """
    settings = load_settings()
    engine = open_store(settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    data = CADENCES[cadence]
    steps = steps_of(data, list(read_field_names(settings.project_dir)))
    with exclusive(settings.data_dir / f"run_{cadence}.lock", f"run {cadence}"), progress() as display:
        act = actions_of(settings, data, display, wait_minutes * 60)
        report = run_steps_of(engine, cadence, steps, act, resume_within=data.resume_within if resume else None)
    alert_after_run(settings, engine, report)
    if as_json:
        out.print_json(json.dumps(report.as_document()))
    else:
        _show(report)
    require_success(report)


def actions_of(settings: Settings, cadence: Cadence, display: Progress, wait_seconds: float) -> Action:
    """What each kind of step does, by the same functions as the commands of that name."""

    def load(step: Step, summary: dict[str, Any]) -> None:
        with loading(settings, step.name, wait_seconds=wait_seconds):
            summary["rows"] = _load(settings, cadence, step, display)

    def build(_: Step, summary: dict[str, Any]) -> None:
        built = build_and_publish(settings, display, wait_seconds=wait_seconds)
        summary.update(nodes=built.nodes, build_id=built.version.build_id)

    def push(step: Step, summary: dict[str, Any]) -> None:
        engine = open_store(settings)
        orgs = [step.org] if step.org else None
        with push_lock(settings, engine, step.name, wait_seconds=wait_seconds), readers(settings, orgs) as org_readers:
            made, result = push_plan(
                settings, engine, org_readers, only_orgs=orgs, cadence=step.target, display=display
            )
        summary.update(push_summary(made, result))
        require_pushed(result)

    def notices(_: Step, summary: dict[str, Any]) -> None:
        engine = open_store(settings)
        summary.update(write_notices(settings, engine))
        summary["sent"] = send_waiting(settings, engine)

    actions: dict[Kind, Callable[[Step, dict[str, Any]], None]] = {
        Kind.LOAD: load,
        Kind.BUILD: build,
        Kind.NOTICES: notices,
        Kind.PUSH: push,
    }
    return lambda step, summary: actions[step.kind](step, summary)


def _load(settings: Settings, cadence: Cadence, step: Step, display: Progress) -> dict[str, int]:
    if step.org:
        loads = load_salesforce(settings, [step.org], display, objects=cadence.objects, sweep=cadence.sweep)
        return loads[step.org].rows
    if step.target == "smartlead":
        return load_smartlead(settings, display).rows
    load: Callable[[Settings, Progress], dict[str, int]] = load_clay if step.target == "clay" else load_writeback
    return load(settings, display)


def _show(report: RunReport) -> None:
    title = f"run {report.cadence}" + (", going on with an earlier run" if report.resumed_run_id else "")
    table = new_table(title, "step", "outcome", "why")
    for step in report.steps:
        style = STYLES.get(step.outcome, "")
        table.add_row(step.step, f"[{style}]{step.outcome}[/]" if style else step.outcome, step.detail or "")
    out.print(table)
