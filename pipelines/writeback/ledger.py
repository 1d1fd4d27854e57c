"""The ledger: every intent and every outcome of a write, append-only, each entry chained to the one before it.

An intent is committed before the request leaves, an outcome after its answer is known. An intent without an outcome is
open: nobody knows yet whether it was applied, and the next push settles it by reading back (R6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from pipelines.errors import StoreError
from pipelines.store import reading, writing
from pipelines.store_locks import lock_ledger
from pipelines.store_tables import ledger_entries
from pipelines.writeback.chain import GENESIS, Entry, extend, last_hash, row_hash

REDACTION = "redaction"
REDACTED = "[redacted]"
PLAIN_VALUES = frozenset({"true", "false", "Positive", "Neutral", "Negative"})  # flags tell nothing of a person's own


@dataclass(frozen=True)
class Head:
    """The end of a chain: how many entries it has, and the hash of the last one, which stands for all of them.

    ``redacted`` is how many of them are not as they were written, because later entries say so.
    """

    entries: int
    hash: str
    redacted: int = 0


def append(engine: sa.Engine, entries: Sequence[Entry]) -> None:
    """Write entries to the end of the chain, durable when this returns."""
    if not entries:
        return
    with writing(engine) as connection:
        lock_ledger(connection)
        extend(connection, entries)


def redact(engine: sa.Engine, records: Iterable[tuple[str, str]], *, actor: str, reason: str) -> int:
    """Take texts out of all entries about some records, given as org and key; return how many entries changed.

    Flags, ids and times stay. An entry keeps its hash; a new entry at the end of the chain says which one was redacted,
    by whom, and the hash of what is left of it. So :func:`verify` tells redaction from tampering.
    """
    entry = ledger_entries.c
    count = 0
    with writing(engine) as connection:
        lock_ledger(connection)
        for org, record_id in records:
            theirs = sa.and_(entry.org == org, entry.record_id == record_id, entry.entry_type != REDACTION)
            rows = connection.execute(sa.select(ledger_entries).where(theirs).order_by(entry.entry_id)).mappings().all()
            for row in rows:
                if left_of := texts(row):
                    this = entry.entry_id == row["entry_id"]
                    connection.execute(ledger_entries.update().where(this).values(left_of))
                    extend(connection, [_redaction(dict(row) | left_of, actor, reason)])
                    count += 1
    return count


def texts(row: Mapping[Any, Any]) -> dict[str, str]:
    """What a redaction leaves of the texts in an entry that has any; evidence and Salesforce's answers quote people."""
    if row["entry_type"] == REDACTION:
        return {}
    values = {name: row[name] for name in ("before_value", "after_value", "current_value")}
    found = {name: value for name, value in values.items() if value and value not in PLAIN_VALUES}
    found |= {name: row[name] for name in ("detail", "evidence") if row[name]}
    found |= {name: row[name] for name in ("record_id", "change_id") if "@" in row[name]}  # a HubSpot contact's key
    return {name: REDACTED for name, value in found.items() if value != REDACTED}


def _redaction(left: dict[str, Any], actor: str, reason: str) -> Entry:
    same = ("run_id", "plan_id", "org", "object", "record_id", "field", "policy", "build_id")
    return Entry(
        **{name: left[name] for name in same},
        entry_type=REDACTION,
        change_id=str(left["entry_id"]),
        reason=reason,
        evidence=row_hash(left),
        recorded_at=datetime.now(UTC),
        actor=actor,
    )


def open_intents(engine: sa.Engine) -> list[sa.RowMapping]:
    """The intents that have no outcome yet, oldest first; of a change that was tried again, the last one."""
    entry = ledger_entries.c
    last_of_each = sa.select(sa.func.max(entry.entry_id)).group_by(entry.run_id, entry.change_id)
    query = (
        sa.select(ledger_entries)
        .where(entry.entry_id.in_(last_of_each), entry.entry_type == "intent")
        .order_by(entry.entry_id)
    )
    with reading(engine) as connection:
        return list(connection.execute(query).mappings())


def entries(engine: sa.Engine, *, plan: str | None = None, record_id: str | None = None) -> Iterator[dict[str, Any]]:
    """The entries, oldest first, read as they are asked for; of one plan, by the beginning of its id, or one record."""
    query = sa.select(ledger_entries).order_by(ledger_entries.c.entry_id)
    if plan:
        query = query.where(ledger_entries.c.plan_id.startswith(plan, autoescape=True))
    if record_id:
        query = query.where(ledger_entries.c.record_id == record_id)
    with reading(engine) as connection:
        for row in connection.execution_options(yield_per=1_000).execute(query).mappings():
            yield dict(row)


def verify(engine: sa.Engine, *, kept_heads: Iterable[str] = ()) -> Head:
    """Check the whole chain and return its end.

    Args:
        engine: the operational store.
        kept_heads: heads that were noted outside the ledger; each must be in the chain. The chain alone cannot show
            that its end was cut off.

    Raises:
        StoreError: an entry was altered, removed or reordered, or the end was cut off; says where.
    """
    whole, missing = Head(0, GENESIS), set(kept_heads) - {GENESIS}
    last_id = 0
    changed: dict[str, str] = {}
    redacted: dict[str, str] = {}
    for row in entries(engine):
        entry_id = row["entry_id"]
        if row["previous_hash"] != whole.hash:
            raise _broken(f"Entries before {entry_id} were removed or reordered, or the one before it was altered")
        if row["entry_hash"] != (content := row_hash(row)):
            changed[str(entry_id)] = content
        elif row["entry_type"] == REDACTION:
            redacted[row["change_id"]] = row["evidence"]
        whole, last_id = Head(whole.entries + 1, row["entry_hash"], len(changed)), entry_id
        missing.discard(whole.hash)
    if altered := [entry_id for entry_id, content in changed.items() if redacted.get(entry_id) != content]:
        raise _broken(f"Entry {altered[0]} was altered")
    given_ids = _given_ids(engine)
    if missing or given_ids > last_id:
        proof = f"the kept head {min(missing)[:12]} is not in it" if missing else f"ids up to {given_ids} were given"
        raise _broken(f"Entries after {last_id} were removed, or the ledger is an older or another one: {proof}")
    return whole


def head(engine: sa.Engine) -> Head:
    """The end of the chain as it is, unchecked."""
    with reading(engine) as connection:
        entries = connection.scalar(sa.select(sa.func.count()).select_from(ledger_entries)) or 0
        return Head(entries, last_hash(connection))


def contains(engine: sa.Engine, entry_hash: str) -> bool:
    """Whether an entry with this hash is in the ledger."""
    query = sa.select(ledger_entries.c.entry_id).where(ledger_entries.c.entry_hash == entry_hash)
    with reading(engine) as connection:
        return entry_hash == GENESIS or connection.scalar(query.limit(1)) is not None


def _broken(what: str) -> StoreError:
    return StoreError(
        f"The ledger's chain is broken. {what}.",
        next_step="Stop pushing, keep the store as evidence, and compare it with a backup.",
    )


def _given_ids(engine: sa.Engine) -> int:
    """The highest id that SQLite has ever given to an entry; PostgreSQL also counts those of failed transactions."""
    if engine.dialect.name != "sqlite":
        return 0
    with reading(engine) as connection:
        query = "select seq from sqlite_sequence where name = 'ledger_entries'"
        return int(connection.exec_driver_sql(query).scalar() or 0)
