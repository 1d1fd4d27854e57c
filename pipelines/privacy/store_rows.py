"""Somebody's rows in the operational store."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pipelines.clay.submissions import OPEN
from pipelines.errors import RefusedError, StoreError
from pipelines.privacy.mentions import Finding, Mentions
from pipelines.privacy.person import Person
from pipelines.store import reading, writing
from pipelines.store_tables import (
    accepted_matches,
    clay_lookups,
    clay_submissions,
    erased_identities,
    erasures,
    inbox_events,
    ledger_entries,
    metadata,
    outbox,
    store_meta,
)
from pipelines.writeback import ledger
from pipelines.writeback.hubspot import NAME as HUBSPOT

OF_NOBODY = {store_meta, erasures, erased_identities}
DELETED = {accepted_matches, outbox}  # every other row keeps its place, with its texts taken out
TOMBSTONE = {"body": "{}", "event_type": None, "parse_error": None}


@dataclass(frozen=True)
class Found:
    """A row of the store that has to do with somebody."""

    table: sa.Table
    row: dict[str, Any]
    finding: Finding

    @property
    def place(self) -> str:
        """Where it stands."""
        return self.table.name

    @property
    def has_texts(self) -> bool:
        """Whether there is something to erase: of the ledger, ids and flags stay."""
        return self.table is not ledger_entries or bool(ledger.texts(self.row))

    @property
    def itself(self) -> sa.ColumnElement[bool]:
        """The condition that only this row fulfils."""
        return sa.and_(*(column == self.row[column.name] for column in self.table.primary_key))


def rows_in(engine: Engine, person: Person, mentions: Mentions) -> list[Found]:
    """Everything about somebody in the store."""
    with reading(engine) as connection:
        return [one for table in metadata.sorted_tables for one in _find(connection, table, person, mentions)]


def submissions(connection: Connection, person: Person, mentions: Mentions) -> list[Found]:
    """Their submissions to Clay, as a transaction sees them."""
    return list(_find(connection, clay_submissions, person, mentions))


def refuse_open_intents(engine: Engine, person: Person) -> None:
    """Refuse to erase somebody while nobody knows what became of a write to their records.

    Raises:
        RefusedError: says so.
    """
    records = person.records | {(HUBSPOT, address) for address in person.addresses}
    if any((row["org"], row["record_id"]) in records for row in ledger.open_intents(engine)):
        raise RefusedError(
            "A write to a record of this person is open: nobody knows yet whether it arrived.",
            next_step="Run outreach push, which settles it, then run this command again.",
        )


def erase_rows(engine: Engine, person: Person, mentions: Mentions, *, by: str, erasure_id: str) -> dict[str, int]:
    """Take somebody out of the store and return how many rows changed, by table.

    An inbox event keeps the key by which a second delivery is recognised, a submission counts on for the limit of its
    Clay table, a lookup for the budget of its period, and the ledger stays whole.
    """
    counts: Counter[str] = Counter()
    for table in metadata.sorted_tables:
        if table is ledger_entries:
            continue
        with writing(engine) as connection:
            for one in list(_find(connection, table, person, mentions)):
                _erase(connection, one, mentions)
                counts[table.name] += 1
    records = sorted(person.records | {(HUBSPOT, address) for address in person.addresses})
    redacted = ledger.redact(engine, records, actor=by, reason=f"erasure {erasure_id}")
    return dict(counts) | ({ledger_entries.name: redacted} if redacted else {})


def forget_free_space(engine: Engine) -> None:
    """Write the database anew, so that what was deleted is in no free page and no log.

    Raises:
        StoreError: another program has been reading the store for too long.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in metadata.sorted_tables:
                connection.exec_driver_sql(f"vacuum full {table.name}")
        return
    raw = engine.raw_connection()
    try:
        driver: Any = raw.driver_connection
        driver.execute("vacuum")
        is_busy = bool(driver.execute("pragma wal_checkpoint(truncate)").fetchone()[0])
    except sqlite3.Error as error:
        raise _still_there(str(error)) from None
    finally:
        raw.close()
    if is_busy:
        raise _still_there("somebody reads it")


def _still_there(why: str) -> StoreError:
    return StoreError(
        f"What was deleted may still be in free pages or the log of the operational store: {why}.",
        next_step="Free disk space and let reports and backups of the store end, then run the same command again.",
    )


def _find(connection: Connection, table: sa.Table, person: Person, mentions: Mentions) -> Iterator[Found]:
    if table in OF_NOBODY:
        return
    texts = [column for column in table.columns if isinstance(column.type, sa.Text)]
    anywhere = [sa.func.lower(text).contains(one, autoescape=True) for text in texts for one in sorted(person.needles)]
    for row in _rows(connection, sa.select(table).where(sa.or_(*anywhere))):
        if finding := mentions.judge(row):
            yield Found(table, row, finding)


def _rows(connection: Connection, query: sa.Select[Any]) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _erase(connection: Connection, one: Found, mentions: Mentions) -> None:
    if one.table in DELETED:
        connection.execute(one.table.delete().where(one.itself))
        return
    values: dict[str, Any] = mentions.without(one.row)
    if one.table is inbox_events and (one.finding is Finding.THEIRS or one.row["parse_error"]):
        values = TOMBSTONE | {"erased_at": datetime.now(UTC)}
    elif one.finding is Finding.THEIRS and one.table is clay_submissions:
        erased = f"erased {one.row['submission_id']}"  # unique, and no id
        values = {"campaign_member_id": erased, "lead_id": "", "payload_hash": "", "detail": None}
        if one.row["status"] in OPEN:
            values["status"] = "accepted"  # it may have arrived, and without its id nobody can look for it any more
    elif one.finding is Finding.THEIRS and one.table is clay_lookups and one.row["subject"] == "person":
        values = {"lookup_key": f"erased {one.row['lookup_id']}", "answer": None}
    keys = {column.name for column in one.table.primary_key}
    changed = {name: value for name, value in values.items() if name not in keys and value != one.row[name]}
    if changed:
        connection.execute(one.table.update().where(one.itself).values(changed))
