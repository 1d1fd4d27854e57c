"""``outreach ledger``: proof that the record of all writes is whole, and a copy of it for auditors."""

from __future__ import annotations

import typer

from pipelines.cli import app
from pipelines.config import load_settings
from pipelines.console import out
from pipelines.store import open_store
from pipelines.writeback import ledger

ledger_app = typer.Typer(no_args_is_help=True, help="The record of every intent and outcome of a write.")
app.add_typer(ledger_app, name="ledger")


@ledger_app.command()
def verify() -> None:
    """Check that no entry of the ledger was altered, removed or reordered."""
    count = ledger.verify(open_store(load_settings()))
    out.print(f"The ledger's chain of {count:,} entries is whole.", highlight=False)
