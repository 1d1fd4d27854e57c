"""``outreach ledger``: proof that the record of all writes is whole, and a copy of it for auditors."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli import app
from pipelines.cli.options import AsJson
from pipelines.config import load_settings
from pipelines.console import err, out
from pipelines.csv_out import open_private, write_csv, write_json_lines
from pipelines.store import open_store
from pipelines.store_tables import ledger_entries
from pipelines.writeback import heads, ledger

ledger_app = typer.Typer(
    no_args_is_help=True, help="The record of every plan, approval, intent and outcome of a write."
)
app.add_typer(ledger_app, name="ledger")


class Format(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    CSV = "csv"


@ledger_app.command()
def verify(
    head: Annotated[list[str] | None, typer.Option(help="A head that was kept elsewhere; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check that no entry of the ledger was altered, removed, reordered or cut off. Exit code 7: one was.

    Each push notes the head of the chain in the data directory; all of these must be in the ledger. Keep the printed
    head where nobody who can write the ledger can change it, and give it back with --head.
    """
    settings = load_settings()
    whole = ledger.verify(open_store(settings), kept_heads=[*heads.noted(settings), *(head or [])])
    if as_json:
        out.print_json(json.dumps(asdict(whole)))
        return
    redacted = f" {whole.redacted:,} were redacted, as later entries say." if whole.redacted else ""
    out.print(f"The ledger's chain of {whole.entries:,} entries is whole.{redacted} Its head is", highlight=False)
    out.print(whole.hash, highlight=False, soft_wrap=True)


@ledger_app.command()
def export(
    form: Annotated[
        Format, typer.Option("--format", help="JSON lines can be verified; CSV is for reading.")
    ] = Format.JSONL,
    file: Annotated[Path | None, typer.Option("--out", help="The file; by default standard output.")] = None,
    plan: Annotated[str | None, typer.Option(help="Only the entries of this plan.")] = None,
    record: Annotated[str | None, typer.Option(help="Only the entries of this 18-character Salesforce id.")] = None,
) -> None:
    """Give auditors every entry with its place in the chain.

    Each JSON line holds all columns, so that the chain can be verified without this program (docs/write-back.md).
    """
    columns = [column.name for column in ledger_entries.columns]
    rows = ledger.entries(open_store(load_settings()), plan=plan, record_id=record)
    with open_private(file) if file else nullcontext(sys.stdout) as target:
        count = write_csv(target, columns, rows) if form is Format.CSV else write_json_lines(target, rows)
    err.print(f"{count:,} entries.", highlight=False)
