"""Heads of the ledger, noted outside of it: they show that its end was cut off, or an old backup put in its place."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import StoreError
from pipelines.writeback import ledger

NOTED = re.compile(r" ([0-9a-f]{64})$", re.MULTILINE)  # a full disk may have cut a line, and the next follows it


def heads_file(settings: Settings) -> Path:
    """Where the heads are noted, one line each: time, number of entries, hash."""
    return settings.data_dir / "ledger_heads.txt"


def note(settings: Settings, engine: sa.Engine) -> None:
    """Note the present head."""
    head = ledger.head(engine)
    file = heads_file(settings)
    try:
        with file.open("a", encoding="ascii") as lines:
            lines.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {head.entries} {head.hash}\n")
    except OSError as error:
        raise StoreError(
            f"The ledger's head cannot be noted in {file}: {error.strerror}.",
            next_step="Free disk space, or give this user write permission, then run the command again.",
        ) from None


def noted(settings: Settings) -> list[str]:
    """The hashes of all noted heads, oldest first."""
    file = heads_file(settings)
    if not file.exists():
        return []
    hashes: list[str] = NOTED.findall(file.read_text("ascii"))
    return hashes


def refuse_rewound(settings: Settings, engine: sa.Engine) -> None:
    """Refuse to work with a ledger that has lost what it had.

    Raises:
        StoreError: the head that was noted last is not in the ledger.
    """
    for last in noted(settings)[-1:]:
        if not ledger.contains(engine, last):
            raise StoreError(
                f"The ledger has lost entries: the head {last[:12]} that was noted last is not in it.",
                next_step="Restore the newest backup of the operational store. If there is none, rename"
                f" {heads_file(settings)}, keep it as evidence of the loss, and push again.",
            )
