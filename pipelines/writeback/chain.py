"""The chain of the ledger: one entry, the hash that ties it to the one before it, and its way into the table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson
import sqlalchemy as sa

from pipelines.store_tables import ledger_entries
from pipelines.writeback.policy import Outcome

GENESIS = "0" * 64
ROWS_AT_ONCE = 1_000  # of one statement; SQLite takes 32,766 parameters
_COLUMNS = [column.name for column in ledger_entries.columns if column.name != "entry_id"]
_CHAINED = [name for name in _COLUMNS if name not in {"entry_hash", "actor"}]
_RECORDED_AT = _CHAINED.index("recorded_at")
_chained = itemgetter(*_CHAINED)
_LAST_HASH = sa.select(ledger_entries.c.entry_hash).order_by(ledger_entries.c.entry_id.desc()).limit(1)


@dataclass(kw_only=True)  # not frozen: making it would take five times as long, and a push makes a hundred thousand
class Entry:
    """One line of the ledger, before it is chained. Values are text: 'true', 'false', or the text itself.

    Its fields stand in the order of the table's columns.
    """

    run_id: str
    plan_id: str
    entry_type: str
    change_id: str
    org: str
    object: str
    record_id: str
    field: str
    policy: str
    before_value: str | None = None
    after_value: str | None = None
    current_value: str | None = None
    outcome: Outcome | None = None
    detail: str | None = None
    reason: str
    evidence: str
    approval_id: str | None = None
    build_id: str
    recorded_at: datetime
    actor: str | None = None


def extend(connection: sa.Connection, entries: Sequence[Entry]) -> None:
    """Chain entries to the last one, within a transaction that holds the ledger's lock."""
    previous = last_hash(connection)
    for start in range(0, len(entries), ROWS_AT_ONCE):
        parameters: list[Any] = []
        for entry in entries[start : start + ROWS_AT_ONCE]:
            *content, recorded_at, actor = vars(entry).values()
            hashed_time, stored_time = _times(recorded_at, connection.dialect)
            this = _hash([*content, hashed_time, previous], actor)
            parameters += (*content, stored_time, previous, this, actor)
            previous = this
        _insert(connection, parameters)


def last_hash(connection: sa.Connection) -> str:
    """The hash of the last entry, which stands for all of them."""
    return connection.scalar(_LAST_HASH) or GENESIS


def row_hash(row: Mapping[str, Any]) -> str:
    """The hash of an entry as it stands in the table."""
    content = [*_chained(row)]
    content[_RECORDED_AT] = row["recorded_at"].isoformat()
    return _hash(content, row["actor"])


def _insert(connection: sa.Connection, parameters: list[Any]) -> None:
    """Insert rows by one statement: the database works in one go, and lets other threads work meanwhile."""
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    row = f"({', '.join([mark] * len(_COLUMNS))})"
    rows = ", ".join([row] * (len(parameters) // len(_COLUMNS)))
    statement = f"insert into {ledger_entries.name} ({', '.join(_COLUMNS)}) values {rows}"  # noqa: S608  our own names
    connection.exec_driver_sql(statement, tuple(parameters))


@lru_cache(maxsize=1)  # the entries of a batch have one time
def _times(at: datetime, dialect: sa.Dialect) -> tuple[str, Any]:
    """A time as it is hashed, and as the database's driver takes it."""
    process = ledger_entries.c.recorded_at.type.dialect_impl(dialect).bind_processor(dialect)
    return at.astimezone(UTC).isoformat(), process(at) if process else at


def _hash(content: list[str | None], actor: str | None) -> str:
    """The hash over what ``json.dumps(content, ensure_ascii=False)`` gives, several times faster."""
    if actor is not None:  # entries of the first version had no actor, and keep their hashes
        content.append(actor)
    return hashlib.sha256(b"[" + b", ".join(map(orjson.dumps, content)) + b"]").hexdigest()
