"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of tables.")]
Orgs = Annotated[list[str] | None, typer.Option("--org", help="Only this org; may be repeated.")]
Cadence = Annotated[
    str | None, typer.Option(help="Only the fields of this cadence: replies, bounces, enrichment or crm_sync.")
]
