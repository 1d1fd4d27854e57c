"""The ledger: every intent and every outcome of a write, append-only, each entry chained to the one before it.

An intent is committed before the request leaves, an outcome after its answer is known. An intent without an outcome is
open: nobody knows yet whether it was applied, and the next push settles it by reading back (R6).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipelines.errors import StoreError
from pipelines.store import ledger_entries, lock_ledger, reading, writing
from pipelines.writeback.policy import Outcome

GENESIS = "0" * 64
_CHAINED = [column.name for column in ledger_entries.columns if column.name not in {"entry_id", "entry_hash", "actor"}]


@dataclass(frozen=True)
class Entry:
    """One line of the ledger, before it is chained. Values are text: 'true', 'false', or the text itself."""

    run_id: str
    plan_id: str
    entry_type: str
    change_id: str
    org: str
    object: str
    record_id: str
    field: str
    policy: str
    before_value: str | None
    after_value: str | None
    current_value: str | None
    outcome: Outcome | None
    detail: str | None
    reason: str
    evidence: str
    approval_id: str | None
    build_id: str
    recorded_at: datetime
    actor: str | None = None


def append(engine: sa.Engine, entries: Sequence[Entry]) -> None:
    """Write entries to the end of the chain, durable when this returns."""
    if not entries:
        return
    with writing(engine) as connection:
        lock_ledger(connection)
        previous = _last_hash(connection)
        rows = []
        for entry in entries:
            row = asdict(entry) | {"previous_hash": previous}
            previous = row["entry_hash"] = _hash(row)
            rows.append(row)
        connection.execute(ledger_entries.insert(), rows)


def open_intents(engine: sa.Engine) -> list[sa.RowMapping]:
    """The intents that have no outcome yet, oldest first; of a change that was tried again, the last one."""
    later = ledger_entries.alias()
    is_settled = (
        sa.select(later.c.entry_id)
        .where(
            later.c.run_id == ledger_entries.c.run_id,
            later.c.change_id == ledger_entries.c.change_id,
            later.c.entry_id > ledger_entries.c.entry_id,
        )
        .exists()
    )
    query = (
        sa.select(ledger_entries)
        .where(ledger_entries.c.entry_type == "intent", ~is_settled)
        .order_by(ledger_entries.c.entry_id)
    )
    with reading(engine) as connection:
        return list(connection.execute(query).mappings())


def verify(engine: sa.Engine) -> int:
    """Check the whole chain and return the number of entries.

    Raises:
        StoreError: an entry was altered, removed or reordered; names the first one where the chain breaks.
    """
    previous, count = GENESIS, 0
    with reading(engine) as connection:
        rows = connection.execution_options(yield_per=1_000).execute(
            sa.select(ledger_entries).order_by(ledger_entries.c.entry_id)
        )
        for row in rows.mappings():
            if row["previous_hash"] != previous or row["entry_hash"] != _hash(dict(row)):
                raise StoreError(
                    f"The ledger's chain breaks at entry {row['entry_id']}: it, or an entry before it, was altered.",
                    next_step="Stop pushing, keep the file as evidence, and restore the store from a backup.",
                )
            previous, count = row["entry_hash"], count + 1
    return count


def _last_hash(connection: sa.Connection) -> str:
    last = connection.execute(
        sa.select(ledger_entries.c.entry_hash).order_by(ledger_entries.c.entry_id.desc()).limit(1)
    ).scalar()
    return last or GENESIS


def _hash(row: dict[str, Any]) -> str:
    content = [_text(row[name]) for name in _CHAINED]
    if row["actor"] is not None:  # entries of the first version had no actor, and keep their hashes
        content.append(row["actor"])
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _text(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value
