"""``outreach load``: bring the sources into the warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import typer
from rich.progress import Progress

from pipelines.clay.loader import load_clay, load_lookups
from pipelines.clay.lookups.run import PURPOSE as LOOKING_UP
from pipelines.clay.lookups.run import LookupSummary, look_up
from pipelines.cli import app
from pipelines.cli.options import AsJson, Orgs
from pipelines.config import Settings, load_settings
from pipelines.console import new_table, out, progress
from pipelines.errors import OutreachError, failure_of, reason_of
from pipelines.landing import SOURCE_READS
from pipelines.raw_parquet import loading
from pipelines.runs import recorded_run
from pipelines.salesforce.loader import load_salesforce
from pipelines.smartlead.loader import load_smartlead
from pipelines.store import open_store
from pipelines.writeback.ledger_source import load_writeback

Sweep = Annotated[
    bool | None,
    typer.Option(help="Read all ids and formula values too; by default when the last time is an hour ago."),
]
Objects = Annotated[
    list[str] | None, typer.Option("--object", help="Only this object, for example Lead; may be given several times.")
]
Refresh = Annotated[
    list[str] | None, typer.Option(help="Read this object anew, with its fields of today; may be given several times.")
]

RowsByTable = Mapping[str, int]


@dataclass
class Loaded:
    """What a command loaded: rows by dataset and table, and what its reader should know."""

    rows: dict[str, RowsByTable] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


Loader = Callable[[Settings, Progress, Loaded], None]

load_app = typer.Typer(
    no_args_is_help=True, help="Load the sources into the warehouse; what is there already is not loaded again."
)
app.add_typer(load_app, name="load")


@load_app.command()
def salesforce(
    org: Orgs = None, only: Objects = None, sweep: Sweep = None, refresh: Refresh = None, as_json: AsJson = False
) -> None:
    """Load both Salesforce orgs, or those that --org names: what changed, deletions, and now and then all ids."""
    _load("salesforce", {"salesforce": _salesforce(org, only or [], sweep, refresh or [])}, as_json=as_json)


@load_app.command()
def smartlead(as_json: AsJson = False) -> None:
    """Load Smartlead's API, and its webhooks from the inbox."""
    _load("smartlead", {"smartlead": _smartlead}, as_json=as_json)


@load_app.command()
def clay(as_json: AsJson = False) -> None:
    """Load Clay's tables, its callbacks from the inbox, our submissions and lookups, and complete CSV files."""
    _load("clay", {"clay": _clay}, as_json=as_json)


@load_app.command(name="clay-lookups")
def clay_lookups(
    most: Annotated[int | None, typer.Option("--most", min=1, help="Look up so many at most.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Ask again for what was answered before, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is due, but ask Clay nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look up in Clay's Enterprise API who may be exported and was not enriched for a quarter, within a credit budget.

    Of each lead, the person by e-mail address and the company by domain. What was answered within the cache's lifetime
    is not asked again, and what was answered is kept also when the budget ends the command early.
    """
    settings = load_settings()
    with recorded_run(open_store(settings), LOOKING_UP + (" --dry-run" if dry_run else "")) as run:
        with progress() as display:
            summary, problem = look_up(settings, display, most=most, again=again, dry_run=dry_run)
        run.summary.update(summary.as_dict())
        _show_lookups(summary, as_json=as_json)
        if summary.credits_of_run or summary.asked:
            with loading(settings, LOOKING_UP):
                load_lookups(settings)
        if problem is not None:
            raise problem


def _show_lookups(summary: LookupSummary, *, as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps(summary.as_dict()))
        return
    table = new_table("Clay's lookups", "", "")
    table.columns[1].justify = "right"
    lines = {
        "people and companies due": summary.due,
        "of them answered before": summary.cached,
        "would be asked" if summary.is_dry_run else "to ask": summary.to_ask,
        "found": summary.found,
        "nothing known": summary.missed,
        "credits of this run": summary.credits_of_run,
        f"credits of this {summary.period}": summary.credits_spent,
        f"credits left of this {summary.period}": summary.credits_left,
    }
    for label, count in lines.items():
        table.add_row(label, f"{count:,}")
    out.print(table)


@load_app.command()
def writeback(as_json: AsJson = False) -> None:
    """Load the ledger of what was written, what HubSpot shows of it, and the matches that people accepted."""
    _load("writeback", {"writeback": _writeback}, as_json=as_json)


@load_app.command(name="all")
def load_all(as_json: AsJson = False) -> None:
    """Load every source. When one fails, the others are loaded all the same; the failures are listed at the end."""
    sources = {
        "salesforce": _salesforce(None, [], None, []),
        "smartlead": _smartlead,
        "clay": _clay,
        "writeback": _writeback,
    }
    _load("all", sources, as_json=as_json)


def _load(name: str, sources: Mapping[str, Loader], *, as_json: bool) -> None:
    settings = load_settings()
    command = f"load {name}"
    loaded = Loaded()
    failed: dict[str, Exception] = {}
    with recorded_run(open_store(settings), command) as run:
        with loading(settings, command):
            with progress() as display:
                for source, load in sources.items():
                    try:
                        load(settings, display, loaded)
                    except Exception as error:  # neither trouble nor a defect of ours holds up the other sources
                        failed[source] = error
            reasons = {source: reason_of(error) for source, error in failed.items()}
            run.summary.update(rows=loaded.rows, notes=loaded.notes, failed=reasons)
            _show(loaded, reasons, as_json=as_json)
        if failed:
            raise _failure(failed, of=len(sources))


def _show(loaded: Loaded, failed: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps({"rows": loaded.rows, "notes": loaded.notes, "failed": failed}))
        return
    if not loaded.rows:
        return
    table = new_table("Rows loaded", "dataset", "table", "rows", numbers={"rows"})
    for dataset, tables in loaded.rows.items():
        table.add_section()
        for name, rows in tables.items():
            if name != SOURCE_READS:  # our own note of when each table was read
                table.add_row(dataset, name, f"{rows:,}")
    out.print(table)
    for note in loaded.notes:
        out.print(note, highlight=False)


def _failure(failed: Mapping[str, Exception], *, of: int) -> Exception:
    """One error for all that failed."""
    if of == 1:
        return next(iter(failed.values()))
    reasons = " ".join(f"{source}: {reason_of(error)}" for source, error in failed.items())
    known = [error for error in failed.values() if isinstance(error, OutreachError)]
    return failure_of(
        f"{len(failed)} of {of} sources could not be loaded. {reasons}",
        (error.next_step for error in known),
        (error.exit_code for error in known),
        [error for error in failed.values() if not isinstance(error, OutreachError)],
    )


def _salesforce(orgs: list[str] | None, objects: list[str], sweep: bool | None, refresh: list[str]) -> Loader:
    def load(settings: Settings, display: Progress, loaded: Loaded) -> None:
        loads = load_salesforce(settings, orgs, display, objects=objects, sweep=sweep, refresh=refresh)
        for org, one in loads.items():
            loaded.rows[f"raw_salesforce_{org}"] = one.rows
            loaded.notes += [f"Salesforce {org}: {note}" for note in one.notes]

    return load


def _smartlead(settings: Settings, display: Progress, loaded: Loaded) -> None:
    load = load_smartlead(settings, display)
    loaded.rows["raw_smartlead"] = load.rows
    loaded.notes += load.notes


def _clay(settings: Settings, display: Progress, loaded: Loaded) -> None:
    loaded.rows["raw_clay"] = load_clay(settings, display)


def _writeback(settings: Settings, display: Progress, loaded: Loaded) -> None:
    loaded.rows["raw_writeback"] = load_writeback(settings, display)
